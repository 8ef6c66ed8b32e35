package io.kvflux.app;

import io.kvflux.sim.ReplaySummary;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** A row for each variant; times with their ratio to those of the first. */
final class CompareTable {

    /** Stands under a table in which {@link #differInCompleted}. */
    static final String DIFFERENT =
            "Ratios are missing where another number of requests was completed than by the first.";

    private static final String RATIO = "ratio";

    /** Names of the columns; a long one is divided where the table has a second line for it. */
    static final List<String> HEADER = List.of(
            "variant",
            "completed",
            "makespan",
            RATIO,
            "mean to\nfirst token",
            RATIO,
            "mean to\nlast token",
            RATIO,
            "p99 to\nlast token",
            RATIO,
            "recomputed",
            "offloaded",
            "hits",
            "held");

    private static final double SMALLEST_WITH_THREE_PLACES = 0.0005;

    private CompareTable() {}

    static void print(PrintWriter out, List<CompareCommand.Run> runs) {
        List<List<String>> rows = new ArrayList<>();
        rows.add(HEADER.stream().map(CompareTable::firstLine).toList());
        rows.add(HEADER.stream()
                .map(name -> name.substring(name.indexOf('\n') + 1))
                .toList());
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
        if (differInCompleted(runs)) {
            out.println(DIFFERENT);
        }
        if (runs.stream().anyMatch(run -> run.result().partial())) {
            out.println("The last one was interrupted: this is what had happened until then.");
        }
    }

    private static String firstLine(String name) {
        return name.substring(0, Math.max(0, name.indexOf('\n')));
    }

    /** Whether some row has no ratios, because times of other requests say nothing about those of the first. */
    static boolean differInCompleted(List<CompareCommand.Run> runs) {
        return runs.stream()
                        .mapToLong(run -> run.result().summary().completed())
                        .distinct()
                        .count()
                > 1;
    }

    /** The cells of {@link #HEADER}. */
    static List<List<String>> rows(List<CompareCommand.Run> runs) {
        ReplaySummary first = runs.get(0).result().summary();
        List<List<String>> rows = new ArrayList<>();
        for (CompareCommand.Run run : runs) {
            ReplaySummary summary = run.result().summary();
            List<String> row = new ArrayList<>(List.of(run.variant().name()));
            row.add(Numbers.count(summary.completed()) + " of " + Numbers.count(summary.requests()));
            boolean comparable = summary.completed() == first.completed();
            time(row, comparable, summary.makespanSeconds(), first.makespanSeconds());
            time(row, comparable, mean(summary.ttftSeconds()), mean(first.ttftSeconds()));
            time(row, comparable, mean(summary.latencySeconds()), mean(first.latencySeconds()));
            time(row, comparable, p99(summary.latencySeconds()), p99(first.latencySeconds()));
            ReplaySummary.Preemptions preemptions = summary.preemptions();
            row.add(Numbers.count(preemptions == null ? null : preemptions.recompute()));
            row.add(Numbers.count(preemptions == null ? null : preemptions.offload()));
            row.add(Numbers.percent(summary.hitBlocks(), summary.promptBlocks()));
            row.add(Numbers.percent(summary.blocks().meanUsedFraction()));
            rows.add(row);
        }
        return rows;
    }

    private static void time(List<String> row, boolean comparable, @Nullable Double seconds, @Nullable Double first) {
        row.add(Numbers.seconds(seconds));
        row.add(!comparable || seconds == null || first == null || first == 0 ? "-" : ratio(seconds / first));
    }

    static String ratio(double value) {
        boolean tiny = value > 0 && value < SMALLEST_WITH_THREE_PLACES;
        return String.format(Locale.ROOT, tiny ? "%.3g" : "%.3f", value);
    }

    private static @Nullable Double mean(ReplaySummary.@Nullable Distribution values) {
        return values == null ? null : values.mean();
    }

    private static @Nullable Double p99(ReplaySummary.@Nullable Distribution values) {
        return values == null ? null : values.p99();
    }
}
