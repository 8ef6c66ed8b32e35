package io.kvflux.selftest;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.BooleanSupplier;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/**
 * Workers without threads: each takes one task, in the call that brings it or as late as it is told, so that tasks overtake
 * each other. For one thread.
 */
final class LateWorkers implements Scheduler {

    private final List<Runnable> late = new ArrayList<>();
    private final BooleanSupplier isLate;

    /**
     * With nothing to do.
     *
     * @param isLate whether the next task is late
     */
    LateWorkers(BooleanSupplier isLate) {
        this.isLate = isLate;
    }

    boolean isIdle() {
        return late.isEmpty();
    }

    /** Runs one of the tasks that are late, by chance. */
    void runOne(SplittableRandom random) {
        late.remove(random.nextInt(late.size())).run();
    }

    /** Runs all that is late. */
    void runAll() {
        while (!late.isEmpty()) {
            late.remove(0).run();
        }
    }

    @Override
    public Disposable schedule(Runnable task) {
        if (isLate.getAsBoolean()) {
            late.add(task);
        } else {
            task.run();
        }
        return Disposables.disposed();
    }

    @Override
    public Worker createWorker() {
        return Schedulers.immediate().createWorker();
    }
}
