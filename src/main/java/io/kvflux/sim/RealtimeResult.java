package io.kvflux.sim;

import org.jspecify.annotations.Nullable;

/**
 * What a replay in real time found.
 *
 * @param trace name of the workload
 * @param requests requests submitted
 * @param completed requests that got all their tokens
 * @param rejected requests that could never fit
 * @param failed requests that failed for another reason
 * @param promptTokens prompt tokens of all requests
 * @param cachedTokens of those completed, prompt tokens found in the cache
 * @param outputTokens tokens the clients received
 * @param wrongTokens tokens that were not what the trace has at their place
 * @param checkedTokens tokens read back from device memory, through the block tables, and found right
 * @param leakedBlocks blocks that did not come back
 * @param steps steps computed
 * @param preemptions sequences that gave up their blocks and were computed again
 * @param diskStoredBlocks pages written to the disk, null if there is none
 * @param diskFetchedBlocks pages read from the disk, null if there is none
 * @param drafts what became of the drafts, null if nobody may draft
 * @param ttftSeconds to the first token, on the trace's clock
 * @param latencySeconds to the last token, on the trace's clock
 * @param wallSeconds how long the replay took
 * @param partial whether it was stopped before its end
 */
public record RealtimeResult(
        String trace,
        long requests,
        long completed,
        long rejected,
        long failed,
        long promptTokens,
        long cachedTokens,
        long outputTokens,
        long wrongTokens,
        long checkedTokens,
        long leakedBlocks,
        long steps,
        long preemptions,
        @Nullable Long diskStoredBlocks,
        @Nullable Long diskFetchedBlocks,
        ReplaySummary.@Nullable Drafts drafts,
        ReplaySummary.Distribution ttftSeconds,
        ReplaySummary.Distribution latencySeconds,
        double wallSeconds,
        boolean partial) {

    /**
     * Whether a replay under the virtual clock came to the same counts.
     *
     * @param virtual summary of a timed replay of the same requests
     * @return true if requests, outcomes, prompt tokens and output tokens are equal
     */
    public boolean agreesWith(ReplaySummary virtual) {
        return requests == virtual.requests()
                && completed == virtual.completed()
                && rejected == virtual.rejected()
                && failed == virtual.failed()
                && promptTokens == virtual.promptTokens()
                && virtual.outputTokens() != null
                && outputTokens == virtual.outputTokens();
    }
}
