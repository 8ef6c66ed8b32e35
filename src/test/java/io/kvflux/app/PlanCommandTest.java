package io.kvflux.app;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.kvflux.app.Cli.Outcome;
import java.io.IOException;
import org.junit.jupiter.api.Test;

class PlanCommandTest {

    @Test
    void oneModelOnOneDevice() throws IOException {
        JsonNode plan = plan("--model", "llama-3.1-8b", "--device-memory", "40GiB", "--page-size", "128");
        JsonNode cache = plan.get("caches").get(0);
        assertThat(cache.get("shapePerBlock").toString()).isEqualTo("[2,32,128,8,128]");
        assertThat(cache.get("bytesPerPage").asLong()).isEqualTo(16_777_216);
        assertThat(plan.get("blocksPerReplica").asLong()).isEqualTo(2560);
        assertThat(plan.get("tokensPerReplica").asLong()).isEqualTo(2560 * 128);
        assertThat(plan.get("longestSequenceTokens").asLong()).isEqualTo(2560 * 128);
        assertThat(plan.get("hostBlocksPerReplica").asLong()).isZero();
        assertThat(plan.get("estimatedMemoryBytes").asLong()).isEqualTo(40L << 30);
    }

    @Test
    void blockCostsTheSumOfTargetAndDraft() throws IOException {
        JsonNode plan = plan("--model", "llama-3.1-70b", "--model", "llama-3.2-1b", "--device-memory", "1GiB");
        long target = plan.get("caches").get(0).get("bytesPerBlock").asLong();
        long draft = plan.get("caches").get(1).get("bytesPerBlock").asLong();
        assertThat(plan.get("bytesPerBlock").asLong()).isEqualTo(target + draft).isEqualTo(5_767_168);
    }

    @Test
    void memoryIsThatOfOneDevice() throws IOException {
        JsonNode plan = plan(
                "--model", "llama-3.1-8b", "--device-memory", "1GiB", "--tensor-parallel", "4", "--data-parallel", "2");
        assertThat(plan.get("blocksPerReplica").asLong()).isEqualTo(4 * 512);
        assertThat(plan.get("tokens").asLong()).isEqualTo(2 * 4 * 512 * 16);
        assertThat(plan.get("estimatedMemoryBytes").asLong()).isEqualTo(8L << 30);
    }

    @Test
    void replicatedLatentIsStoredOnceOnTheHost() throws IOException {
        JsonNode plan = plan(
                "--model",
                "deepseek-v3",
                "--device-memory",
                "40GiB",
                "--tensor-parallel",
                "8",
                "--page-size",
                "128",
                "--host-memory",
                "1GiB");
        assertThat(plan.get("bytesPerBlock").asLong()).isEqualTo(71_958_528);
        assertThat(plan.get("hostBytesPerBlock").asLong()).isEqualTo(8_994_816);
        assertThat(plan.get("hostBlocksPerReplica").asLong()).isEqualTo((1L << 30) / 8_994_816);
    }

    @Test
    void tableShowsEachCacheAndTheSum() {
        Outcome outcome = Cli.run("plan", "--model", "llama-3.1-8b", "--device-memory", "40GiB");
        assertThat(outcome.code()).isZero();
        assertThat(outcome.out()).contains("[2, 32, 16, 8, 128]", "2,097,152  (2 MiB)", "20,480", "327,680 tokens");
    }

    private static JsonNode plan(String... args) throws IOException {
        String[] line = new String[args.length + 2];
        line[0] = "plan";
        System.arraycopy(args, 0, line, 1, args.length);
        line[args.length + 1] = "--json";
        Outcome outcome = Cli.run(line);
        assertThat(outcome.code()).as(outcome.err()).isZero();
        return new ObjectMapper().readTree(outcome.out());
    }
}
