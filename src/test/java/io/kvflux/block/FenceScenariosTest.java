package io.kvflux.block;

import static io.kvflux.block.PoolScenario.concat;
import static io.kvflux.block.PoolScenario.own;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;

/** What is let go while a step may touch it; the rows D of the scenario list at the level of the pool. */
class FenceScenariosTest {

    private static final int[] PROMPT = own(1, 33);

    private final PoolScenario scenario = new PoolScenario(10, 16);
    private final BlockPool pool = scenario.pool;

    /** D1. */
    @Test
    void whatAFinishedSequenceHeldIsWithheldUntilTheLateStepCompletes() {
        BlockTable table = scenario.run(PROMPT);
        table.touch(1);
        table.touch(2);
        scenario.completed(1);
        scenario.release(table);
        assertThat(scenario.counts()).containsExactly(7, 0, 0, 3);
        assertThat(pool.availableBlocks()).isEqualTo(7);
        scenario.completed(2);
        assertThat(scenario.counts()).containsExactly(8, 0, 2, 0);
    }

    @Test
    void aLostPoolForgetsWhatIsWithheldAtOnceAndGetsItBackInItsTime() {
        BlockTable cached = scenario.run(own(2, 17));
        scenario.release(cached);
        BlockTable table = scenario.run(PROMPT);
        table.touch(1);
        assertThatThrownBy(pool::lose).isInstanceOf(IllegalStateException.class).hasMessageContaining("held=3");
        scenario.release(table);
        assertThat(scenario.counts()).containsExactly(6, 0, 1, 3);
        pool.lose();
        assertThat(scenario.counts()).containsExactly(9, 0, 0, 1);
        assertThat(pool.indexedRuns()).isZero();
        pool.verify(List.of());
        scenario.completed(1);
        assertThat(scenario.counts()).containsExactly(10, 0, 0, 0);
        pool.verify(List.of());
    }

    /** D3. */
    @Test
    void anAbortedSequenceIsWithheldThroughTheFirstOfTwoSteps() {
        BlockTable table = scenario.run(PROMPT);
        table.touch(1);
        table.touch(2);
        scenario.release(table);
        assertThat(pool.withheldBlocks()).isEqualTo(3);
        scenario.completed(1);
        assertThat(pool.withheldBlocks()).isEqualTo(3);
        scenario.completed(2);
        assertThat(pool.withheldBlocks()).isZero();
        assertThat(pool.availableBlocks()).isEqualTo(10);
    }

    /** D4. */
    @Test
    void aPreemptedTableIsClosedAtOnceAndMayHitItsOwnWithheldPages() {
        BlockTable table = scenario.run(PROMPT);
        int first = table.block(0);
        table.touch(1);
        table.touch(2);
        scenario.release(table);
        assertThat(table.isOpen()).isFalse();
        assertThat(table.size()).isZero();

        BlockTable resumed = scenario.allocate(PROMPT);
        assertThat(resumed.block(0)).isEqualTo(first);
        assertThat(scenario.counts()).containsExactly(6, 3, 0, 1);
        scenario.completed(2);
        assertThat(scenario.counts()).containsExactly(7, 3, 0, 0);
    }

    /** D7. */
    @Test
    void aSequenceThatNoOpenStepTouchesIsFreedAtOnce() {
        BlockTable brief = scenario.allocate(own(2, 20));
        BlockTable lasting = scenario.allocate(PROMPT);
        brief.touch(1);
        lasting.touch(1);
        lasting.touch(2);
        scenario.completed(1);
        scenario.release(brief);
        assertThat(scenario.counts()).containsExactly(7, 3, 0, 0);
    }

    @Test
    void withheldBlocksAreNotAvailable() {
        BlockTable table = scenario.run(own(1, 160));
        table.touch(1);
        scenario.release(table);
        assertThat(scenario.tryAllocate(own(2, 1))).isNull();
        assertThat(pool.clearCache()).isFalse();
        scenario.completed(1);
        assertThat(scenario.tryAllocate(own(2, 1))).isNotNull();
    }

    @Test
    void theOwnBlockOfAMergedPageIsWithheld() {
        scenario.run(own(1, 16));
        BlockTable table = scenario.allocate(own(1, 16));
        int own = table.block(0);
        table.touch(3);
        scenario.commit(table, own(1, 16));
        assertThat(table.block(0)).isNotEqualTo(own);
        assertThat(scenario.counts()).containsExactly(8, 1, 0, 1);
        scenario.completed(3);
        assertThat(scenario.counts()).containsExactly(9, 1, 0, 0);
    }

    @Test
    void theFenceOfAHolderThatLeftOutlivesALaterHolderWithoutOne() {
        BlockTable first = scenario.run(own(1, 32));
        BlockTable second = scenario.allocate(own(1, 33));
        first.touch(2);
        scenario.release(first);
        scenario.release(second);
        assertThat(pool.withheldBlocks()).isEqualTo(2);
        scenario.completed(2);
        assertThat(pool.cachedBlocks()).isEqualTo(2);
    }

    @Test
    void aFenceDoesNotSpreadToPagesCommittedAfterItsHolderLeft() {
        BlockTable first = scenario.run(own(1, 32));
        BlockTable second = new BlockTable();
        assertThat(pool.fork(first, second, 1)).isTrue();
        first.touch(2);
        pool.release(first);
        pool.commit(second, own(1, 48), 3, PageKeys.none());
        pool.release(second);
        pool.verify(List.of());
        assertThat(pool.withheldBlocks()).isEqualTo(2);
        assertThat(pool.cachedBlocks()).isEqualTo(1);
    }

    @Test
    void dividingAWithheldRunKeepsBothPartsWithheldForTheSameStep() {
        BlockTable table = scenario.run(own(1, 64));
        table.touch(2);
        scenario.release(table);
        BlockTable head = scenario.allocate(concat(own(1, 32), own(2, 1)));
        assertThat(scenario.counts()).containsExactly(5, 3, 0, 2);
        scenario.release(head);
        assertThat(scenario.counts()).containsExactly(6, 0, 0, 4);
        scenario.completed(1);
        assertThat(pool.withheldBlocks()).isEqualTo(4);
        scenario.completed(2);
        assertThat(pool.cachedBlocks()).isEqualTo(4);
    }

    @Test
    void stepsMayCompleteManyAtOnce() {
        BlockTable first = scenario.run(own(1, 16));
        BlockTable second = scenario.run(own(2, 16));
        first.touch(1);
        second.touch(4);
        scenario.release(first);
        scenario.release(second);
        scenario.completed(1_000_000_000_000L);
        assertThat(pool.cachedBlocks()).isEqualTo(2);
        BlockTable third = scenario.run(own(3, 16));
        third.touch(1_000_000_000_001L);
        scenario.release(third);
        assertThat(pool.withheldBlocks()).isEqualTo(1);
    }

    @Test
    void runsThatPassTheirFenceAreEvictedInTheOrderOfTheirSteps() {
        BlockTable late = scenario.run(own(1, 16));
        BlockTable early = scenario.run(own(2, 16));
        late.touch(2);
        early.touch(1);
        scenario.release(late);
        scenario.release(early);
        scenario.completed(2);
        scenario.allocate(own(3, 9 * 16));
        assertThat(scenario.lookup(own(1, 16))).isEqualTo(1);
        assertThat(scenario.lookup(own(2, 16))).isZero();
    }
}
