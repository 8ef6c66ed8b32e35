package io.kvflux;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvflux.api.Retention;
import io.kvflux.api.SequenceSpec;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** What clients ask to be kept, as the scheduler's clock tells it. */
class RetainTest {

    private final AtomicLong clock = new AtomicLong(5_000);
    private int fresh = 100_000;
    private final Rig rig = new Rig(10, builder -> builder.clock(clock::get));

    private void run(SequenceSpec spec) {
        Client client = Client.of(rig.scheduler.generate(spec.maxTokens(1)));
        client.asks(1);
        rig.stepAll();
        assertThat(client.completed).isTrue();
    }

    /** {@return pages of the prompt that were found} */
    private long found(SequenceSpec spec) {
        long before = rig.scheduler.metrics().cachedTokens();
        run(spec);
        return (rig.scheduler.metrics().cachedTokens() - before) / Rig.PAGE;
    }

    /** Prompts of five pages each, of which none was seen before. */
    private void flood(int prompts) {
        for (int i = 0; i < prompts; i++) {
            run(Rig.prompt(5 * Rig.PAGE, fresh += 100));
        }
    }

    @Test
    void aRangeWithAHighPrioritySurvivesWhatComesAfter() {
        run(Rig.prompt(17).retain(0, 8, 90, Retention.ALWAYS));
        run(Rig.prompt(17, 50_000));
        flood(4);
        assertThat(found(Rig.prompt(17))).as("tokens 0 to 7").isEqualTo(2);
        assertThat(found(Rig.prompt(17, 50_000))).isZero();
    }

    @Test
    void itsDurationIsCountedByTheClockOfTheScheduler() {
        run(Rig.prompt(17)
                .retain(0, Integer.MAX_VALUE, 90, Duration.ofSeconds(1).toNanos()));
        flood(4);
        assertThat(found(Rig.prompt(17))).isEqualTo(4);
        clock.addAndGet(Duration.ofSeconds(2).toNanos());
        flood(4);
        assertThat(found(Rig.prompt(17))).isZero();
    }

    @Test
    void whatIsWorthNothingGoesFirst() {
        run(Rig.prompt(9, 50_000));
        run(Rig.prompt(17).retain(0, Integer.MAX_VALUE, 0, Retention.ALWAYS));
        flood(1);
        assertThat(found(Rig.prompt(9, 50_000))).as("used before, and kept").isEqualTo(2);
        assertThat(found(Rig.prompt(17))).isLessThan(4);
    }
}
