package io.kvflux.core;

import io.kvflux.api.DraftContext;
import io.kvflux.api.FinishReason;
import io.kvflux.api.SequenceId;
import io.kvflux.tier.Transfer;
import org.jspecify.annotations.Nullable;

/**
 * Hears what the core decides, in order, on the caller's thread. It must neither call back into the core, which
 * refuses that, nor throw, after which the core refuses every call. Every method does nothing by default.
 */
public interface SchedulerListener {

    /**
     * A sequence was admitted; for a sequence that was preempted this is called again when it resumes. For a fork that
     * shares its parent's blocks and runs at once this is called before {@code SchedulerCore.fork} returns.
     *
     * @param id the sequence
     * @param replica where it runs
     * @param hitTokens tokens of it that need not be computed: found in the cache, or its parent's
     * @param hostTokens of those, the ones that have first to be brought back from the host
     */
    default void admitted(SequenceId id, int replica, int hitTokens, int hostTokens) {}

    /**
     * Blocks are to be copied between a device and the host. Until that has {@linkplain SchedulerCore#landed landed}, both
     * ends are nobody else's.
     *
     * @param transfer what to copy
     */
    default void transfer(Transfer transfer) {}

    /**
     * The content of a slot of the disk was forgotten, and must not be found by a later process either. It is erased before
     * a transfer begins that was told of afterwards.
     *
     * @param diskSlot the slot
     */
    default void erase(int diskSlot) {}

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
     * A block holds nothing any more: it had content, no step in flight can touch it and no prompt can find it. Told only
     * with {@link SchedulerConfig#reportEmptied()}, before the block can be handed out again.
     *
     * @param replica the replica it belongs to
     * @param block its id
     */
    default void emptied(int replica, int block) {}

    /**
     * Drafts of a sequence are wanted, from a drafter that has to begin there.
     *
     * @param context the sequence, and the tokens that the first draft follows
     * @param demand how many
     */
    default void draft(DraftContext context, int demand) {}

    /**
     * More drafts are wanted from the drafter of a sequence.
     *
     * @param id the sequence
     * @param demand how many more
     */
    default void draftMore(SequenceId id, int demand) {}

    /**
     * The drafter of a sequence is wrong, or too late, or its drafts are of no use any more. It is told so before the next
     * one begins, and before the sequence has ended.
     *
     * @param id the sequence
     */
    default void draftNoMore(SequenceId id) {}

    /**
     * A sequence ended; nothing more is said about it.
     *
     * @param id the sequence
     * @param reason how
     * @param cause why, if it failed
     */
    default void finished(SequenceId id, FinishReason reason, @Nullable Throwable cause) {}
}
