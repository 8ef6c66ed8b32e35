package io.kvflux.app;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.kvflux.app.Cli.Outcome;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SelftestCommandTest {

    private static final String LINE =
            "seed=5 attention=mha layers=1 heads=2 kvheads=2 dim=4 vocabulary=61 dtype=bfloat16"
                    + " draft=false tp=1 dp=1 overlap=1 page=4 blocks=20 batch=2 tokens=16 chunk=1 policy=fifo victim=least_cost"
                    + " watermark=0.0 caching=true buffer=0 prompt=20 output=5 clients=0,1 events=none verify=false";

    @Test
    void aShortRunPassesAndSaysWhatItTried() {
        Outcome outcome = Cli.run("selftest", "--scenarios", "12", "--threads", "1", "--quiet");
        assertThat(outcome.code()).isZero();
        assertThat(outcome.err()).isEmpty();
        assertThat(outcome.out())
                .contains("PASSED: every token", "tensor parallel 4", "Not tried by so few scenarios: ")
                .containsPattern("scenarios +12\n")
                .containsPattern("page sizes +\\d+ of 128");
    }

    @Test
    void jsonHasTheSameNumbers() throws IOException {
        Outcome outcome = Cli.run("selftest", "--scenarios", "6", "--seed", "3", "--json", "--quiet");
        JsonNode json = new ObjectMapper().readTree(outcome.out());
        assertThat(json.get("passed").asBoolean()).isTrue();
        assertThat(json.get("scenarios").asLong()).isEqualTo(6);
        assertThat(json.get("seed").asLong()).isEqualTo(3);
        assertThat(json.get("tokens").asLong()).isPositive();
        assertThat(json.get("tried").get("overlap1").asLong()
                        + json.get("tried").get("overlap2").asLong()
                        + json.get("tried").get("overlap3").asLong())
                .isEqualTo(6);
        assertThat(json.get("failure").isNull()).isTrue();
        assertThat(json.has("partial")).isFalse();
    }

    @Test
    void aLineIsReplayed() {
        Outcome outcome = Cli.run("selftest", "--scenario", LINE);
        assertThat(outcome.code()).isZero();
        assertThat(outcome.out())
                .containsPattern("scenarios +1\n")
                .contains("PASSED")
                .doesNotContain("Not tried");
    }

    @Test
    void whoInterruptsGetsWhatWasRun() {
        Interruption interruption = new Interruption();
        StringWriter out = new StringWriter();
        AtomicBoolean over = new AtomicBoolean();
        Thread presser = new Thread(() -> {
            while (!over.get()) {
                interruption.stopAndAwaitEnd(); // does nothing until there is something to stop
            }
        });
        presser.start();
        int code = Main.run(
                new PrintWriter(out),
                new PrintWriter(new StringWriter()),
                interruption,
                "selftest",
                "--duration",
                "999h");
        over.set(true);
        interruption.ended();
        assertThat(code).isEqualTo(130);
        assertThat(out.toString()).contains("Interrupted: fewer scenarios than asked for.");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--duration 10 | expected a time such as 90s, 10m or 1h30m, found '10'",
                "--duration 0s | expected a time such as 90s, 10m or 1h30m, found '0s'",
                "--scenarios 0 | expected a whole number of at least 1, found '0'",
                "--threads -1 | expected a whole number from 1 to",
                "--threads 999999999 | threads must be from 1 to 1024, threads=999999999",
                "--device cuda:0 | --device: expected host, found 'cuda:0'",
                "--scenario seed=1 | --scenario: a scenario needs every field, missing: attention",
                "--scenario seed=1 --seed 2 | --scenario is all there is to run",
                "--seed x | 'x' is not a long",
                "--seed 1 --seed 2 | option '--seed' (N) should be specified only once"
            })
    void wrongOptionsAreRefusedInOneSentence(String options, String sentence) {
        Outcome outcome = Cli.run(("selftest " + options).split(" "));
        assertThat(outcome.code()).isEqualTo(2);
        assertThat(outcome.out()).isEmpty();
        assertThat(outcome.err()).contains(sentence).hasLineCount(1);
    }
}
