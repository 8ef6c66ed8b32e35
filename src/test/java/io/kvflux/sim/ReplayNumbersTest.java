package io.kvflux.sim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.kvflux.RealTraces;
import io.kvflux.block.EvictionPolicy;
import io.kvflux.core.PreemptionMode;
import io.kvflux.core.QueuePolicy;
import io.kvflux.core.SchedulerConfig;
import io.kvflux.core.VictimRule;
import io.kvflux.geometry.MultiKvCacheParams;
import io.kvflux.models.ModelPresets;
import io.kvflux.tier.HostPolicy;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The numbers that real traces must give. The traces are not part of the repository; without them nothing is shown. */
class ReplayNumbersTest {

    private static SchedulerConfig.Builder llama(int pageSize, int blocks) {
        return SchedulerConfig.builder(
                MultiKvCacheParams.fromParams(ModelPresets.find("llama-3.1-8b")
                        .cacheParams()
                        .pageSize(pageSize)
                        .build()),
                blocks);
    }

    private static ReplaySummary cacheOnly(int blocks) {
        return cacheOnly(llama(512, blocks));
    }

    private static ReplaySummary cacheOnly(SchedulerConfig.Builder scheduler) {
        try (Workload workload = Traces.openUnsorted(
                RealTraces.find("mooncake-conversation.jsonl"), TraceFormat.AUTO, Long.MAX_VALUE, 0)) {
            ReplayOptions options = new ReplayOptions(
                    scheduler.build(),
                    CostModel.linear(1, 0, 0),
                    ReplayOptions.DEFAULT_HOST_BYTES_PER_SECOND,
                    1,
                    0,
                    true);
            return new Replay(workload, options, new ReplayListener() {}).run().summary();
        }
    }

    @Test
    void theConversationTraceHitsTheseBlocksInASmallPool() {
        ReplaySummary summary = cacheOnly(1000);
        assertThat(summary.requests()).isEqualTo(12_031);
        assertThat(summary.promptBlocks()).isEqualTo(276_491);
        assertThat(summary.hitBlocks()).isEqualTo(12_990);
        assertThat(summary.insertedBlocks()).isEqualTo(263_501);
        assertThat(summary.evictedBlocks()).isEqualTo(262_501);
        assertThat(summary.leakedBlocks()).isZero();
    }

    /** The aims are 12 % in 3 000 blocks and 23 % in 10 000; LRU hits 19 404 and 62 005 blocks. */
    @ParameterizedTest
    @CsvSource({"3000, 33212", "10000, 64276"})
    void adaptiveEvictionHitsTheseBlocksOfTheConversationTrace(int blocks, long hits) {
        ReplaySummary summary = cacheOnly(llama(512, blocks).eviction(EvictionPolicy::adaptive));
        assertThat(summary.promptBlocks()).isEqualTo(276_491);
        assertThat(summary.hitBlocks()).isEqualTo(hits);
        assertThat(summary.leakedBlocks()).isZero();
    }

    @ParameterizedTest
    @CsvSource({"EXCLUSIVE, 52151, 262501", "INCLUSIVE, 51778, 211171", "WRITE_THROUGH, 49016, 214484"})
    void theConversationTraceHitsTheseBlocksOnTheHost(HostPolicy policy, long hostHits, long offloaded) {
        ReplaySummary summary = cacheOnly(llama(512, 1000).hostBlocks(10_000).hostPolicy(policy));
        assertThat(summary.hitBlocks()).isEqualTo(12_990);
        ReplaySummary.Tier host = summary.tiers().host();
        assertThat(host.hitBlocks()).isEqualTo(hostHits);
        assertThat(host.onloadedBlocks()).isEqualTo(hostHits);
        assertThat(host.offloadedBlocks()).isEqualTo(offloaded);
    }

