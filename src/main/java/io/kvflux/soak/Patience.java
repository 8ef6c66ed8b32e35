package io.kvflux.soak;

import java.time.Duration;
import java.util.function.LongSupplier;

/**
 * Time that somebody waits who looks again and again. Time in which nobody could look, because the whole process was stopped
 * or got no core, counts as little.
 */
final class Patience {

    private static final long MOST_BETWEEN_LOOKS_NS = 1_000_000_000;

    private final long mostNs;
    private final LongSupplier clock;
    private long lookedNs;
    private long waitedNs;

    Patience(Duration most) {
        this(most, System::nanoTime);
    }

    Patience(Duration most, LongSupplier clock) {
        mostNs = most.toNanos();
        this.clock = clock;
        lookedNs = clock.getAsLong();
    }

    /** What was waited for has come; waits for the next. */
    void begin() {
        waitedNs = 0;
        lookedNs = clock.getAsLong();
    }

    /** Looks: whether it took too long. */
    boolean isOver() {
        long now = clock.getAsLong();
        waitedNs += Math.min(now - lookedNs, MOST_BETWEEN_LOOKS_NS);
        lookedNs = now;
        return waitedNs > mostNs;
    }
}
