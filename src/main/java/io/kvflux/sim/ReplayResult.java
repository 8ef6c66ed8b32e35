package io.kvflux.sim;

import org.jspecify.annotations.Nullable;

/**
 * What a replay yields beside what its listener heard. Times are simulated seconds, sorted; empty for cache-only.
 *
 * @param summary the numbers of the JSON contract
 * @param ttftSeconds time to first token of each completed request
 * @param tpotSeconds time per output token after the first, of completed requests with two tokens or more
 * @param latencySeconds arrival to last token of each completed request
 * @param checkedBlocks pages that were compared with what was computed for them, null for a replay without memory
 * @param partial whether the replay was stopped before its end
 */
public record ReplayResult(
        ReplaySummary summary,
        double[] ttftSeconds,
        double[] tpotSeconds,
        double[] latencySeconds,
        @Nullable Long checkedBlocks,
        boolean partial) {}
