package io.kvflux.block;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** What engines with a radix tree assert of it; the rows G of the scenario list, page 1, raw matches. */
class RadixScenariosTest {

    private final PoolScenario scenario = new PoolScenario(20, 1);
    private final BlockPool pool = scenario.pool;

    /** G1. */
    @Test
    void aPartOfARunMatchesAndDividesItWhenHeld() {
        scenario.insert(1, 2, 3);
        assertThat(pool.cachedBlocks()).isEqualTo(3);
        assertThat(scenario.lookup(1, 2, 3)).isEqualTo(3);
        assertThat(scenario.lookup(1, 2)).isEqualTo(2);
        assertThat(pool.indexedRuns()).isEqualTo(1);
        scenario.allocate(1, 2, 9);
        assertThat(pool.indexedRuns()).isEqualTo(2);
        assertThat(pool.cachedBlocks()).isEqualTo(1);
        assertThat(scenario.lookup(1, 2, 3)).isEqualTo(3);
    }

    /** G5. */
    @Test
    void holdingARunMakesItUnevictableUntilItsRelease() {
        scenario.insert(1, 2, 3);
        assertThat(scenario.counts()).containsExactly(17, 0, 3, 0);
        BlockTable table = new BlockTable();
        PrefixMatch match = new PrefixMatch();
        pool.match(PrefixScope.NONE, new int[] {1, 2, 3}, 3, PageKeys.none(), match);
        assertThat(pool.open(table, PrefixScope.NONE, match, 0)).isTrue();
        assertThat(scenario.counts()).containsExactly(17, 3, 0, 0);
        scenario.release(table);
        assertThat(scenario.counts()).containsExactly(17, 0, 3, 0);
    }

    /** G6. */
    @Test
    void theOldestLeafGoesFirstAndNoParentBeforeItsChild() {
        scenario.insert(1, 2, 3);
        scenario.insert(1, 2, 7, 8);
        scenario.allocate(new int[pool.freeBlocks() + 2]);
        assertThat(pool.evictedPages()).isEqualTo(2);
        assertThat(scenario.lookup(1, 2, 3)).isEqualTo(2);
        assertThat(scenario.lookup(1, 2, 7, 8)).isEqualTo(3);
    }

    /** G6: a held child keeps its parents. */
    @Test
    void theParentOfAHeldRunIsNeverEvicted() {
        BlockTable child = scenario.run(1, 2, 7, 8);
        scenario.insert(1, 2, 3);
        scenario.allocate(new int[pool.availableBlocks()]);
        assertThat(pool.availableBlocks()).isZero();
        assertThat(scenario.lookup(1, 2, 7, 8)).isEqualTo(4);
        assertThat(scenario.lookup(1, 2, 3)).isEqualTo(2);
        assertThat(child.committed()).isEqualTo(4);
    }

    /** G8. */
    @Test
    void branchesShareTheirCommonStart() {
        scenario.insert(1, 2, 3, 4, 5, 6, 7, 8);
        scenario.insert(1, 2, 9, 10);
        assertThat(pool.cachedBlocks()).isEqualTo(10);
        assertThat(scenario.lookup(1, 2, 3, 4, 999, 1000)).isEqualTo(4);
        assertThat(scenario.lookup(1, 2, 3, 4, 5, 6, 7, 8)).isEqualTo(8);
        assertThat(scenario.lookup(1, 2, 3, 4, 5, 6, 777)).isEqualTo(6);
        assertThat(scenario.lookup(1, 2, 9, 10)).isEqualTo(4);
    }

    /** G15. */
    @Test
    void aLongerSequenceMergesWithAShorterOneAndItsTwinsAreFreedOnce() {
        BlockTable shorter = scenario.runBlind(1, 2, 3);
        BlockTable longer = scenario.runBlind(1, 2, 3, 4, 5);
        assertThat(longer.committed()).isEqualTo(5);
        assertThat(scenario.ids(longer)).startsWith(scenario.ids(shorter).toArray(Integer[]::new));
        assertThat(pool.insertedPages()).isEqualTo(5);
        assertThat(scenario.counts()).containsExactly(15, 5, 0, 0);
    }

    @Test
    void mergingWithAPartOfARunDividesIt() {
        scenario.runBlind(1, 2, 3, 4);
        BlockTable other = scenario.runBlind(1, 2, 8, 9);
        assertThat(pool.indexedRuns()).isEqualTo(3);
        assertThat(pool.heldBlocks()).isEqualTo(6);
        scenario.release(other);
        assertThat(scenario.counts()).containsExactly(14, 4, 2, 0);
    }

    @Test
    void theUntouchedRestOfADividedRunKeepsItsAge() {
        scenario.insert(1, 2, 3);
        scenario.insert(7, 8);
        BlockTable head = scenario.allocate(1, 2, 9);
        scenario.release(head);
        scenario.allocate(new int[pool.freeBlocks() + 1]);
        assertThat(scenario.lookup(1, 2, 3)).isEqualTo(2);
        assertThat(scenario.lookup(7, 8)).isEqualTo(2);
        scenario.allocate(6, 6);
        assertThat(scenario.lookup(7, 8)).isZero();
        assertThat(scenario.lookup(1, 2, 3)).isEqualTo(2);
    }
}
