package io.kvflux.app;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kvflux.selftest.Condition;
import io.kvflux.selftest.Coverage;
import io.kvflux.selftest.SelftestResult;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;

/** What a self-test found, for people and as JSON. */
final class SelftestTable {

    private static final ObjectMapper MAPPER = new ObjectMapper();

    private SelftestTable() {}

    static void print(PrintWriter out, SelftestResult result, boolean stopped) {
        TextTable table = new TextTable();
        table.section("Paged output = dense output")
                .row("device", result.device())
                .row("seed", String.valueOf(result.seed()))
                .row("scenarios", Numbers.count(result.scenarios()))
                .row("scenarios a second", Numbers.rate(result.scenarios(), result.seconds()))
                .row("tokens compared", Numbers.count(result.tokens()))
                .row("took", Numbers.seconds(result.seconds()));
        Coverage coverage = result.coverage();
        table.section("Tried");
        for (Condition condition : Condition.values()) {
            table.row(condition.label(), Numbers.count(coverage.count(condition)));
        }
        table.row("page sizes", coverage.pageSizes() + " of " + Coverage.MOST_PAGE_SIZE);
        table.row("sizes of prompt chunks", coverage.chunkSizes() + " of " + Coverage.MOST_CHUNK);
        table.print(out);
        out.println();
        verdict(out, result, stopped);
    }

    private static void verdict(PrintWriter out, SelftestResult result, boolean stopped) {
        SelftestResult.Failure failure = result.failure();
        if (failure != null) {
            printFailure(out, failure);
            return;
        }
        List<String> missing = result.coverage().missing();
        if (!missing.isEmpty() && result.scenarios() > 1) {
            out.println("Not tried by so few scenarios: " + String.join(", ", missing) + ".");
        }
        if (stopped) {
            out.println("Interrupted: fewer scenarios than asked for.");
        }
        out.println(
                result.scenarios() == 0
                        ? "No scenario was run: nothing is shown."
                        : "PASSED: every token, and all logits it was chosen from, are those of the same model without"
                                + " KvFlux; every block and every byte came back (" + result.attention() + ").");
    }

    static void printFailure(PrintWriter out, SelftestResult.Failure failure) {
        out.println("FAILED: " + failure.finding());
        out.println("  again with:    ./kvflux selftest --scenario '" + failure.scenario() + "'");
    }

    static void printShrunk(PrintWriter out, SelftestResult.Shrunk shrunk) {
        out.println("  a shorter one: ./kvflux selftest --scenario '" + shrunk.scenario() + "'");
        out.println("  which finds:   " + shrunk.finding());
    }

    static String json(SelftestResult result, boolean stopped) {
        ObjectNode json = MAPPER.createObjectNode();
        json.put("device", result.device());
        json.put("attention", result.attention());
        json.put("seed", result.seed());
        json.put("scenarios", result.scenarios());
        json.put("tokens", result.tokens());
        json.put("seconds", result.seconds());
        json.put("passed", result.passed());
        if (stopped) {
            json.put("partial", true);
        }
        ObjectNode tried = json.putObject("tried");
        for (Condition condition : Condition.values()) {
            tried.put(key(condition), result.coverage().count(condition));
        }
        json.put("pageSizes", result.coverage().pageSizes());
        json.put("chunkSizes", result.coverage().chunkSizes());
        json.set("missing", MAPPER.valueToTree(result.coverage().missing()));
        json.set("failure", MAPPER.valueToTree(result.failure()));
        return SummaryJson.print(json);
    }

    /** PREFIX_HIT is prefixHit. */
    private static String key(Condition condition) {
        StringBuilder key = new StringBuilder();
        for (String word : condition.name().toLowerCase(Locale.ROOT).split("_", -1)) {
            key.append(key.isEmpty() ? word : Character.toUpperCase(word.charAt(0)) + word.substring(1));
        }
        return key.toString();
    }
}
