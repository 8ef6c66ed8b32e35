package io.kvflux.soak;

import java.time.Duration;
import java.util.Objects;

/**
 * What a soak is to do. It ends at the first of its bounds, in good order: the sequences that are there go on to their end.
 *
 * @param seed of the load and of the faults; threads make their own order of it
 * @param duration how long
 * @param sequences how many sequences at most
 */
public record SoakOptions(long seed, Duration duration, long sequences) {

    /**
     * Checks the numbers.
     *
     * @param seed any
     * @param duration positive
     * @param sequences at least 1
     */
    public SoakOptions {
        Objects.requireNonNull(duration, "duration");
        if (duration.isNegative() || duration.isZero() || sequences < 1) {
            throw new IllegalArgumentException(
                    "a soak needs time and sequences, duration=" + duration + ", sequences=" + sequences);
        }
    }
}
