package io.kvflux.core;

import static io.kvflux.core.Driver.STOP;
import static io.kvflux.core.Driver.counts;
import static io.kvflux.core.Driver.ids;
import static org.assertj.core.api.Assertions.assertThat;

import io.kvflux.api.FinishReason;
import io.kvflux.api.SequenceId;
import io.kvflux.api.SequenceSpec;
import io.kvflux.api.Step;
import org.junit.jupiter.api.Test;

/** What the best engines assert of steps and fences; the ids are those of the scenario list. */
class SchedulerScenariosTest {

    /** S1. */
    @Test
    void aLargeBudgetTakesEveryoneAtOnce() {
        Driver driver = new Driver(Driver.config(16, 100));
        for (int i = 0; i < 10; i++) {
            driver.submit(20);
        }
        assertThat(driver.plan().size()).isEqualTo(10);
        assertThat(driver.core.waiting()).isZero();
    }

    /** S7, chunked. */
    @Test
    void theHeadOfTheQueueGetsTheChunkThatIsLeft() {
        Driver driver = new Driver(Driver.config(16, 100).maxBatchSize(10).maxBatchTokens(120));
        SequenceId first = driver.submit(80);
        SequenceId second = driver.submit(80);
        SequenceId small = driver.submit(10);
        Step step = driver.plan();
        assertThat(ids(step)).containsExactly(first, second);
        assertThat(counts(step)).containsExactly(80, 40);
        driver.complete();
        assertThat(ids(driver.plan())).containsExactly(first, second, small);
    }

    /** S8. */
    @Test
    void aLateTokenOfAPreemptedSequenceIsRecorded() {
        Driver driver = new Driver(Driver.config(16, 10).maxStepsInFlight(2));
        driver.submit(80);
        SequenceId second = driver.submit(80);
        Step step = driver.plan();
        assertThat(step.blockCount(0)).isEqualTo(5);
        assertThat(step.blockCount(1)).isEqualTo(5);
        assertThat(driver.plan()).as("its blocks are withheld").isNull();
        assertThat(driver.core.preemptions()).isEqualTo(1);
        driver.complete(second, 42);
        assertThat(driver.outputs.get(second)).containsExactly(42);
        driver.step();
        assertThat(driver.core.preemptions()).isEqualTo(1);
        assertThat(driver.logged(second + " preempted")).isEqualTo(1);
    }

    /** S9. */
    @Test
    void aPreemptedSequenceResumesWithAllItsTokensAndWhatIsCached() {
        Driver driver = new Driver(Driver.config(16, 10));
        SequenceId first = driver.submit(driver.prompt(80).maxTokens(2));
        SequenceId second = driver.submit(80);
        SequenceId third = driver.submit(16);
        driver.plan();
        driver.complete(second, 42);
        assertThat(ids(driver.plan())).containsExactly(first);
        assertThat(driver.logged(second + " preempted")).isEqualTo(1);
        driver.complete();
        Step resumed = driver.plan();
        assertThat(ids(resumed)).as("at the head of its queue").containsExactly(second, third);
        assertThat(driver.hits.get(second)).as("all but the evicted tail").isEqualTo(64);
        assertThat(resumed.cacheLength(0)).isEqualTo(64);
        assertThat(resumed.tokenCount(0)).isEqualTo(17);
        assertThat(resumed.token(0, 16)).isEqualTo(42);
        assertThat(resumed.isPrefill(0)).isTrue();
        driver.complete();
        assertThat(driver.outputs.get(second)).containsExactly(42, Driver.TOKEN);
    }

    /** S14, plain. */
    @Test
    void theCacheIsClearedOnlyWhenNobodyHoldsABlock() {
        Driver driver = new Driver(Driver.config(16, 10));
        SequenceSpec spec = driver.prompt(40).maxTokens(2);
        driver.submit(spec);
        driver.step();
        int held = driver.held();
        assertThat(driver.core.clearCache()).isFalse();
        assertThat(driver.held()).isEqualTo(held);
        driver.step();
        assertThat(driver.core.pool(0).cachedBlocks()).isEqualTo(2);
        assertThat(driver.core.clearCache()).isTrue();
        assertThat(driver.core.pool(0).cachedBlocks()).isZero();
        SequenceId again = driver.submit(spec);
        driver.step();
        assertThat(driver.hits.get(again)).isZero();
    }

