package io.kvflux.block;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What {@link AdaptiveEviction} must find where LRU does not, and that it loses nothing where LRU is right. */
class AdaptiveEvictionTest {

    private static final Map<String, int[][]> TRAFFIC = Traffic.all();
    private static final int BLOCKS = 2_000;

    static Stream<String> traffic() {
        return TRAFFIC.keySet().stream();
    }

    private static long hits(int blocks, EvictionPolicy policy, int[][] prompts) {
        return Traffic.hits(new BlockPool(blocks, 1, 1, policy), prompts);
    }

    @ParameterizedTest
    @MethodSource("traffic")
    void isNowhereMoreThanAHundredthWorseThanLru(String name) {
        int[][] prompts = TRAFFIC.get(name);
        for (int blocks : new int[] {300, BLOCKS}) {
            long lru = hits(blocks, EvictionPolicy.lru(), prompts);
            long adaptive = hits(blocks, EvictionPolicy.adaptive(), prompts);
            System.out.printf("%s, %d blocks: LRU hits %d pages, adaptive %d%n", name, blocks, lru, adaptive);
            assertThat(adaptive).as("%s, %d blocks", name, blocks).isGreaterThanOrEqualTo((long) (0.99 * lru));
        }
    }

    @Test
    void aLoopThatDoesNotFitHitsForThePartThatDoes() {
        int[][] loop = TRAFFIC.get("loop of 1.1 pools");
        assertThat(hits(BLOCKS, EvictionPolicy.lru(), loop)).isZero();
        assertThat(hits(BLOCKS, EvictionPolicy.adaptive(), loop)).isGreaterThan((long) (0.8 * 20 * loop.length));
    }

    @Test
    void whatIsUsedOnceDoesNotPushOutWhatReturns() {
        assertGain("zipf and scan", 1.5);
    }

    @Test
    void whatReturnsLateButSurelyIsKept() {
        assertGain("returns late", 3);
    }

    @Test
    void whatHasHadItsUsesIsNotKept() {
        assertGain("returns three times", 1.02);
    }

    private static void assertGain(String name, double factor) {
        int[][] prompts = TRAFFIC.get(name);
        assertThat((double) hits(BLOCKS, EvictionPolicy.adaptive(), prompts))
                .isGreaterThan(factor * hits(BLOCKS, EvictionPolicy.lru(), prompts));
    }

    @Test
    void followsLruUntilWorthHitsMoreAndAgainWhenItNoLongerDoes() {
        AdaptiveEviction policy = new AdaptiveEviction();
        BlockPool pool = new BlockPool(BLOCKS, 1, 1, policy);
        assertThat(policy.byWorth()).isFalse();
        Traffic.hits(pool, TRAFFIC.get("loop of 1.1 pools"));
        assertThat(policy.byWorth()).isTrue();
        boolean fellBack = false;
        for (int[] prompt : TRAFFIC.get("returns any time")) {
            Traffic.hits(pool, new int[][] {prompt});
            fellBack |= !policy.byWorth();
        }
        assertThat(fellBack).isTrue();
    }

    @Test
    void oneThatIsTaughtBeginsWithWhatTheOtherLearned() {
        int[][] prompts = TRAFFIC.get("zipf and scan");
        EvictionPolicy first = EvictionPolicy.adaptive();
        long untaught = hits(BLOCKS, first, prompts);
        long taught = hits(BLOCKS, EvictionPolicy.adaptive(first), prompts);
        System.out.printf("untaught %d, taught %d%n", untaught, taught);
        assertThat(taught).isGreaterThan(untaught);
        assertThat(hits(BLOCKS, EvictionPolicy.adaptive(first), prompts))
                .as("the other learns nothing from it")
                .isEqualTo(taught);
    }

    @Test
    void onlyAnAdaptivePolicyOfAPoolOfTheSameSizeTeaches() {
        EvictionPolicy fresh = EvictionPolicy.adaptive();
        assertThatThrownBy(() -> EvictionPolicy.adaptive(EvictionPolicy.lru()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("only from an adaptive policy can chances be taken over, found ");
        assertThatThrownBy(() -> EvictionPolicy.adaptive(fresh))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a policy that was never attached to a pool has learned nothing");
        new BlockPool(BLOCKS, 1, 1, fresh);
        EvictionPolicy taught = EvictionPolicy.adaptive(fresh);
        assertThatThrownBy(() -> new BlockPool(300, 1, 1, taught))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("ages are counted in parts of the pool, so chances are those of pools with as many blocks,"
                        + " learned in=2000, blocks=300");
    }

    /** Pools hash with random keys of their own; nothing that a policy does depends on them. */
    @Test
    void theSameTrafficHitsTheSame() {
        int[][] prompts = TRAFFIC.get("phases");
        assertThat(hits(BLOCKS, EvictionPolicy.adaptive(), prompts))
                .isEqualTo(hits(BLOCKS, EvictionPolicy.adaptive(), prompts));
    }

    /** In LRU's order the victims are LRU's, page by page. */
    @Test
    void asLongAsItFollowsLruItEvictsTheSamePages() {
        int[][] prompts = TRAFFIC.get("loop of 0.9 pools");
        AdaptiveEviction policy = new AdaptiveEviction();
        BlockPool adaptive = new BlockPool(BLOCKS, 1, 1, policy);
        BlockPool lru = new BlockPool(BLOCKS, 1, 1, EvictionPolicy.lru());
        int[][] scan = Traffic.scan(500);
        for (int[] prompt : Traffic.joined(prompts, scan, prompts)) {
            assertThat(Traffic.hits(adaptive, new int[][] {prompt})).isEqualTo(Traffic.hits(lru, new int[][] {prompt}));
            assertThat(policy.byWorth()).isFalse();
        }
        assertThat(adaptive.evictedPages()).isPositive().isEqualTo(lru.evictedPages());
    }

    /** A leaf that loses its last page makes its parent one; the pool checks every victim. */
    @Test
    void forksAreEvictedToTheRoot() {
        SplittableRandom random = new SplittableRandom(5);
        AdaptiveEviction policy = new AdaptiveEviction();
        BlockPool pool = new BlockPool(60, 1, 1, policy);
        boolean followed = false;
        for (int i = 0; i < 20_000; i++) {
            int[] prompt = random.ints(1 + random.nextInt(12), 0, 3).toArray();
            Traffic.hits(pool, new int[][] {prompt});
            followed |= policy.byWorth();
            if (i % 500 == 0) {
                pool.verify(List.of());
            }
        }
        assertThat(followed).as("worth was followed").isTrue();
        assertThat(pool.clearCache()).isTrue();
        assertThat(pool.indexedRuns()).isZero();
    }
}
