package io.kvflux.selftest;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.BooleanSupplier;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/**
 * One worker without a thread: takes one task after another, each in the call that brings it or as late as it is told. For
 * one thread.
 */
final class LateWorkers implements Scheduler {

    private final Deque<Runnable> late = new ArrayDeque<>();
    private final BooleanSupplier isLate;

    /**
     * With nothing to do.
     *
     * @param isLate whether the next task is late; it is in any case if one before it is
     */
    LateWorkers(BooleanSupplier isLate) {
        this.isLate = isLate;
    }

    boolean isIdle() {
        return late.isEmpty();
    }

    /** Runs the task that waits longest, if one waits. */
    void runNext() {
        Runnable next = late.poll();
        if (next != null) {
            next.run();
        }
    }

    @Override
    public Disposable schedule(Runnable task) {
        if (late.isEmpty() && !isLate.getAsBoolean()) {
            task.run();
        } else {
            late.add(task);
        }
        return Disposables.disposed();
    }

    @Override
    public Worker createWorker() {
        return Schedulers.immediate().createWorker();
    }
}
