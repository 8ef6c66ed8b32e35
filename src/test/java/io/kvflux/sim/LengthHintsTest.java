package io.kvflux.sim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class LengthHintsTest {

    private static Workload hundreds(int requests) {
        HandmadeWorkload workload = new HandmadeWorkload();
        for (int i = 0; i < requests; i++) {
            workload.add(i, 1, 10, 100);
        }
        return workload;
    }

    private static List<Integer> hints(double error, long seed) {
        List<Integer> hints = new ArrayList<>();
        try (Workload workload = new LengthHints(hundreds(1000), error, seed)) {
            SimRequest request;
            while ((request = workload.next()) != null) {
                assertThat(request.outputLength()).isEqualTo(100);
                hints.add(request.expectedTokens());
            }
        }
        return hints;
    }

    @Test
    void withoutThemNothingIsSaid() {
        assertThat(hundreds(1).next().expectedTokens()).isZero();
    }

    @Test
    void withoutErrorTheyAreExact() {
        assertThat(hints(0, 1)).containsOnly(100);
    }

    @Test
    void theErrorIsThatOfTheLogarithm() {
        List<Integer> hints = hints(0.2, 1);
        assertThat(hints).hasSize(1000);
        double mean = hints.stream().mapToDouble(Math::log).average().orElseThrow();
        double variance = hints.stream()
                .mapToDouble(hint -> Math.pow(Math.log(hint) - mean, 2))
                .average()
                .orElseThrow();
        assertThat(mean).isBetween(Math.log(98), Math.log(102));
        assertThat(Math.sqrt(variance)).isBetween(0.19, 0.21);
        assertThat(hints(0.2, 1)).as("the same seed").isEqualTo(hints);
        assertThat(hints(0.2, 2)).isNotEqualTo(hints);
    }

    @Test
    void theyAreNeverLessThanOneToken() {
        assertThat(hints(20, 3)).allMatch(hint -> hint >= 1);
    }

    @Test
    void anErrorIsNotNegative() {
        assertThatThrownBy(() -> new LengthHints(hundreds(1), -0.1, 0))
                .hasMessage("the error of length hints must be 0 or more and finite, error=-0.1");
        assertThatThrownBy(() -> new LengthHints(hundreds(1), Double.NaN, 0))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
