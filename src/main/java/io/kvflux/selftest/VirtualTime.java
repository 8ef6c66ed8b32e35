package io.kvflux.selftest;

import java.util.PriorityQueue;
import java.util.concurrent.TimeUnit;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/**
 * A scheduler without threads: what is due now runs in the call, what is due later when time is told to pass. So a run is
 * the same whenever it is repeated. For one thread.
 */
final class VirtualTime implements Scheduler {

    private record Timer(long dueNs, long order, Runnable task, Disposable.Swap cancelled) {}

    private final PriorityQueue<Timer> timers = new PriorityQueue<>(
            (a, b) -> a.dueNs() == b.dueNs() ? Long.compare(a.order(), b.order()) : Long.compare(a.dueNs(), b.dueNs()));
    private long nowNs;
    private long order;

    long nowNs() {
        return nowNs;
    }

    /** Whether something waits for time to pass. */
    boolean isWaiting() {
        timers.removeIf(timer -> timer.cancelled().isDisposed());
        return !timers.isEmpty();
    }

    /** Lets time pass until the next timer has run. */
    void pass() {
        if (isWaiting()) {
            Timer next = timers.remove();
            nowNs = Math.max(nowNs, next.dueNs());
            next.task().run();
        }
    }

    /** Something took so long. */
    void take(long ns) {
        nowNs += ns;
    }

    @Override
    public Disposable schedule(Runnable task) {
        task.run();
        return Disposables.disposed();
    }

    @Override
    public Disposable schedule(Runnable task, long delay, TimeUnit unit) {
        Timer timer = new Timer(nowNs + unit.toNanos(delay), order++, task, Disposables.swap());
        timers.add(timer);
        return timer.cancelled();
    }

    @Override
    public Worker createWorker() {
        return Schedulers.immediate().createWorker();
    }
}
