package io.kvflux.sim;

/** Hears what a replay does, on the thread that runs it. Every method does nothing by default. */
public interface ReplayListener {

    /**
     * A request ended or was refused (in arrival order of their ends).
     *
     * @param row what happened to it
     */
    default void onRequest(RequestRow row) {}

    /**
     * Simulated time passed a whole second. In a long pause only its first and last second are told. A look at the cache
     * alone has no time: then {@code seconds} counts requests.
     *
     * @param tick the state then
     */
    default void onTick(Tick tick) {}

    /**
     * Requests were read or ended.
     *
     * @param ended requests that ended so far
     * @param total requests of the workload
     */
    default void onProgress(long ended, long total) {}
}
