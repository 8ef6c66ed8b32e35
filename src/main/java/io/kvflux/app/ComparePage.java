package io.kvflux.app;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.kvflux.sim.ReplayResult;
import io.kvflux.sim.Tick;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** {@code compare --report}: one page that needs no network, with a line for each variant in every chart. */
final class ComparePage {

    /** What the charts draw of one variant. */
    record Line(
            String name,
            List<Double> seconds,
            List<Double> held,
            List<Integer> running,
            List<Integer> waiting,
            ReportData.@Nullable Cdf ttft,
            ReportData.@Nullable Cdf latency) {

        static Line of(CompareCommand.Run run) {
            List<Tick> points = run.ticks().points();
            ReplayResult result = run.result();
            return new Line(
                    run.variant().name(),
                    points.stream().map(Tick::seconds).toList(),
                    points.stream()
                            .map(tick -> 100.0 * tick.heldBlocks() / tick.totalBlocks())
                            .toList(),
                    points.stream().map(Tick::running).toList(),
                    points.stream().map(Tick::waiting).toList(),
                    ReportData.Cdf.of(result.ttftSeconds()),
                    ReportData.Cdf.of(result.latencySeconds()));
        }
    }

    private ComparePage() {}

    static void write(OutputFile file, List<CompareCommand.Run> runs) {
        String trace = runs.get(0).result().summary().trace();
        String head = "<h1>" + Html.escape(trace) + "</h1>\n<p class=\"run\">" + runs.size()
                + " variants, ratios to the first</p>\n" + table(runs);
        new ReportPage("KvFlux compare", trace, "compare.js", data(runs), head, tables(runs)).write(file);
    }

    private static String data(List<CompareCommand.Run> runs) {
        try {
            return new ObjectMapper()
                    .writeValueAsString(runs.stream().map(Line::of).toList())
                    .replace("<", "\\u003c");
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("the page's data cannot be written as JSON", e);
        }
    }

    private static String table(List<CompareCommand.Run> runs) {
        return "<section class=\"numbers\"><table>\n" + row("th", CompareTable.HEADER)
                + CompareTable.rows(runs).stream().map(row -> row("td", row)).collect(Collectors.joining())
                + "</table>"
                + (CompareTable.differInCompleted(runs) ? "<p>" + Html.escape(CompareTable.DIFFERENT) + "</p>" : "")
                + "</section>\n";
    }

    private static String row(String cell, List<String> values) {
        return values.stream()
                .map(value -> "<" + cell + ">" + Html.escape(value) + "</" + cell + ">")
                .collect(Collectors.joining("", "<tr>", "</tr>\n"));
    }

    private static String tables(List<CompareCommand.Run> runs) {
        return runs.stream()
                        .map(run -> "<section><h2>" + Html.escape(run.variant().name())
                                + "</h2>\n<pre class=\"wrapped\">"
                                + Html.escape(String.join(" ", run.variant().args())) + "</pre></section>\n")
                        .collect(Collectors.joining("", "<div class=\"columns\">\n", "</div>\n<footer>"))
                + Html.escape("kvflux " + KvFluxCommand.Version.text()) + "</footer>\n";
    }
}
