package io.kvflux.block;

import java.util.Arrays;

/** A few queues of runs over one pair of link arrays: a run is in at most one of them. Every operation is O(1). */
final class RunQueues {

    private final int[] head;
    private final int[] tail;
    private int[] next = new int[16];
    private int[] prev = new int[16];

    RunQueues(int queues) {
        head = new int[queues];
        tail = new int[queues];
    }

    int first(int queue) {
        return head[queue];
    }

    int after(int run) {
        return next[run];
    }

    void append(int queue, int run) {
        if (run >= next.length) {
            int capacity = Math.max(run + 1, next.length * 2);
            next = Arrays.copyOf(next, capacity);
            prev = Arrays.copyOf(prev, capacity);
        }
        int last = tail[queue];
        prev[run] = last;
        next[run] = Runs.NONE;
        if (last == Runs.NONE) {
            head[queue] = run;
        } else {
            next[last] = run;
        }
        tail[queue] = run;
    }

    void remove(int queue, int run) {
        int before = prev[run];
        int after = next[run];
        if (before == Runs.NONE) {
            head[queue] = after;
        } else {
            next[before] = after;
        }
        if (after == Runs.NONE) {
            tail[queue] = before;
        } else {
            prev[after] = before;
        }
    }
}