    @Test
    void offloadingBeatsRecomputingOnAMeasuredRun() {
        ReplaySummary recompute = measuredRun(PreemptionMode.RECOMPUTE);
        ReplaySummary auto = measuredRun(PreemptionMode.AUTO);
        System.out.printf(
                "mean latency %.2f s recomputing, %.2f s as is cheaper; makespan %.1f s, %.1f s; offloaded %d of %d%n",
                recompute.latencySeconds().mean(),
                auto.latencySeconds().mean(),
                recompute.makespanSeconds(),
                auto.makespanSeconds(),
                auto.preemptions().offload(),
                auto.preemptions().offload() + auto.preemptions().recompute());
        assertThat(auto.latencySeconds().mean())
                .isLessThan(0.96 * recompute.latencySeconds().mean());
        assertThat(auto.makespanSeconds()).isLessThan(0.98 * recompute.makespanSeconds());
        assertThat(recompute.preemptions().offload()).isZero();
        assertThat(recompute.leakedBlocks() + auto.leakedBlocks()).isZero();
    }

    private static ReplaySummary measuredRun(PreemptionMode preemption) {
        Path trace = RealTraces.find("vllm-rtx4090").resolve("workload.jsonl.gz");
        try (Workload workload = Traces.open(trace, TraceFormat.AUTO, Long.MAX_VALUE, 0)) {
            SchedulerConfig.Builder scheduler =
                    llama(16, 2587).maxBatchSize(256).maxBatchTokens(2048).preemption(preemption);
            long blockBytes = scheduler.build().caches().hostBytesPerBlock();
            ReplayOptions options = new ReplayOptions(
                    scheduler.hostBlocks((int) ((32L << 30) / blockBytes)).build(),
                    CostModel.linear(0.0155, 9.5e-5, 2.3e-7),
                    20L << 30,
                    1,
                    0,
                    false);
            return new Replay(workload, options, new ReplayListener() {}).run().summary();
        }
    }

    /** The aims relative to what the engine took: makespan 183.57 s, mean latency 86.61 s, p99 153.84 s. */
    @Test
    void rulesByLengthBeatTheMeasuredRun() {
        ReplaySummary host = measuredRun(llama(16, 2587)
                .hostBlocks(16_384)
                .policy(QueuePolicy.SHORTEST)
                .victimRule(VictimRule.MOST_WORK)
                .levelling(true));
        assertRatios(host, 0.93, 0.75, 1.00);
        ReplaySummary none = measuredRun(llama(16, 2587)
                .policy(QueuePolicy.SHORTEST)
                .victimRule(VictimRule.MOST_WORK)
                .growthMargin(1.75)
                .ageing(3500)
                .levelling(true));
        assertRatios(none, 0.965, 0.80, 1.05);
        assertRatios(measuredRun(llama(16, 2587).growthMargin(0.75)), 0.971, 0.969, 0.97);
        assertRatios(
                measuredRun(llama(16, 2587).hostBlocks(16_384).victimRule(VictimRule.CHEAPEST_ROOM)),
                0.945,
                0.932,
                0.94);
    }

    private static void assertRatios(ReplaySummary summary, double makespan, double mean, double p99) {
        assertThat(summary.completed()).isEqualTo(300);
        assertThat(summary.leakedBlocks()).isZero();
        assertThat(summary.makespanSeconds() / 183.57).isLessThanOrEqualTo(makespan);
        assertThat(summary.latencySeconds().mean() / 86.61).isLessThanOrEqualTo(mean);
        assertThat(summary.latencySeconds().p99() / 153.84).isLessThanOrEqualTo(p99);
    }

    private static ReplaySummary measuredRun(SchedulerConfig.Builder scheduler) {
        Path trace = RealTraces.find("vllm-rtx4090").resolve("workload.jsonl.gz");
        try (Workload workload = Traces.open(trace, TraceFormat.AUTO, Long.MAX_VALUE, 0)) {
            ReplayOptions options = new ReplayOptions(
                    scheduler.maxBatchSize(256).maxBatchTokens(2048).build(),
                    CostModel.linear(0.0155, 9.5e-5, 2.3e-7),
                    20L << 30,
                    1,
                    0,
                    false);
            return new Replay(workload, options, new ReplayListener() {}).run().summary();
        }
    }