    /** S14, while a step in flight may still touch what nobody holds. */
    @Test
    void theCacheIsNotClearedUnderAStepInFlight() {
        Driver driver = new Driver(Driver.config(16, 10));
        SequenceId id = driver.submit(40);
        driver.plan();
        driver.core.cancel(id);
        assertThat(driver.core.clearCache()).isFalse();
        driver.complete();
        assertThat(driver.core.clearCache()).isTrue();
    }

    /** S18. */
    @Test
    void lowerPriorityValuesGoFirstAndEqualOnesByArrival() {
        Driver driver = new Driver(Driver.config(16, 10).policy(QueuePolicy.PRIORITY));
        SequenceId two = driver.submit(driver.prompt(5).priority(2));
        SequenceId zero = driver.submit(driver.prompt(5).priority(0));
        SequenceId one = driver.submit(driver.prompt(5).priority(1));
        SequenceId zeroAgain = driver.submit(driver.prompt(5).priority(0));
        assertThat(ids(driver.plan())).containsExactly(zero, zeroAgain, one, two);
    }

    /** S22, a hundredth of its size. */
    @Test
    void aWholePromptMustFitBeforeItsFirstChunkIsComputed() {
        Driver driver = new Driver(Driver.config(16, 280).maxBatchTokens(4096));
        for (int i = 0; i < 4; i++) {
            driver.submit(1000);
        }
        driver.submit(1000);
        assertThat(counts(driver.plan())).containsExactly(1000, 1000, 1000, 1000);
        assertThat(driver.available())
                .as("room for a chunk of the 96 tokens left")
                .isEqualTo(28);
        assertThat(driver.core.waiting()).isEqualTo(1);
    }

    /** S23. */
    @Test
    void theWatermarkHoldsUpAllButTheFirstAdmission() {
        Driver first = new Driver(Driver.config(16, 100).watermark(0.1));
        first.submit(1590);
        assertThat(counts(first.plan())).containsExactly(1590);

        for (int left : new int[] {0, 1}) {
            Driver later = new Driver(Driver.config(16, 100).watermark(0.1));
            later.submit(10);
            later.submit((99 - left) * 16);
            assertThat(counts(later.plan()))
                    .as("a block is left for the one that runs, left=%d", left)
                    .hasSize(1 + left);
        }
        for (int left : new int[] {9, 10}) {
            Driver later = new Driver(Driver.config(16, 100).watermark(0.1));
            for (int i = 0; i < 20; i++) {
                later.submit(10);
            }
            later.submit((80 - left) * 16);
            assertThat(counts(later.plan()))
                    .as("a tenth is left for many that run, left=%d", left)
                    .hasSize(20 + left - 9);
        }
    }

    /** S35. */
    @Test
    void aSequenceCancelledWhileItWaitsLeavesNothingBehind() {
        Driver driver = new Driver(Driver.config(16, 10).policy(QueuePolicy.PRIORITY));
        SequenceId running = driver.submit(100);
        SequenceId waiting = driver.submit(100);
        SequenceId passed = driver.submit(driver.prompt(10).priority(1));
        SequenceId parked = driver.core.submit(driver.prompt(10), 0);
        assertThat(ids(driver.plan())).containsExactly(running, passed);
        driver.complete();
        assertThat(driver.core.waiting()).isEqualTo(2);
        assertThat(driver.core.cancel(waiting)).isTrue();
        assertThat(driver.core.cancel(parked)).isTrue();
        assertThat(driver.core.waiting()).isZero();
        driver.core.cancel(running);
        driver.core.cancel(passed);
        driver.assertEverythingIsBack();
        assertThat(driver.endings.values()).containsOnly(FinishReason.CANCELLED);
    }

    /** D1. */
    @Test
    void blocksOfASequenceThatStoppedAreWithheldUntilTheNewestStepIsIn() {
        Driver driver = new Driver(Driver.config(16, 10).maxStepsInFlight(2));
        SequenceId id = driver.submit(driver.prompt(33).stopTokens(STOP));
        driver.plan();
        driver.plan();
        int available = driver.available();
        driver.complete(id, STOP);
        assertThat(driver.endings).containsEntry(id, FinishReason.STOP);
        assertThat(driver.withheld()).isEqualTo(3);
        assertThat(driver.available()).isEqualTo(available);
        driver.complete();
        driver.assertEverythingIsBack();
        assertThat(driver.outputs.get(id)).as("the extra work is void").containsExactly(STOP);
    }

