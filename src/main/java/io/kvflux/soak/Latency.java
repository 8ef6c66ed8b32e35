package io.kvflux.soak;

import java.util.concurrent.atomic.AtomicLongArray;

/** A histogram of times in which neighbours differ by an eighth at most. Thread-safe. */
final class Latency {

    private static final int PARTS = 8;
    private static final int PART_BITS = 3;
    private static final int SIZE = (Long.SIZE - PART_BITS) * PARTS + PARTS;

    private final AtomicLongArray counts = new AtomicLongArray(SIZE);

    void add(long ns) {
        counts.incrementAndGet(index(Math.max(0, ns)));
    }

    /** Takes all that another has, which then has nothing. */
    void takeAll(Latency other) {
        for (int i = 0; i < SIZE; i++) {
            long taken = other.counts.getAndSet(i, 0);
            if (taken > 0) {
                counts.addAndGet(i, taken);
            }
        }
    }

    long count() {
        long all = 0;
        for (int i = 0; i < SIZE; i++) {
            all += counts.get(i);
        }
        return all;
    }

    /**
     * The least time that a share of all were within.
     *
     * @param share such as 0.99
     * @return seconds, 0 if there are none
     */
    double quantile(double share) {
        long rank = (long) Math.ceil(share * count());
        long seen = 0;
        for (int i = 0; i < SIZE && rank > 0; i++) {
            seen += counts.get(i);
            if (seen >= rank) {
                return upper(i) / 1e9;
            }
        }
        return 0;
    }

    private static int index(long ns) {
        if (ns < PARTS) {
            return (int) ns;
        }
        int shift = Long.SIZE - 1 - Long.numberOfLeadingZeros(ns) - PART_BITS;
        return (shift + 1) * PARTS + (int) (ns >>> shift) - PARTS;
    }

    /** The longest time of a cell. */
    private static double upper(int index) {
        if (index < PARTS) {
            return index;
        }
        int shift = index / PARTS - 1;
        return ((double) (index % PARTS + PARTS + 1) * (1L << shift)) - 1;
    }
}
