package io.kvflux.api;

/**
 * Is told what happens, as it happens, for histograms. Called by the scheduler's own loop, one call at a time: it must be
 * quick, must not block and must not call the scheduler. What it throws is dropped. Every method does nothing by default.
 * Times are in nanoseconds.
 */
public interface SchedulerRecorder {

    /**
     * A sequence was admitted for the first time.
     *
     * @param waitNs from its submission
     * @param promptTokens tokens it begins with
     * @param cachedTokens of those, tokens found in the cache
     */
    default void admitted(long waitNs, int promptTokens, int cachedTokens) {}

    /**
     * A sequence has its first token.
     *
     * @param sinceSubmitNs from its submission
     */
    default void firstToken(long sinceSubmitNs) {}

    /**
     * A sequence has a token that is not its first.
     *
     * @param sincePreviousNs from the one before
     */
    default void nextToken(long sincePreviousNs) {}

    /**
     * A sequence ended.
     *
     * @param reason how
     * @param lifetimeNs from its submission
     * @param usage what it used
     */
    default void ended(FinishReason reason, long lifetimeNs, Usage usage) {}

    /**
     * A sequence was refused: the queue was full, the prompt too long, or the scheduler disposed.
     *
     * @param cause what its client was told
     */
    default void refused(Throwable cause) {}

    /** A sequence gave up its blocks and waits again. */
    default void preempted() {}

    /**
     * The result of a step was taken.
     *
     * @param entries sequences in the step
     * @param tokens tokens it computed
     * @param durationNs from when it was handed out
     * @param failed whether it failed as a whole
     */
    default void stepCompleted(int entries, int tokens, long durationNs, boolean failed) {}

    /**
     * Blocks did not get from one tier to another, or not all of them; what they were to bring is computed again, what they
     * were to keep is not kept.
     *
     * @param from where they were
     * @param to where they were to go; the same if pages of it were to be forgotten
     * @param cause why
     */
    default void transferFailed(Tier from, Tier to, Throwable cause) {}

    /**
     * A drafter failed or broke a rule while it drafted for a sequence, which goes on without drafts.
     *
     * @param cause why
     */
    default void drafterFailed(Throwable cause) {}

    /**
     * The memory of a replica is lost: who ran there has ended with the cause, and nobody runs there any more.
     *
     * @param replica which
     * @param cause why
     */
    default void replicaLost(int replica, Throwable cause) {}
}
