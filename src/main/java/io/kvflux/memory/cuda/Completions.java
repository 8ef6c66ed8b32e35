package io.kvflux.memory.cuda;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * The one place that looks for copies that are over: a thread that asks the driver for the events of the batches in flight and
 * tells their listeners. It sleeps while there are none. No thread of the driver runs code of ours.
 */
final class Completions implements Runnable {

    private static final int SPINS = 200;
    private static final long SHORTEST_PARK_NS = 5_000;
    private static final long LONGEST_PARK_NS = 100_000;

    private final CudaDevice device;
    private final List<CudaJob> ended = new ArrayList<>();
    private final Thread thread;
    private volatile boolean stopped;
    private volatile boolean woken;

    Completions(CudaDevice device, String name) {
        this.device = device;
        thread = new Thread(this, name);
        thread.setDaemon(true);
    }

    void start() {
        thread.start();
    }

    /** There is something to look for. */
    void wake() {
        woken = true;
        LockSupport.unpark(thread);
    }

    /** Ends the thread; there is nothing to look for any more. */
    void stop() {
        stopped = true;
        wake();
        if (Thread.currentThread() == thread) {
            return;
        }
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException again) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void run() {
        int idle = 0;
        while (!stopped) {
            idle = woken ? 0 : idle;
            woken = false;
            boolean inFlight = takeEnded();
            if (!ended.isEmpty()) {
                ended.forEach(this::tell);
                ended.clear();
                idle = 0;
            } else if (!inFlight) {
                LockSupport.park(this);
                Thread.interrupted(); // nobody else's thread: it would not sleep any more
                idle = 0;
            } else {
                idle++;
                rest(idle);
            }
        }
    }

    /** What goes wrong in looking for the end of one batch must not hide that of all others. */
    private boolean takeEnded() {
        try {
            return device.takeEnded(ended);
        } catch (RuntimeException | Error bug) {
            thread.getUncaughtExceptionHandler().uncaughtException(thread, bug);
            return true;
        }
    }

    private void rest(int idle) {
        if (idle < SPINS) {
            Thread.onSpinWait();
        } else {
            int shift = Math.min(idle - SPINS, 10) / 2;
            LockSupport.parkNanos(this, Math.min(LONGEST_PARK_NS, SHORTEST_PARK_NS << shift));
            Thread.interrupted();
        }
    }

    private void tell(CudaJob job) {
        @Nullable Throwable failure = job.failure;
        var batch = job.batch();
        var listener = job.listener();
        device.putBack(job);
        try {
            listener.ended(batch, failure);
        } catch (RuntimeException | Error bug) { // of a listener: the others are told all the same
            thread.getUncaughtExceptionHandler().uncaughtException(thread, bug);
        }
    }
}
