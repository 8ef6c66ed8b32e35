package io.kvflux.app;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.kvflux.app.Cli.Outcome;
import io.kvflux.geometry.DataSize;
import io.kvflux.memory.CopyBatch;
import io.kvflux.memory.CopyListener;
import io.kvflux.memory.DeviceMemory;
import io.kvflux.selftest.TestDevice;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.reflect.Proxy;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

class SelftestCommandTest {

    private static final String LINE =
            "seed=5 attention=mha layers=1 heads=2 kvheads=2 dim=4 vocabulary=61 dtype=bfloat16"
                    + " draft=false tp=1 dp=1 overlap=1 page=4 blocks=20 batch=2 tokens=16 chunk=1 policy=fifo victim=least_cost"
                    + " watermark=0.0 caching=true buffer=0 prompt=20 output=5 clients=0,1 events=none reserve=true readmit=true skips=64 pending=1024 host=0 hostpolicy=inclusive preemption=auto ahead=0.0 disk=0 drafts=0 drafting=off distance=0.0 credits=0 ageing=4500 growth=none levelling=false eviction=lru poison=true verify=false";

    @Test
    void aShortRunPassesAndSaysWhatItTried() {
        Outcome outcome = Cli.run("selftest", "--scenarios", "12", "--threads", "1", "--quiet");
        assertThat(outcome.code()).isZero();
        assertThat(outcome.err()).isEmpty();
        assertThat(outcome.out())
                .contains(
                        "PASSED: every token",
                        "(attention on the processor)",
                        "tensor parallel 4",
                        "Not tried by so few scenarios: ",
                        ", page sizes ")
                .containsPattern("scenarios +12\n")
                .containsPattern("page sizes +\\d+ of 128");
    }

    @Test
    void jsonHasTheSameNumbers() throws IOException {
        Outcome outcome = Cli.run("selftest", "--scenarios", "6", "--seed", "3", "--json", "--quiet");
        JsonNode json = new ObjectMapper().readTree(outcome.out());
        assertThat(json.get("passed").asBoolean()).isTrue();
        assertThat(json.get("attention").asText()).isEqualTo("attention on the processor");
        assertThat(json.get("scenarios").asLong()).isEqualTo(6);
        assertThat(json.get("seed").asLong()).isEqualTo(3);
        assertThat(json.get("tokens").asLong()).isPositive();
        assertThat(json.get("tried").get("overlap1").asLong()
                        + json.get("tried").get("overlap2").asLong()
                        + json.get("tried").get("overlap3").asLong())
                .isEqualTo(6);
        assertThat(json.get("missing").isArray()).isTrue();
        assertThat(json.get("missing").size()).isPositive();
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

    /** Says of every batch that it was carried out, and does nothing. */
    private static final class Idle implements TestDevice {

        final Interruption interruption = new Interruption();
        final StringWriter out = new StringWriter();
        final StringWriter err = new StringWriter();
        boolean interrupts;
        int openedAfterTheFailure;

        @Override
        public String name() {
            return "a device that does nothing";
        }

        @Override
        public DeviceMemory open(DataSize budget) {
            if (out.toString().contains("again with:")) {
                openedAfterTheFailure++;
                if (interrupts) {
                    interruption.ended();
                    interruption.stopAndAwaitEnd();
                }
            }
            DeviceMemory host = TestDevice.host().open(budget);
            return (DeviceMemory) Proxy.newProxyInstance(
                    DeviceMemory.class.getClassLoader(), new Class<?>[] {DeviceMemory.class}, (proxy, method, args) -> {
                        if (!method.getName().equals("submit")) {
                            return method.invoke(host, args);
                        }
                        ((CopyListener) args[1]).ended((CopyBatch) args[0], null);
                        return null;
                    });
        }

        int run(String... options) {
            return new CommandLine(new SelftestCommand(interruption, this))
                    .setOut(new PrintWriter(out))
                    .setErr(new PrintWriter(err))
                    .execute(options);
        }
    }

    @Test
    void aFailureIsToldWithItsLineThenShrunkAndTheExitCodeIsOne() {
        Idle device = new Idle();
        assertThat(device.run("--scenarios", "50", "--quiet", "--threads", "1")).isEqualTo(1);
        assertThat(device.err.toString()).isEmpty();
        assertThat(device.out.toString())
                .containsPattern("(?s)FAILED: .*\n  again with: .*\n  a shorter one: .*\n  which finds: .*")
                .doesNotContain("PASSED");
        assertThat(device.openedAfterTheFailure).isGreaterThan(10);
        String shorter = device.out.toString().replaceAll("(?s).*a shorter one: [^']*'([^']*)'.*", "$1");
        Idle again = new Idle();
        assertThat(again.run("--scenario", shorter)).isEqualTo(1);
        assertThat(again.out.toString()).contains("FAILED: ");
    }

    @Test
    void whoInterruptsTheShrinkingGetsWhatThereIs() {
        Idle device = new Idle();
        device.interrupts = true;
        assertThat(device.run("--scenarios", "50", "--quiet")).isEqualTo(1);
        assertThat(device.openedAfterTheFailure).isEqualTo(1);
        assertThat(device.out.toString()).contains("FAILED: ", "again with: ");
    }

    @Test
    void aFailureInJson() throws IOException {
        Idle device = new Idle();
        assertThat(device.run("--scenarios", "50", "--json", "--quiet")).isEqualTo(1);
        JsonNode json = new ObjectMapper().readTree(device.out.toString());
        assertThat(json.get("passed").asBoolean()).isFalse();
        assertThat(json.get("failure").get("finding").asText()).isNotEmpty();
        assertThat(json.get("failure").get("shrunk").get("scenario").asText()).startsWith("seed=");
        assertThat(device.err.toString())
                .contains("FAILED: ", json.get("failure").get("scenario").asText());
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
                "--device gpu:0 | --device: expected host, cuda, cuda:N or cuda:N,N, found 'gpu:0'",
                "--device cuda:0,0 | --device: a GPU is named twice in 'cuda:0,0'",
                "--no-kernels | --no-kernels is about a GPU: give --device",
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
