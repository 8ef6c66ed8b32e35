package io.kvflux.core;

/**
 * Starts in time those that take longest. Towards the end of a queue the last ones admitted run on when everybody else has
 * ended, and most of the memory is empty then. So one that waits, and by itself takes as many steps as everything that is
 * left takes with full memory, is let in at once, in the place of some that run and have so little left that they will
 * have ended before it in any case. They lose no more than it gains: both end sooner than the last one would have.
 *
 * <p>Ageing holds for this too: nobody is let in before one that was submitted too long before. A queue that is long is left
 * alone: what is left then takes longer than anyone by itself.
 */
final class Levelling {

    /** What one must take by itself, compared with what all that is left takes. */
    private static final double CRITICAL = 1;
    /** The same where a sequence that gives way computes again. */
    private static final double CRITICAL_RECOMPUTED = 1.2;
    /** Who gives way has at most so much left of what the one has that is let in. */
    private static final double LESS = 0.7;
    /** More need not be looked at: so many take longer than one by itself. */
    private static final int MAX_WAITING = 256;

    private final SchedulerConfig config;
    private final WaitingQueue queue;
    private final Preemption preemption;
    private final Planner planner;

    Levelling(SchedulerConfig config, WaitingQueue queue, Preemption preemption, Planner planner) {
        this.config = config;
        this.queue = queue;
        this.preemption = preemption;
        this.planner = planner;
    }

    /** Before a step is planned: makes room for one at most, on one replica, who is first in the queue then. */
    void level(Replica[] replicas) {
        if (queue.size() == 0 || queue.size() > MAX_WAITING) {
            return;
        }
        Sequence longest = queue.longest();
        if (longest == null || longest.pending > 0 || longest.hurried) {
            return;
        }
        double work = queue.work();
        for (Replica replica : replicas) {
            for (int i = 0; i < replica.running.size(); i++) {
                work += replica.running.get(i).work();
            }
        }
        double steps = work / config.blocksPerReplica() / replicas.length / config.pageSize();
        double critical = config.hostBlocks() > 0 ? CRITICAL : CRITICAL_RECOMPUTED;
        if (longest.remaining() < critical * steps) {
            return;
        }
        for (Replica replica : replicas) {
            if (!replica.running.isEmpty() && !replica.lost && makeRoom(replica, longest)) {
                queue.hurry(longest);
                return;
            }
        }
    }

    private boolean makeRoom(Replica replica, Sequence sequence) {
        replica.eldest = planner.eldest(replica);
        replica.kept = 0;
        int lacking = planner.lacking(replica, sequence);
        int freed = 0;
        for (int i = 0; i < replica.running.size() && freed < lacking; i++) {
            Sequence other = replica.running.get(i);
            freed += mayGo(replica, other, sequence) ? replica.pool.exclusiveBlocks(other.table) : 0;
        }
        if (freed < lacking) {
            return false;
        }
        boolean some = false;
        for (freed = 0; freed < lacking; some = true) {
            Sequence next = longestBelow(replica, sequence);
            freed += replica.pool.exclusiveBlocks(next.table);
            preemption.preempt(next);
        }
        if (some) {
            replica.dropStopped();
        }
        return true;
    }

    /** Of those that may go the one with most left, who will not be back before the memory is there anyway. */
    private Sequence longestBelow(Replica replica, Sequence asker) {
        Sequence longest = null;
        int left = 0;
        for (int i = 0; i < replica.running.size(); i++) {
            Sequence sequence = replica.running.get(i);
            if (mayGo(replica, sequence, asker) && (longest == null || sequence.remaining() > left)) {
                longest = sequence;
                left = sequence.remaining();
            }
        }
        if (longest == null) {
            throw new IllegalStateException("those that may go hold enough, replica=" + replica.index);
        }
        return longest;
    }

    private boolean mayGo(Replica replica, Sequence sequence, Sequence asker) {
        return sequence != replica.eldest
                && sequence.state == Sequence.State.RUNNING
                && sequence.settled()
                && !sequence.prefilling()
                && sequence.remaining() <= LESS * asker.remaining()
                && queue.mayOvertake(asker, sequence);
    }
}
