package io.kvflux.core;

import io.kvflux.api.FinishReason;
import io.kvflux.api.SequenceId;
import org.jspecify.annotations.Nullable;

/**
 * Hears what the core decides, in order, on the caller's thread. It must neither call back into the core, which
 * refuses that, nor throw, after which the core refuses every call. Every method does nothing by default.
 */
public interface SchedulerListener {

    /**
     * A sequence was admitted; for a sequence that was preempted this is called again when it resumes. A fork that shares
     * its parent's blocks runs at once and is not announced.
     *
     * @param id the sequence
     * @param replica where it runs
     * @param hitTokens tokens of it found in the cache
     */
    default void admitted(SequenceId id, int replica, int hitTokens) {}

    /**
     * A sequence has a new token.
     *
     * @param id the sequence
     * @param index position in its output, from 0, without a gap
     * @param token the token id
     */
    default void token(SequenceId id, int index, int token) {}

    /**
     * A sequence gave up its blocks and waits; it will resume with the same tokens.
     *
     * @param id the sequence
     */
    default void preempted(SequenceId id) {}

    /**
     * A sequence ended; nothing more is said about it.
     *
     * @param id the sequence
     * @param reason how
     * @param cause why, if it failed
     */
    default void finished(SequenceId id, FinishReason reason, @Nullable Throwable cause) {}
}
