package io.kvflux.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;

class SummaryTest {

    @Test
    void partialRunIsMarkedInTheTable() {
        assertThat(table(true)).contains("PARTIAL");
        assertThat(table(false)).doesNotContain("PARTIAL");
    }

    @Test
    void partialRunHasOneMoreKeyInJson() {
        assertThat(SummaryJson.of(Results.of("t", true))).contains("\"partial\" : true");
        assertThat(SummaryJson.of(Results.of("t", false))).doesNotContain("partial");
    }

    @Test
    void valuesAreAligned() {
        assertThat(table(false)).contains("""
                Latency                               mean         p50         p90         p99
                  to first token                    5.00 s      5.01 s      9.01 s      9.91 s
                """);
    }

    @Test
    void secondsTakeTheUnitThatReadsBest() {
        assertThat(Numbers.seconds(0.0000125)).isEqualTo("12.5 us");
        assertThat(Numbers.seconds(0.0125)).isEqualTo("12.5 ms");
        assertThat(Numbers.seconds(1.25)).isEqualTo("1.25 s");
        assertThat(Numbers.seconds(12_345.6)).isEqualTo("12,346 s");
        assertThat(Numbers.seconds(null)).isEqualTo("-");
    }

    @Test
    void partOfNothingIsNoPercentage() {
        assertThat(Numbers.percent(0, 0)).isEqualTo("-");
        assertThat(Numbers.percent(1, 8)).isEqualTo("12.5 %");
    }

    private static String table(boolean partial) {
        StringWriter text = new StringWriter();
        SummaryTable.print(new PrintWriter(text), Results.of("t", partial), Results.setup());
        return text.toString();
    }
}
