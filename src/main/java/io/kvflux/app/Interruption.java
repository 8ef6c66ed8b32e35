package io.kvflux.app;

import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;

/**
 * Ctrl-C. The JVM answers it by running its shutdown hooks while the main thread goes on; so the hook asks what runs, a
 * replay or a server, to stop and waits until the main thread has written what there is. Before it runs there is nothing to
 * wait for.
 */
class Interruption {

    private final CountDownLatch end = new CountDownLatch(1);
    private @Nullable Runnable stop;

    /** From now on an interruption calls {@code stop}, on another thread. */
    synchronized void onStop(Runnable stop) {
        this.stop = stop;
    }

    /** The main thread has written everything. */
    void ended() {
        end.countDown();
    }

    void stopAndAwaitEnd() {
        if (requestStop()) {
            awaitEnd();
        }
    }

    private synchronized boolean requestStop() {
        if (stop != null) {
            stop.run();
        }
        return stop != null;
    }

    private void awaitEnd() {
        try {
            end.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
