package io.kvflux.memory.chronicle;

import java.util.concurrent.CountDownLatch;

/**
 * Touches a region from its start to its end on a thread of its own, so that those who copy do not wait for the operating
 * system to find memory. The content stays. Once {@link #stop} has returned it touches nothing.
 */
final class Pretoucher {

    /** What is touched between two looks at whether to stop: some milliseconds. */
    static final long CHUNK_BYTES = 4L << 20;

    private final Region region;
    private final Runnable beforeChunk;
    private final Thread thread;
    private final CountDownLatch over = new CountDownLatch(1);
    private volatile boolean stopped;
    private volatile long touchedBytes;

    /**
     * Begins to touch.
     *
     * @param beforeChunk called on the thread that touches; for tests
     */
    Pretoucher(Region region, Runnable beforeChunk) {
        this.region = region;
        this.beforeChunk = beforeChunk;
        thread = new Thread(this::touch, "kvflux-pretouch");
        thread.setDaemon(true);
        thread.start();
    }

    private void touch() {
        try {
            long at = 0;
            while (at < region.bytes()) {
                beforeChunk.run();
                if (stopped) {
                    return;
                }
                long length = Math.min(CHUNK_BYTES, region.bytes() - at);
                region.touch(at, length);
                at += length;
                touchedBytes = at;
            }
        } finally {
            over.countDown();
        }
    }

    long touchedBytes() {
        return touchedBytes;
    }

    /** Waits until all is touched, or until it was stopped. */
    void await() throws InterruptedException {
        over.await();
    }

    /** Ends the touching; returns when the last chunk is over, interrupted or not. */
    void stop() {
        stopped = true;
        boolean interrupted = false;
        while (true) {
            try {
                over.await();
                break;
            } catch (InterruptedException again) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
