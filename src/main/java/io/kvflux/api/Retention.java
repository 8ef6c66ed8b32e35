package io.kvflux.api;

/**
 * How long the KV of a part of a sequence is worth keeping when nobody holds it any more. What has a lower priority is evicted
 * first, whatever was used last; among equals the eviction policy decides. A page has the priority of its first token.
 *
 * @param from position of the first token, counted from the prompt's first
 * @param to one past the last; beyond the prompt it covers what is generated, 2^31 - 1 all of it
 * @param priority 0 to 100; what nobody gave one has {@value #DEFAULT_PRIORITY}
 * @param nanos for how many nanoseconds it holds once the sequence lets go of the token, or {@link #ALWAYS}
 */
public record Retention(int from, int to, int priority, long nanos) {

    /** The priority of a token that no retention covers, or whose duration has passed. */
    public static final int DEFAULT_PRIORITY = 35;

    /** The duration of a retention that has no end. */
    public static final long ALWAYS = Long.MAX_VALUE;

    /** The highest priority. */
    public static final int MAX_PRIORITY = 100;

    /**
     * Checks.
     *
     * @param from at least 0
     * @param to more than from
     * @param priority 0 to 100
     * @param nanos more than zero
     * @throws IllegalArgumentException if one is not
     */
    public Retention {
        if (from < 0 || to <= from) {
            throw new IllegalArgumentException(
                    "a retention covers tokens from >= 0 to more than from, from=" + from + ", to=" + to);
        }
        if (priority < 0 || priority > MAX_PRIORITY) {
            throw new IllegalArgumentException(
                    "a retention's priority is in [0, " + MAX_PRIORITY + "], priority=" + priority);
        }
        if (nanos <= 0) {
            throw new IllegalArgumentException("a retention's duration must be positive, nanos=" + nanos);
        }
    }

    /**
     * Whether two cover a token both.
     *
     * @param other another
     * @return true if their ranges meet
     */
    public boolean overlaps(Retention other) {
        return from < other.to && other.from < to;
    }
}
