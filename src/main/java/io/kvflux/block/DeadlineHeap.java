package io.kvflux.block;

import java.util.Arrays;

/** Runs by the time at which something is due for them; a run is in it once at most. Every operation is O(log n). */
final class DeadlineHeap {

    private int[] heap = new int[16];
    private int size;
    /** By run: its place in the heap, from 1; 0 if it is not there. */
    private int[] place = new int[16];

    private long[] due = new long[16];

    void add(int run, long when) {
        if (run >= place.length) {
            int capacity = Math.max(run + 1, place.length * 2);
            place = Arrays.copyOf(place, capacity);
            due = Arrays.copyOf(due, capacity);
        }
        if (++size == heap.length) {
            heap = Arrays.copyOf(heap, size * 2);
        }
        due[run] = when;
        up(size, run);
    }

    void remove(int run) {
        if (run >= place.length || place[run] == 0) {
            return;
        }
        int hole = place[run];
        place[run] = 0;
        int last = heap[size--];
        if (last != run) {
            if (hole > 1 && due[heap[hole / 2]] > due[last]) {
                up(hole, last);
            } else {
                down(hole, last);
            }
        }
    }

    /** A run whose time has come, the one that has waited longest, or none. */
    int due(long now) {
        return size > 0 && due[heap[1]] <= now ? heap[1] : Runs.NONE;
    }

    private void up(int from, int run) {
        int at = from;
        while (at > 1 && due[heap[at / 2]] > due[run]) {
            put(at, heap[at / 2]);
            at /= 2;
        }
        put(at, run);
    }

    private void down(int from, int run) {
        int at = from;
        while (2 * at <= size) {
            int child = 2 * at;
            if (child < size && due[heap[child + 1]] < due[heap[child]]) {
                child++;
            }
            if (due[heap[child]] >= due[run]) {
                break;
            }
            put(at, heap[child]);
            at = child;
        }
        put(at, run);
    }

    private void put(int at, int run) {
        heap[at] = run;
        place[run] = at;
    }
}
