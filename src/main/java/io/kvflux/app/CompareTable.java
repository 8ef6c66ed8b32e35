package io.kvflux.app;

import io.kvflux.sim.ReplaySummary;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** A row for each variant; times with their ratio to those of the first. */
final class CompareTable {

    static final List<String> HEADER = List.of(
            "variant",
            "makespan",
            "",
            "first token",
            "",
            "last token",
            "",
            "its p99",
            "",
            "recomputed",
            "offloaded",
            "hits",
            "held");

    private CompareTable() {}

    static void print(PrintWriter out, List<CompareCommand.Run> runs) {
        List<List<String>> rows = new ArrayList<>();
        rows.add(HEADER);
        rows.addAll(rows(runs));
        int[] widths = new int[HEADER.size()];
        rows.forEach(row -> {
            for (int i = 0; i < widths.length; i++) {
                widths[i] = Math.max(widths[i], row.get(i).length());
            }
        });
        for (List<String> row : rows) {
            StringBuilder line = new StringBuilder(row.get(0))
                    .append(" ".repeat(widths[0] - row.get(0).length()));
            for (int i = 1; i < widths.length; i++) {
                line.append("  ")
                        .append(" ".repeat(widths[i] - row.get(i).length()))
                        .append(row.get(i));
            }
            out.println(line.toString().stripTrailing());
        }
        if (runs.stream().anyMatch(run -> run.result().partial())) {
            out.println("The last one was interrupted: this is what had happened until then.");
        }
    }

    /** The cells of {@link #HEADER}. */
    static List<List<String>> rows(List<CompareCommand.Run> runs) {
        ReplaySummary first = runs.get(0).result().summary();
        List<List<String>> rows = new ArrayList<>();
        for (CompareCommand.Run run : runs) {
            ReplaySummary summary = run.result().summary();
            List<String> row = new ArrayList<>(List.of(run.variant().name()));
            time(row, summary.makespanSeconds(), first.makespanSeconds());
            time(row, mean(summary.ttftSeconds()), mean(first.ttftSeconds()));
            time(row, mean(summary.latencySeconds()), mean(first.latencySeconds()));
            time(row, p99(summary.latencySeconds()), p99(first.latencySeconds()));
            ReplaySummary.Preemptions preemptions = summary.preemptions();
            row.add(Numbers.count(preemptions == null ? null : preemptions.recompute()));
            row.add(Numbers.count(preemptions == null ? null : preemptions.offload()));
            row.add(Numbers.percent(summary.hitBlocks(), summary.promptBlocks()));
            row.add(Numbers.percent(summary.blocks().meanUsedFraction()));
            rows.add(row);
        }
        return rows;
    }

    private static void time(List<String> row, @Nullable Double seconds, @Nullable Double first) {
        row.add(Numbers.seconds(seconds));
        row.add(
                seconds == null || first == null || first == 0
                        ? "-"
                        : String.format(Locale.ROOT, "%.3f", seconds / first));
    }

    private static @Nullable Double mean(ReplaySummary.@Nullable Distribution values) {
        return values == null ? null : values.mean();
    }

    private static @Nullable Double p99(ReplaySummary.@Nullable Distribution values) {
        return values == null ? null : values.p99();
    }
}
