package io.kvflux.core;

import static io.kvflux.core.Driver.STOP;
import static io.kvflux.core.Driver.ids;
import static org.assertj.core.api.Assertions.assertThat;

import io.kvflux.api.FinishReason;
import io.kvflux.api.SequenceId;
import io.kvflux.api.Step;
import io.kvflux.api.StepResult;
import org.junit.jupiter.api.Test;

/** Each way a sequence ends, in each state: once, and with every block given back. */
class EndingsTest {

    private final IllegalStateException cause = new IllegalStateException("device");

    @Test
    void aStopTokenIsTheLastOneDelivered() {
        Driver driver = new Driver(Driver.config(16, 10));
        SequenceId id = driver.submit(driver.prompt(20).stopTokens(3, STOP));
        driver.step();
        driver.plan();
        driver.complete(id, STOP);
        assertThat(driver.endings).containsEntry(id, FinishReason.STOP);
        assertThat(driver.outputs.get(id)).containsExactly(Driver.TOKEN, STOP);
        driver.assertEverythingIsBack();
    }

    @Test
    void aStopTokenInThePromptStopsNothing() {
        Driver driver = new Driver(Driver.config(16, 10));
        SequenceId id = driver.submit(driver.prompt(20).stopTokens(119));
        driver.steps(2);
        assertThat(driver.endings).doesNotContainKey(id);
    }

    @Test
    void aStopTokenThatIsAlsoTheLastAllowedCountsAsAStop() {
        Driver driver = new Driver(Driver.config(16, 10));
        SequenceId id = driver.submit(driver.prompt(20).stopTokens(STOP).maxTokens(1));
        driver.plan();
        driver.complete(id, STOP);
        assertThat(driver.endings).containsEntry(id, FinishReason.STOP);
    }

    @Test
    void theTokenLimitEndsASequence() {
        Driver driver = new Driver(Driver.config(16, 10).maxStepsInFlight(3));
        SequenceId id = driver.submit(driver.prompt(20).maxTokens(4));
        driver.drain();
        assertThat(driver.endings).containsEntry(id, FinishReason.LENGTH);
        assertThat(driver.outputs.get(id)).hasSize(4);
        driver.assertEverythingIsBack();
    }

    @Test
    void aWaitingSequenceCanBeCancelled() {
        Driver driver = new Driver(Driver.config(16, 10));
        assertCancels(driver, driver.submit(20));
    }

    @Test
    void aSequenceCanBeCancelledBetweenItsChunks() {
        Driver driver = new Driver(Driver.config(16, 10).maxBatchSize(2).maxBatchTokens(20));
        SequenceId id = driver.submit(60);
        driver.step();
        assertCancels(driver, id);
    }

    @Test
    void aDecodingSequenceCanBeCancelled() {
        Driver driver = new Driver(Driver.config(16, 10));
        SequenceId id = driver.submit(20);
        driver.steps(3);
        assertCancels(driver, id);
    }

    @Test
    void aSequenceCanBeCancelledWithAllItsStepsInFlight() {
        Driver driver = new Driver(Driver.config(16, 10).maxStepsInFlight(3));
        SequenceId id = driver.submit(20);
        driver.plan();
        driver.plan();
        driver.plan();
        assertCancels(driver, id);
        assertThat(driver.outputs).doesNotContainKey(id);
    }

    @Test
    void aPreemptedSequenceCanBeCancelledWithResultsInFlight() {
        Driver driver = new Driver(Driver.config(16, 10).maxStepsInFlight(2));
        SequenceId first = driver.submit(driver.prompt(80).maxTokens(2));
        SequenceId second = driver.submit(80);
        driver.plan();
        driver.plan();
        assertThat(driver.logged(second + " preempted")).isEqualTo(1);
        assertCancels(driver, second);
        assertThat(driver.outputs).doesNotContainKey(second);
        assertThat(driver.endings).containsEntry(first, FinishReason.LENGTH);
    }

    @Test
    void aPreemptedSequenceEndsByALateStopToken() {
        Driver driver = new Driver(Driver.config(16, 10).maxStepsInFlight(2));
        driver.submit(driver.prompt(80).maxTokens(2));
        SequenceId second = driver.submit(driver.prompt(80).stopTokens(STOP));
        driver.plan();
        driver.plan();
        driver.complete(second, STOP);
        assertThat(driver.endings).containsEntry(second, FinishReason.STOP);
        driver.drain();
        driver.assertEverythingIsBack();
    }

    private static void assertCancels(Driver driver, SequenceId id) {
        assertThat(driver.core.cancel(id)).isTrue();
        assertThat(driver.core.cancel(id)).as("it has ended").isFalse();
        assertThat(driver.endings).containsEntry(id, FinishReason.CANCELLED);
        driver.drain();
        driver.assertEverythingIsBack();
        assertThat(driver.logged(id + " finished CANCELLED")).isEqualTo(1);
    }

    @Test
    void aFailedStepEndsItsSequencesAndNoOthers() {
        Driver driver = new Driver(Driver.config(16, 10).maxBatchSize(2).maxBatchTokens(40));
        SequenceId first = driver.submit(20);
        SequenceId second = driver.submit(20);
        SequenceId waiting = driver.submit(20);
        driver.plan();
        driver.fail(cause);
        assertThat(driver.causes).containsEntry(first, cause).containsEntry(second, cause);
        assertThat(driver.endings).doesNotContainKey(waiting);
        assertThat(driver.core.pool(0).cachedBlocks())
                .as("nothing of it is findable")
                .isZero();
        driver.step();
        assertThat(driver.outputs.get(waiting)).containsExactly(Driver.TOKEN);
    }

    @Test
    void aFailedStepMakesTheNextOneInFlightVoidForItsSequences() {
        Driver driver = new Driver(Driver.config(16, 10).maxStepsInFlight(2));
        SequenceId id = driver.submit(20);
        driver.plan();
        driver.plan();
        driver.fail(cause);
        assertThat(driver.withheld()).isEqualTo(2);
        driver.complete();
        assertThat(driver.endings).containsEntry(id, FinishReason.FAILED);
        assertThat(driver.outputs).doesNotContainKey(id);
        driver.assertEverythingIsBack();
    }

    @Test
    void aFailedEntryEndsItsSequenceAndTheOthersGoOn() {
        Driver driver = new Driver(Driver.config(16, 10));
        SequenceId bad = driver.submit(20);
        SequenceId good = driver.submit(20);
        Step step = driver.core.plan();
        StepResult result = new StepResult().reset(step);
        result.fail(0, cause);
        result.token(1, 5);
        driver.core.complete(result);
        assertThat(driver.causes).containsEntry(bad, cause);
        assertThat(driver.outputs.get(good)).containsExactly(5);
        assertThat(ids(driver.plan())).containsExactly(good);
    }

    @Test
    void aChunkThatSamplesNothingCanFailToo() {
        Driver driver = new Driver(Driver.config(16, 10).maxBatchSize(1).maxBatchTokens(20));
        SequenceId id = driver.submit(40);
        Step step = driver.core.plan();
        StepResult result = new StepResult().reset(step);
        result.fail(0, cause);
        driver.core.complete(result);
        assertThat(driver.causes).containsEntry(id, cause);
        driver.assertEverythingIsBack();
    }
}
