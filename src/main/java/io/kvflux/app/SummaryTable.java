package io.kvflux.app;

import io.kvflux.sim.ReplayResult;
import io.kvflux.sim.ReplaySummary;
import io.kvflux.sim.ReplaySummary.Distribution;
import java.io.PrintWriter;
import org.jspecify.annotations.Nullable;

/** The summary for people. */
final class SummaryTable {

    private SummaryTable() {}

    static void print(PrintWriter out, ReplayResult result, ReplaySetup setup) {
        ReplaySummary summary = result.summary();
        out.println(summary.trace() + " on " + setup.configuration().get("model")
                + (result.partial() ? "  (PARTIAL: the replay was interrupted)" : ""));
        out.println();
        TextTable table = new TextTable();
        workload(table, summary);
        cache(table, summary);
        if (summary.tiers() != null) {
            host(table, summary, summary.tiers().host());
            disk(table, summary, summary.tiers().disk());
        }
        if (summary.steps() != null) {
            steps(table, summary);
            drafts(table, summary.drafts());
            latency(table, summary);
        }
        blocks(table, summary, result.checkedBlocks());
        table.print(out);
    }

    private static void workload(TextTable table, ReplaySummary summary) {
        table.section("Workload")
                .row("requests", Numbers.count(summary.requests()))
                .row("completed", Numbers.count(summary.completed()))
                .row("rejected (never fit)", Numbers.count(summary.rejected()))
                .row("failed (outgrew the pool)", Numbers.count(summary.failed()))
                .row("replayed in", Numbers.seconds(summary.wallSeconds()))
                .row("prompt tokens", Numbers.count(summary.promptTokens()));
        if (summary.outputTokens() != null) {
            table.row("output tokens", Numbers.count(summary.outputTokens()));
        }
    }

    private static void cache(TextTable table, ReplaySummary summary) {
        table.section("Cache")
                .row("full prompt pages", Numbers.count(summary.promptBlocks()))
                .row(
                        "found",
                        Numbers.count(summary.hitBlocks()),
                        Numbers.percent(summary.hitBlocks(), summary.promptBlocks()))
                .row("tokens not computed", Numbers.count(summary.hitTokens()))
                .row("pages inserted", Numbers.count(summary.insertedBlocks()))
                .row("pages evicted", Numbers.count(summary.evictedBlocks()));
    }

    private static void host(TextTable table, ReplaySummary summary, ReplaySummary.Tier host) {
        table.section("Host")
                .row(
                        "found beyond the device's",
                        Numbers.count(host.hitBlocks()),
                        Numbers.percent(host.hitBlocks(), summary.promptBlocks()))
                .row("pages written", Numbers.count(host.offloadedBlocks()))
                .row("pages read", Numbers.count(host.onloadedBlocks()))
                .row("pages dropped", Numbers.count(host.droppedBlocks()));
    }

    private static void disk(TextTable table, ReplaySummary summary, ReplaySummary.@Nullable Disk disk) {
        if (disk == null) {
            return;
        }
        table.section("Disk")
                .row("room for pages", Numbers.count(disk.totalBlocks()))
                .row("there from earlier runs", Numbers.count(disk.recoveredBlocks()))
                .row(
                        "found beyond the host's",
                        Numbers.count(disk.hitBlocks()),
                        Numbers.percent(disk.hitBlocks(), summary.promptBlocks()))
                .row("pages written", Numbers.count(disk.storedBlocks()))
                .row("pages read", Numbers.count(disk.fetchedBlocks()))
                .row("pages dropped", Numbers.count(disk.droppedBlocks()))
                .row("no room to write", Numbers.count(disk.noRoomBlocks()))
                .row("given up as damaged", Numbers.count(disk.corruptBlocks()));
    }

    private static void steps(TextTable table, ReplaySummary summary) {
        Double makespan = summary.makespanSeconds();
        table.section("Steps")
                .row("steps", Numbers.count(summary.steps()))
                .row("makespan", Numbers.seconds(makespan))
                .row("requests a second", Numbers.rate(summary.completed(), makespan))
                .row("output tokens a second", Numbers.decimal(summary.outputTokensPerSecond()));
        ReplaySummary.Preemptions preemptions = summary.preemptions();
        if (preemptions != null) {
            table.row("preempted, recomputed", Numbers.count(preemptions.recompute()))
                    .row("preempted, offloaded", Numbers.count(preemptions.offload()));
        }
    }

    private static void drafts(TextTable table, ReplaySummary.@Nullable Drafts drafts) {
        if (drafts == null) {
            return;
        }
        long verified = drafts.accepted() + drafts.rejected();
        table.section("Drafts")
                .row("granted", Numbers.count(drafts.granted()))
                .row("accepted", Numbers.count(drafts.accepted()), Numbers.percent(drafts.accepted(), verified))
                .row("rejected", Numbers.count(drafts.rejected()))
                .row("aborted", Numbers.count(drafts.aborted()))
                .row("most in flight", Numbers.count(drafts.maxInFlight()))
                .row("accepted a round", Numbers.decimal(drafts.meanAccepted()));
    }

    private static void latency(TextTable table, ReplaySummary summary) {
        table.section("Latency", "mean", "p50", "p90", "p99");
        distribution(table, "to first token", summary.ttftSeconds());
        distribution(table, "per further token", summary.tpotSeconds());
        distribution(table, "to last token", summary.latencySeconds());
    }

    private static void distribution(TextTable table, String label, @Nullable Distribution values) {
        if (values != null) {
            table.row(
                    label,
                    Numbers.seconds(values.mean()),
                    Numbers.seconds(values.p50()),
                    Numbers.seconds(values.p90()),
                    Numbers.seconds(values.p99()));
        }
    }

    private static void blocks(TextTable table, ReplaySummary summary, @Nullable Long checked) {
        ReplaySummary.Blocks blocks = summary.blocks();
        table.section("Blocks").row("usable", Numbers.count(blocks.total()));
        Long peak = blocks.peakHeld();
        if (peak != null) {
            table.row("most held at a time", Numbers.count(peak), Numbers.percent(peak, blocks.total()));
        }
        if (blocks.meanUsedFraction() != null) {
            table.row("held on average", Numbers.percent(blocks.meanUsedFraction()))
                    .row("empty slots in held blocks", Numbers.percent(blocks.wastedSlotFraction()));
        }
        table.row("leaked", Numbers.count(summary.leakedBlocks()));
        if (checked != null) {
            table.row("checked byte by byte, all right", Numbers.count(checked));
        }
    }
}
