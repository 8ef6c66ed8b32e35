package io.kvflux.app;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.kvflux.app.Cli.Outcome;
import io.kvflux.soak.Finding;
import io.kvflux.soak.Gauge;
import io.kvflux.soak.Samples;
import io.kvflux.soak.SoakResult;
import io.kvflux.soak.TrendLine;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SoakCommandTest {

    private static final Pattern SOME_SECONDS = Pattern.compile(" [1-9][0-9]*/");
    private static final Finding LEAK = new Finding(Finding.Kind.LEAK, "life 2: <threads> grow");

    @TempDir
    Path folder;

    private static SoakResult failed() {
        TrendLine line = new TrendLine(Gauge.THREADS, "life 2", 20, 10, 30, 20, 2, 4.5, true);
        return new SoakResult(
                7,
                60,
                3,
                30,
                600_000,
                6_000_000,
                Map.of("forks", 12L),
                Map.of("step, p50", 0.00003),
                List.of(line),
                new Samples(),
                new Samples(),
                List.of(LEAK));
    }

    @Test
    void aShortRunPassesAndWritesItsReport() throws IOException {
        Path report = folder.resolve("soak.html");
        Outcome outcome = Cli.run("soak", "--sequences", "300", "--quiet", "--report", report.toString());
        assertThat(outcome.err()).isEmpty();
        assertThat(outcome.out())
                .contains("PASSED: every count", "Too short to tell growth", "Tried", "time to first token, p99.99")
                .containsPattern("quiet points +1\n");
        assertThat(outcome.code()).isZero();
        assertThat(report)
                .content()
                .contains("<title>Passed - KvFlux soak</title>", "<h1>Passed</h1>", "Tokens compared", "HEAP_AFTER_GC")
                .doesNotContain("{{", "http://", "https://", "interrupted");
    }

    @Test
    void jsonHasTheSameNumbers() throws IOException {
        Outcome outcome = Cli.run("soak", "--sequences", "200", "--seed", "5", "--json", "--quiet");
        JsonNode json = new ObjectMapper().readTree(outcome.out());
        assertThat(json.get("seed").asLong()).isEqualTo(5);
        assertThat(json.get("passed").asBoolean()).isTrue();
        assertThat(json.get("growthWasTested").asBoolean()).isFalse();
        assertThat(json.get("sequences").asLong()).isGreaterThanOrEqualTo(200);
        assertThat(json.get("tried").get("generated tokens").asLong()).isPositive();
        assertThat(json.get("trends")).hasSize(7);
        assertThat(json.get("findings")).isEmpty();
        assertThat(json.has("partial")).isFalse();
    }

    @Test
    void aFailureIsToldInOneSentenceEach() throws IOException {
        StringWriter out = new StringWriter();
        SoakTable.print(new PrintWriter(out), failed(), false);
        assertThat(out.toString())
                .contains("FAILED: LEAK: life 2: <threads> grow", "./kvflux soak --seed 7", "threads, life 2")
                .doesNotContain("PASSED");
        JsonNode json = new ObjectMapper().readTree(SoakTable.json(failed(), true));
        assertThat(json.get("passed").asBoolean()).isFalse();
        assertThat(json.get("partial").asBoolean()).isTrue();
        assertThat(json.get("findings").get(0).get("kind").asText()).isEqualTo("LEAK");
        assertThat(json.get("trends").get(0).get("grows").asBoolean()).isTrue();
    }

    @Test
    void theReportOfAFailureSaysWhatFailed() throws IOException {
        Path path = folder.resolve("failed.html");
        try (OutputFile file = OutputFile.open("--report", path)) {
            SoakReport.write(file, failed(), true);
            file.finish();
            file.commit();
        }
        assertThat(path)
                .content()
                .contains("<h1>Failed</h1>", "life 2: &lt;threads&gt; grow", "The soak was interrupted");
    }

    @ParameterizedTest
    @CsvSource({
        "--duration 0s, expected a time such as 90s",
        "--sequences 0, of at least 1",
        "--seed x, 'x' is not a long",
        "--report /, it is a folder"
    })
    void whatCannotBeIsRefused(String arguments, String because) {
        Outcome outcome = Cli.run(("soak " + arguments).split(" "));
        assertThat(outcome.code()).isIn(1, 2);
        assertThat(outcome.err()).contains(because).hasLineCount(1);
        assertThat(outcome.out()).isEmpty();
    }

    @Test
    @Timeout(120)
    @EnabledOnOs(OS.LINUX)
    void anInterruptedSoakPrintsItsVerdictAndLeavesNothingBehind() throws Exception {
        Path temporary = Files.createDirectory(folder.resolve("tmp"));
        Path report = folder.resolve("report.html");
        Process soak = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--add-opens=java.base/java.lang.reflect=ALL-UNNAMED",
                        "--add-exports=java.base/sun.nio.ch=ALL-UNNAMED",
                        "-Dkvflux.columns=80",
                        "-Djava.io.tmpdir=" + temporary,
                        "-cp",
                        System.getProperty("java.class.path"),
                        Main.class.getName(),
                        "soak",
                        "--duration=10m",
                        "--report=" + report)
                .start();
        try {
            InterruptionTest.assumeInterruptible(soak);
            awaitProgress(soak.getErrorStream());
            new ProcessBuilder("kill", "-INT", Long.toString(soak.pid()))
                    .start()
                    .waitFor();
            String out = new String(soak.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertThat(soak.waitFor()).as(out).isEqualTo(130);
            assertThat(out)
                    .contains("Interrupted: shorter than asked for.", "PASSED")
                    .doesNotContain("Exception");
            assertThat(report).content().contains("The soak was interrupted");
            try (Stream<Path> left = Files.list(temporary)) {
                assertThat(left).noneMatch(path -> path.getFileName().toString().startsWith("kvflux-soak"));
            }
        } finally {
            soak.destroyForcibly();
        }
    }

    private static void awaitProgress(InputStream err) throws IOException {
        StringBuilder seen = new StringBuilder();
        while (!SOME_SECONDS.matcher(seen).find()) {
            int next = err.read();
            assertThat(next).as(seen.toString()).isNotEqualTo(-1);
            seen.append((char) next);
        }
    }
}
