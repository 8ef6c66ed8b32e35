package io.kvflux.app;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kvflux.sim.RealtimeResult;
import io.kvflux.sim.ReplaySummary;
import java.io.PrintWriter;
import org.jspecify.annotations.Nullable;

/** The summary of a replay in real time, beside what the virtual clock gave. */
final class RealtimeTable {

    private static final ObjectMapper MAPPER = new ObjectMapper();

    private RealtimeTable() {}

    /** Whether everything is as it must be. */
    static boolean holds(RealtimeResult result, ReplaySummary virtual) {
        return result.agreesWith(virtual) && result.wrongTokens() == 0 && result.leakedBlocks() == 0;
    }

    static void print(
            PrintWriter out, RealtimeResult result, ReplaySummary virtual, ReplaySetup setup, boolean asJson) {
        if (asJson) {
            ObjectNode json = MAPPER.valueToTree(result);
            json.put("agreesWithVirtualClock", result.agreesWith(virtual));
            out.println(SummaryJson.print(json));
            return;
        }
        out.println(result.trace() + " in real time, blocks as for "
                + setup.configuration().get("model")
                + (result.partial() ? "  (PARTIAL: the replay was interrupted)" : ""));
        out.println();
        TextTable table = new TextTable();
        table.section("", "real time", "virtual clock");
        row(table, "requests", result.requests(), virtual.requests());
        row(table, "completed", result.completed(), virtual.completed());
        row(table, "rejected (never fit)", result.rejected(), virtual.rejected());
        row(table, "failed (outgrew the pool)", result.failed(), virtual.failed());
        row(table, "prompt tokens", result.promptTokens(), virtual.promptTokens());
        row(table, "output tokens", result.outputTokens(), virtual.outputTokens());
        row(table, "tokens not computed", result.cachedTokens(), virtual.hitTokens());
        row(table, "steps", result.steps(), virtual.steps());
        row(table, "leaked blocks", result.leakedBlocks(), virtual.leakedBlocks());
        if (result.diskStoredBlocks() != null && result.diskFetchedBlocks() != null) {
            row(table, "pages written to the disk", result.diskStoredBlocks(), null);
            row(table, "pages read from the disk", result.diskFetchedBlocks(), null);
        }
        if (result.drafts() != null) {
            row(table, "drafts granted", result.drafts().granted(), granted(virtual));
        }
        table.row(
                        "mean time to first token",
                        Numbers.seconds(result.ttftSeconds().mean()),
                        virtual.ttftSeconds() == null
                                ? "-"
                                : Numbers.seconds(virtual.ttftSeconds().mean()))
                .row("replayed in", Numbers.seconds(result.wallSeconds()), Numbers.seconds(virtual.wallSeconds()))
                .row("wrong tokens", Numbers.count(result.wrongTokens()), "-")
                .row("tokens read back from pages", Numbers.count(result.checkedTokens()), "-");
        table.print(out);
        out.println();
        out.println(
                result.partial()
                        ? "The replay was interrupted: the counts cannot be compared."
                        : holds(result, virtual)
                                ? "The token counts are those of the virtual clock, and every token was right."
                                : "The two replays do NOT agree: this is a bug in KvFlux.");
    }

    private static @Nullable Long granted(ReplaySummary virtual) {
        return virtual.drafts() == null ? null : (Long) virtual.drafts().granted();
    }

    private static void row(TextTable table, String label, long real, @Nullable Long virtual) {
        table.row(label, Numbers.count(real), virtual == null ? "-" : Numbers.count(virtual));
    }
}
