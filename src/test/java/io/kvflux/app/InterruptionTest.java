package io.kvflux.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

class InterruptionTest {

    private static final Pattern SOME_REQUESTS_ENDED = Pattern.compile(" [1-9][0-9]*/");

    @TempDir
    Path folder;

    @Test
    void beforeAReplayThereIsNothingToWaitFor() {
        new Interruption().stopAndAwaitEnd();
    }

    @Test
    void replayIsStoppedOnce() {
        AtomicInteger stops = new AtomicInteger();
        Interruption interruption = new Interruption();
        interruption.onStop(stops::incrementAndGet);
        interruption.ended();
        interruption.stopAndAwaitEnd();
        assertThat(stops).hasValue(1);
    }

    @Test
    @Timeout(120)
    @EnabledOnOs(OS.LINUX)
    void interruptedReplayPrintsAndWritesWhatThereIs() throws Exception {
        Path ticks = folder.resolve("ticks.csv");
        Path report = folder.resolve("report.html");
        Process replay = start("replay", "--limit=5000000", "--json", "--ticks=" + ticks, "--report=" + report);
        try {
            assertThat(interrupted(replay)).contains("\"partial\" : true");
            assertThat(ticks).content().startsWith("seconds,");
            assertThat(report).content().contains("The replay was interrupted");
        } finally {
            replay.destroyForcibly();
        }
    }

    @Test
    @Timeout(120)
    @EnabledOnOs(OS.LINUX)
    void interruptedBenchShowsWhatWasFinished() throws Exception {
        Process bench = start("bench", "eviction", "--limit=50000", "--device-blocks=500,1000,2000,4000,8000");
        try {
            assertThat(interrupted(bench))
                    .contains("| clairvoyant |", " | - |", "Interrupted: what has no number was not finished.");
        } finally {
            bench.destroyForcibly();
        }
    }

    private static Process start(String... command) throws IOException {
        List<String> line = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Dkvflux.columns=80",
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName()));
        line.addAll(List.of(command));
        return new ProcessBuilder(line).start();
    }

    /** Interrupts what has begun; {@return what it prints} */
    private static String interrupted(Process process) throws IOException, InterruptedException {
        assumeInterruptible(process);
        awaitProgress(process.getErrorStream());
        new ProcessBuilder("kill", "-INT", Long.toString(process.pid())).start().waitFor();
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).isEqualTo(130);
        return out;
    }

    /** The bar shows that the replay runs; until then an interruption has nothing to print. */
    private static void awaitProgress(InputStream err) throws IOException {
        StringBuilder seen = new StringBuilder();
        while (!SOME_REQUESTS_ENDED.matcher(seen).find()) {
            int next = err.read();
            assertThat(next).as(seen.toString()).isNotEqualTo(-1);
            seen.append((char) next);
        }
    }

    /** A process started in the background of a script ignores Ctrl-C, and so do its children. */
    static void assumeInterruptible(Process process) throws IOException {
        String ignored = Files.readAllLines(Path.of("/proc", Long.toString(process.pid()), "status")).stream()
                .filter(line -> line.startsWith("SigIgn:"))
                .findFirst()
                .orElseThrow()
                .substring("SigIgn:".length())
                .strip();
        boolean interruptible = (Long.parseUnsignedLong(ignored, 16) & 2) == 0;
        if (!interruptible) {
            System.out.println("Skipped: this process ignores SIGINT, so its children do.");
        }
        assumeTrue(interruptible, "SIGINT is ignored here");
    }
}
