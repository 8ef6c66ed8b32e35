package io.kvflux.block;

import static io.kvflux.block.PoolScenario.concat;
import static io.kvflux.block.PoolScenario.own;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What engines assert of their block pools; the rows V of the scenario list that need no scheduler. */
class BlockScenariosTest {

    private static final int PAGE = 16;
    private static final int[] COMMON = own(0, 48);

    private final PoolScenario scenario = new PoolScenario(10, PAGE);
    private final BlockPool pool = scenario.pool;

    /** V1. */
    @Test
    void aFirstPromptGetsFreshBlocksAndItsFullPagesBecomeFindable() {
        int[] prompt = concat(COMMON, own(1, 7));
        assertThat(scenario.hitTokens(prompt)).isZero();
        BlockTable table = scenario.run(prompt);
        assertThat(scenario.ids(table)).containsExactly(1, 2, 3, 4);
        assertThat(scenario.ids(table)).allMatch(block -> scenario.references(block) == 1);
        assertThat(pool.insertedPages()).isEqualTo(3);
        assertThat(scenario.lookup(prompt)).isEqualTo(3);
        assertThat(pool.freeBlocks()).isEqualTo(6);
    }

    /** V2. */
    @Test
    void aSecondPromptSharesTheBlocksOfARunningOne() {
        scenario.run(concat(COMMON, own(1, 7)));
        int[] second = concat(COMMON, own(2, 5));
        assertThat(scenario.hitTokens(second)).isEqualTo(48);
        BlockTable table = scenario.run(second);
        assertThat(scenario.ids(table)).containsExactly(1, 2, 3, 5);
        assertThat(scenario.references(1)).isEqualTo(2);
        assertThat(scenario.references(3)).isEqualTo(2);
        assertThat(scenario.references(5)).isEqualTo(1);
        assertThat(pool.freeBlocks()).isEqualTo(5);
    }

    /** V4. */
    @Test
    void thePrefixOutlivesAllItsHolders() {
        BlockTable first = scenario.run(concat(COMMON, own(1, 7)));
        BlockTable second = scenario.run(concat(COMMON, own(2, 5)));
        scenario.release(first);
        scenario.release(second);
        assertThat(pool.availableBlocks()).isEqualTo(10);
        int[] third = concat(COMMON, own(3, 6));
        assertThat(scenario.hitTokens(third)).isEqualTo(48);
        BlockTable table = scenario.run(third);
        assertThat(table.size()).isEqualTo(4);
        assertThat(pool.availableBlocks()).isEqualTo(6);
    }

    /** V7. */
    @Test
    void appendingTakesABlockOnlyWhenAPageIsFull() {
        int[] tokens = own(1, 55 + 4 + 19);
        BlockTable table = scenario.run(Arrays.copyOf(tokens, 55));
        assertThat(scenario.growTo(table, 59)).isTrue();
        assertThat(table.size()).isEqualTo(4);
        assertThat(scenario.growTo(table, 78)).isTrue();
        assertThat(table.size()).isEqualTo(5);
        scenario.commit(table, tokens);
        assertThat(table.committed()).isEqualTo(4);
        assertThat(scenario.lookup(tokens)).isEqualTo(4);
    }

    /** V9. */
    @Test
    void takingTheOnlyCachedBlockForgetsItsContent() {
        PoolScenario tiny = new PoolScenario(1, PAGE);
        tiny.insert(own(1, 16));
        assertThat(tiny.lookup(own(1, 16))).isEqualTo(1);
        tiny.allocate(own(2, 15));
        assertThat(tiny.lookup(own(1, 16))).isZero();
        assertThat(tiny.pool.indexedRuns()).isZero();
        assertThat(tiny.pool.evictedPages()).isEqualTo(1);
    }

    /** V10, with the hit block as the oldest one, which plain LRU would take. */
    @Test
    void anAllocationNeverEvictsTheBlockThatItHit() {
        PoolScenario tiny = new PoolScenario(2, PAGE);
        tiny.insert(own(1, 16));
        BlockTable second = tiny.run(own(2, 16));
        int other = second.block(0);
        tiny.release(second);
        BlockTable table = tiny.allocate(concat(own(1, 16), own(3, 5)));
        assertThat(table.block(1)).isEqualTo(other);
        assertThat(tiny.lookup(own(1, 16))).isEqualTo(1);
        assertThat(tiny.lookup(own(2, 16))).isZero();
    }

