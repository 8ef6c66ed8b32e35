package io.kvflux;

/** What happens to a sequence that is submitted while maxPending sequences wait for admission. */
public enum WhenFull {
    /** It fails at once with a {@link io.kvflux.api.QueueFullException}. */
    REJECT,
    /** It waits outside the queue, in order of submission, without a bound. */
    DELAY
}
