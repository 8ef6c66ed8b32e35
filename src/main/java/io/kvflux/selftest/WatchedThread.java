package io.kvflux.selftest;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** A thread that runs scenarios one after another, and can be seen to hang in one. */
final class WatchedThread {

    private static final long LOOK_EVERY_MS = 100;

    /** What it runs now. */
    record Running(Scenario scenario, long number, long sinceNs) {}

    private final Thread thread;
    private final TestDevice device;
    private volatile @Nullable Running running;

    /**
     * Does not run yet.
     *
     * @param work runs scenarios by {@link #run}
     */
    WatchedThread(String name, TestDevice device, Consumer<WatchedThread> work) {
        this.device = device;
        thread = new Thread(() -> work.accept(this), name);
        thread.setDaemon(true); // one that hangs must not keep the process
    }

    void start() {
        thread.start();
    }

    /** Runs a scenario; called by its work. */
    ScenarioRun run(long number, Scenario scenario) {
        running = new Running(scenario, number, System.nanoTime());
        try {
            return ScenarioRun.of(scenario, device);
        } finally {
            running = null;
        }
    }

    /**
     * Waits until all have ended their work, or hang: take longer than the limit for one scenario.
     *
     * @param hangs is told what a thread hangs in
     */
    static void awaitAll(List<WatchedThread> threads, Duration limit, Consumer<Running> hangs) {
        List<WatchedThread> left = new ArrayList<>(threads);
        boolean interrupted = false;
        while (!left.isEmpty()) {
            try {
                TimeUnit.MILLISECONDS.timedJoin(left.get(0).thread, LOOK_EVERY_MS);
            } catch (InterruptedException e) {
                interrupted = true; // they end by themselves, soon
            }
            left.removeIf(one -> !one.thread.isAlive() || one.hangs(limit, hangs));
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private boolean hangs(Duration limit, Consumer<Running> tell) {
        Running now = running;
        boolean hangs = now != null && System.nanoTime() - now.sinceNs() > limit.toNanos();
        if (hangs) {
            tell.accept(now);
        }
        return hangs;
    }
}