    /** V11: without prefix caching nothing is committed. */
    @Test
    void aRefusedGrowthChangesNothing() {
        PoolScenario uncached = new PoolScenario(4, 4);
        BlockTable first = uncached.allocate(own(1, 10));
        assertThat(first.size()).isEqualTo(3);
        uncached.release(first);
        BlockTable second = uncached.allocate(own(2, 16));
        List<Integer> ids = uncached.ids(second);
        assertThat(ids).hasSize(4);
        assertThat(uncached.growTo(second, 20)).isFalse();
        assertThat(uncached.ids(second)).isEqualTo(ids);
        assertThat(uncached.counts()).containsExactly(0, 4, 0, 0);
    }

    /** V12. */
    @Test
    void pagesAreCommittedOnceAndPartialOnesNever() {
        PoolScenario small = new PoolScenario(10, 4);
        int[] tokens = own(1, 14);
        BlockTable table = small.allocate(tokens);
        small.commit(table, Arrays.copyOf(tokens, 8));
        assertThat(small.pool.insertedPages()).isEqualTo(2);
        small.commit(table, tokens);
        small.commit(table, tokens);
        assertThat(small.pool.insertedPages()).isEqualTo(3);
        assertThat(table.committed()).isEqualTo(3);
        assertThat(small.lookup(tokens)).isEqualTo(3);
    }

    /** V15. */
    @Test
    void onlyTheSameSaltHits() {
        int[] prompt = own(1, 33);
        PrefixScope first = new PrefixScope("s1", null);
        scenario.release(scenario.run(first, prompt));
        assertThat(scenario.lookup(new PrefixScope("s1", null), prompt)).isEqualTo(2);
        assertThat(scenario.lookup(new PrefixScope("s2", null), prompt)).isZero();
        assertThat(scenario.lookup(new PrefixScope("s1", "adapter"), prompt)).isZero();
        assertThat(scenario.lookup(new PrefixScope(null, "s1"), prompt)).isZero();
        assertThat(scenario.lookup(PrefixScope.NONE, prompt)).isZero();
    }

    /** V17. */
    @Test
    void aRefusedPromptLeavesItsHitBlocksUntouched() {
        scenario.run(COMMON);
        int[] longer = concat(COMMON, own(1, 48));
        BlockTable tails = scenario.run(longer);
        scenario.release(tails);
        scenario.allocate(own(2, 32));
        assertThat(pool.availableBlocks()).isEqualTo(5);
        List<Integer> before = scenario.counts();

        int[] longest = concat(longer, own(3, 48));
        assertThat(scenario.lookup(longest) * PAGE).isEqualTo(96);
        assertThat(scenario.tryAllocate(longest)).isNull();
        assertThat(scenario.counts()).isEqualTo(before);
        assertThat(pool.cachedBlocks()).isEqualTo(3);
        assertThat(scenario.references(1)).isEqualTo(1);
        assertThat(pool.evictedPages()).isZero();
        assertThat(pool.indexedRuns()).isEqualTo(2);
    }

    /** V17: the order of eviction is state too. */
    @Test
    void aRefusedPromptDoesNotMakeItsHitsYounger() {
        PoolScenario tiny = new PoolScenario(3, PAGE);
        tiny.insert(own(1, 16));
        tiny.insert(own(2, 16));
        assertThat(tiny.tryAllocate(concat(own(1, 16), own(3, 48)))).isNull();
        tiny.allocate(own(4, 32));
        assertThat(tiny.lookup(own(1, 16))).isZero();
        assertThat(tiny.lookup(own(2, 16))).isEqualTo(1);
    }

    /** V18. */
    @Test
    void theCacheIsClearedOnlyWhenNobodyHoldsABlock() {
        BlockTable table = scenario.run(concat(COMMON, own(1, 7)));
        assertThat(pool.clearCache()).isFalse();
        assertThat(scenario.lookup(COMMON)).isEqualTo(3);
        scenario.release(table);
        assertThat(pool.clearCache()).isTrue();
        scenario.verify();
        assertThat(scenario.lookup(COMMON)).isZero();
        assertThat(pool.indexedRuns()).isZero();
        assertThat(pool.freeBlocks()).isEqualTo(10);
    }

    /** V21. */
    @Test
    void theLastTokenOfAPromptIsNeverPartOfAHit() {
        scenario.insert(COMMON);
        assertThat(scenario.lookup(COMMON)).isEqualTo(3);
        assertThat(scenario.hitTokens(COMMON)).isEqualTo(32);
        assertThat(scenario.hitTokens(concat(COMMON, own(1, 1)))).isEqualTo(48);
    }

