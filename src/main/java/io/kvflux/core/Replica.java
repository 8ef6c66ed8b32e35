package io.kvflux.core;

import io.kvflux.block.BlockPool;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One data-parallel replica: its pool, its admitted sequences in order of admission, and the room left in a plan. */
final class Replica {

    private static final int UNKNOWN = -1;

    final int index;
    final BlockPool pool;
    final List<Sequence> running = new ArrayList<>();
    private final SchedulerConfig config;
    private final int pageSize;
    /** The page size as a power of two, by which it is quicker to divide; UNKNOWN if it is none. */
    private final int pageShift;

    /** Where placing begins, so that sequences take turns when a step cannot hold all that run. */
    int cursor;

    /** Blocks that are withheld until a copy has landed. */
    int copying;
    /** Sequences that have still to bring back what they claimed. */
    int claiming;
    /** Sequences that give up their blocks once steps in flight are back. */
    int suspending;

    int slotsLeft;
    int tokensLeft;
    /** Whether nobody more may be admitted to this step. */
    boolean closed;
    /** Whether somebody's consumer paused when the plan was begun, so that looking for one may help. */
    boolean pausing;
    /** Whether its memory is lost: nobody is admitted any more. */
    boolean lost;

    private long contextLeft;
    private boolean placedAny;
    /** Who gives way to nobody in this plan. */
    @Nullable
    Sequence eldest;
    /** Blocks that only the eldest may take. */
    int kept;
    /** What {@link #owedBlocks} last counted, kept up to date by admissions; UNKNOWN before it has. */
    private int owed;

    Replica(int index, SchedulerConfig config) {
        this.index = index;
        this.config = config;
        pageSize = config.pageSize();
        pageShift = Integer.bitCount(pageSize) == 1 ? Integer.numberOfTrailingZeros(pageSize) : UNKNOWN;
        pool = new BlockPool(
                config.blocksPerReplica(),
                config.pageSize(),
                config.maxStepsInFlight(),
                config.eviction().get());
    }

    void beginPlan() {
        slotsLeft = config.maxBatchSize() - claiming;
        tokensLeft = config.maxBatchTokens();
        contextLeft = config.maxBatchContextTokens();
        placedAny = false;
        kept = 0;
        pausing = false;
        closed = lost;
    }

    /** Whether another sequence may be admitted. */
    boolean hasRoom() {
        return !closed && slotsLeft > 0 && tokensLeft > 0 && (contextLeft > 0 || !placedAny);
    }

    /** Whether a sequence fits into the step's limits with a context of this many tokens after it. */
    boolean hasRoomFor(int tokens, int context) {
        return slotsLeft > 0 && tokens <= tokensLeft && (!placedAny || pageAligned(context) <= contextLeft);
    }

    void place(int tokens, int context) {
        slotsLeft--;
        tokensLeft -= tokens;
        contextLeft -= pageAligned(context);
        placedAny = true;
    }

    void remove(Sequence sequence) {
        int at = running.indexOf(sequence);
        running.remove(at);
        if (at < cursor) {
            cursor--;
        }
    }

    /** Forgets those that were preempted or failed while a step was planned. */
    void dropStopped() {
        Sequence next = cursor > 0 ? running.get(cursor) : null;
        running.removeIf(sequence -> sequence.state != Sequence.State.RUNNING);
        cursor = next == null ? 0 : Math.max(0, running.indexOf(next));
        owed = UNKNOWN;
    }

    /** Blocks that one that runs may not take. */
    int keptFrom(Sequence sequence) {
        return sequence == eldest ? 0 : kept;
    }

    /** Blocks that an admission leaves available: no more than those that run can take for their next page each. */
    int watermarkBlocks() {
        return Math.min(config.watermarkBlocks(), running.size());
    }

    /** Blocks that a sequence of this many tokens takes. */
    int blocks(int tokens) {
        if (pageShift != UNKNOWN) {
            return (tokens + pageSize - 1) >>> pageShift;
        }
        return tokens / pageSize + (tokens % pageSize > 0 ? 1 : 0);
    }

    /** Nobody has been admitted to this plan yet. */
    void beginAdmissions() {
        owed = UNKNOWN;
    }

    /** Blocks that an admission leaves to those that run; walks them once a plan, and once more after a preemption. */
    int owedBlocks() {
        if (owed == UNKNOWN) {
            owed = countOwed();
        }
        return owed;
    }

    /**
     * Checks what admissions have counted.
     *
     * @throws IllegalStateException if it is not so
     */
    void verifyOwed() {
        if (owed != UNKNOWN && owed != countOwed()) {
            throw new IllegalStateException(
                    "invariant broken: what admissions leave to those that run is what these lack, replica=" + index
                            + ", owed=" + owed + ", counted=" + countOwed());
        }
    }

    private int countOwed() {
        int blocks = 0;
        for (int i = 0; i < running.size(); i++) {
            blocks += owedBlocks(running.get(i));
        }
        return blocks;
    }

    /** The last of those that run was admitted, and what it could get at once it has. */
    void admitted() {
        if (owed != UNKNOWN) {
            owed += owedBlocks(running.get(running.size() - 1));
        }
    }

    private int owedBlocks(Sequence sequence) {
        return claimedBlocks(sequence) + (config.reservePrefills() ? outstandingPrefill(sequence) : 0);
    }

    /** Blocks that sequences need for what they bring back and for the rest of their prompts, and have not got yet. */
    int unmetBlocks() {
        int blocks = 0;
        for (int i = 0; i < running.size(); i++) {
            blocks += claimedBlocks(running.get(i)) + outstandingPrefill(running.get(i));
        }
        return blocks;
    }

    private static int claimedBlocks(Sequence sequence) {
        return sequence.reserved ? 0 : sequence.claimed;
    }

    private int outstandingPrefill(Sequence sequence) {
        return sequence.prefilling() ? Math.max(0, blocks(sequence.prefillTarget) - sequence.table.size()) : 0;
    }

    /** Blocks that sequences give up once steps in flight are back. */
    int suspendingBlocks() {
        int blocks = 0;
        for (int i = 0; suspending > 0 && i < running.size(); i++) {
            Sequence sequence = running.get(i);
            blocks += sequence.suspending ? pool.exclusiveBlocks(sequence.table) : 0;
        }
        return blocks;
    }

    private long pageAligned(int context) {
        return (long) blocks(context) * pageSize;
    }
}
