package io.kvflux.core;

import static io.kvflux.core.Driver.ids;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvflux.api.FinishReason;
import io.kvflux.api.SequenceId;
import io.kvflux.api.SequenceSpec;
import io.kvflux.api.Step;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** What a consumer that allows few tokens, or none for a while, does to its sequence and to others. */
class DemandTest {

    private static SequenceId allow(Driver driver, int promptLength, long tokens) {
        return driver.core.submit(driver.prompt(promptLength), tokens);
    }

    @Test
    void nothingIsScheduledBeyondWhatIsGranted() {
        Driver driver = new Driver(Driver.config(16, 10).maxStepsInFlight(2));
        SequenceId id = allow(driver, 20, 2);
        driver.drain();
        assertThat(driver.outputs.get(id)).hasSize(2);
        assertThat(driver.core.running()).as("it keeps its blocks").isEqualTo(1);
        driver.core.request(id, 3);
        driver.drain();
        assertThat(driver.outputs.get(id)).hasSize(5);
    }

    @Test
    void aSequenceWithoutDemandIsParkedAndHoldsNobodyUp() {
        Driver driver = new Driver(Driver.config(16, 10));
        SequenceId parked = allow(driver, 20, 0);
        SequenceId next = driver.submit(20);
        assertThat(ids(driver.plan())).containsExactly(next);
        driver.complete();
        driver.core.request(parked, 1);
        assertThat(ids(driver.plan())).containsExactly(next, parked);
    }

    @Test
    void aParkedSequenceKeepsItsPlaceInTheQueue() {
        Driver driver = new Driver(Driver.config(16, 10));
        SequenceId parked = allow(driver, 20, 0);
        SequenceId next = driver.submit(20);
        driver.core.request(parked, 1);
        assertThat(ids(driver.plan())).containsExactly(parked, next);
    }

    @Test
    void requestsAddUpWithoutOverflow() {
        Driver driver = new Driver(Driver.config(16, 10));
        SequenceId id = allow(driver, 20, Long.MAX_VALUE - 1);
        driver.core.request(id, Long.MAX_VALUE);
        driver.steps(3);
        assertThat(driver.outputs.get(id)).hasSize(3);
    }

    @Test
    void requestsAreCheckedAndThoseForTheEndedIgnored() {
        Driver driver = new Driver(Driver.config(16, 10));
        SequenceId id = driver.submit(20);
        assertThatThrownBy(() -> driver.core.request(id, -1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("tokens must not be negative, tokens=-1");
        assertThatThrownBy(() -> allow(driver, 20, -1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("tokensAllowed must not be negative, tokensAllowed=-1");
        driver.core.cancel(id);
        driver.core.request(id, 5);
        driver.assertEverythingIsBack();
    }

    @Test
    void underDecodePressureAPausedSequenceGoesBeforeOneThatCostsLess() {
        Driver driver = new Driver(Driver.config(16, 5));
        SequenceId paused = allow(driver, 32, 1);
        SequenceId decoding = driver.submit(32);
        SequenceId cheap = driver.submit(10);
        driver.step();
        assertThat(driver.core.running()).isEqualTo(3);
        assertThat(ids(driver.plan())).containsExactly(decoding, cheap);
        assertThat(driver.logged(paused + " preempted")).isEqualTo(1);
        assertThat(driver.core.preemptions()).isEqualTo(1);
    }

    @Test
    void underAdmissionPressureAPausedSequenceGoesAndLaterResumesWithTheSameTokens() {
        Driver driver = new Driver(Driver.config(16, 10));
        SequenceId paused = allow(driver, 90, 1);
        driver.plan();
        driver.complete(paused, 42);
        SequenceId next = driver.submit(driver.prompt(90).maxTokens(1));
        assertThat(ids(driver.plan())).containsExactly(next);
        assertThat(driver.logged(paused + " preempted")).isEqualTo(1);
        driver.complete();
        driver.core.request(paused, 1);
        Step resumed = driver.plan();
        assertThat(resumed.cacheLength(0) + resumed.tokenCount(0)).isEqualTo(91);
        assertThat(resumed.token(0, resumed.tokenCount(0) - 1)).isEqualTo(42);
        driver.complete();
        assertThat(driver.outputs.get(paused)).containsExactly(42, Driver.TOKEN);
    }

    @Test
    void aPausedSequenceStaysWhenItsBlocksWouldNotHelp() {
        Driver driver = new Driver(Driver.config(16, 10));
        SequenceId running = driver.submit(90);
        allow(driver, 20, 1);
        driver.step();
        driver.submit(90);
        assertThat(ids(driver.plan())).containsExactly(running);
        assertThat(driver.core.preemptions()).isZero();
    }

    @Test
    void noMorePausedSequencesGoThanAnAdmissionNeedsThoughTheirBlocksAreStillWithheld() {
        Driver driver = new Driver(Driver.config(16, 9).maxStepsInFlight(2));
        allow(driver, 40, 1);
        allow(driver, 40, 1);
        SequenceId last = allow(driver, 40, 1);
        driver.plan();
        SequenceId next = driver.submit(40);
        assertThat(driver.plan()).isNull();
        assertThat(driver.core.preemptions()).isEqualTo(1);
        assertThat(driver.logged(last + " preempted")).isEqualTo(1);
        driver.complete();
        assertThat(ids(driver.plan())).containsExactly(next);
        assertThat(driver.core.preemptions()).isEqualTo(1);
    }

    @Test
    void pagesThatARunningSequenceSharesAreNotCountedAsHelp() {
        Driver driver = new Driver(Driver.config(16, 30));
        int[] shared = Driver.tokens(10_000, 321);
        driver.submit(SequenceSpec.of(shared));
        driver.step();
        SequenceId paused = driver.core.submit(SequenceSpec.of(Arrays.copyOf(shared, 322)), 1);
        driver.step();
        driver.submit(240);
        driver.step();
        assertThat(driver.logged(paused + " preempted"))
                .as("its own page alone does not make room for 15")
                .isZero();
    }

    @Test
    void aPausedSequenceCanBeCancelled() {
        Driver driver = new Driver(Driver.config(16, 10));
        SequenceId id = allow(driver, 20, 1);
        driver.step();
        assertThat(driver.plan()).isNull();
        driver.core.cancel(id);
        assertThat(driver.endings).containsEntry(id, FinishReason.CANCELLED);
        driver.assertEverythingIsBack();
    }
}
