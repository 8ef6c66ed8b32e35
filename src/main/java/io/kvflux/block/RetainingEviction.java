package io.kvflux.block;

import io.kvflux.api.Retention;
import java.util.Arrays;

/**
 * Keeps what has a priority out of the sight of another policy: that is told of cached runs which have the default priority and
 * are continued by such runs only. Victims are taken by rising priority; where that is the default one, the other policy says
 * which. Among equals of another priority the one that has been a leaf longest goes first.
 *
 * <p>A run that something with another priority continues cannot be a victim before it, so it is kept here too until then.
 * Everything is O(1) amortised, but O(log n) for n runs whose priority has an end.
 */
final class RetainingEviction implements EvictionPolicy {

    /** Not cached, or cached and the other policy's. */
    private static final byte ELSEWHERE = 0;
    /** Kept here, and not to be a victim now: it is no leaf, or has the default priority. */
    private static final byte PARKED = 1;
    /** Kept here, a leaf, in the queue of its priority. */
    private static final byte QUEUED = 2;

    private final EvictionPolicy inner;
    private final View view;
    /** Cached runs that are the other policy's. */
    private int innerRuns;

    private final RunQueues queues = new RunQueues(Retention.MAX_PRIORITY + 1);
    private final long[] filled = new long[Retention.MAX_PRIORITY / 64 + 1];
    private final DeadlineHeap deadlines = new DeadlineHeap();
    private long now = Long.MIN_VALUE;

    private byte[] place = new byte[16];
    /** How much more than the default. */
    private byte[] extra = new byte[16];

    private long[] until = new long[16];
    /** Children that are kept here. */
    private int[] keptChildren = new int[16];

    /**
     * @param inner a policy that was attached to a pool
     * @param cachedRuns runs that it has as cached now
     * @param bound one past the largest run
     */
    RetainingEviction(EvictionPolicy inner, View view, int cachedRuns, int bound) {
        this.inner = inner;
        this.view = view;
        innerRuns = cachedRuns;
        reserve(bound - 1);
    }

    @Override
    public void attach(View poolView) {
        throw new IllegalStateException("only a policy that is attached already is wrapped");
    }

    @Override
    public boolean honoursRetention() {
        return true;
    }

    @Override
    public void time(long nanos) {
        now = nanos;
        inner.time(nanos);
    }

    @Override
    public void retain(int run, int priority, long end) {
        reserve(run);
        extra[run] = (byte) (priority - Retention.DEFAULT_PRIORITY);
        until[run] = end;
    }

    @Override
    public boolean retains(int run) {
        return extra[run] != 0;
    }

    @Override
    public void created(int run) {
        reserve(run);
        inner.created(run);
    }

    @Override
    public void missed(int from, int to) {
        inner.missed(from, to);
    }

    @Override
    public void computed(int from, int to) {
        inner.computed(from, to);
    }

    @Override
    public void cached(int run) {
        reserve(run);
        if (extra[run] != 0 && until[run] <= now) {
            extra[run] = 0;
        }
        if (extra[run] == 0 && keptChildren[run] == 0) {
            innerRuns++;
            inner.cached(run);
            return;
        }
        place[run] = PARKED;
        keptChildren[view.parent(run)]++;
        if (extra[run] != 0) {
            if (until[run] != Long.MAX_VALUE) {
                deadlines.add(run, until[run]);
            }
            if (view.isLeaf(run)) {
                enqueue(run);
            }
        }
    }

    @Override
    public void held(int run) {
        if (!giveUp(run)) {
            inner.held(run);
        }
    }

    @Override
    public void merged(int run) {
        if (!giveUp(run)) {
            inner.merged(run);
        }
    }

    /** {@return whether it was kept here; it is held again} */
    private boolean giveUp(int run) {
        if (place[run] == ELSEWHERE) {
            innerRuns--;
            return false;
        }
        take(run);
        keptChildren[view.parent(run)]--; // the parent is held too, now or next
        return true;
    }

    @Override
    public void split(int head, int tail) {
        reserve(Math.max(head, tail));
        inner.split(head, tail);
        extra[head] = extra[tail];
        until[head] = until[tail];
        if (place[tail] != ELSEWHERE) {
            keptChildren[head]++;
            keptChildren[view.parent(head)]--;
        }
    }

    @Override
    public void shortened(int run) {
        if (place[run] == ELSEWHERE) {
            inner.shortened(run);
        }
    }

    @Override
    public void removed(int run) {
        int parent = view.parent(run);
        if (place[run] == ELSEWHERE) {
            innerRuns--;
            inner.removed(run);
        } else {
            take(run);
            keptChildren[parent]--;
            handOver(parent);
            inner.dropped(run);
        }
        extra[run] = 0;
        if (place[parent] == PARKED && extra[parent] != 0 && view.children(parent) == 1) {
            enqueue(parent);
        }
    }

    @Override
    public int victim() {
        for (int run = deadlines.due(now); run != Runs.NONE; run = deadlines.due(now)) {
            expire(run);
        }
        int priority = lowest();
        if (priority > Retention.DEFAULT_PRIORITY && innerRuns > 0) {
            return inner.victim();
        }
        return queues.first(priority);
    }

    private void expire(int run) {
        take(run);
        extra[run] = 0;
        place[run] = PARKED;
        handOver(run);
    }

    /** Gives a run to the other policy if nothing keeps it here any more, and then what it continues. */
    private void handOver(int first) {
        for (int run = first; place[run] == PARKED && extra[run] == 0 && keptChildren[run] == 0; ) {
            place[run] = ELSEWHERE;
            innerRuns++;
            inner.cached(run);
            run = view.parent(run);
            keptChildren[run]--;
        }
    }

    private void take(int run) {
        if (place[run] == QUEUED) {
            int priority = Retention.DEFAULT_PRIORITY + extra[run];
            queues.remove(priority, run);
            if (queues.first(priority) == Runs.NONE) {
                filled[priority / 64] &= ~(1L << priority);
            }
        }
        place[run] = ELSEWHERE;
        deadlines.remove(run);
    }

    private void enqueue(int run) {
        int priority = Retention.DEFAULT_PRIORITY + extra[run];
        place[run] = QUEUED;
        queues.append(priority, run);
        filled[priority / 64] |= 1L << priority;
    }

    /** The lowest priority of a run in a queue; beyond all if there is none. */
    private int lowest() {
        for (int word = 0; word < filled.length; word++) {
            if (filled[word] != 0) {
                return word * 64 + Long.numberOfTrailingZeros(filled[word]);
            }
        }
        return Retention.MAX_PRIORITY + 1;
    }

    private void reserve(int run) {
        if (run >= place.length) {
            int capacity = Math.max(run + 1, place.length * 2);
            place = Arrays.copyOf(place, capacity);
            extra = Arrays.copyOf(extra, capacity);
            until = Arrays.copyOf(until, capacity);
            keptChildren = Arrays.copyOf(keptChildren, capacity);
        }
    }
}
