package io.kvflux;

import java.util.ArrayDeque;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Operators;
import reactor.core.scheduler.Scheduler;
import reactor.util.context.Context;

/**
 * Where user code runs: tasks on a scheduler that take outlets from one queue. Whoever takes an outlet and leaves others
 * behind starts a further lane first, so a subscriber that blocks holds up one lane and nobody else, until all are held.
 */
final class Lanes implements Runnable {

    private final Scheduler scheduler;
    private final int most;
    private final ArrayDeque<Outlet> queue = new ArrayDeque<>();
    private int active;

    Lanes(Scheduler scheduler, int most) {
        this.scheduler = scheduler;
        this.most = most;
    }

    /** Puts an outlet in the queue; {@link #wake} comes later. */
    void offer(Outlet outlet) {
        if (outlet.enqueue()) {
            add(outlet);
        }
    }

    /** Starts a lane if there is something to deliver. */
    void wake() {
        boolean start;
        synchronized (queue) {
            start = !queue.isEmpty() && active < most;
            active += start ? 1 : 0;
        }
        if (start) {
            start();
        }
    }

    @Override
    public void run() {
        for (Outlet outlet = next(); outlet != null; outlet = next()) {
            outlet.begin();
            try {
                outlet.deliver();
            } catch (Throwable thrown) {
                drop(thrown);
            }
            if (outlet.end()) {
                add(outlet);
            }
        }
    }

    /** Reports what a subscriber threw where it must not. */
    static void drop(Throwable thrown) {
        try {
            Operators.onErrorDropped(thrown, Context.empty());
        } catch (Throwable fromHook) {
            thrown.addSuppressed(fromHook); // a hook that throws must not end the lane
        }
    }

    private void add(Outlet outlet) {
        synchronized (queue) {
            queue.add(outlet);
        }
    }

    private @Nullable Outlet next() {
        Outlet first;
        boolean another;
        synchronized (queue) {
            first = queue.poll();
            if (first == null) {
                active--;
                return null;
            }
            another = !queue.isEmpty() && active < most;
            active += another ? 1 : 0;
        }
        if (another) {
            start();
        }
        return first;
    }

    private void start() {
        try {
            scheduler.schedule(this);
        } catch (RejectedExecutionException disposed) {
            run(); // nobody else is left to deliver
        }
    }
}
