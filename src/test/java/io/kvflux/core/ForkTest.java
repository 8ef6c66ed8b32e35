package io.kvflux.core;

import static io.kvflux.core.Driver.entry;
import static io.kvflux.core.Driver.ids;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvflux.api.FinishReason;
import io.kvflux.api.SequenceId;
import io.kvflux.api.Step;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Forks: what is shared, what is copied and when, and every way out before the copy has run. Page 16, prompts of 40. */
class ForkTest {

    private Driver driver;
    private SequenceId parent;

    @BeforeEach
    void aParentWithTwoFullPagesAndAnOpenOne() {
        use(Driver.config(16, 10));
    }

    private void use(SchedulerConfig.Builder config) {
        driver = new Driver(config);
        parent = driver.submit(40);
        driver.step();
    }

    private SequenceId fork(SequenceId of) {
        return driver.fork(of, Driver.ALL);
    }

    @Test
    void aForkSharesCommittedBlocksAndCopiesTheOpenPageWithTheNextStep() {
        SequenceId child = fork(parent);
        assertThat(driver.held()).as("only one block more").isEqualTo(4);
        Step step = driver.plan();
        assertThat(ids(step)).containsExactly(parent, child);
        assertThat(step.block(1, 0)).isEqualTo(step.block(0, 0));
        assertThat(step.block(1, 1)).isEqualTo(step.block(0, 1));
        assertThat(step.block(1, 2)).isNotEqualTo(step.block(0, 2));
        assertThat(step.copies()).isEqualTo(1);
        assertThat(step.copyReplica(0)).isZero();
        assertThat(step.copySource(0)).isEqualTo(step.block(0, 2));
        assertThat(step.copyDestination(0)).isEqualTo(step.block(1, 2));
        assertThat(step.cacheLength(1)).isEqualTo(40);
        assertThat(step.isPrefill(1)).as("it continues with a decode").isFalse();
        driver.complete();
        assertThat(driver.plan().copies()).isZero();
    }

    @Test
    void parentAndForkGenerateOnTheirOwn() {
        SequenceId child = fork(parent);
        driver.plan();
        driver.complete(child, 42);
        assertThat(driver.outputs.get(parent)).containsExactly(Driver.TOKEN, Driver.TOKEN);
        assertThat(driver.log).contains(child + " token 1 = 42");
        Step step = driver.plan();
        assertThat(step.token(entry(step, child), 0)).isEqualTo(42);
        assertThat(step.token(entry(step, parent), 0)).isEqualTo(Driver.TOKEN);
    }

    @Test
    void aForkOnAPageBorderCopiesNothing() {
        driver = new Driver(Driver.config(16, 10));
        parent = driver.submit(32);
        driver.step();
        fork(parent);
        assertThat(driver.held()).isEqualTo(2);
        assertThat(driver.plan().copies()).isZero();
    }

    @Test
    void withoutPrefixCachingEveryPageIsCopied() {
        use(Driver.config(16, 10).prefixCaching(false));
        fork(parent);
        assertThat(driver.held()).isEqualTo(6);
        assertThat(driver.plan().copies()).isEqualTo(3);
    }

    @Test
    void aForkWithoutRoomForTheCopyWaitsInItsParentsPlace() {
        use(Driver.config(16, 4));
        SequenceId filler = driver.submit(10);
        driver.step();
        SequenceId behind = driver.submit(10);
        SequenceId child = fork(parent);
        assertThat(driver.core.waiting()).isEqualTo(2);
        assertThat(driver.held()).isEqualTo(4);
        driver.core.cancel(filler);
        assertThat(ids(driver.plan())).containsExactly(parent, child);
        assertThat(driver.hits).containsEntry(child, 32).doesNotContainKey(behind);
    }

    @Test
    void aForkOfAWaitingSequenceWaitsJustBehindIt() {
        SequenceId waiting = driver.submit(10);
        SequenceId behind = driver.submit(10);
        SequenceId child = fork(waiting);
        assertThat(ids(driver.plan())).containsExactly(parent, waiting, child, behind);
    }

    @Test
    void aForkOfAPrefillingSequenceGoesThroughTheGate() {
        use(Driver.config(16, 40).maxBatchTokens(64).maxBatchSize(4));
        SequenceId long400 = driver.submit(400);
        driver.step();
        for (int i = 0; i < 5; i++) {
            fork(long400);
        }
        assertThat(driver.core.running())
                .as("the parent and what runs beside it")
                .isEqualTo(2);
        assertThat(driver.core.waiting()).isEqualTo(5);
    }

    @Test
    void forksRunAtOnceOnlyUpToTheBatchSizeAndAboveTheWatermark() {
        use(Driver.config(16, 10).maxBatchSize(2));
        fork(parent);
        fork(parent);
        assertThat(driver.core.running()).isEqualTo(2);
        for (boolean watermark : new boolean[] {false, true}) {
            use(Driver.config(16, 4).watermark(watermark ? 0.7 : 0));
            fork(parent);
            assertThat(driver.core.running())
                    .as("the fourth block is left for the parent to grow, watermark=%s", watermark)
                    .isEqualTo(watermark ? 1 : 2);
        }
    }

