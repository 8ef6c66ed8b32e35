package io.kvflux;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/**
 * The table of {@code perf/run.sh}: what was measured beside what was aimed at. A value is the median over the processes of
 * the median of each; in brackets are the least and the most of all measurements.
 */
final class AimsTable {

    private static final String REPLAY = "ReplayRBenchmark.replay";
    private static final String STEP = "StepBenchmark.decode";
    private static final String LATENCY = "StepLatencyBenchmark.millionSteps";
    private static final String COPY = "PageCopyBenchmark.downAndUp";

    private final List<JsonNode> results = new ArrayList<>();
    private final StringBuilder text = new StringBuilder();

    private AimsTable(Path folder) throws IOException {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, "*.json")) {
            for (Path file : files) {
                new JsonMapper().readTree(file.toFile()).forEach(results::add);
            }
        }
    }

    /**
     * Prints the table of all that the JSON files of a folder hold.
     *
     * @param arguments the folder
     * @throws IOException if a file cannot be read
     */
    public static void main(String[] arguments) throws IOException {
        System.out.print(new AimsTable(Path.of(arguments[0])).print());
    }

    private String print() {
        text.append("| what | measured | aim | |\n|---|---|---|---|\n");
        atMost("Replay R32k, ns a page", 21, find(REPLAY, Map.of("size", "R32K")), "nsPage");
        atMost("Replay R262k, ns a page", 37, find(REPLAY, Map.of("size", "R262K")), "nsPage");
        for (String size : List.of("R32K", "R262K")) {
            Optional<JsonNode> replay = find(REPLAY, Map.of("size", size));
            atMost(size + ", longest call of a replay, µs, whatever interrupted it", 300, replay, "longestUs");
            without(
                    size + ", longest call, µs, each as in the replay in which it was quickest",
                    replay,
                    "longestUndisturbedUs");
        }
        atMost(
                "metadata of a block after R32k, bytes",
                32,
                find(REPLAY, Map.of("size", "R32K")),
                "metadataBytesPerBlock");
        atMost(
                "metadata of a block after R262k, bytes",
                32,
                find(REPLAY, Map.of("size", "R262K")),
                "metadataBytesPerBlock");
        steps();
        freeList();
        atLeast(
                "token events a second, unbounded",
                5e6,
                find("TokenEventBenchmark.events", Map.of("demand", "unbounded")),
                null);
        atLeast(
                "token events a second, one by one",
                5e6,
                find("TokenEventBenchmark.events", Map.of("demand", "one by one")),
                null);
        atLeast(
                "copies of 2 MiB, scattered, to memcpy",
                0.95,
                find(COPY, Map.of("page", "2MiB", "place", "scattered")),
                "ratio");
        atLeast(
                "copies of 64 KiB, scattered, to memcpy",
                0.85,
                find(COPY, Map.of("page", "64KiB", "place", "scattered")),
                "ratio");
        curves();
        return text.toString();
    }

    private void steps() {
        atMost("step of 256, µs", 15, find(STEP, Map.of("sequences", "256")), null);
        atMost("step of 1 024, µs", 60, find(STEP, Map.of("sequences", "1024")), null);
        atMost("step of 4 096, µs", 250, find(STEP, Map.of("sequences", "4096")), null);
        for (String sequences : List.of("256", "1024", "4096")) {
            atMost(
                    "garbage of a step of " + sequences + ", bytes",
                    0,
                    find(STEP, Map.of("sequences", sequences)),
                    "bytesPerStep");
        }
        Optional<JsonNode> million = find(LATENCY, Map.of());
        without("median of 10^6 steps of 1 024, µs", million, "median");
        atMost("their p99.99, of the median, by the clock", 10, million, "p9999OfMedian");
        atMost("their p99.99, of the median, on the processor", 10, million, "cpuP9999OfMedian");
        without(
                "the slowest step of a round, each as in the round in which it was quickest, of the median",
                million,
                "undisturbedOfMedian");
        atMost("their garbage, bytes a step", 0.01, million, "bytesPerStep");
    }

    private void freeList() {
        for (String blocks : List.of("32768", "262144")) {
            Optional<JsonNode> pool = find("FreeListBenchmark.pool", Map.of("blocks", blocks));
            Optional<JsonNode> list = find("FreeListBenchmark.list", Map.of("blocks", blocks));
            Optional<JsonNode> stack = find("FreeListBenchmark.stack", Map.of("blocks", blocks));
            String pair = "a block given up and one taken, " + blocks + " blocks, ns";
            if (pool.isPresent() && list.isPresent()) {
                double ratio = median(pool.get(), null) / median(list.get(), null);
                row(
                        pair,
                        cell(pool.get(), null) + ", list " + cell(list.get(), null) + ": " + format(ratio)
                                + stack.map(found -> ", stack " + cell(found, null))
                                        .orElse(""),
                        "≤ 1.2 of a list",
                        ratio <= 1.2);
            } else {
                row(pair, "not run", "≤ 1.2 of a list", null);
            }
        }
    }

    /** Benchmarks of growth: a row each, with a value for each size. */
    private void curves() {
        text.append("\n| growth | by size |\n|---|---|\n");
        curve("pool, new prompts, ns a page, by blocks", "PoolGrowthBenchmark.fresh", "blocks");
        curve("pool, known prompts, ns a page, by blocks", "PoolGrowthBenchmark.known", "blocks");
        curve("step, µs, by sequences that decode", "StepGrowthBenchmark.decoding", "sequences");
        curve("step of 256, µs, by sequences that wait, a full batch", "StepGrowthBenchmark.besideWaiting", "waiting");
        curve("step of 256, µs, by sequences that wait for blocks", "StepGrowthBenchmark.besideRefused", "waiting");
        curve("step of 256, µs, by blocks of the pool", "StepGrowthBenchmark.inPool", "blocks");
    }

    private void curve(String what, String benchmark, String parameter) {
        List<String> points = results.stream()
                .filter(result -> result.path("benchmark").asText().endsWith(benchmark))
                .sorted((a, b) -> Long.compare(size(a, parameter), size(b, parameter)))
                .map(result -> size(result, parameter) + ": " + cell(result, null))
                .toList();
        text.append("| ")
                .append(what)
                .append(" | ")
                .append(points.isEmpty() ? "not run" : String.join("; ", points))
                .append(" |\n");
    }

    private static long size(JsonNode result, String parameter) {
        return result.path("params").path(parameter).asLong();
    }

    private void atMost(String what, double aim, Optional<JsonNode> result, @Nullable String counter) {
        row(what, result, counter, "≤ " + format(aim), value -> aim - value);
    }

    private void atLeast(String what, double aim, Optional<JsonNode> result, @Nullable String counter) {
        row(what, result, counter, "≥ " + format(aim), value -> value - aim);
    }

    private void without(String what, Optional<JsonNode> result, String counter) {
        row(what, result.map(found -> cell(found, counter)).orElse("not run"), "", null);
    }

    private void row(
            String what,
            Optional<JsonNode> result,
            @Nullable String counter,
            String aim,
            ToDoubleFunction<Double> margin) {
        if (result.isEmpty()) {
            row(what, "not run", aim, null);
        } else {
            row(what, cell(result.get(), counter), aim, margin.applyAsDouble(median(result.get(), counter)) >= 0);
        }
    }

    private void row(String what, String measured, String aim, @Nullable Boolean met) {
        text.append("| ")
                .append(what)
                .append(" | ")
                .append(measured)
                .append(" | ")
                .append(aim)
                .append(" | ");
        text.append(met == null ? "" : met ? "met" : "**missed**").append(" |\n");
    }

    private Optional<JsonNode> find(String benchmark, Map<String, String> parameters) {
        return results.stream()
                .filter(result -> result.path("benchmark").asText().endsWith("." + benchmark))
                .filter(result -> parameters.entrySet().stream()
                        .allMatch(wanted -> result.path("params")
                                .path(wanted.getKey())
                                .asText()
                                .equals(wanted.getValue())))
                .findFirst();
    }

    private static double median(JsonNode result, @Nullable String counter) {
        List<Double> processes = new ArrayList<>();
        metric(result, counter).path("rawData").forEach(process -> processes.add(median(values(process))));
        return median(processes);
    }

    private static String cell(JsonNode result, @Nullable String counter) {
        List<Double> all = new ArrayList<>();
        metric(result, counter).path("rawData").forEach(process -> all.addAll(values(process)));
        double least = all.stream().min(Double::compare).orElse(Double.NaN);
        double most = all.stream().max(Double::compare).orElse(Double.NaN);
        String median = format(median(result, counter));
        return least == most ? median : median + " (" + format(least) + " to " + format(most) + ")";
    }

    private static JsonNode metric(JsonNode result, @Nullable String counter) {
        return counter == null
                ? result.path("primaryMetric")
                : result.path("secondaryMetrics").path(counter);
    }

    private static List<Double> values(JsonNode process) {
        List<Double> values = new ArrayList<>();
        process.forEach(value -> values.add(value.asDouble()));
        return values;
    }

    private static double median(List<Double> values) {
        List<Double> sorted = values.stream().sorted().toList();
        int middle = sorted.size() / 2;
        if (sorted.isEmpty()) {
            return Double.NaN;
        }
        return sorted.size() % 2 == 1 ? sorted.get(middle) : (sorted.get(middle - 1) + sorted.get(middle)) / 2;
    }

    private static String format(double value) {
        if (value >= 1e6) {
            return String.format(Locale.ROOT, "%.1f M", value / 1e6);
        }
        return String.format(Locale.ROOT, value >= 100 ? "%.0f" : value >= 10 ? "%.1f" : "%.2f", value);
    }
}
