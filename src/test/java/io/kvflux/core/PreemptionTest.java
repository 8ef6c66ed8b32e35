package io.kvflux.core;

import static io.kvflux.core.Driver.ids;
import static org.assertj.core.api.Assertions.assertThat;

import io.kvflux.api.SequenceId;
import io.kvflux.api.SequenceSpec;
import io.kvflux.api.Step;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Who goes when blocks run out, and what happens to the step that made it go. */
class PreemptionTest {

    @Test
    void theSequenceWithTheFewestTokensToComputeAgainGoesFirst() {
        Driver driver = new Driver(Driver.config(16, 6));
        SequenceId first = driver.submit(32);
        SequenceId cheap = driver.submit(10);
        SequenceId last = driver.submit(40);
        driver.step();
        assertThat(ids(driver.plan())).containsExactly(first, last);
        assertThat(driver.logged(cheap + " preempted")).isEqualTo(1);
    }

    /** The sharing one has more tokens than the small one, but would compute only two of them again. */
    @Test
    void tokensThatOthersHoldTooCostNothing() {
        Driver driver = new Driver(Driver.config(16, 11));
        int[] shared = Driver.tokens(10_000, 50);
        SequenceId asking = driver.submit(63);
        SequenceId small = driver.submit(20);
        SequenceId first = driver.submit(SequenceSpec.of(Arrays.copyOf(shared, 49)));
        driver.step();
        SequenceId sharing = driver.submit(SequenceSpec.of(shared));
        driver.step();
        assertThat(driver.available()).isZero();
        assertThat(ids(driver.plan())).containsExactly(asking, small, first);
        assertThat(driver.logged(sharing + " preempted")).isEqualTo(1);
    }

    @Test
    void ofEqualCostTheLastAdmittedGoesFirst() {
        Driver driver = new Driver(Driver.config(16, 6));
        SequenceId first = driver.submit(32);
        SequenceId second = driver.submit(32);
        SequenceId third = driver.submit(32);
        driver.step();
        assertThat(ids(driver.plan())).containsExactly(first, second);
        assertThat(driver.logged(third + " preempted")).isEqualTo(1);
    }

    @Test
    void underLastAdmittedTheYoungestGoesWhateverItCosts() {
        Driver driver = new Driver(Driver.config(16, 6).victimRule(VictimRule.LAST_ADMITTED));
        SequenceId first = driver.submit(32);
        SequenceId cheap = driver.submit(10);
        SequenceId last = driver.submit(40);
        driver.step();
        assertThat(ids(driver.plan())).containsExactly(first, cheap);
        assertThat(driver.logged(last + " preempted")).isEqualTo(1);
    }

    @Test
    void aSequencePlacedInTheStepIsNotItsVictim() {
        Driver driver = new Driver(Driver.config(16, 4));
        SequenceId small = driver.submit(10);
        SequenceId large = driver.submit(48);
        driver.step();
        assertThat(ids(driver.plan()))
                .as("the large one costs more but the small one is placed")
                .containsExactly(small);
        assertThat(driver.logged(large + " preempted")).isEqualTo(1);
    }

    @Test
    void whatIsCachedIsEvictedBeforeAnybodyIsPreempted() {
        Driver driver = new Driver(Driver.config(16, 4));
        driver.submit(driver.prompt(33).maxTokens(1));
        driver.step();
        driver.submit(32);
        driver.steps(2);
        assertThat(driver.core.preemptions()).isZero();
    }

    @Test
    void aStepThatPreemptedMayAdmitUnlessItIsToldNotTo() {
        for (boolean admit : new boolean[] {true, false}) {
            Driver driver =
                    new Driver(Driver.config(16, 6).policy(QueuePolicy.PRIORITY).admitAfterPreemption(admit));
            SequenceId first = driver.submit(64);
            driver.submit(32);
            driver.step();
            SequenceId small = driver.submit(driver.prompt(5).priority(1));
            assertThat(ids(driver.plan())).isEqualTo(admit ? List.of(first, small) : List.of(first));
            assertThat(driver.core.preemptions()).isEqualTo(1);
        }
    }

    @Test
    void aPreemptedSequenceGoesToTheHeadOfItsPriority() {
        Driver driver = new Driver(Driver.config(16, 4).policy(QueuePolicy.PRIORITY));
        SequenceId first = driver.submit(driver.prompt(32));
        SequenceId victim = driver.submit(driver.prompt(32).priority(1));
        driver.step();
        SequenceId equal = driver.submit(driver.prompt(5).priority(1));
        SequenceId urgent = driver.submit(driver.prompt(5).priority(0));
        assertThat(ids(driver.plan())).containsExactly(first, urgent);
        assertThat(driver.logged(victim + " preempted")).isEqualTo(1);
        driver.complete();
        driver.core.cancel(first);
        driver.core.cancel(urgent);
        assertThat(ids(driver.plan())).containsExactly(victim, equal);
    }

    @Test
    void aPreemptedSequenceIsNotAdmittedWhileItsTokensAreOnTheirWay() {
        Driver driver = new Driver(Driver.config(16, 6).maxStepsInFlight(3));
        SequenceId first = driver.submit(47);
        SequenceId second = driver.submit(47);
        driver.plan();
        driver.plan();
        assertThat(driver.plan()).isNull();
        driver.core.cancel(first);
        driver.complete();
        assertThat(driver.plan())
                .as("one token of the preempted is still in flight")
                .isNull();
        driver.complete();
        Step resumed = driver.plan();
        assertThat(ids(resumed)).containsExactly(second);
        assertThat(resumed.cacheLength(0) + resumed.tokenCount(0)).isEqualTo(49);
        driver.complete();
        assertThat(driver.outputs.get(second)).hasSize(3);
    }
}
