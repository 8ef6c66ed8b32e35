package io.kvflux.sim;

/**
 * Replays a workload through the scheduler under a virtual clock. {@link #run} works on the caller's thread; {@link #stop}
 * may be called from any. The same workload, options and seed give the same result, {@code wallSeconds} apart.
 */
public final class Replay {

    private final Workload workload;
    private final ReplayOptions options;
    private final ReplayListener listener;
    private volatile boolean stopped;

    /**
     * A replay that has not begun.
     *
     * @param workload read once, by {@link #run}; the caller closes it
     * @param options how to replay
     * @param listener hears what happens
     * @throws IllegalArgumentException if there is a disk but no memory, or the disk has no room for a page
     */
    public Replay(Workload workload, ReplayOptions options, ReplayListener listener) {
        if (options.disk() != null) {
            if (!options.withMemory()) {
                throw new IllegalArgumentException(
                        "a disk keeps real bytes, so its replay needs memory, withMemory=false, disk="
                                + options.disk());
            }
            options.disk().requireRoom(options.scheduler().caches());
        }
        this.workload = workload;
        this.options = options;
        this.listener = listener;
    }

    /**
     * Replays until the workload has ended or {@link #stop} is called.
     *
     * @return what was found
     * @throws TraceException if the workload is malformed somewhere
     * @throws PageMismatchException if, in a replay with memory, a page did not hold what was computed for it
     * @throws IllegalArgumentException if the machine has not got the memory for a replay with memory
     * @throws io.kvflux.tier.disk.DiskException if the directory of the disk cannot be used, saying why
     */
    public ReplayResult run() {
        return options.cacheOnly()
                ? new CacheReplay(workload, options, listener, () -> stopped).run()
                : new TimedReplay(workload, options, listener, () -> stopped).run();
    }

    /** Makes {@link #run} return what it has so far, soon. */
    public void stop() {
        stopped = true;
    }
}
