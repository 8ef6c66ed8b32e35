package io.kvflux.app;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kvflux.soak.Finding;
import io.kvflux.soak.Gauge;
import io.kvflux.soak.SoakResult;
import io.kvflux.soak.TrendLine;
import java.io.PrintWriter;
import java.util.Locale;

/** What a soak measured and found, for people and as JSON. */
final class SoakTable {

    private static final ObjectMapper MAPPER = new ObjectMapper();
    private static final double MIB = 1 << 20;

    private SoakTable() {}

    static void print(PrintWriter out, SoakResult result, boolean stopped) {
        TextTable table = new TextTable();
        table.section("Soak")
                .row("seed", String.valueOf(result.seed()))
                .row("took", Numbers.seconds(result.seconds()))
                .row("lives of schedulers", Numbers.count(result.lives()))
                .row("quiet points", Numbers.count(result.quietPoints()))
                .row("sequences", Numbers.count(result.sequences()))
                .row("sequences a second", Numbers.rate(result.sequences(), result.seconds()))
                .row("tokens compared", Numbers.count(result.tokens()))
                .row("tokens a second", Numbers.rate(result.tokens(), result.seconds()));
        table.section("Tried");
        result.counts().forEach((name, count) -> table.row(name, Numbers.count(count)));
        table.section("Times");
        result.times().forEach((name, seconds) -> table.row(name, Numbers.seconds(seconds)));
        table.section("At quiet points", "first", "last", "growth", "allowed", "z");
        for (TrendLine line : result.trends()) {
            Gauge gauge = line.gauge();
            table.row(
                    gauge.label() + (line.where().equals("the run") ? "" : ", " + line.where()),
                    amount(gauge, line.first()),
                    amount(gauge, line.last()),
                    amount(gauge, line.growth()),
                    amount(gauge, line.allowed()),
                    String.format(Locale.ROOT, "%.1f", line.sureness()));
        }
        table.print(out);
        out.println();
        verdict(out, result, stopped);
    }

    private static String amount(Gauge gauge, double value) {
        return gauge.unit() == Gauge.Unit.BYTES
                ? String.format(Locale.ROOT, "%,.2f MiB", value / MIB)
                : String.format(Locale.ROOT, "%,.1f", value);
    }

    private static void verdict(PrintWriter out, SoakResult result, boolean stopped) {
        if (stopped) {
            out.println("Interrupted: shorter than asked for.");
        }
        for (Finding finding : result.findings()) {
            out.println("FAILED: " + finding);
        }
        if (result.passed()) {
            out.println("PASSED: " + (result.growthWasTested() ? "nothing leaked, " : "")
                    + "every count added up at every quiet point, no invariant was broken, every token was right, and"
                    + " nobody was stuck.");
            if (!result.growthWasTested()) {
                out.println("Too short to tell growth from noise: that takes some eleven quiet points.");
            }
        } else {
            out.println("  again with: ./kvflux soak --seed " + result.seed());
        }
    }

    static String json(SoakResult result, boolean stopped) {
        ObjectNode json = MAPPER.createObjectNode();
        json.put("seed", result.seed());
        json.put("seconds", result.seconds());
        json.put("passed", result.passed());
        json.put("growthWasTested", result.growthWasTested());
        if (stopped) {
            json.put("partial", true);
        }
        json.put("lives", result.lives());
        json.put("quietPoints", result.quietPoints());
        json.put("sequences", result.sequences());
        json.put("tokens", result.tokens());
        json.set("tried", MAPPER.valueToTree(result.counts()));
        json.set("times", MAPPER.valueToTree(result.times()));
        ArrayNode trends = json.putArray("trends");
        result.trends().forEach(line -> trends.addPOJO(line));
        json.set("findings", MAPPER.valueToTree(result.findings()));
        return SummaryJson.print(json);
    }
}
