package io.kvflux.sim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

/** A look at the cache alone; pages of 10 tokens. */
class CacheReplayTest {

    private static final CostModel UNUSED = CostModel.linear(1, 0, 0);

    private static Replay of(Workload workload, int blocks, ReplayListener listener) {
        return new Replay(
                workload,
                new ReplayOptions(
                        TimedReplayTest.config(blocks, 1).build(),
                        UNUSED,
                        ReplayOptions.DEFAULT_HOST_BYTES_PER_SECOND,
                        1,
                        0,
                        true),
                listener);
    }

    private static ReplaySummary summary(Workload workload, int blocks) {
        ReplayResult result = of(workload, blocks, new ReplayListener() {}).run();
        assertThat(result.partial()).isFalse();
        assertThat(result.summary().leakedBlocks()).isZero();
        return result.summary();
    }

    @Test
    void fullPagesAreMatchedAndInserted() {
        ReplaySummary summary = summary(new HandmadeWorkload().add(0, 1, 35, 9).add(0, 1, 45, 9), 10);
        assertThat(summary.promptBlocks()).isEqualTo(7);
        assertThat(summary.hitBlocks()).isEqualTo(3);
        assertThat(summary.hitTokens()).isEqualTo(30);
        assertThat(summary.insertedBlocks()).isEqualTo(4);
        assertThat(summary.evictedBlocks()).isZero();
        assertThat(summary.promptTokens()).isEqualTo(80);
    }

    @Test
    void aCachedLastPageThatMayNotHitIsMergedWithItsTwin() {
        ReplaySummary summary = summary(new HandmadeWorkload().add(0, 1, 40, 1).add(0, 1, 40, 1), 10);
        assertThat(summary.hitBlocks()).isEqualTo(3);
        assertThat(summary.insertedBlocks()).isEqualTo(4);
    }

    @Test
    void aPromptLargerThanThePoolKeepsItsFirstPages() {
        ReplaySummary summary = summary(new HandmadeWorkload().add(0, 1, 100, 1).add(0, 1, 100, 1), 4);
        assertThat(summary.promptBlocks()).isEqualTo(20);
        assertThat(summary.hitBlocks()).isEqualTo(4);
        assertThat(summary.insertedBlocks()).isEqualTo(4);
        assertThat(summary.evictedBlocks()).isZero();
    }

    @Test
    void theTailOfTheLeastRecentlyUsedGoesFirst() {
        ReplaySummary summary =
                summary(new HandmadeWorkload().add(0, 1, 39, 1).add(0, 2, 29, 1).add(0, 1, 39, 1), 4);
        assertThat(summary.hitBlocks()).as("two of three pages are left").isEqualTo(2);
        assertThat(summary.evictedBlocks()).isEqualTo(2);
    }

    @Test
    void whatHasNoTimeIsNull() {
        ReplaySummary summary = summary(new HandmadeWorkload().add(0, 1, 35, 9), 10);
        assertThat(summary.outputTokens()).isNull();
        assertThat(summary.steps()).isNull();
        assertThat(summary.preemptions()).isNull();
        assertThat(summary.ttftSeconds()).isNull();
        assertThat(summary.makespanSeconds()).isNull();
        assertThat(summary.blocks()).isEqualTo(new ReplaySummary.Blocks(10, null, null, null));
    }

    @Test
    void aStoppedLookIsPartialUnlessItHadSeenEverything() {
        assertThat(stoppedAfter(1)).isTrue();
        assertThat(stoppedAfter(3)).isFalse();
    }

    private static boolean stoppedAfter(int ended) {
        HandmadeWorkload workload =
                new HandmadeWorkload().add(0, 1, 35, 1).add(0, 2, 35, 1).add(0, 3, 35, 1);
        Replay[] replay = new Replay[1];
        replay[0] = of(workload, 10, new ReplayListener() {
            @Override
            public void onProgress(long requests, long total) {
                if (requests == ended) {
                    replay[0].stop();
                }
            }
        });
        ReplayResult result = replay[0].run();
        assertThat(result.summary().requests()).isEqualTo(ended);
        assertThat(result.summary().leakedBlocks()).isZero();
        return result.partial();
    }

    @Test
    void itNeedsOneReplicaWithPrefixCaching() {
        assertThatThrownBy(() -> new ReplayOptions(
                        TimedReplayTest.config(10, 2).build(),
                        UNUSED,
                        ReplayOptions.DEFAULT_HOST_BYTES_PER_SECOND,
                        1,
                        0,
                        true))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("replicas=2");
        assertThatThrownBy(() -> new ReplayOptions(
                        TimedReplayTest.config(10, 1).prefixCaching(false).build(),
                        UNUSED,
                        ReplayOptions.DEFAULT_HOST_BYTES_PER_SECOND,
                        1,
                        0,
                        true))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("prefixCaching=false");
        assertThatThrownBy(() -> new ReplayOptions(
                        TimedReplayTest.config(10, 1).build(),
                        UNUSED,
                        ReplayOptions.DEFAULT_HOST_BYTES_PER_SECOND,
                        0,
                        0,
                        false))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("tenants must be positive, tenants=0");
    }
}
