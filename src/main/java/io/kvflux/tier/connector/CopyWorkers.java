package io.kvflux.tier.connector;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * Who carries copies out: one worker a direction, so that a link that is full duplex is used as such and nobody who waits
 * for a page waits for what is written behind. Each takes one transfer after another.
 */
public final class CopyWorkers implements AutoCloseable {

    final Executor down;
    final Executor up;
    /** Writes to the store and empties its slots, one after another, in order. */
    final Executor store;
    /** Reads from the store, which must not wait until all has been written. */
    final Executor fetch;

    private final List<ExecutorService> own;

    private CopyWorkers(Executor down, Executor up, Executor store, Executor fetch, ExecutorService... own) {
        this.down = down;
        this.up = up;
        this.store = store;
        this.fetch = fetch;
        this.own = List.of(own);
    }

    /** {@return workers with threads of their own, begun when they are first needed and ended by {@link #close}} */
    public static CopyWorkers own() {
        ExecutorService down = thread("kvflux-offload");
        ExecutorService up = thread("kvflux-onload");
        ExecutorService store = thread("kvflux-store");
        ExecutorService fetch = thread("kvflux-fetch");
        return new CopyWorkers(down, up, store, fetch, down, up, store, fetch);
    }

    /**
     * Workers of somebody else.
     *
     * @param executor carries everything out; may be of several threads, or the caller's
     * @return workers that {@link #close} leaves alone
     */
    public static CopyWorkers on(Executor executor) {
        return new CopyWorkers(executor, executor, new InOrder(executor), executor);
    }

    private static ExecutorService thread(String name) {
        return Executors.newSingleThreadExecutor(work -> {
            Thread thread = new Thread(work, name);
            thread.setDaemon(true);
            return thread;
        });
    }

    @Override
    public void close() {
        own.forEach(ExecutorService::shutdown);
    }

    /** One task after another, whoever has threads for them. */
    private static final class InOrder implements Executor {

        private final Executor executor;
        private final Deque<Runnable> waiting = new ArrayDeque<>();
        private boolean running;

        InOrder(Executor executor) {
            this.executor = executor;
        }

        @Override
        public void execute(Runnable task) {
            synchronized (this) {
                waiting.add(task);
                if (running) {
                    return;
                }
                running = true;
            }
            try {
                executor.execute(this::runAll);
            } catch (RuntimeException refused) {
                synchronized (this) {
                    running = false;
                    waiting.removeLastOccurrence(task);
                }
                throw refused;
            }
        }

        private void runAll() {
            while (true) {
                Runnable next;
                synchronized (this) {
                    next = waiting.poll();
                    running = next != null;
                }
                if (next == null) {
                    return;
                }
                try {
                    next.run();
                } catch (RuntimeException | Error thrown) {
                    // As a pool's thread does; the next task is not to suffer for it.
                    Thread thread = Thread.currentThread();
                    thread.getUncaughtExceptionHandler().uncaughtException(thread, thrown);
                }
            }
        }
    }
}
