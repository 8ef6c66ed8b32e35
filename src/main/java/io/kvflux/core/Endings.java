package io.kvflux.core;

import io.kvflux.api.FinishReason;
import io.kvflux.api.SequenceId;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** How sequences end: by themselves, with the step or the copy that failed, or with the replica that they ran on. */
final class Endings {

    private final Map<SequenceId, Sequence> live;
    private final WaitingQueue queue;
    private final Replica[] replicas;
    private final Preemption preemption;
    private final @Nullable Swapper swapper;
    private final @Nullable Drafts drafts;
    private final Telling telling;
    private final @Nullable OutputLengths lengths;

    /** Whether a step is being planned: then who stops is taken off its replica when all have been placed. */
    boolean planning;
    /** The newest step that was issued before a replica was lost; 0 if none was. */
    private long lostAfter;
    /** The newest step that was issued before one of those failed, and so may build on tokens that never came. */
    private long builtUpTo;

    Endings(
            Map<SequenceId, Sequence> live,
            WaitingQueue queue,
            Replica[] replicas,
            Preemption preemption,
            @Nullable Swapper swapper,
            @Nullable Drafts drafts,
            Telling telling,
            @Nullable OutputLengths lengths) {
        this.live = live;
        this.queue = queue;
        this.replicas = replicas;
        this.preemption = preemption;
        this.swapper = swapper;
        this.drafts = drafts;
        this.telling = telling;
        this.lengths = lengths;
    }

    void finish(Sequence sequence, FinishReason reason, @Nullable Throwable cause) {
        if (sequence.state == Sequence.State.RUNNING) {
            preemption.release(sequence);
            if (!planning) {
                replicas[sequence.replica].remove(sequence);
            }
        } else {
            queue.remove(sequence);
            if (swapper != null) {
                swapper.forget(sequence);
            }
        }
        sequence.state = Sequence.State.FINISHED;
        if (lengths != null && reason == FinishReason.STOP) {
            lengths.ended(sequence);
        }
        queue.leave(sequence);
        live.remove(sequence.id);
        telling.finished(sequence, reason, cause);
    }

    /**
     * Whether a step was in flight when a replica was lost, or builds on one that was and came to nothing, so that the others
     * need not end with it.
     */
    boolean spares(long step) {
        return step <= Math.max(lostAfter, builtUpTo);
    }

    /** A step came to nothing, which is not in flight any more; its sequences end, unless a loss may be the reason. */
    void fail(StepPlan plan, List<StepPlan> later, Throwable cause) {
        if (spares(plan.number())) {
            if (plan.number() <= lostAfter && !later.isEmpty()) {
                builtUpTo = Math.max(builtUpTo, later.get(later.size() - 1).number());
            }
            repeat(plan, later);
            return;
        }
        for (EntryList part : plan.parts) {
            for (int i = 0; i < part.size; i++) {
                if (!part.voided[i]) {
                    drop(part, i);
                    failIfLive(part.sequences[i], cause);
                }
            }
        }
        failForks(plan, cause);
    }

    /** Those of a step that count, and forks whose copy it made, compute again; who comes first stays first in the queue. */
    private void repeat(StepPlan plan, List<StepPlan> later) {
        for (EntryList part : plan.parts) {
            for (int i = part.size - 1; i >= 0; i--) {
                if (!part.voided[i]) {
                    drop(part, i);
                    repeat(part.sequences[i], later);
                }
            }
        }
        for (int i = 0; i < plan.copies.size; i++) {
            Sequence fork = plan.copies.children[i];
            if (fork.copiedIn == plan.number()) {
                repeat(fork, later);
            }
        }
    }

    /** One that was preempted since needs the copy no more. */
    void failForks(StepPlan plan, Throwable cause) {
        for (int i = 0; i < plan.copies.size; i++) {
            Sequence fork = plan.copies.children[i];
            if (fork.copiedIn == plan.number()) {
                failIfLive(fork, cause);
            }
        }
    }

    /** The memory of a replica is lost: those that run on it end, and what steps in flight compute there is void. */
    void lose(Replica replica, List<StepPlan> inFlight, long issued, Throwable cause) {
        replica.lost = true;
        lostAfter = issued;
        for (StepPlan plan : inFlight) {
            EntryList part = plan.parts[replica.index];
            for (int i = 0; i < part.size; i++) {
                drop(part, i);
            }
        }
        for (Sequence sequence : List.copyOf(replica.running)) {
            finish(sequence, FinishReason.FAILED, cause);
        }
        replica.pool.lose();
    }

    /** An entry counts for nothing: what it was to give is not waited for. */
    private void drop(EntryList part, int entry) {
        if (part.voided[entry]) {
            return;
        }
        part.voided[entry] = true;
        if (drafts != null) {
            drafts.lost(part, entry);
        }
        Sequence sequence = part.sequences[entry];
        sequence.pending -= part.samples[entry] ? 1 + part.drafts[entry] : 0;
        if (sequence.state == Sequence.State.WAITING) {
            sequence.copiedIn = sequence.pending == 0 ? 0 : sequence.copiedIn;
            queue.unpark(sequence); // what it was to get does not count against what its consumer allows
        }
    }

    /** Nothing came of a step of this sequence: nor is there anything in what later ones build on it. */
    private void repeat(Sequence sequence, List<StepPlan> later) {
        if (sequence.state == Sequence.State.FINISHED) {
            return;
        }
        for (StepPlan plan : later) {
            for (EntryList part : plan.parts) {
                for (int i = 0; i < part.size; i++) {
                    if (part.sequences[i] == sequence) {
                        drop(part, i);
                    }
                }
            }
        }
        if (sequence.state == Sequence.State.RUNNING) {
            preemption.repeat(sequence);
        }
    }

    private void failIfLive(Sequence sequence, Throwable cause) {
        if (sequence.state != Sequence.State.FINISHED) {
            finish(sequence, FinishReason.FAILED, cause);
        }
    }
}
