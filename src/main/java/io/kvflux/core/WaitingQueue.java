package io.kvflux.core;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The sequences that wait for admission, in lanes: one a tenant under fair, else one lane. A sequence
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
        /** What {@code served} was when the lane was put into {@link WaitingQueue#backlogged}. */
        private long place;
        /** Whether it is there. */
        private boolean queued;
        /** Whether it is in {@link WaitingQueue#idle}. */
        private boolean idle;

        private Lane(String tenant, Comparator<Sequence> order) {
            this.tenant = tenant;
            waiting = new TreeSet<>(order);
        }
    }

    /** A fork has its parent's rank; the parent, which is older, goes first. */
    private static final Comparator<Sequence> BY_RANK =
            Comparator.<Sequence>comparingLong(s -> s.rank).thenComparingLong(s -> s.id.value());

    private record Idle(Lane lane, long served) {}

    private static final Comparator<Sequence> BY_PRIORITY =
            Comparator.<Sequence>comparingInt(s -> s.priority).thenComparing(BY_RANK);

    private static final Comparator<Sequence> BY_KEY =
            Comparator.<Sequence>comparingDouble(s -> s.key).thenComparing(BY_RANK);

    /** Works longer than so many as usual are not told apart: of these, who came first goes first. */
    private static final double MOST_WORKS = 1.6;
    /** The order is made anew when the usual work has become more or less by this part. */
    private static final double CHANGED = 0.1;

    private final QueuePolicy policy;
    /** Under shortest: steps for which one may be overtaken by those that come later. */
    private final int ageing;

    private final @Nullable OutputLengths lengths;
    private long step;
    private double orderedBy;
    private final Map<String, Lane> lanes = new HashMap<>();
    private final Set<Sequence> parked = new HashSet<>();
    /**
     * Under fair: the lanes in which somebody waits, least served first. Service only adds, so a lane is moved when it comes
     * to the front, not whenever it is served.
     */
    private final PriorityQueue<Lane> backlogged = new PriorityQueue<>(
            Comparator.<Lane>comparingLong(lane -> lane.place).thenComparing(lane -> lane.tenant));

    /** Under fair: lanes that had no sequence left when they were put here, least served first. */
    private final PriorityQueue<Idle> idle = new PriorityQueue<>(Comparator.comparingLong(Idle::served));

    private @Nullable Lane lastAdmitted;
    private int waiting;
    private long headRank;
    private long tailRank;

    /**
     * Empty.
     *
     * @param lengths null if they are not learned, as under every policy but shortest they need not be
     */
    WaitingQueue(QueuePolicy policy, int ageing, @Nullable OutputLengths lengths) {
        this.policy = policy;
        this.ageing = ageing;
        this.lengths = lengths;
    }

    /** Waiting sequences, parked ones too. */
    int size() {
        return waiting + parked.size();
    }

    /** A new sequence enters its lane's accounts. */
    void enter(Sequence sequence) {
        String key = policy == QueuePolicy.FAIR ? sequence.tenant : "";
        forgetIdle();
        sequence.lane = lanes.computeIfAbsent(key, name -> new Lane(name, order()));
        sequence.lane.live++;
        sequence.submittedAfter = step;
    }

    private Comparator<Sequence> order() {
        return switch (policy) {
            case PRIORITY -> BY_PRIORITY;
            case SHORTEST -> BY_KEY;
            case FIFO, FAIR -> BY_RANK;
        };
    }

    /** A step is planned: the order follows what is known of lengths. */
    void begin(long number) {
        step = number;
        if (policy != QueuePolicy.SHORTEST || waiting == 0) {
            return;
        }
        double usual = Objects.requireNonNull(lengths).usualWork();
        if (Math.abs(usual - orderedBy) > CHANGED * orderedBy) {
            orderedBy = usual;
            TreeSet<Sequence> lane = lanes.get("").waiting;
            List<Sequence> all = new ArrayList<>(lane);
            lane.clear();
            for (Sequence sequence : all) {
                sequence.key = key(sequence);
                lane.add(sequence);
            }
        }
    }

    /** When its turn is: so many steps after its submission, the fewer the less work it is, and never more than ageing. */
    private double key(Sequence sequence) {
        if (sequence.hurried) {
            return Double.NEGATIVE_INFINITY;
        }
        double most = MOST_WORKS * Objects.requireNonNull(lengths).usualWork();
        return sequence.submittedAfter + ageing * Math.min(1, sequence.work() / most);
    }

    /** Whether nobody who is submitted now goes before a sequence. */
    boolean isOverdue(Sequence sequence) {
        return step - sequence.submittedAfter > ageing;
    }

    /** Whether one may go before another, whatever their work. */
    boolean mayOvertake(Sequence sequence, Sequence other) {
        return sequence.submittedAfter - other.submittedAfter <= ageing;
    }

    /** Under shortest: of those that wait the one with most tokens to generate; null if it may not overtake all others. */
    @Nullable
    Sequence longest() {
        Sequence longest = null;
        Sequence oldest = null;
        int left = 0;
        for (Lane lane : lanes.values()) {
            for (Sequence sequence : lane.waiting) {
                oldest = oldest == null || sequence.submittedAfter < oldest.submittedAfter ? sequence : oldest;
                int remaining = sequence.remaining();
                if (longest == null || remaining > left) {
                    longest = sequence;
                    left = remaining;
                }
            }
        }
        return longest == null || !mayOvertake(longest, Objects.requireNonNull(oldest)) ? null : longest;
    }

    /** The work of all that wait. */
    double work() {
        double work = 0;
        for (Lane lane : lanes.values()) {
            for (Sequence sequence : lane.waiting) {
                work += sequence.work();
            }
        }
        return work;
    }

    /** One goes before all others until it is admitted. */
    void hurry(Sequence sequence) {
        remove(sequence);
        sequence.hurried = true;
        add(sequence);
    }

    /** A sequence has finished. */
    void leave(Sequence sequence) {
        Lane lane = sequence.lane;
        if (--lane.live == 0 && policy == QueuePolicy.FAIR && !lane.idle) {
            lane.idle = true;
            idle.add(new Idle(lane, lane.served));
        }
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

    /** Adds a fork in its parent's place, just behind it. */
    void addBeside(Sequence sequence, Sequence parent) {
        sequence.rank = parent.rank;
        add(sequence);
    }

    /** Puts a sequence that was removed back into its place. */
    void put(Sequence sequence) {
        add(sequence);
    }

    void admit(Sequence sequence) {
        remove(sequence);
        sequence.hurried = false;
        lastAdmitted = sequence.lane;
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

    int lanes() {
        return lanes.size();
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
        List<Lane> setAside = new ArrayList<>();
        Lane lane = leastServed();
        while (lane != null && refused.contains(lane.waiting.first())) {
            setAside.add(backlogged.remove());
            lane = leastServed();
        }
        backlogged.addAll(setAside);
        return lane == null ? null : lane.waiting.first();
    }

    /** The first lane of {@link #backlogged}, after those that moved since they were put there have moved. */
    private @Nullable Lane leastServed() {
        Lane lane;
        while ((lane = backlogged.peek()) != null && (lane.waiting.isEmpty() || lane.place != lane.served)) {
            backlogged.remove();
            lane.queued = !lane.waiting.isEmpty();
            if (lane.queued) {
                lane.place = lane.served;
                backlogged.add(lane);
            }
        }
        return lane;
    }

    private void add(Sequence sequence) {
        if (!sequence.wanted()) {
            parked.add(sequence);
            return;
        }
        Lane lane = sequence.lane;
        if (policy == QueuePolicy.SHORTEST) {
            slowDown(lane, sequence);
            sequence.key = key(sequence);
        }
        if (policy == QueuePolicy.FAIR && lane.waiting.isEmpty()) {
            lane.served = Math.max(lane.served, level());
        }
        lane.waiting.add(sequence);
        waiting++;
        if (policy == QueuePolicy.FAIR && !lane.queued) {
            lane.queued = true;
            lane.place = lane.served;
            backlogged.add(lane);
        }
    }

    /** Nobody is hurried past one that it must not overtake, such as one that was preempted since. */
    private void slowDown(Lane lane, Sequence added) {
        while (!lane.waiting.isEmpty() && lane.waiting.first().hurried && !mayOvertake(lane.waiting.first(), added)) {
            Sequence first = lane.waiting.first();
            lane.waiting.remove(first);
            first.hurried = false;
            first.key = key(first);
            lane.waiting.add(first);
        }
        if (added.hurried) {
            for (Sequence other : lane.waiting) {
                added.hurried &= mayOvertake(added, other);
            }
        }
    }

    /**
     * Where a lane starts that had nothing waiting: it may not bank what it did not ask for. Level with the least served
     * lane that waits; if none waits, with the one admitted last.
     */
    private long level() {
        Lane least = leastServed();
        if (least != null) {
            return least.served;
        }
        return lastAdmitted == null ? 0 : lastAdmitted.served;
    }

    /** Forgets lanes without sequences that would be lifted anyway if they came back. */
    private void forgetIdle() {
        long level = level();
        while (!idle.isEmpty() && idle.peek().served <= level) {
            Lane lane = idle.remove().lane;
            lane.idle = lane.live == 0 && lane.served > level;
            if (lane.idle) {
                idle.add(new Idle(lane, lane.served));
            } else if (lane.live == 0) {
                lanes.remove(lane.tenant);
            }
        }
    }
}
