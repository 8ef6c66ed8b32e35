package io.kvflux.app;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.kvflux.soak.Finding;
import io.kvflux.soak.Gauge;
import io.kvflux.soak.Samples;
import io.kvflux.soak.SoakResult;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** {@code --report} of a soak: its verdict, its key numbers, all gauges over time, and the table. */
final class SoakReport {

    private static final ObjectMapper MAPPER = new ObjectMapper();
    private static final MathContext DIGITS = new MathContext(6);

    private SoakReport() {}

    static void write(OutputFile file, SoakResult result, boolean stopped) {
        new ReportPage(
                        "KvFlux soak",
                        result.passed() ? "Passed" : "Failed",
                        "soak.js",
                        data(result),
                        head(result, stopped),
                        tables(result, stopped))
                .write(file);
    }

    static String data(SoakResult result) {
        try {
            return MAPPER.writeValueAsString(Map.of("run", series(result.samples()), "quiet", series(result.quiet())))
                    .replace("<", "\\u003c");
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("the report's data cannot be written as JSON", e);
        }
    }

    private static Map<String, List<BigDecimal>> series(Samples samples) {
        Map<String, List<BigDecimal>> series = new LinkedHashMap<>();
        series.put("x", rounded(samples.seconds()));
        for (Gauge gauge : Gauge.values()) {
            series.put(gauge.name(), rounded(samples.values(gauge)));
        }
        return series;
    }

    private static List<BigDecimal> rounded(double[] values) {
        return Arrays.stream(values)
                .mapToObj(value -> new BigDecimal(value).round(DIGITS))
                .toList();
    }

    private static String head(SoakResult result, boolean stopped) {
        StringBuilder html = new StringBuilder("<h1>")
                .append(result.passed() ? "Passed" : "Failed")
                .append("</h1>\n<p class=\"run\">seed ")
                .append(result.seed())
                .append("</p>\n");
        if (stopped) {
            html.append("<p class=\"partial\">The soak was interrupted: this is what was seen until then.</p>\n");
        }
        for (Finding finding : result.findings()) {
            html.append("<p class=\"partial\">")
                    .append(Html.escape(finding.toString()))
                    .append("</p>\n");
        }
        html.append("<dl class=\"cards\">\n");
        ReportHtml.card(
                html,
                "Time",
                Numbers.seconds(result.seconds()),
                Numbers.count(result.lives()) + " lives of schedulers, " + Numbers.count(result.quietPoints())
                        + " quiet points");
        ReportHtml.card(
                html,
                "Sequences",
                Numbers.count(result.sequences()),
                Numbers.rate(result.sequences(), result.seconds()) + " a second");
        ReportHtml.card(
                html,
                "Tokens compared",
                Numbers.count(result.tokens()),
                Numbers.rate(result.tokens(), result.seconds()) + " a second");
        ReportHtml.card(
                html,
                "Findings",
                Numbers.count(result.findings().size()),
                result.passed() ? "nothing is wrong" : "told above");
        return html.append("</dl>\n").toString();
    }

    private static String tables(SoakResult result, boolean stopped) {
        StringWriter table = new StringWriter();
        SoakTable.print(new PrintWriter(table), result, stopped);
        return "<section><h2>Summary</h2>\n<pre>" + Html.escape(table.toString()) + "</pre></section>\n<footer>"
                + Html.escape("kvflux " + KvFluxCommand.Version.text()) + "</footer>\n";
    }
}
