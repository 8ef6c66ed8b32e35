package io.kvflux.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvflux.api.FinishReason;
import io.kvflux.api.SequenceId;
import io.kvflux.api.Step;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** A replica is lost in every state that its sequences can be in. The core verifies itself after every operation. */
class LossTest {

    private final IllegalStateException cause = new IllegalStateException("lost");

    private static Driver driver(int steps) {
        return new Driver(Driver.config(4, 12, 2).maxStepsInFlight(steps));
    }

    private void assertEndedBy(Driver driver, SequenceId id) {
        assertThat(driver.endings).containsEntry(id, FinishReason.FAILED);
        assertThat(driver.causes).containsEntry(id, cause);
    }

    @Test
    void whoRunsThereEndsAndTheOthersGoOn() {
        Driver driver = driver(1);
        SequenceId there = driver.submit(driver.prompt(9).maxTokens(5));
        SequenceId elsewhere = driver.submit(driver.prompt(9).maxTokens(5));
        driver.steps(2);
        driver.core.loseReplica(driver.replicas.get(there), cause);
        assertEndedBy(driver, there);
        driver.drain();
        assertThat(driver.outputs.get(there)).hasSize(2);
        assertThat(driver.outputs.get(elsewhere)).hasSize(5);
        assertThat(driver.logged(elsewhere + " preempted")).isZero();
        driver.assertEverythingIsBack();
        assertThat(driver.core.replicasLeft()).isEqualTo(1);
    }

    @Test
    void whatStepsInFlightComputeThereIsIgnored() {
        Driver driver = driver(2);
        SequenceId there = driver.submit(driver.prompt(9).maxTokens(5));
        SequenceId elsewhere = driver.submit(driver.prompt(9).maxTokens(5));
        driver.plan();
        driver.plan();
        driver.core.loseReplica(driver.replicas.get(there), cause);
        assertEndedBy(driver, there);
        driver.complete();
        driver.complete();
        assertThat(driver.outputs).doesNotContainKey(there);
        assertThat(driver.outputs.get(elsewhere)).hasSize(2);
        driver.drain();
        driver.assertEverythingIsBack();
    }

    @Test
    void aStepThatFailsWithTheReplicaIsComputedAgainByTheOthers() {
        Driver driver = driver(2);
        SequenceId there = driver.submit(driver.prompt(9).maxTokens(5));
        SequenceId first = driver.submit(driver.prompt(5).maxTokens(5));
        driver.step();
        SequenceId second = driver.submit(driver.prompt(5).maxTokens(5));
        driver.plan();
        driver.plan();
        driver.core.loseReplica(driver.replicas.get(there), cause);
        driver.fail(new IllegalStateException("launch"));
        assertThat(driver.endings).containsOnlyKeys(there);
        driver.complete();
        driver.drain();
        assertThat(driver.outputs.get(first)).hasSize(5);
        assertThat(driver.outputs.get(second)).hasSize(5);
        assertThat(driver.logged(first + " preempted")).isEqualTo(1);
        driver.assertEverythingIsBack();
    }

    @Test
    void aStepThatBuildsOnOneThatFailedWithTheReplicaIsComputedAgainToo() {
        Driver driver = driver(2);
        SequenceId there = driver.submit(driver.prompt(9).maxTokens(5));
        SequenceId first = driver.submit(driver.prompt(5).maxTokens(5));
        driver.step();
        driver.plan();
        driver.core.loseReplica(driver.replicas.get(there), cause);
        SequenceId second = driver.submit(driver.prompt(5).maxTokens(5));
        Step behind = driver.plan(); // with a token of the first that never comes
        driver.fail(new IllegalStateException("launch"));
        assertThat(driver.core.spares(behind.number())).isTrue();
        driver.fail(new IllegalStateException("no token is pending"));
        assertThat(driver.endings).containsOnlyKeys(there);
        Step later = driver.plan();
        assertThat(driver.core.spares(later.number())).isFalse();
        driver.complete();
        driver.drain();
        assertThat(driver.outputs.get(first)).hasSize(5);
        assertThat(driver.outputs.get(second)).hasSize(5);
        driver.assertEverythingIsBack();
    }

