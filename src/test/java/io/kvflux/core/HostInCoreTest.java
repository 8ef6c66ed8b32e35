package io.kvflux.core;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvflux.api.SequenceId;
import io.kvflux.api.SequenceSpec;
import org.junit.jupiter.api.Test;

/** What goes to the host and what does not when copying is slow. */
class HostInCoreTest {

    private static final int PAGE = 4;

    private static SequenceId submit(Driver driver, int number) {
        return driver.submit(
                SequenceSpec.of(Driver.tokens(1000 * number, 10 * PAGE)).maxTokens(1));
    }

    private static void answer(Driver driver) {
        driver.core.took(driver.core.snapshot().stepsInFlight().get(0), 1e-2);
        driver.complete();
    }

    /** What takes longer to copy than to compute is dropped, but for every 64th page, which tells whether it still does. */
    @Test
    void aCopyThatOnlyTellsWhatItTakesHoldsNobodyUp() {
        Driver driver = new Driver(Driver.config(PAGE, 20).hostBlocks(50));
        int prompt = 1;
        for (boolean copied = false; !copied; ) {
            submit(driver, prompt++);
            while (driver.plan() == null) {
                driver.land(5); // it waits, as nothing is known of what a copy takes
                copied = true;
            }
            answer(driver);
        }
        while (!driver.transfers.isEmpty()) {
            driver.land(5);
        }
        for (int i = 0; i < 30; i++) {
            SequenceId id = submit(driver, prompt++);
            assertThat(Driver.ids(driver.plan()))
                    .as("%d copies on their way, prompt %d", driver.transfers.size(), i)
                    .containsExactly(id);
            answer(driver);
        }
        assertThat(driver.transfers).as("every 64th of 300 victims").hasSizeBetween(4, 5);
        assertThat(driver.transfers).allMatch(transfer -> transfer.size() == 1);
        while (!driver.transfers.isEmpty()) {
            driver.land(5);
        }
        driver.assertEverythingIsBack();
    }
}