    @Test
    void aForkOfAForkBeforeTheCopyRanCopiesFromTheFirstOrigin() {
        SequenceId child = fork(parent);
        SequenceId grandchild = fork(child);
        Step step = driver.plan();
        assertThat(ids(step)).containsExactly(parent, child, grandchild);
        assertThat(step.copies()).isEqualTo(2);
        for (int i = 0; i < 2; i++) {
            assertThat(step.copySource(i)).isEqualTo(step.block(0, 2));
            assertThat(step.copyDestination(i)).isEqualTo(step.block(i + 1, 2));
        }
    }

    @Test
    void aForkOfAForkWhoseCopyIsInFlightWaitsSoThatItNeverReadsAFailedCopy() {
        SequenceId child = fork(parent);
        driver.plan();
        SequenceId grandchild = fork(child);
        assertThat(driver.core.waiting()).isEqualTo(1);
        driver.fail(new IllegalStateException("device"));
        assertThat(driver.endings).containsKeys(parent, child).doesNotContainKey(grandchild);
        Step step = driver.plan();
        assertThat(step.copies()).isZero();
        assertThat(step.cacheLength(0))
                .as("computes again what it does not find")
                .isEqualTo(32);
        assertThat(step.tokenCount(0)).isEqualTo(9);
    }

    @Test
    void aForkMadeWhileTheParentHasAStepInFlightStartsFromWhatIsKnown() {
        use(Driver.config(16, 10).maxStepsInFlight(2));
        driver.plan();
        SequenceId child = fork(parent);
        Step step = driver.plan();
        assertThat(step.token(0, 0)).isEqualTo(Step.PENDING_TOKEN);
        assertThat(step.cacheLength(0)).isEqualTo(41);
        assertThat(step.cacheLength(entry(step, child))).isEqualTo(40);
        assertThat(step.token(entry(step, child), 0)).isEqualTo(Driver.TOKEN);
    }

    @Test
    void aForkCancelledBeforeItsCopyRanKeepsItsBlockUntilThen() {
        SequenceId child = fork(parent);
        driver.core.cancel(child);
        assertThat(driver.withheld()).as("the copy will write it").isEqualTo(1);
        Step step = driver.plan();
        assertThat(ids(step)).containsExactly(parent);
        assertThat(step.copies()).isEqualTo(1);
        driver.complete();
        assertThat(driver.withheld()).isZero();
        driver.core.cancel(parent);
        driver.assertEverythingIsBack();
    }

    @Test
    void aParentCancelledBeforeTheCopyRanKeepsItsOpenPageUntilThen() {
        SequenceId child = fork(parent);
        driver.core.cancel(parent);
        assertThat(driver.withheld()).as("the copy will read it").isEqualTo(1);
        assertThat(driver.held()).isEqualTo(3);
        Step step = driver.plan();
        assertThat(ids(step)).containsExactly(child);
        assertThat(step.cacheLength(0)).isEqualTo(40);
        driver.complete();
        assertThat(driver.withheld()).isZero();
        assertThat(driver.outputs.get(child)).containsExactly(Driver.TOKEN, Driver.TOKEN);
    }

    @Test
    void aStepThatOnlyCopiesIsPlannedWhenEverybodyHasGone() {
        SequenceId child = fork(parent);
        driver.core.cancel(parent);
        driver.core.cancel(child);
        Step step = driver.plan();
        assertThat(step.size()).isZero();
        assertThat(step.copies()).isEqualTo(1);
        driver.complete();
        driver.assertEverythingIsBack();
        assertThat(driver.plan()).isNull();
    }

    @Test
    void aFailedStepEndsTheForksItCopiesFor() {
        SequenceId child = driver.fork(parent, 1);
        Step step = driver.plan();
        assertThat(ids(step)).as("the fork's consumer pauses").containsExactly(parent);
        driver.fail(new IllegalStateException("device"));
        assertThat(driver.endings).containsEntry(child, FinishReason.FAILED);
        driver.assertEverythingIsBack();
    }

    @Test
    void onlyALiveSequenceCanBeForked() {
        driver.core.cancel(parent);
        assertThatThrownBy(() -> fork(parent))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("only a sequence that has not ended can be forked, parent=" + parent);
        assertThatThrownBy(() -> driver.fork(parent, -1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("tokensAllowed must not be negative, tokensAllowed=-1");
    }

    /** Its blocks are gone, and what it will compute again does not build on the copy. */
    @Test
    void aForkThatWasPreemptedGoesOnWhenItsCopyFails() {
        driver = new Driver(Driver.config(16, 4).maxStepsInFlight(2));
        parent = driver.submit(47);
        driver.step();
        SequenceId child = driver.fork(parent, 1);
        Step copying = driver.plan();
        assertThat(copying.copies()).isEqualTo(1);
        assertThat(driver.plan()).as("the parent needs the paused fork's block").isNull();
        assertThat(driver.logged(child + " preempted")).isEqualTo(1);
        driver.core.failCopies(copying.number(), new IllegalStateException("the copy failed"));
        assertThat(driver.endings).isEmpty();
        driver.complete();
        driver.core.cancel(parent);
        driver.core.request(child, 1);
        driver.step();
        assertThat(driver.outputs.get(child)).containsExactly(Driver.TOKEN, Driver.TOKEN);
    }
}
