package io.kvflux.soak;

import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/**
 * What lives leave behind: there are too few of them for a trend, so each is compared with the second, by whose end
 * everything has been used once.
 */
final class Leftovers {

    private static final long PAUSE_NS = 20_000_000;
    /** A pool's threads may end a little later. */
    private static final int LOOKS = 50;

    static final int MOST_THREADS = 2;
    static final int MOST_FILES = 2;

    private int lives;
    private int threads;
    private long files;

    /**
     * Looks after the end of a life.
     *
     * @param scheduler which was disposed
     * @return what is left of it, nothing if all is well
     */
    List<String> look(WeakReference<?> scheduler) {
        lives++;
        List<String> left = left(scheduler);
        for (int i = 0; i < LOOKS && !left.isEmpty(); i++) {
            LockSupport.parkNanos(PAUSE_NS);
            left = left(scheduler);
        }
        if (lives <= 2) {
            threads = ProcessProbe.threads();
            files = ProcessProbe.openFiles();
        }
        return left;
    }

    private List<String> left(WeakReference<?> scheduler) {
        List<String> left = new ArrayList<>();
        WeakReference<Object> unreachable = new WeakReference<>(new Object());
        System.gc();
        if (unreachable.get() == null && scheduler.get() != null) { // else the JVM was told to ignore such calls
            left.add("the scheduler can still be reached");
        }
        if (lives > 2) {
            compare(left, "threads", ProcessProbe.threads(), threads, MOST_THREADS);
            compare(left, "open files", ProcessProbe.openFiles(), files, MOST_FILES);
        }
        return left;
    }

    private static void compare(List<String> left, String what, long now, long before, int most) {
        if (now > before + most) {
            left.add("there are " + now + " " + what + " where there were " + before + " after the second life");
        }
    }
}