    /** D3. */
    @Test
    void blocksOfACancelledSequenceAreWithheldUntilTheNewestStepIsIn() {
        Driver driver = new Driver(Driver.config(16, 10).maxStepsInFlight(2));
        SequenceId id = driver.submit(33);
        driver.plan();
        driver.plan();
        driver.core.cancel(id);
        assertThat(driver.withheld()).isEqualTo(3);
        driver.complete();
        assertThat(driver.withheld()).isEqualTo(3);
        driver.complete();
        driver.assertEverythingIsBack();
    }

    /** D4, with prompts that need a block sooner. */
    @Test
    void aPreemptedSequenceGivesUpItsTableAtOnceAndItsBlocksAfterTheNewestStep() {
        Driver driver = new Driver(Driver.config(16, 6).maxStepsInFlight(3));
        driver.submit(47);
        SequenceId second = driver.submit(47);
        driver.plan();
        driver.plan();
        assertThat(driver.plan()).as("the first waits for what is withheld").isNull();
        assertThat(driver.logged(second + " preempted")).isEqualTo(1);
        assertThat(driver.held()).isEqualTo(3);
        assertThat(driver.withheld()).isEqualTo(3);
        driver.complete();
        assertThat(driver.withheld()).isEqualTo(3);
        driver.complete();
        assertThat(driver.withheld()).isZero();
        assertThat(driver.outputs.get(second)).hasSize(2);
        assertThat(driver.plan().size()).isEqualTo(1);
    }

    /** D7. */
    @Test
    void nobodyIsScheduledBeyondItsLimitSoItsBlocksAreFreeAtOnce() {
        Driver driver = new Driver(Driver.config(16, 10).maxStepsInFlight(2));
        SequenceId shortOne = driver.submit(driver.prompt(33).maxTokens(1));
        SequenceId longOne = driver.submit(33);
        driver.plan();
        assertThat(ids(driver.plan())).containsExactly(longOne);
        driver.complete();
        assertThat(driver.endings).containsEntry(shortOne, FinishReason.LENGTH);
        assertThat(driver.withheld()).isZero();
        assertThat(driver.held()).isEqualTo(3);
    }

    /** V40. */
    @Test
    void aGrowingPromptHoldsTheBlocksOfItsScheduledTokens() {
        Driver driver = new Driver(Driver.config(4, 10).maxBatchSize(1).maxBatchTokens(4));
        driver.submit(16);
        for (int blocks = 1; blocks <= 4; blocks++) {
            driver.step();
            assertThat(driver.held()).isEqualTo(blocks);
        }
        driver.step();
        assertThat(driver.held()).as("17 tokens, the last of them computed now").isEqualTo(5);
    }

    /** The need formula at page 128: length 128 holds one block, 129 two. */
    @Test
    void plainDecodeAtLengthNNeedsNSlots() {
        Driver driver = new Driver(Driver.config(128, 10));
        driver.submit(127);
        driver.step();
        Step at128 = driver.plan();
        assertThat(at128.cacheLength(0)).isEqualTo(127);
        assertThat(at128.blockCount(0)).isEqualTo(1);
        driver.complete();
        Step at129 = driver.plan();
        assertThat(at129.cacheLength(0)).isEqualTo(128);
        assertThat(at129.blockCount(0)).isEqualTo(2);
    }

    /** The need formula with more steps in flight: n + 1, n + 2. */
    @Test
    void everyStepInFlightNeedsOneSlotMore() {
        Driver driver = new Driver(Driver.config(128, 10).maxStepsInFlight(3));
        driver.submit(126);
        driver.plan();
        driver.complete();
        assertThat(driver.plan().blockCount(0)).as("n = 127").isEqualTo(1);
        assertThat(driver.plan().blockCount(0)).as("n + 1 = 128").isEqualTo(1);
        assertThat(driver.plan().blockCount(0)).as("n + 2 = 129").isEqualTo(2);
    }
}
