package io.kvflux.api;

/**
 * One planned step: for each entry a sequence, the tokens to compute for it, and the blocks their KV goes to. Entries of
 * one replica stand together, replicas in order; within a replica decodes come first. All replicas run their part of a
 * step together.
 *
 * <p>A flyweight: valid from the call that planned it until its result has been taken. What it says does not change in
 * between. Its block copies come before computing, in any order; no two touch the same destination and no destination is
 * a source. A scheduler that owns the memory has carried them out when it hands the step out; over memory of its own an
 * executor does.
 */
public interface Step {

    /** What {@link #token} gives for a token that an earlier step in flight is about to sample, or to draft. */
    int PENDING_TOKEN = -1;

    /** {@return the step's number; numbers rise by one from 1} */
    long number();

    /** {@return entries in this step; 0 if it only copies} */
    int size();

    /** {@return data-parallel replicas of the scheduler} */
    int replicas();

    /**
     * First entry of a replica.
     *
     * @param replica in [0, {@link #replicas()}]; at the upper bound the answer is {@link #size()}
     * @return index of its first entry
     */
    int firstEntry(int replica);

    /**
     * Which sequence an entry is for.
     *
     * @param entry in [0, {@link #size()})
     * @return the sequence
     */
    SequenceId sequence(int entry);

    /**
     * What was asked for with an entry's sequence: where an engine finds the adapter, and its own settings by identity.
     *
     * @param entry in [0, {@link #size()})
     * @return the very object that was submitted; for a fork, the one of the sequence it was forked from
     */
    SequenceSpec spec(int entry);

    /**
     * Where an entry begins.
     *
     * @param entry in [0, {@link #size()})
     * @return tokens of the sequence whose KV exists before this step: the position of the first token computed, if all of
     *     the {@link #unverified} drafts are accepted
     */
    int cacheLength(int entry);

    /**
     * How much an entry computes.
     *
     * @param entry in [0, {@link #size()})
     * @return tokens computed: a prefill chunk, or 1 + {@link #drafts}
     */
    int tokenCount(int entry);

    /**
     * A token to compute.
     *
     * @param entry in [0, {@link #size()})
     * @param offset in [0, {@link #tokenCount})
     * @return the token id, or {@link #PENDING_TOKEN}: then it is what the previous step samples for this sequence, or one of
     *     the drafts that it makes
     */
    int token(int entry, int offset);

    /**
     * Whether an entry belongs to a prompt (or to what is recomputed after a preemption).
     *
     * @param entry in [0, {@link #size()})
     * @return true for a prefill chunk, false for a decode
     */
    boolean isPrefill(int entry);

    /**
     * Whether the executor must sample a token after an entry.
     *
     * @param entry in [0, {@link #size()})
     * @return true for a decode and for the last chunk of a prefill
     */
    boolean samples(int entry);

    /**
     * How many drafts an entry verifies: the last of its tokens. The first of them that the model would have sampled itself
     * are accepted.
     *
     * @param entry in [0, {@link #size()})
     * @return drafts, 0 for a prefill chunk. While the step that makes them is in flight this is the most it can be: where
     *     fewer were made, those are all
     */
    int drafts(int entry);

    /**
     * How many drafts may be made for an entry's sequence, in this step or after it, for its next entry to verify. None where
     * a {@code Drafter} makes them, beside the steps.
     *
     * @param entry in [0, {@link #size()})
     * @return drafts at most; the entry's blocks have slots for the KV of the token that is sampled and of all but the last
     *     of the drafts. What is written there stays until the next entry, up to the last draft that it verifies
     */
    int granted(int entry);

    /**
     * Drafts of the sequence that steps in flight verify, and that {@link #cacheLength} counts as accepted. So many of them as
     * are not (or were never made), so many positions earlier the entry begins; whoever runs steps in order knows.
     *
     * @param entry in [0, {@link #size()})
     * @return drafts, 0 if nothing of the sequence was in flight when the step was planned
     */
    int unverified(int entry);

    /**
     * Length of an entry's block table.
     *
     * @param entry in [0, {@link #size()})
     * @return blocks: just enough for {@link #cacheLength} + {@link #tokenCount} + {@link #granted} tokens, and for those that
     *     a {@code Drafter} was granted
     */
    int blockCount(int entry);

    /**
     * A block of an entry. The KV of the sequence's token p lives in slot block(p / pageSize) * pageSize + p % pageSize.
     *
     * @param entry in [0, {@link #size()})
     * @param index in [0, {@link #blockCount})
     * @return the block's id in its replica
     */
    int block(int entry, int index);

    /** {@return block copies that come before computing, for forks} */
    int copies();

    /**
     * The replica of a copy.
     *
     * @param copy in [0, {@link #copies()})
     * @return the replica in which both blocks are
     */
    int copyReplica(int copy);

    /**
     * What a copy reads.
     *
     * @param copy in [0, {@link #copies()})
     * @return the source block
     */
    int copySource(int copy);

    /**
     * What a copy writes.
     *
     * @param copy in [0, {@link #copies()})
     * @return the destination block
     */
    int copyDestination(int copy);

    /** {@return the arrays a model's graph takes; filled at the first call, then the same object} */
    StepInputs inputs();
}
