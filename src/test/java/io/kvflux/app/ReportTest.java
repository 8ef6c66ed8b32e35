package io.kvflux.app;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.kvflux.sim.Tick;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReportTest {

    private static final Pattern DATA =
            Pattern.compile("<script type=\"application/json\" id=\"data\">(.*?)</script>", Pattern.DOTALL);

    @TempDir
    Path folder;

    @Test
    void pageFetchesNothing() throws IOException {
        String page = page("trace.jsonl", 100);
        assertThat(page).doesNotContain("http://", "https://", "@import", "url(", "src=", "href=");
        assertThat(page).contains("default-src 'none'");
    }

    @Test
    void pageCarriesTheChartLibraryAndItsLicence() throws IOException {
        assertThat(page("t", 1)).contains("var uPlot=", ".uplot,", "Copyright (c) 2022 Leon Sorokin");
    }

    @Test
    void everyPlaceIsFilled() throws IOException {
        assertThat(page("t", 1)).doesNotContain("{{");
    }

    @Test
    void traceNameCannotBreakOutOfThePage() throws IOException {
        String page = page("</script><img onerror=x>&{{data}}", 1);
        assertThat(page).doesNotContain("<img");
        assertThat(page).contains("<h1>&lt;/script&gt;&lt;img onerror=x&gt;&amp;{{data}}</h1>");
    }

    @Test
    void dataCannotEndItsElement() {
        assertThat(ReportData.json(Results.of("t", false), List.of(), false)).doesNotContain("<");
    }

    @Test
    void longRunsStaySmall() throws IOException {
        String page = page("t", 100_000);
        assertThat(data(page).get("series").get("x")).hasSizeBetween(1000, TickSeries.MAX_POINTS);
        assertThat(page.length()).isLessThan(400_000);
    }

    @Test
    void runWithoutTicksHasNoSeries() throws IOException {
        assertThat(data(page("t", 0)).get("series").isNull()).isTrue();
    }

    @Test
    void interruptedRunSaysSo() throws IOException {
        OutputFile file = OutputFile.open("--report", folder.resolve("r.html"));
        new ReportWriter(file, Results.setup()).write(Results.of("t", true));
        file.commit();
        assertThat(Files.readString(folder.resolve("r.html"))).contains("The replay was interrupted");
    }

    @Test
    void ratesAreTokensPerSecondAndHitsPercentOfPages() throws IOException {
        JsonNode series = data(page("t", 100)).get("series");
        assertThat(series.get("outputRate").get(50).asDouble()).isEqualTo(20);
        assertThat(series.get("hitsSoFar").get(99).asDouble()).isEqualTo(25);
        assertThat(series.get("hitsInWindow").get(99).asDouble()).isEqualTo(25);
        assertThat(series.get("window").asDouble()).isEqualTo(10);
        assertThat(series.get("hitsSoFar").get(0).isNull()).isTrue();
    }

    @Test
    void distributionEndsAtItsLargestValue() throws IOException {
        JsonNode cdf = data(page("t", 1)).get("ttft");
        assertThat(cdf.get("p50").asDouble()).isEqualTo(5.01);
        assertThat(cdf.get("x").get(cdf.get("x").size() - 1).asDouble()).isEqualTo(10);
        assertThat(cdf.get("y").get(cdf.get("y").size() - 1).asDouble()).isEqualTo(100);
    }

    private String page(String trace, int ticks) throws IOException {
        Path path = folder.resolve("report.html");
        try (OutputFile file = OutputFile.open("--report", path)) {
            ReportWriter report = new ReportWriter(file, Results.setup());
            for (int i = 0; i < ticks; i++) {
                report.onTick(new Tick(i, 5, 1, 60, 40, 100, 30, 20, 4L * i, i, 0, 3, 8, 6, 2));
            }
            report.write(Results.of(trace, false));
            file.commit();
        }
        return Files.readString(path);
    }

    private static JsonNode data(String page) throws IOException {
        Matcher data = DATA.matcher(page);
        assertThat(data.find()).isTrue();
        return new ObjectMapper().readTree(data.group(1));
    }
}
