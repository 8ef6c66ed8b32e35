package io.kvflux.gpu;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kvflux.app.Main;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;

/**
 * What the carried folder runs on a machine with a GPU: doctor, the tests with the tag gpu, the self-test, the benchmarks of
 * the driver, each in a process of its own and with a time limit, so that one that dies spoils no other. Writes results.json
 * and results.md; docs/gpu.md says how to read them.
 */
public final class GpuCheck {

    private static final String HELP = """
            Usage: ./run [--stand-in] [--out FOLDER] [--device cuda:N] [--scenarios N] [--seconds N]

              --stand-in     run on host memory behind the stand-in of the driver: shows that the folder works;
                             comes first
              --out FOLDER   where results.json, results.md and logs/ go; by default the folder itself
              --device NAME  the GPU; cuda:0 by default
              --scenarios N  scenarios of the self-test; 256 by default
              --seconds N    most that each of the four parts may take; 150 by default

            Exit codes: 0 all passed, 1 something failed or took too long, 2 wrong usage.""";

    private static final String LIBRARY = "kvflux.cuda.library";
    private static final ObjectMapper MAPPER = new ObjectMapper();

    private final Path out;
    private final Path logs;
    private final String device;
    private final String scenarios;
    private final long seconds;
    private final ObjectNode results = MAPPER.createObjectNode();
    private boolean passed = true;

    private GpuCheck(Path out, String device, String scenarios, long seconds) throws IOException {
        this.out = out;
        this.device = device;
        this.scenarios = scenarios;
        this.seconds = seconds;
        logs = Files.createDirectories(out.resolve("logs"));
    }

    /**
     * Runs everything.
     *
     * @param args see the help
     * @throws IOException if results cannot be written
     * @throws InterruptedException if it is interrupted
     */
    public static void main(String[] args) throws IOException, InterruptedException {
        String out = ".";
        String device = "cuda:0";
        String scenarios = "256";
        String seconds = "150";
        for (int i = 0; i < args.length; i += 2) {
            String value = i + 1 < args.length ? args[i + 1] : "";
            switch (value.isEmpty() ? "" : args[i]) {
                case "--out" -> out = value;
                case "--device" -> device = value;
                case "--scenarios" -> scenarios = value;
                case "--seconds" -> seconds = value;
                default -> {
                    boolean asked = Arrays.asList(args).contains("--help");
                    (asked ? System.out : System.err).println(HELP);
                    System.exit(asked ? 0 : 2);
                }
            }
        }
        if (!scenarios.matches("[1-9]\\d{0,8}") || !seconds.matches("[1-9]\\d{0,5}") || !device.matches("cuda:\\d+")) {
            System.err.println(HELP);
            System.exit(2);
        }
        Runtime.getRuntime()
                .addShutdownHook(new Thread(
                        () -> ProcessHandle.current().descendants().forEach(ProcessHandle::destroyForcibly)));
        System.exit(new GpuCheck(Path.of(out), device, scenarios, Long.parseLong(seconds)).run() ? 0 : 1);
    }

    private boolean run() throws IOException, InterruptedException {
        results.put("date", Instant.now().truncatedTo(ChronoUnit.SECONDS).toString());
        results.put("device", device);
        results.put("system", System.getProperty("os.name") + " " + System.getProperty("os.version"));
        results.put("java", Runtime.version().toString());
        results.put("kernelModule", firstLine(Path.of("/proc/driver/nvidia/version")));
        Path doctor = logs.resolve("doctor.json");
        part("doctor", doctor, doctor, Main.class.getName(), "doctor", "--device", device, "--json");
        Path tests = logs.resolve("tests.json");
        part("tests", tests, logs.resolve("tests.txt"), GpuTests.class.getName(), tests.toString());
        Path selftest = logs.resolve("selftest.json");
        part(
                "selftest",
                selftest,
                selftest,
                Main.class.getName(),
                "selftest",
                "--device",
                device,
                "--scenarios",
                scenarios,
                "--json",
                "--quiet");
        benchmarks();
        results.put("passed", passed);
        MAPPER.writerWithDefaultPrettyPrinter()
                .writeValue(out.resolve("results.json").toFile(), results);
        String text = GpuResults.markdown(results);
        Files.writeString(out.resolve("results.md"), text);
        System.out.println("\n" + text);
        System.out.println((passed ? "PASSED" : "FAILED: see logs/") + "; results.json and results.md are in "
                + out.toAbsolutePath());
        return passed;
    }

    private void benchmarks() throws IOException, InterruptedException {
        Path json = logs.resolve("benchmarks.json");
        // Without a library the benchmark looks for the stand-in of a build.
        String library = System.getProperty(LIBRARY, "libcuda.so.1");
        String jmh = "org.openjdk.jmh.Main -prof gc -f 1 -w 1 -r 1 -wi 3 -i 5 -foe true -rf json -rff";
        List<String> command = new ArrayList<>(List.of(jmh.split(" ", -1)));
        command.add(0, "-D" + LIBRARY + "=" + library);
        command.add(json.toString());
        command.add("io.kvflux.memory.cuda.CudaCallBenchmark");
        part("benchmarks", json, logs.resolve("benchmarks.txt"), command.toArray(String[]::new));
    }

    /** Runs one part, and keeps what it writes. */
    private void part(String name, Path json, Path log, String... command) throws IOException, InterruptedException {
        System.out.printf(Locale.ROOT, "%-12s ... ", name);
        System.out.flush();
        Files.deleteIfExists(json);
        List<String> all = new ArrayList<>();
        all.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        all.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
        all.addAll(List.of("-Djmh.ignoreLock=true", "-cp", System.getProperty("java.class.path")));
        all.addAll(List.of(command));
        long begin = System.nanoTime();
        Process process = new ProcessBuilder(all)
                .directory(logs.toFile())
                .redirectOutput(log.toAbsolutePath().toFile())
                .redirectError(logs.resolve(name + ".err").toAbsolutePath().toFile())
                .start();
        boolean ended = process.waitFor(seconds, TimeUnit.SECONDS);
        if (!ended) {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly().waitFor();
        }
        double took = (System.nanoTime() - begin) / 1e9;
        ObjectNode part = results.putObject(name);
        part.put("seconds", took);
        part.put("inTime", ended);
        part.put("exitCode", process.exitValue());
        JsonNode result = read(json);
        part.set("result", result);
        boolean good = ended && process.exitValue() == 0 && result.size() > 0;
        part.put("passed", good);
        passed &= good;
        System.out.printf(
                Locale.ROOT, "%s, %.1f s%n", good ? "passed" : ended ? "FAILED" : "FAILED: takes too long", took);
        String error = firstLine(logs.resolve(name + ".err"));
        if (!good && !error.isEmpty()) {
            System.out.println("    " + error);
        }
    }

    private static JsonNode read(Path json) {
        try {
            return MAPPER.readTree(json.toFile());
        } catch (IOException none) {
            return MAPPER.createObjectNode();
        }
    }

    private static String firstLine(Path file) {
        try {
            return Files.readString(file, StandardCharsets.UTF_8)
                    .lines()
                    .findFirst()
                    .orElse("");
        } catch (IOException none) {
            return "";
        }
    }
}
