package io.kvflux.sim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.kvflux.core.Configs;
import io.kvflux.core.SchedulerConfig;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The same requests through the reactive face, in real time and with real pages, and under the virtual clock. */
class RealtimeReplayTest {

    private static final double FAST = 1e6;

    private static ReplayOptions options(int blocks, int replicas, int stepsInFlight) {
        SchedulerConfig config = SchedulerConfig.builder(Configs.caches(16, replicas), blocks)
                .maxStepsInFlight(stepsInFlight)
                .maxBatchSize(32)
                .maxBatchTokens(2048)
                .build();
        return new ReplayOptions(
                config, CostModel.linear(0.01, 1e-5, 1e-8), ReplayOptions.DEFAULT_HOST_BYTES_PER_SECOND, 3, 1, false);
    }

    private static RealtimeResult realtime(ReplayOptions options, int requests) {
        try (Workload workload = SyntheticWorkload.of(1, requests)) {
            return new RealtimeReplay(workload, options, FAST, new ReplayListener() {}).run();
        }
    }

    private static ReplaySummary virtual(ReplayOptions options, int requests) {
        try (Workload workload = SyntheticWorkload.of(1, requests)) {
            return new Replay(workload, options, new ReplayListener() {}).run().summary();
        }
    }

    @ParameterizedTest
    @CsvSource({"4000, 1, 1", "900, 1, 2", "900, 2, 3", "300, 1, 1"})
    void endsWithTheTokenCountsOfTheVirtualClock(int blocks, int replicas, int stepsInFlight) {
        ReplayOptions options = options(blocks, replicas, stepsInFlight);
        RealtimeResult real = realtime(options, 120);
        ReplaySummary virtual = virtual(options, 120);
        assertThat(real.agreesWith(virtual)).as("%s %s", real, virtual).isTrue();
        assertThat(real.wrongTokens()).isZero();
        assertThat(real.leakedBlocks()).isZero();
        assertThat(real.checkedTokens()).isGreaterThan(real.outputTokens());
        assertThat(real.partial()).isFalse();
    }

    /** With little traffic nothing that comes later covers up a lost wake-up: the replay would stand still. */
    @Test
    @Timeout(60)
    void aHundredSmallReplaysEnd() {
        for (int i = 0; i < 100; i++) {
            ReplayOptions options = options(900, 1 + i % 2, 1 + i % 3);
            assertThat(realtime(options, 8).completed()).isEqualTo(8);
        }
    }

    @Test
    void aReplayThatIsStoppedGivesWhatItHas() {
        try (Workload workload = SyntheticWorkload.of(1, 100_000)) {
            RealtimeReplay replay = new RealtimeReplay(workload, options(4000, 1, 1), 1, new ReplayListener() {});
            replay.stop();
            RealtimeResult result = replay.run();
            assertThat(result.partial()).isTrue();
            assertThat(result.leakedBlocks()).isZero();
        }
    }

    @Test
    void aSpeedIsPositive() {
        try (Workload workload = SyntheticWorkload.of(1, 1)) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> new RealtimeReplay(workload, options(10, 1, 1), 0, new ReplayListener() {}))
                    .withMessage("speed must be positive, speed=0.0");
        }
    }
}