    @Test
    void aStepThatWasPlannedAfterwardsEndsItsSequences() {
        Driver driver = driver(1);
        SequenceId there = driver.submit(driver.prompt(9).maxTokens(5));
        SequenceId elsewhere = driver.submit(driver.prompt(9).maxTokens(5));
        driver.step();
        driver.core.loseReplica(driver.replicas.get(there), new IllegalStateException("earlier"));
        Step step = Objects.requireNonNull(driver.plan());
        assertThat(driver.core.spares(step.number())).isFalse();
        driver.fail(cause);
        assertEndedBy(driver, elsewhere);
        driver.assertEverythingIsBack();
    }

    @Test
    void whoWasPreemptedThereGoesOnElsewhereWithoutTheTokensOnTheirWay() {
        Driver driver = new Driver(Driver.config(16, 10, 2).maxStepsInFlight(2).maxBatchSize(2));
        SequenceId elsewhere = driver.submit(driver.prompt(17).maxTokens(1));
        SequenceId first = driver.submit(driver.prompt(80).maxTokens(2));
        SequenceId second = driver.submit(driver.prompt(80).maxTokens(3));
        SequenceId third = driver.submit(driver.prompt(80).maxTokens(3));
        driver.plan();
        driver.plan();
        SequenceId preempted = driver.logged(second + " preempted") > 0 ? second : third;
        assertThat(driver.logged(preempted + " preempted")).isEqualTo(1);
        driver.core.loseReplica(driver.replicas.get(preempted), cause);
        driver.complete();
        driver.complete();
        driver.drain();
        assertThat(driver.endings).containsEntry(preempted, FinishReason.LENGTH);
        assertThat(driver.outputs.get(preempted)).hasSize(3);
        assertThat(driver.endings).containsKeys(elsewhere, first, second, third);
        driver.assertEverythingIsBack();
    }

    @Test
    void aForkThatWaitsForItsCopyEndsWithItsParent() {
        Driver driver = driver(1);
        SequenceId parent = driver.submit(driver.prompt(9).maxTokens(5));
        driver.step();
        SequenceId fork = driver.fork(parent, Driver.ALL);
        driver.core.loseReplica(driver.replicas.get(parent), cause);
        assertEndedBy(driver, parent);
        assertEndedBy(driver, fork);
        assertThat(driver.plan()).as("there is nothing left to copy").isNull();
        driver.core.close();
        driver.assertEverythingIsBack();
    }

    @Test
    void itsCacheIsForgottenAlsoWhatStepsInFlightWithhold() {
        Driver driver = driver(2);
        SequenceId there = driver.submit(driver.prompt(9).maxTokens(5));
        int replica = 0;
        driver.step();
        driver.plan();
        driver.core.cancel(there);
        assertThat(driver.core.pool(replica).withheldBlocks()).isPositive();
        driver.core.loseReplica(replica, cause);
        assertThat(driver.core.pool(replica).cachedBlocks()).isZero();
        assertThat(driver.core.pool(replica).indexedRuns()).isZero();
        driver.complete();
        SequenceId again = driver.submit(driver.prompt(9).maxTokens(1));
        driver.drain();
        assertThat(driver.replicas).containsEntry(again, 1);
        driver.assertEverythingIsBack();
    }

    @Test
    void aReplicaIsLostOnceAndTheLastOneTakesNobody() {
        Driver driver = driver(1);
        driver.core.loseReplica(1, cause);
        assertThat(driver.core.isLost(1)).isTrue();
        assertThatThrownBy(() -> driver.core.loseReplica(1, cause))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("replica=1");
        assertThatThrownBy(() -> driver.core.loseReplica(2, cause)).isInstanceOf(IndexOutOfBoundsException.class);
        driver.core.loseReplica(0, cause);
        assertThat(driver.core.replicasLeft()).isZero();
        SequenceId waits = driver.submit(9);
        assertThat(driver.plan()).isNull();
        assertThat(driver.core.cancel(waits)).isTrue();
    }
}
