package io.kvflux.core;

import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** How running sequences give up their blocks: at once, or, to keep their KV, when the steps in flight are back. */
final class Preemption {

    private final SchedulerConfig config;
    private final Replica[] replicas;
    private final WaitingQueue queue;
    private final @Nullable Swapper swapper;
    private final @Nullable Drafts drafts;
    private final MeasuredCosts costs;
    private final Consumer<Sequence> told;

    private long recomputed;
    private long offloaded;

    /**
     * Of a core.
     *
     * @param swapper null without a host tier: everything is computed again
     * @param drafts null if nobody drafts
     * @param told hears who was preempted
     */
    Preemption(
            SchedulerConfig config,
            Replica[] replicas,
            WaitingQueue queue,
            @Nullable Swapper swapper,
            @Nullable Drafts drafts,
            MeasuredCosts costs,
            Consumer<Sequence> told) {
        this.config = config;
        this.replicas = replicas;
        this.queue = queue;
        this.swapper = swapper;
        this.drafts = drafts;
        this.costs = costs;
        this.told = told;
    }

    long recomputed() {
        return recomputed;
    }

    long offloaded() {
        return offloaded;
    }

    /** What it costs, in tokens that could be computed in that time. */
    long cost(long lostTokens, int freedBlocks) {
        return swapper == null || config.preemption() == PreemptionMode.RECOMPUTE
                ? lostTokens
                : Math.min(lostTokens, (long) (freedBlocks * costs.tokensPerBlockCopied()));
    }

    /** A running sequence goes back to the head of the queue, at once or when the steps in flight are back. */
    void preempt(Sequence sequence) {
        giveUp(sequence, offloads(sequence));
    }

    /** As {@link #preempt}, for one that nobody but its owner made go: its KV is kept wherever that can be. */
    void pause(Sequence sequence) {
        giveUp(sequence, swapper != null);
        if (sequence.state == Sequence.State.WAITING) {
            replicas[sequence.replica].remove(sequence);
        }
    }

    /** As {@link #preempt}, for one of whose step nothing came: it computes its KV again, as far as that is not cached. */
    void repeat(Sequence sequence) {
        giveUp(sequence, false);
        replicas[sequence.replica].remove(sequence);
    }

    private boolean offloads(Sequence sequence) {
        if (swapper == null) {
            return false;
        }
        return switch (config.preemption()) {
            case RECOMPUTE -> false;
            case OFFLOAD -> true;
            case AUTO -> {
                int freed = replicas[sequence.replica].pool.exclusiveBlocks(sequence.table);
                long lost = sequence.scheduled - (long) (sequence.table.size() - freed) * config.pageSize();
                yield freed * costs.tokensPerBlockCopied() < lost;
            }
        };
    }

    private void giveUp(Sequence sequence, boolean offload) {
        if (drafts != null) {
            drafts.abandon(sequence);
        }
        boolean keeps = offload && sequence.settled();
        if (keeps && !isIdle(sequence)) {
            suspending(sequence, true);
            return;
        }
        if (keeps) {
            Objects.requireNonNull(swapper).suspend(sequence);
        } else {
            release(sequence);
            sequence.recompute = swapper != null && config.preemption() == PreemptionMode.RECOMPUTE;
        }
        sequence.state = Sequence.State.WAITING;
        sequence.restart();
        queue.addFirst(sequence);
        if (!sequence.held) {
            offloaded += keeps ? 1 : 0;
            recomputed += keeps ? 0 : 1;
            told.accept(sequence);
        }
    }

    /** Whether all that was computed of a sequence is there, and nothing touches its blocks. */
    private boolean isIdle(Sequence sequence) {
        return sequence.pending == 0
                && sequence.scheduled == sequence.computed
                && !replicas[sequence.replica].pool.isTouched(sequence.table);
    }

    /** Those that waited for the steps in flight give up their blocks. */
    void suspendIdle() {
        for (Replica replica : replicas) {
            for (int i = replica.running.size() - 1; i >= 0 && replica.suspending > 0; i--) {
                Sequence sequence = replica.running.get(i);
                if (sequence.suspending && isIdle(sequence)) {
                    suspending(sequence, false);
                    giveUp(sequence, true);
                    replica.remove(sequence);
                }
            }
        }
    }

    private void suspending(Sequence sequence, boolean now) {
        if (sequence.suspending != now) {
            sequence.suspending = now;
            replicas[sequence.replica].suspending += now ? 1 : -1;
        }
    }

    /** The blocks of a running sequence go back, those that a copy still writes when that has landed. */
    void release(Sequence sequence) {
        suspending(sequence, false);
        if (drafts != null) {
            drafts.abandon(sequence);
        }
        if (swapper == null) {
            replicas[sequence.replica].pool.release(sequence.table);
        } else {
            swapper.release(sequence);
        }
    }
}
