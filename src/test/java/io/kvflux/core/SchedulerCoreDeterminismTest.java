package io.kvflux.core;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvflux.api.SequenceId;
import io.kvflux.api.SequenceSpec;
import io.kvflux.api.Step;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class SchedulerCoreDeterminismTest {

    @ParameterizedTest
    @EnumSource(QueuePolicy.class)
    void theSameCallsGiveTheSameAnswers(QueuePolicy policy) {
        List<Object> once = drive(policy);
        assertThat(once).hasSizeGreaterThan(500);
        assertThat(drive(policy)).isEqualTo(once);
    }

    private static List<Object> drive(QueuePolicy policy) {
        SplittableRandom random = new SplittableRandom(20_261);
        Driver driver = new Driver(Driver.config(4, 30, 2)
                .policy(policy)
                .maxBatchSize(6)
                .maxBatchTokens(40)
                .maxStepsInFlight(2));
        List<Object> said = new ArrayList<>();
        List<SequenceId> all = new ArrayList<>();
        for (int i = 0; i < 600; i++) {
            int choice = random.nextInt(10);
            if (choice < 3) {
                all.add(driver.core.submit(spec(random), random.nextInt(20)));
            } else if (choice < 6) {
                Step step = driver.plan();
                said.add(step == null ? "none" : StepChecks.contents(step));
            } else if (choice < 8 && driver.core.stepsInFlight() > 0) {
                driver.complete();
            } else if (!all.isEmpty()) {
                signal(driver, random, all.get(random.nextInt(all.size())));
            }
        }
        said.addAll(driver.log);
        return said;
    }

    private static SequenceSpec spec(SplittableRandom random) {
        return SequenceSpec.of(Driver.tokens(random.nextInt(2), 1 + random.nextInt(30)))
                .maxTokens(1 + random.nextInt(20))
                .tenant("tenant" + random.nextInt(3))
                .priority(random.nextInt(3));
    }

    private static void signal(Driver driver, SplittableRandom random, SequenceId id) {
        if (random.nextInt(8) == 0) {
            driver.core.cancel(id);
        } else if (random.nextInt(4) == 0 && !driver.endings.containsKey(id)) {
            driver.fork(id, 10);
        } else {
            driver.core.request(id, random.nextInt(10));
        }
    }
}
