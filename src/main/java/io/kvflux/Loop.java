package io.kvflux;

import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/**
 * Serialises signals from any thread. A thread that raises a signal while nobody drains becomes the one that does; the
 * others leave their signal and go. No user code runs in a drain: what is to be told to users goes to {@link Lanes}.
 *
 * <p>Signals stand on a stack (Treiber's): the drain takes the whole of it in one exchange and turns it round, so signals
 * of one thread run in the order in which it raised them.
 */
final class Loop {

    /** Signals a caller's thread runs before it hands the drain over. */
    private static final int BATCH = 256;

    /** What the loop works for. All methods are called by the drain. */
    interface Work {

        /** All signals have run: draws the consequences. */
        void settle();

        /** Something that must not throw did: a signal, or settling. */
        void broken(@Nullable Signal signal, Throwable bug);

        /** The drain is over, or goes to another thread; called without holding the loop. */
        void rest();
    }

    private final Scheduler scheduler;
    private final Work work;
    private final AtomicReference<@Nullable Signal> top = new AtomicReference<>();
    /** Raises that are not yet accounted for; whoever lifts it from 0 drains. */
    private final AtomicInteger raises = new AtomicInteger();

    private @Nullable Signal todo;

    Loop(Scheduler scheduler, Work work) {
        this.scheduler = scheduler;
        this.work = work;
    }

    void raise(Signal signal) {
        if (!signal.raise()) {
            return;
        }
        Signal below;
        do {
            below = top.get();
            signal.below = below;
        } while (!top.compareAndSet(below, signal));
        if (raises.getAndIncrement() == 0) {
            drain(1, true);
        }
    }

    /**
     * Runs signals until every raise is accounted for. The next drain may begin on another thread the moment that {@code
     * raises} is 0, so nothing that drains share is touched after that.
     */
    private void drain(int begun, boolean onCaller) {
        boolean handOverLong = onCaller;
        int accounted = begun;
        int left = BATCH;
        do {
            for (Signal signal = next(); signal != null; signal = next()) {
                if (left-- == 0 || (handOverLong && signal.isLong())) {
                    signal.below = todo;
                    todo = signal;
                    if (handOver(accounted)) {
                        return;
                    }
                    handOverLong = false; // nobody else takes it
                    left = BATCH;
                    continue;
                }
                signal.lower();
                run(signal);
            }
            settle();
            accounted = raises.addAndGet(-accounted);
        } while (accounted != 0);
        work.rest();
    }

    private void run(Signal signal) {
        try {
            signal.run();
        } catch (Throwable bug) {
            work.broken(signal, bug);
        }
    }

    private void settle() {
        try {
            work.settle();
        } catch (Throwable bug) {
            work.broken(null, bug);
        }
    }

    /** Whether somebody else goes on with the drain. */
    private boolean handOver(int accounted) {
        if (scheduler == Schedulers.immediate()) {
            return false;
        }
        try {
            scheduler.schedule(() -> drain(accounted, false));
        } catch (RejectedExecutionException disposed) {
            return false;
        }
        work.rest();
        return true;
    }

    private @Nullable Signal next() {
        if (todo == null) {
            Signal taken = top.getAndSet(null);
            while (taken != null) {
                Signal below = taken.below;
                taken.below = todo;
                todo = taken;
                taken = below;
            }
        }
        Signal first = todo;
        if (first != null) {
            todo = first.below;
            first.below = null;
        }
        return first;
    }
}