    @Test
    void theConversationTraceHitsTheseBlocksWithoutALimit() {
        ReplaySummary summary = cacheOnly(200_000);
        assertThat(summary.hitBlocks()).isEqualTo(105_592);
        assertThat(summary.insertedBlocks()).isEqualTo(170_899);
        assertThat(summary.evictedBlocks()).isZero();
    }

    @Test
    void aKnownEngineIsReplayedAsItWasMeasured() throws IOException {
        Path run = RealTraces.find("vllm-rtx4090");
        List<Tick> ticks = new ArrayList<>();
        ReplaySummary summary;
        try (Workload workload = Traces.open(run.resolve("workload.jsonl.gz"), TraceFormat.AUTO, Long.MAX_VALUE, 0)) {
            SchedulerConfig scheduler = llama(16, 2587)
                    .engineVllm()
                    .maxBatchSize(256)
                    .maxBatchTokens(2048)
                    .build();
            ReplayOptions options = new ReplayOptions(
                    scheduler,
                    CostModel.linear(0.0155, 9.5e-5, 2.3e-7),
                    ReplayOptions.DEFAULT_HOST_BYTES_PER_SECOND,
                    1,
                    0,
                    false);
            ReplayListener listener = new ReplayListener() {
                @Override
                public void onTick(Tick tick) {
                    ticks.add(tick);
                }
            };
            summary = new Replay(workload, options, listener).run().summary();
        }
        Measured measured = Measured.read(run.resolve("requests.jsonl"));
        double runningError = runningError(run.resolve("timeseries.csv"), ticks);
        System.out.printf(
                "replayed vs measured: ttft %.3f %.3f (%.4f), tpot %.5f %.5f (%.4f), latency %.3f %.3f (%.4f),"
                        + " makespan %.2f, running count off by %.3f, preemptions %d%n",
                summary.ttftSeconds().mean(),
                measured.ttft,
                summary.ttftSeconds().mean() / measured.ttft,
                summary.tpotSeconds().mean(),
                measured.tpot,
                summary.tpotSeconds().mean() / measured.tpot,
                summary.latencySeconds().mean(),
                measured.latency,
                summary.latencySeconds().mean() / measured.latency,
                summary.makespanSeconds(),
                runningError,
                summary.preemptions().recompute());
        assertThat(summary.completed()).isEqualTo(300);
        assertThat(summary.leakedBlocks()).isZero();
        assertThat(summary.ttftSeconds().mean() / measured.ttft).isCloseTo(1, within(0.03));
        assertThat(summary.tpotSeconds().mean() / measured.tpot).isCloseTo(1, within(0.03));
        assertThat(summary.latencySeconds().mean() / measured.latency).isCloseTo(1, within(0.03));
        assertThat(runningError).isLessThanOrEqualTo(2);
    }

    /** Mean over the measured rows of |replayed running count - measured|; a second without a tick has none running. */
    private static double runningError(Path timeseries, List<Tick> ticks) throws IOException {
        Map<Double, Integer> replayed = ticks.stream().collect(Collectors.toMap(Tick::seconds, Tick::running));
        List<String> rows = Files.readAllLines(timeseries);
        double sum = 0;
        for (String row : rows.subList(1, rows.size())) {
            String[] cells = row.split(",", -1);
            int running = replayed.getOrDefault(Math.floor(Double.parseDouble(cells[0])), 0);
            sum += Math.abs(running - Integer.parseInt(cells[3]));
        }
        return sum / (rows.size() - 1);
    }

    private record Measured(double ttft, double tpot, double latency) {

        static Measured read(Path file) throws IOException {
            double ttft = 0;
            double tpot = 0;
            double latency = 0;
            int count = 0;
            ObjectMapper json = new ObjectMapper();
            for (String line : Files.readAllLines(file)) {
                JsonNode row = json.readTree(line);
                double queued = row.get("queued_ts").asDouble();
                double first = row.get("first_token_ts").asDouble();
                double last = row.get("last_token_ts").asDouble();
                ttft += first - queued;
                tpot += (last - first) / (row.get("output_toks").asInt() - 1);
                latency += last - queued;
                count++;
            }
            return new Measured(ttft / count, tpot / count, latency / count);
        }
    }
}
