package io.kvflux.app;

import io.kvflux.sim.ReplayResult;
import io.kvflux.sim.ReplaySummary;
import io.kvflux.sim.ReplaySummary.Distribution;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The parts of the page that are text: key numbers, configuration, the whole summary. */
final class ReportHtml {

    private ReportHtml() {}

    /** Title, what was run, and the key numbers. */
    static String head(ReplayResult result, ReplaySetup setup) {
        ReplaySummary summary = result.summary();
        Map<String, String> run = setup.configuration();
        StringBuilder html = new StringBuilder();
        html.append("<h1>").append(Html.escape(summary.trace())).append("</h1>\n<p class=\"run\">");
        html.append(Html.escape(
                run.get("model") + ", " + Numbers.count(summary.blocks().total()) + " blocks of " + run.get("page size")
                        + (setup.options().cacheOnly() ? ", cache only" : "")));
        html.append("</p>\n");
        if (result.partial()) {
            html.append("<p class=\"partial\">The replay was interrupted: this is what had happened until then.</p>\n");
        }
        html.append("<dl class=\"cards\">\n");
        cards(html, summary);
        return html.append("</dl>\n").toString();
    }

    private static void cards(StringBuilder html, ReplaySummary summary) {
        Double makespan = summary.makespanSeconds();
        card(
                html,
                "Requests completed",
                Numbers.count(summary.completed()),
                "of " + Numbers.count(summary.requests()) + ", " + Numbers.count(summary.rejected()) + " rejected, "
                        + Numbers.count(summary.failed()) + " failed");
        card(
                html,
                "Prompt pages found",
                Numbers.percent(summary.hitBlocks(), summary.promptBlocks()),
                Numbers.count(summary.hitBlocks()) + " of " + Numbers.count(summary.promptBlocks()));
        if (makespan == null) {
            card(html, "Pages inserted", Numbers.count(summary.insertedBlocks()), "became findable");
            card(html, "Pages evicted", Numbers.count(summary.evictedBlocks()), "to make room");
            return;
        }
        card(html, "Time to first token", summary.ttftSeconds());
        card(html, "Time per further token", summary.tpotSeconds());
        card(html, "Time to last token", summary.latencySeconds());
        card(
                html,
                "Output tokens a second",
                Numbers.decimal(summary.outputTokensPerSecond()),
                Numbers.rate(summary.completed(), makespan) + " requests a second");
        drafts(html, summary.drafts());
        blocks(html, summary);
    }

    private static void drafts(StringBuilder html, ReplaySummary.@Nullable Drafts drafts) {
        if (drafts != null) {
            card(
                    html,
                    "Drafts accepted a round",
                    Numbers.decimal(drafts.meanAccepted()),
                    Numbers.count(drafts.accepted()) + " of " + Numbers.count(drafts.granted()) + " granted, "
                            + Numbers.count(drafts.rejected()) + " rejected");
        }
    }

    private static void blocks(StringBuilder html, ReplaySummary summary) {
        ReplaySummary.Blocks blocks = summary.blocks();
        card(
                html,
                "Blocks held",
                Numbers.percent(blocks.meanUsedFraction()),
                Numbers.count(blocks.peakHeld()) + " at most of " + Numbers.count(blocks.total()));
        ReplaySummary.Preemptions preemptions = summary.preemptions();
        if (preemptions != null) {
            card(
                    html,
                    "Preemptions",
                    Numbers.count(preemptions.recompute() + preemptions.offload()),
                    "in " + Numbers.seconds(summary.makespanSeconds()) + ", " + Numbers.count(summary.steps())
                            + " steps");
        }
    }

    private static void card(StringBuilder html, String label, @Nullable Distribution values) {
        if (values != null) {
            card(
                    html,
                    label,
                    Numbers.seconds(values.mean()),
                    "mean; p50 " + Numbers.seconds(values.p50()) + ", p99 " + Numbers.seconds(values.p99()));
        }
    }

    static void card(StringBuilder html, String label, String value, String note) {
        html.append("<div><dt>").append(Html.escape(label)).append("</dt><dd><b>");
        html.append(Html.escape(value))
                .append("</b><span>")
                .append(Html.escape(note))
                .append("</span></dd></div>\n");
    }

    /** The configuration, and the summary as the terminal shows it. */
    static String tables(ReplayResult result, ReplaySetup setup) {
        StringBuilder html = new StringBuilder("<div class=\"tables\">\n<section><h2>Configuration</h2>\n<table>\n");
        setup.configuration()
                .forEach((name, value) -> html.append("<tr><th scope=\"row\">")
                        .append(Html.escape(name))
                        .append("</th><td>")
                        .append(Html.escape(value))
                        .append("</td></tr>\n"));
        html.append("</table></section>\n<section><h2>Summary</h2>\n<pre>");
        StringWriter summary = new StringWriter();
        SummaryTable.print(new PrintWriter(summary), result, setup);
        html.append(Html.escape(summary.toString())).append("</pre></section>\n</div>\n<footer>");
        return html.append(Html.escape("kvflux " + KvFluxCommand.Version.text()))
                .append("</footer>\n")
                .toString();
    }
}
