package io.kvflux.core;

import static io.kvflux.core.DraftDriver.fixed;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvflux.api.Step;
import io.kvflux.api.StepResult;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a result may say of drafts. The first entry verifies 2 drafts and gets 2, the second one is a prompt that gets 2. */
class DraftResultsTest {

    private final DraftDriver driver = new DraftDriver(fixed(4, 30, 2));
    private Step step;
    private StepResult result;

    @BeforeEach
    void aStep() {
        driver.submit(3);
        driver.step();
        driver.submit(3);
        step = driver.plan();
        result = new StepResult().reset(step);
        result.token(0, 7);
        result.token(1, 7);
    }

    @Test
    void nothingHasToBeSaidOfDraftsThatAreNotMade() {
        result.accepted(0, 0);
        result.requireAnswers(step);
        assertThat(result.draftCount(0)).isZero();
        assertThat(result.accepted(1)).isEqualTo(-1);
    }

    @Test
    void whoVerifiesSaysHowManyAreAccepted() {
        assertThatThrownBy(() -> result.requireAnswers(step))
                .hasMessage(
                        "an entry that verifies drafts says how many are accepted, or fails, step=2, entry=0, drafts=2");
        assertThatThrownBy(() -> driver.core.complete(result)).isInstanceOf(IllegalArgumentException.class);
        result.fail(0, new IllegalStateException("entry"));
        result.requireAnswers(step);
    }

    @Test
    void onlyDraftsOfTheEntryAreAccepted() {
        assertThatThrownBy(() -> result.accepted(0, 3))
                .hasMessage("of an entry's drafts the first are accepted, step=2, entry=0, drafts=2, accepted=3");
        assertThatThrownBy(() -> result.accepted(1, 1))
                .hasMessage("of an entry's drafts the first are accepted, step=2, entry=1, drafts=0, accepted=1");
        result.accepted(0, 1);
        assertThatThrownBy(() -> result.accepted(0, 2))
                .hasMessage("drafts are accepted once, step=2, entry=0, accepted=1, again=2");
    }

    @Test
    void noMoreDraftsThanWereGranted() {
        result.draft(1, 8);
        result.draft(0, 9);
        result.draft(0, 10);
        assertThatThrownBy(() -> result.draft(0, 11))
                .hasMessage("no more drafts than were granted, step=2, entry=0, granted=2");
        assertThatThrownBy(() -> result.draft(1, -1)).hasMessage("a draft must not be negative, entry=1, token=-1");
        assertThat(result.draftAt(0, 1)).isEqualTo(10);
        assertThat(result.draftAt(1, 0)).isEqualTo(8);
        assertThatThrownBy(() -> result.draftAt(1, 1)).isInstanceOf(IndexOutOfBoundsException.class);
    }

    @Test
    void aCopySaysTheSameAndAResetForgets() {
        result.accepted(0, 2);
        result.draft(0, 9);
        StepResult copy = new StepResult();
        copy.copyFrom(result);
        copy.requireAnswers(step);
        assertThat(copy.accepted(0)).isEqualTo(2);
        assertThat(copy.draftAt(0, 0)).isEqualTo(9);
        result.reset(step);
        assertThat(result.accepted(0)).isEqualTo(-1);
        assertThat(result.draftCount(0)).isZero();
        assertThat(copy.draftCount(0)).isEqualTo(1);
        copy.copyFrom(result);
        assertThat(copy.draftCount(0)).isZero();
    }

    @Test
    void aResultForAStepThatWasTakenSaysNothing() {
        result.accepted(0, 2);
        driver.core.complete(result);
        driver.core.plan();
        assertThatThrownBy(() -> result.accepted(0, 1)).hasMessage("the step of this result has been taken, step=2");
    }
}
