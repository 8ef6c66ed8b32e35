package io.kvflux.soak;

import java.util.ArrayList;
import java.util.List;
import java.util.PriorityQueue;

/** Work that waits for a step. Thread-safe; runs it on the thread that tells of the step. */
final class Later {

    private record Work(long step, long order, Runnable task) {}

    private final PriorityQueue<Work> waiting = new PriorityQueue<>(
            (a, b) -> a.step() == b.step() ? Long.compare(a.order(), b.order()) : Long.compare(a.step(), b.step()));
    private long order;
    private volatile long next = Long.MAX_VALUE;

    synchronized void at(long step, Runnable task) {
        waiting.add(new Work(step, order++, task));
        next = waiting.element().step();
    }

    /** Runs what is due. */
    void reached(long step) {
        if (step < next) {
            return;
        }
        List<Runnable> due = new ArrayList<>();
        synchronized (this) {
            while (!waiting.isEmpty() && waiting.element().step() <= step) {
                due.add(waiting.remove().task());
            }
            next = waiting.isEmpty() ? Long.MAX_VALUE : waiting.element().step();
        }
        due.forEach(Runnable::run);
    }

    /** Runs what is due first, since there may be no step before it. */
    void hurry() {
        long first = next;
        if (first != Long.MAX_VALUE) {
            reached(first);
        }
    }

    synchronized boolean isEmpty() {
        return waiting.isEmpty();
    }
}
