package io.kvflux.app;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kvflux.app.Cli.Outcome;
import io.kvflux.memory.cuda.StandIn;
import java.io.IOException;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Commands whose pages are on a GPU, on the stand-in of its driver, after each of which nothing lives. */
@ExtendWith(StandIn.class)
class GpuCommandsTest {

    @Test
    void theSelfTestAttendsOnTheDevice() {
        Outcome outcome = Cli.run("selftest", "--scenarios", "40", "--device", "cuda:0", "--quiet");
        assertThat(outcome.code()).isZero();
        assertThat(outcome.out()).contains("cuda:0 (KvFlux stand-in GPU)", "PASSED", "(attention on the device)");
        assertThat(StandIn.calls("cuLaunchKernel")).isGreaterThan(1000);
    }

    @Test
    void theSelfTestAttendsOnTheProcessorWithoutKernels() {
        Outcome outcome = Cli.run("selftest", "--scenarios", "40", "--device", "cuda", "--no-kernels", "--quiet");
        assertThat(outcome.code()).isZero();
        assertThat(outcome.out())
                .contains("PASSED", "(attention on the processor, pages copied back a layer at a time)");
        assertThat(StandIn.calls("cuLaunchKernel")).isZero();
    }

    @Test
    void theSelfTestFindsAByteThatTheGpuLoses() {
        StandIn.script("fail cuMemcpyDtoDAsync_v2 1 1; fail cuMemcpyHtoDAsync_v2 400 1");
        Outcome outcome = Cli.run("selftest", "--scenarios", "6", "--threads", "1", "--device", "cuda", "--quiet");
        assertThat(outcome.code()).isEqualTo(1);
        assertThat(outcome.out()).contains("FAILED", "cuMemcpyHtoDAsync_v2");
    }

    @Test
    void aReplayMovesRealBytesThroughTheGpuAndChecksThem() throws IOException {
        String[] where = {
            "replay",
            "--limit",
            "30",
            "--json",
            "--quiet",
            "--with-memory",
            "--device-blocks",
            "200",
            "--page-size",
            "16",
            "--host-blocks",
            "300",
            "--model",
            "llama-3.2-1b"
        };
        JsonNode host = json(Cli.run(where));
        for (String device : new String[] {"cuda", "cuda:1"}) {
            String[] onGpu = Arrays.copyOf(where, where.length + 2);
            onGpu[where.length] = "--device";
            onGpu[where.length + 1] = device;
            Outcome outcome = Cli.run(onGpu);
            assertThat(outcome.err()).isEmpty();
            assertThat(outcome.code()).isZero();
            assertThat(json(outcome)).isEqualTo(host);
        }
        assertThat(host.get("checkedBlocks").asLong()).isPositive();
        assertThat(StandIn.calls("cuMemcpyHtoDAsync_v2")).isPositive();
    }

    @Test
    void shardsAndReplicasTakeTurnsOnTheGpusThatAreNamed() {
        StandIn.script("devices 4");
        for (String options : new String[] {
            "--device cuda:0,1 --tensor-parallel 4",
            "--device cuda:0,1 --tensor-parallel 2 --data-parallel 2",
            "--device cuda:2,3 --tensor-parallel 2",
            "--device cuda:3,1",
            "--device cuda:0,1,2,3 --data-parallel 2"
        }) {
            String all =
                    "replay --limit 5 --quiet --with-memory --device-blocks 300 --host-blocks 50 --model llama-3.2-1b "
                            + options;
            Outcome outcome = Cli.run(all.split(" ", -1));
            assertThat(outcome.err()).isEmpty();
            assertThat(outcome.code()).as(options).isZero();
        }
        Outcome outcome = Cli.run("selftest", "--scenarios", "12", "--device", "cuda:0,1", "--quiet");
        assertThat(outcome.code()).isZero();
        assertThat(outcome.out()).contains("cuda:0 (KvFlux stand-in GPU) and cuda:1 (KvFlux stand-in GPU)");
    }

    @Test
    void whatAGpuLacksIsDoneWithoutOrToldInOneSentence() {
        StandIn.lenient("attribute 99 0");
        assertThat(Cli.run("selftest", "--scenarios", "3", "--device", "cuda", "--no-kernels", "--quiet")
                        .code())
                .isZero();
        StandIn.lenient("fail-above 1KiB");
        Outcome small = Cli.run("selftest", "--scenarios", "6", "--device", "cuda", "--quiet");
        assertThat(small.code()).isEqualTo(1);
        assertThat(small.err()).hasLineCount(1).doesNotContain("bug");
        StandIn.lenient("fail cuModuleLoadData 1 218");
        Outcome ptx = Cli.run("selftest", "--scenarios", "6", "--device", "cuda", "--quiet");
        assertThat(ptx.code()).isEqualTo(1);
        assertThat(ptx.err()).hasLineCount(1).contains("--no-kernels does without kernels");
    }

    private static JsonNode json(Outcome outcome) throws IOException {
        ObjectNode json = (ObjectNode) new ObjectMapper().readTree(outcome.out());
        json.remove("wallSeconds");
        return json;
    }

    @Test
    void aGpuThatIsTooSmallOrNotThereIsToldInOneSentence() {
        Outcome missing = Cli.run("selftest", "--device", "cuda:5");
        assertThat(missing.code()).isEqualTo(1);
        assertThat(missing.err()).startsWith("kvflux: there is no GPU with that number, asked=5, GPUs=2");
        StandIn.script("memory 64MiB");
        Outcome small =
                Cli.run("replay", "--limit", "5", "--with-memory", "--device", "cuda", "--device-blocks", "5000");
        assertThat(small.code()).isEqualTo(1);
        assertThat(small.err())
                .startsWith("kvflux: arenas must fit the budget of the device, device=cuda:0 (KvFlux stand-in GPU)")
                .hasLineCount(1);
        StandIn.script("lose 0");
        Outcome lost = Cli.run("selftest", "--device", "cuda:0");
        assertThat(lost.code()).isEqualTo(1);
        assertThat(lost.err()).hasLineCount(1).contains("CUDA_ERROR_LAUNCH_FAILED");
    }
}
