package io.kvflux.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class SchedulerConfigTest {

    private static SchedulerConfig.Builder builder(int blocks) {
        return SchedulerConfig.builder(Configs.caches(16, 1), blocks);
    }

    @Test
    void defaultsAreThoseThatAreDocumented() {
        SchedulerConfig config = builder(1000).build();
        assertThat(config.maxBatchSize()).isEqualTo(256);
        assertThat(config.maxBatchTokens()).isEqualTo(8192);
        assertThat(config.maxBatchContextTokens()).isEqualTo(Long.MAX_VALUE);
        assertThat(config.minChunkTokens()).isEqualTo(16);
        assertThat(config.maxStepsInFlight()).isEqualTo(1);
        assertThat(config.policy()).isEqualTo(QueuePolicy.FIFO);
        assertThat(config.victimRule()).isEqualTo(VictimRule.LEAST_COST);
        assertThat(config.watermarkBlocks()).isEqualTo(10);
        assertThat(config.reservePrefills()).isTrue();
        assertThat(config.admitAfterPreemption()).isTrue();
        assertThat(config.maxSkips()).isEqualTo(64);
        assertThat(config.verifyInvariants()).isFalse();
    }

    @Test
    void theDefaultOfMinChunkTokensIsLoweredToWhatTheOtherLimitsAllow() {
        assertThat(builder(10).maxBatchSize(8).maxBatchTokens(10).build().minChunkTokens())
                .isEqualTo(3);
    }

    @Test
    void vllmMeansWhatIsDocumented() {
        SchedulerConfig config = builder(1000).maxStepsInFlight(4).engineVllm().build();
        assertThat(config.policy()).isEqualTo(QueuePolicy.FIFO);
        assertThat(config.victimRule()).isEqualTo(VictimRule.LAST_ADMITTED);
        assertThat(config.watermarkBlocks()).isZero();
        assertThat(config.reservePrefills()).isFalse();
        assertThat(config.admitAfterPreemption()).isFalse();
        assertThat(config.minChunkTokens()).isEqualTo(1);
        assertThat(config.maxStepsInFlight()).isEqualTo(1);
    }

    @Test
    void allContradictionsAreListedAtOnce() {
        SchedulerConfig.Builder builder = builder(0)
                .maxBatchSize(10)
                .maxBatchTokens(5)
                .maxBatchContextTokens(0)
                .maxStepsInFlight(65)
                .watermark(1)
                .maxSkips(-1);
        assertThatThrownBy(builder::build)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("blocksPerReplica must be positive, blocksPerReplica=0;"
                        + " maxBatchTokens must be at least maxBatchSize, maxBatchTokens=5, maxBatchSize=10;"
                        + " maxBatchContextTokens must be positive, maxBatchContextTokens=0;"
                        + " maxStepsInFlight must be in [1, 64], maxStepsInFlight=65;"
                        + " watermark must be in [0, 1), watermark=1.0;"
                        + " maxSkips must not be negative, maxSkips=-1");
    }

    @Test
    void eachContradictionIsFoundAlone() {
        assertFault(builder(10).maxBatchSize(0), "maxBatchSize must be positive, maxBatchSize=0");
        assertFault(builder(10).maxStepsInFlight(0), "maxStepsInFlight must be in [1, 64], maxStepsInFlight=0");
        assertFault(builder(10).watermark(-0.1), "watermark must be in [0, 1), watermark=-0.1");
        assertFault(builder(10).watermark(Double.NaN), "watermark must be in [0, 1), watermark=NaN");
        assertFault(
                builder(10).maxBatchSize(8).maxBatchTokens(10).minChunkTokens(4),
                "minChunkTokens must be at most maxBatchTokens - maxBatchSize + 1,"
                        + " minChunkTokens=4, maxBatchTokens=10, maxBatchSize=8");
        assertThatThrownBy(() -> builder(10).minChunkTokens(0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("minChunkTokens must be positive, minChunkTokens=0");
        assertThatThrownBy(() -> builder(10).policy(null)).isInstanceOf(NullPointerException.class);
        assertThatThrownBy(() -> builder(10).victimRule(null)).isInstanceOf(NullPointerException.class);
        assertThatThrownBy(() -> builder(10).eviction(null)).isInstanceOf(NullPointerException.class);
    }

    private static void assertFault(SchedulerConfig.Builder builder, String message) {
        assertThatThrownBy(builder::build)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(message);
    }
}
