package io.kvflux.core;

import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The sequences that wait for admission, in lanes: one lane under fifo and priority, one a tenant under fair. A sequence
 * whose consumer wants no token is parked outside of the lanes and keeps its rank, so it holds nobody up.
 */
final class WaitingQueue {

    /** One tenant's sequences under fair, everybody's otherwise. */
    static final class Lane {
        private final String tenant;
        private final TreeSet<Sequence> waiting;
        /** Tokens computed for this lane: its virtual counter. */
        private long served;
        /** Sequences of the lane that have not finished. */
        private int live;

        private Lane(String tenant, Comparator<Sequence> order) {
            this.tenant = tenant;
            waiting = new TreeSet<>(order);
        }
    }

    private static final Comparator<Sequence> BY_RANK = Comparator.comparingLong(s -> s.rank);
    private static final Comparator<Sequence> BY_PRIORITY =
            Comparator.<Sequence>comparingInt(s -> s.priority).thenComparing(BY_RANK);

    private final QueuePolicy policy;
    private final Map<String, Lane> lanes = new HashMap<>();
    private final Set<Sequence> parked = new HashSet<>();
    private int waiting;
    private long headRank;
    private long tailRank;

    WaitingQueue(QueuePolicy policy) {
        this.policy = policy;
    }

    /** Waiting sequences, parked ones too. */
    int size() {
        return waiting + parked.size();
    }

    /** A new sequence enters its lane's accounts; a lane that was idle starts level with the least served active one. */
    void enter(Sequence sequence) {
        String key = policy == QueuePolicy.FAIR ? sequence.tenant : "";
        Lane lane = lanes.get(key);
        if (lane == null || lane.live == 0) {
            long level = levelAndForgetIdle(lane);
            if (lane == null) {
                lane = new Lane(key, policy == QueuePolicy.PRIORITY ? BY_PRIORITY : BY_RANK);
                lanes.put(key, lane);
            }
            lane.served = Math.max(lane.served, level);
        }
        lane.live++;
        sequence.lane = lane;
    }

    /** A sequence has finished. */
    void leave(Sequence sequence) {
        sequence.lane.live--;
    }

    void charge(Sequence sequence, int tokens) {
        sequence.lane.served += tokens;
    }

    void addLast(Sequence sequence) {
        sequence.rank = tailRank++;
        add(sequence);
    }

    void addFirst(Sequence sequence) {
        sequence.rank = --headRank;
        add(sequence);
    }

    void remove(Sequence sequence) {
        if (!parked.remove(sequence)) {
            sequence.lane.waiting.remove(sequence);
            waiting--;
        }
    }

    /** The consumer of a waiting sequence has asked for more. */
    void unpark(Sequence sequence) {
        if (sequence.wanted() && parked.remove(sequence)) {
            add(sequence);
        }
    }

    boolean contains(Sequence sequence) {
        return parked.contains(sequence) || sequence.lane.waiting.contains(sequence);
    }

    boolean isParked(Sequence sequence) {
        return parked.contains(sequence);
    }

    /**
     * Who is to be admitted next when the sequences in {@code refused} could not be.
     *
     * @return null if nobody may go past them
     */
    @Nullable
    Sequence candidate(List<Sequence> refused) {
        if (waiting == 0) {
            return null;
        }
        if (policy == QueuePolicy.FAIR) {
            return leastServedHead(refused);
        }
        for (Sequence sequence : lanes.get("").waiting) {
            if (!refused.contains(sequence)) {
                return sequence;
            }
            if (policy == QueuePolicy.FIFO) {
                return null;
            }
        }
        return null;
    }

    private @Nullable Sequence leastServedHead(List<Sequence> refused) {
        Lane best = null;
        for (Lane lane : lanes.values()) {
            if (!lane.waiting.isEmpty()
                    && (best == null
                            || lane.served < best.served
                            || (lane.served == best.served && lane.tenant.compareTo(best.tenant) < 0))
                    && !refused.contains(lane.waiting.first())) {
                best = lane;
            }
        }
        return best == null ? null : best.waiting.first();
    }

    private void add(Sequence sequence) {
        if (sequence.wanted()) {
            sequence.lane.waiting.add(sequence);
            waiting++;
        } else {
            parked.add(sequence);
        }
    }

    /** The counter of the least served active lane; forgets idle lanes that would be lifted to it anyway. */
    private long levelAndForgetIdle(@Nullable Lane entering) {
        long level = Long.MAX_VALUE;
        for (Lane lane : lanes.values()) {
            if (lane.live > 0) {
                level = Math.min(level, lane.served);
            }
        }
        if (level == Long.MAX_VALUE) {
            lanes.values().removeIf(lane -> lane != entering);
            return 0;
        }
        for (Iterator<Lane> all = lanes.values().iterator(); all.hasNext(); ) {
            Lane lane = all.next();
            if (lane != entering && lane.live == 0 && lane.served <= level) {
                all.remove();
            }
        }
        return level;
    }
}
