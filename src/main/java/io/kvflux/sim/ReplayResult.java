package io.kvflux.sim;

/**
 * Stand-in.
 *
 * @param summary the summary
 * @param ttftSeconds sorted
 * @param tpotSeconds sorted
 * @param latencySeconds sorted
 * @param partial stopped before its end
 */
@SuppressWarnings("ArrayRecordComponent")
public record ReplayResult(
        ReplaySummary summary, double[] ttftSeconds, double[] tpotSeconds, double[] latencySeconds, boolean partial) {}
