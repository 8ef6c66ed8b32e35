package io.kvflux.core;

import static io.kvflux.core.Driver.STOP;
import static io.kvflux.core.Driver.ids;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvflux.api.FinishReason;
import io.kvflux.api.SequenceId;
import io.kvflux.api.SequenceSpec;
import io.kvflux.api.Step;
import io.kvflux.api.StepResult;
import java.util.List;
import java.util.Map;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Steps in flight, and the results that are and are not taken for them. */
class StepResultsTest {

    @ParameterizedTest
    @ValueSource(ints = {2, 3})
    void aStopTokenFoundLateMakesTheExtraWorkVoid(int inFlight) {
        Driver driver = new Driver(Driver.config(16, 10).maxStepsInFlight(inFlight));
        SequenceId stops = driver.submit(driver.prompt(20).stopTokens(STOP));
        SequenceId goesOn = driver.submit(20);
        for (int i = 0; i < inFlight; i++) {
            assertThat(ids(driver.plan())).containsExactly(stops, goesOn);
        }
        assertThat(driver.plan()).as("no more may be in flight").isNull();
        driver.complete(stops, STOP);
        assertThat(ids(driver.plan())).containsExactly(goesOn);
        for (int i = 0; i < inFlight; i++) {
            driver.complete();
        }
        assertThat(driver.outputs.get(stops)).containsExactly(STOP);
        assertThat(driver.outputs.get(goesOn)).hasSize(inFlight + 1);
        assertThat(driver.endings).containsOnly(Map.entry(stops, FinishReason.STOP));
    }

    @Test
    void aTokenThatAnEarlierStepSamplesIsPending() {
        Driver driver = new Driver(Driver.config(16, 10).maxStepsInFlight(2));
        driver.submit(20);
        Step first = driver.plan();
        Step second = driver.plan();
        assertThat(first.token(0, 19)).isEqualTo(119);
        assertThat(second.token(0, 0)).isEqualTo(Step.PENDING_TOKEN);
        driver.complete();
        assertThat(second.token(0, 0)).as("it stays what it was").isEqualTo(Step.PENDING_TOKEN);
    }

    @Test
    void resultsComeInTheOrderOfSteps() {
        Driver driver = new Driver(Driver.config(16, 10).maxStepsInFlight(2));
        driver.submit(20);
        driver.plan();
        StepResult second = new StepResult().reset(driver.plan());
        second.token(0, 1);
        assertRefused(
                driver, () -> driver.core.complete(second), "results come in the order of steps, expected=1, step=2");
        assertRefused(
                driver,
                () -> driver.core.fail(2, new IllegalStateException()),
                "results come in the order of steps, expected=1, step=2");
    }

    @Test
    void aResultIsTakenOnce() {
        Driver driver = new Driver(Driver.config(16, 10));
        driver.submit(20);
        StepResult result = new StepResult().reset(driver.core.plan());
        result.token(0, 1);
        driver.core.complete(result);
        assertRefused(
                driver,
                () -> driver.core.complete(result),
                "results come in the order of steps, expected=none, step=1");
    }

    @Test
    void everyEntryThatSamplesNeedsAToken() {
        Driver driver = new Driver(Driver.config(16, 10));
        driver.submit(20);
        driver.submit(20);
        StepResult result = new StepResult().reset(driver.core.plan());
        result.token(0, 1);
        assertRefused(
                driver,
                () -> driver.core.complete(result),
                "an entry that samples needs a token or a failure, step=1, entry=1");
        result.token(1, 1);
        driver.core.complete(result);
        assertThat(driver.outputs).hasSize(2);
    }

    /** A core's result given to another: the number fits, the size does not. */
    @Test
    void aResultHasTheEntriesOfItsStep() {
        Driver other = new Driver(Driver.config(16, 10));
        other.submit(20);
        other.submit(20);
        StepResult foreign = new StepResult().reset(other.plan());
        Driver driver = new Driver(Driver.config(16, 10));
        driver.submit(20);
        driver.plan();
        assertRefused(
                driver,
                () -> driver.core.complete(foreign),
                "a result has the entries of its step, step=1, entries=1, result=2");
    }

    @Test
    void aResultIsRefusedWhileNothingIsInFlight() {
        Driver driver = new Driver(Driver.config(16, 10));
        assertRefused(
                driver,
                () -> driver.core.complete(new StepResult()),
                "results come in the order of steps, expected=none, step=0");
        assertThatThrownBy(() -> driver.core.fail(1, null)).isInstanceOf(NullPointerException.class);
    }

    @Test
    void tokensOfAResultAreChecked() {
        Driver driver = new Driver(Driver.config(16, 10));
        driver.submit(20);
        StepResult result = new StepResult().reset(driver.plan());
        assertThatThrownBy(() -> result.token(0, -1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a token id must not be negative, entry=0, token=-1");
        assertThatThrownBy(() -> result.token(1, 1)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> result.fail(0, null)).isInstanceOf(NullPointerException.class);
        assertThat(result.hasToken(0)).isFalse();
    }

    private static void assertRefused(Driver driver, ThrowingCallable call, String message) {
        String before = driver.core.toString();
        List<String> log = List.copyOf(driver.log);
        assertThatThrownBy(call).isInstanceOf(IllegalArgumentException.class).hasMessage(message);
        assertThat(driver.core).as("nothing has changed").hasToString(before);
        assertThat(driver.log).isEqualTo(log);
        driver.core.verify();
    }

    @Test
    void aStepStaysWhatItWasWhenItsSequenceIsCancelledAndItsBlocksAreWanted() {
        Driver driver = new Driver(Driver.config(16, 4).maxStepsInFlight(2));
        SequenceId id = driver.submit(40);
        Step step = driver.plan();
        List<Object> contents = StepChecks.contents(step);
        driver.core.cancel(id);
        driver.submit(15);
        driver.plan();
        driver.submit(40);
        assertThat(StepChecks.contents(step)).isEqualTo(contents);
        assertThat(step.sequence(0)).isEqualTo(id);
    }

    @Test
    void aStepStaysWhatItWasWhenItsPagesAreMergedWithTwins() {
        Driver driver = new Driver(Driver.config(16, 20).maxStepsInFlight(2));
        SequenceSpec shared = driver.prompt(40);
        driver.submit(shared);
        driver.submit(shared);
        driver.plan();
        Step second = driver.plan();
        assertThat(second.block(1, 0)).as("computed side by side").isNotEqualTo(second.block(0, 0));
        List<Object> contents = StepChecks.contents(second);
        driver.complete();
        assertThat(StepChecks.contents(second)).isEqualTo(contents);
        Step third = driver.plan();
        assertThat(third.block(1, 0)).as("merged").isEqualTo(third.block(0, 0));
        assertThat(third.block(1, 1)).isEqualTo(third.block(0, 1));
        assertThat(third.block(1, 2)).isNotEqualTo(third.block(0, 2));
        assertThat(driver.withheld()).isEqualTo(2);
    }

    @Test
    void aStepStaysWhatItWasWhenItsSequenceGrows() {
        Driver driver = new Driver(Driver.config(2, 40).maxStepsInFlight(3));
        driver.submit(7);
        Step first = driver.plan();
        List<Object> contents = StepChecks.contents(first);
        driver.plan();
        driver.plan();
        assertThat(StepChecks.contents(first)).isEqualTo(contents);
        assertThat(first.blockCount(0)).isEqualTo(4);
        assertThatThrownBy(() -> first.block(0, 4)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> first.token(0, 7)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> first.sequence(1)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> first.copySource(0)).isInstanceOf(IndexOutOfBoundsException.class);
    }
}