    /** V21: the page that was computed again is merged with its twin. */
    @Test
    void aLastPageThatWasComputedAgainIsMergedWithItsTwin() {
        scenario.insert(COMMON);
        BlockTable table = scenario.allocate(COMMON);
        assertThat(table.block(2)).isNotEqualTo(3);
        scenario.commit(table, COMMON);
        assertThat(scenario.ids(table)).containsExactly(1, 2, 3);
        assertThat(scenario.counts()).containsExactly(7, 3, 0, 0);
        assertThat(pool.insertedPages()).isEqualTo(3);
    }

    /** V39: a hit that nobody holds costs an available block too. */
    @Test
    void aPromptNeedsItsNewBlocksAndTheCachedOnesItHits() {
        PoolScenario small = new PoolScenario(20, 2);
        small.insert(own(1, 20));
        int[] prompt = concat(own(1, 20), own(2, 20));
        PrefixMatch match = new PrefixMatch();
        small.pool.match(PrefixScope.NONE, prompt, 19, PageKeys.none(), match);
        assertThat(match.pages()).isEqualTo(10);
        assertThat(match.cachedPages()).isEqualTo(10);
        assertThat(small.pool.open(new BlockTable(), PrefixScope.NONE, match, 11))
                .isFalse();
        assertThat(small.tryAllocate(prompt)).isNotNull();
        assertThat(small.counts()).containsExactly(0, 20, 0, 0);
    }

    /** V39: a hit that somebody holds costs nothing. */
    @Test
    void aHeldHitCostsNoAvailableBlock() {
        PoolScenario small = new PoolScenario(20, 2);
        small.run(own(1, 20));
        assertThat(small.tryAllocate(concat(own(1, 20), own(2, 20)))).isNotNull();
        assertThat(small.pool.availableBlocks()).isZero();
    }

    /** V40. */
    @Test
    void aGrowingSequenceTakesExactlyItsPages() {
        PoolScenario small = new PoolScenario(10, 4);
        BlockTable table = small.allocate(own(1, 4));
        for (int tokens : new int[] {4, 8, 12, 16}) {
            assertThat(small.growTo(table, tokens)).isTrue();
            assertThat(table.size()).isEqualTo(tokens / 4);
            assertThat(small.pool.heldBlocks()).isEqualTo(tokens / 4);
        }
    }

    @Test
    void freeBlocksAreTakenBeforeCachedOnes() {
        scenario.insert(COMMON);
        scenario.allocate(own(1, 7 * PAGE));
        assertThat(pool.evictedPages()).isZero();
        assertThat(scenario.lookup(COMMON)).isEqualTo(3);
        scenario.allocate(own(2, PAGE));
        assertThat(scenario.lookup(COMMON)).isEqualTo(2);
    }

    @Test
    void aForkSharesCommittedBlocksAndNothingElse() {
        int[] prompt = concat(COMMON, own(1, 7));
        BlockTable table = scenario.run(prompt);
        BlockTable fork = new BlockTable();
        assertThat(pool.fork(table, fork, 1)).isTrue();
        pool.verify(List.of(table, fork));
        assertThat(scenario.ids(fork)).containsExactly(1, 2, 3, 5);
        assertThat(pool.heldBlocks()).isEqualTo(5);

        int[] forked = concat(COMMON, own(2, 16));
        pool.commit(fork, forked, 4, PageKeys.none());
        pool.commit(table, concat(COMMON, own(1, 16)), 4, PageKeys.none());
        pool.verify(List.of(table, fork));
        assertThat(scenario.lookup(forked)).isEqualTo(4);
        assertThat(scenario.lookup(prompt)).isEqualTo(3);
    }

    @Test
    void aRefusedForkChangesNothing() {
        BlockTable table = scenario.run(concat(COMMON, own(1, 7)));
        BlockTable fork = new BlockTable();
        assertThat(pool.fork(table, fork, 7)).isFalse();
        assertThat(fork.isOpen()).isFalse();
        scenario.verify();
        assertThat(scenario.counts()).containsExactly(6, 4, 0, 0);
    }

    @Test
    void aForkOfATableWithoutCommittedPagesSharesNothing() {
        BlockTable table = scenario.allocate(own(1, 20));
        BlockTable fork = new BlockTable();
        assertThat(pool.fork(table, fork, 2)).isTrue();
        pool.verify(List.of(table, fork));
        assertThat(IntStream.range(0, 2).map(fork::block)).doesNotContain(table.block(0), table.block(1));
    }
}
