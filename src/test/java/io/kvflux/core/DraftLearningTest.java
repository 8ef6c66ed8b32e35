package io.kvflux.core;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvflux.api.SequenceId;
import io.kvflux.api.Step;
import io.kvflux.draft.DraftPolicy;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * What is learned of drafts, and for whom it counts. A step of n tokens takes 1 + n ms, so that a sequence drafts if its
 * first draft is accepted more than once in two times.
 */
class DraftLearningTest {

    private static final int DRAFTS = 3;

    private final DraftDriver driver = new DraftDriver(
            DraftDriver.config(16, 100, DRAFTS, DraftPolicy::adaptive).prefixCaching(false));

    /** Steps of 1 to 12 tokens, in which nobody may draft. */
    @BeforeEach
    void stepsOfAllSizesWereSeen() {
        for (int prompt = 1; prompt <= 12; prompt++) {
            driver.core.submit(driver.prompt(prompt).maxTokens(1), Driver.ALL);
            step();
        }
        assertThat(driver.ledger().granted()).isZero();
    }

    private Step step() {
        Step step = driver.plan();
        int tokens = 0;
        for (int i = 0; i < step.size(); i++) {
            tokens += step.tokenCount(i);
        }
        driver.core.took(step.number(), (1 + tokens) / 1000.0);
        driver.complete();
        return step;
    }

    private void run(String tenant, int steps) {
        SequenceId id = driver.core.submit(driver.prompt(2).tenant(tenant), Driver.ALL);
        for (int i = 0; i < steps; i++) {
            step();
        }
        driver.core.cancel(id);
    }

    /** Drafts that a sequence of a tenant is granted in its first step. */
    private long grantedToANewOne(String tenant) {
        long before = driver.ledger().granted();
        run(tenant, 1);
        return driver.ledger().granted() - before;
    }

    @Test
    void aSequenceBeginsWithWhatIsKnownOfItsTenant() {
        for (int i = 0; i < 20; i++) {
            driver.accepts = DRAFTS;
            run("good", 4);
            driver.accepts = 0;
            run("bad", 4);
        }
        assertThat(grantedToANewOne("bad")).isZero();
        assertThat(grantedToANewOne("good")).isPositive();
    }

    /** It says nothing of how good the drafts of others are. */
    @Test
    void aDrafterThatIsLateCountsAgainstItsOwnSequenceAlone() {
        driver.core.draftBeside(true);
        long before = driver.ledger().granted();
        run("tenant", 30); // nothing is brought in time
        assertThat(driver.ledger().granted()).isGreaterThan(before);
        assertThat(grantedToANewOne("tenant")).isPositive();
        assertThat(grantedToANewOne("another")).isPositive();
    }

    @Test
    void everyReplicaHasAPolicyOfItsOwn() {
        int[] made = new int[1];
        DraftDriver two = new DraftDriver(SchedulerConfig.builder(Configs.caches(16, 2, DRAFTS), 20)
                .watermark(0)
                .draftPolicy(() -> DraftPolicy.fixed(made[0]++)));
        two.submit(4);
        two.submit(4);
        Step step = two.plan();
        assertThat(step.firstEntry(1)).as("one on each").isEqualTo(1);
        assertThat(step.granted(0)).isPositive();
        assertThat(step.granted(1)).isEqualTo(step.granted(0) + 1);
    }
}
