package io.kvflux.selftest;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.LongFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The proof can fail: each of these bugs, put into the real code, is found by the adversary within its budget. */
class MutantsTest {

    /** As many scenarios as {@link AdversaryTest} runs. */
    private static final int BUDGET = 1_000;

    @ParameterizedTest
    @MethodSource("bugs")
    @Timeout(value = 10, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void everyBugIsFound(Mutant bug) throws ReflectiveOperationException {
        LongFunction<?> hunt = bug.hunt();
        Object found = null;
        int scenarios = 0;
        while (found == null && scenarios < BUDGET) {
            found = hunt.apply(scenarios++);
        }
        System.out.println("MutantsTest '" + bug + "' after " + scenarios + ": " + found);
        assertThat(found)
                .as("a bug that the adversary does not find in %d scenarios", BUDGET)
                .isNotNull();
    }

    /** What is found is found because of the bug: the same scenarios, loaded the same way, find nothing without one. */
    @Test
    void withoutABugTheSameScenariosFindNothing() throws ReflectiveOperationException {
        LongFunction<?> hunt = Mutant.none().hunt();
        for (int number = 0; number < BUDGET; number++) {
            assertThat(hunt.apply(number)).as("scenario %d", number).isNull();
        }
    }

    static List<Mutant> bugs() {
        return Mutant.all();
    }
}
