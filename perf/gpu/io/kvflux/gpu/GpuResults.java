package io.kvflux.gpu;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Locale;

/** The results of a check as a table for docs/gpu.md. */
final class GpuResults {

    private static final long MEBIBYTE = 1L << 20;

    private GpuResults() {}

    static String markdown(JsonNode results) {
        JsonNode doctor = results.path("doctor").path("result");
        JsonNode measured = doctor.path("gpus").path(0);
        for (JsonNode one : doctor.path("gpus")) {
            measured = one.path("bandwidth").isObject() ? one : measured;
        }
        JsonNode gpu = measured.path("gpu");
        StringBuilder text = new StringBuilder();
        String model = gpu.path("model").asText("no GPU that answers");
        text.append("### ")
                .append(model)
                .append(", ")
                .append(results.path("date").asText(), 0, 10)
                .append("\n\n");
        if (gpu.path("standIn").asBoolean()) {
            text.append(
                    "Run on the stand-in of the driver: the speeds are of host memory and say nothing of a GPU.\n\n");
        }
        text.append("| | |\n|---|---|\n");
        row(
                text,
                "GPU",
                model,
                gpu.isMissingNode()
                        ? ""
                        : "compute capability " + gpu.path("computeCapability").asText(),
                mebibytes(gpu, "totalBytes"));
        row(
                text,
                "driver",
                finding(doctor, "version"),
                results.path("kernelModule").asText());
        row(
                text,
                "KvFlux",
                doctor.path("version").asText(),
                "Java " + results.path("java").asText(),
                results.path("system").asText());
        row(text, "doctor", verdict(results, "doctor"), doctor.path("verdict").asText());
        JsonNode tests = results.path("tests").path("result");
        row(
                text,
                "tests",
                verdict(results, "tests"),
                tests.path("succeeded").asInt() + " passed, "
                        + tests.path("failed").asInt() + " failed, "
                        + tests.path("skipped").asInt() + " not run");
        JsonNode selftest = results.path("selftest").path("result");
        row(
                text,
                "self-test",
                verdict(results, "selftest"),
                selftest.path("scenarios").asInt() + " scenarios, "
                        + selftest.path("tokens").asLong() + " tokens",
                selftest.path("attention").asText());
        row(text, "benchmarks", verdict(results, "benchmarks"));
        bandwidth(text, measured.path("bandwidth"));
        calls(text, results.path("benchmarks").path("result"));
        return text.toString();
    }

    private static void row(StringBuilder text, String name, String... values) {
        text.append("| ").append(name).append(" | ");
        String between = "";
        for (String value : values) {
            if (!value.isBlank()) {
                text.append(between).append(value.replace("|", "\\|"));
                between = ", ";
            }
        }
        text.append(" |\n");
    }

    private static String verdict(JsonNode results, String part) {
        JsonNode of = results.path(part);
        return of.path("passed").asBoolean()
                ? "passed"
                : of.path("inTime").asBoolean(true) ? "FAILED" : "FAILED: took too long";
    }

    private static String finding(JsonNode doctor, String name) {
        for (JsonNode section : doctor.path("sections")) {
            for (JsonNode finding : section.path("findings")) {
                if (section.path("name").asText().equals("CUDA driver")
                        && finding.path("name").asText().equals(name)) {
                    return "CUDA " + finding.path("text").asText();
                }
            }
        }
        return "";
    }

    private static String mebibytes(JsonNode gpu, String name) {
        return gpu.has(name) ? gpu.path(name).asLong() / MEBIBYTE + " MiB" : "";
    }

    private static void bandwidth(StringBuilder text, JsonNode bandwidth) {
        if (!bandwidth.isObject()) {
            return;
        }
        double up = bandwidth.path("upBytesPerSecond").asDouble();
        double down = bandwidth.path("downBytesPerSecond").asDouble();
        long mebibytes = bandwidth.path("bytes").asLong() / MEBIBYTE;
        text.append(
                format("%nOne pinned copy of %d MiB: up %.1f GB/s, down %.1f GB/s.", mebibytes, up / 1e9, down / 1e9));
        text.append(" Scattered pages, the same bytes in all, as a part of that:\n\n");
        text.append("| page | moved by | up | down |\n|---|---|---|---|\n");
        for (JsonNode pages : bandwidth.path("pages")) {
            text.append(format(
                    "| %d KiB | %s | %.2f | %.2f |%n",
                    pages.path("pageBytes").asLong() >> 10,
                    pages.path("kernels").asBoolean() ? "kernels" : "copy engines",
                    pages.path("upBytesPerSecond").asDouble() / up,
                    pages.path("downBytesPerSecond").asDouble() / down));
        }
        JsonNode mapped = bandwidth.path("mappedAllocationSeconds");
        text.append(format(
                "%nTo allocate and free %d MiB: plain %.0f us%s.%n",
                mebibytes,
                bandwidth.path("plainAllocationSeconds").asDouble() * 1e6,
                mapped.isNumber() ? format(", mapped %.0f us", mapped.asDouble() * 1e6) : ""));
    }

    private static void calls(StringBuilder text, JsonNode benchmarks) {
        if (benchmarks.isEmpty()) {
            return;
        }
        text.append("\n| call, JMH | time | garbage |\n|---|---|---|\n");
        for (JsonNode benchmark : benchmarks) {
            String name = benchmark.path("benchmark").asText();
            JsonNode score = benchmark.path("primaryMetric");
            text.append(format(
                    "| %s | %.1f +- %.1f %s | %.2f B |%n",
                    name.substring(name.lastIndexOf('.') + 1),
                    score.path("score").asDouble(),
                    score.path("scoreError").asDouble(),
                    score.path("scoreUnit").asText(),
                    benchmark
                            .path("secondaryMetrics")
                            .path("gc.alloc.rate.norm")
                            .path("score")
                            .asDouble()));
        }
    }

    private static String format(String pattern, Object... values) {
        return String.format(Locale.ROOT, pattern, values);
    }
}
