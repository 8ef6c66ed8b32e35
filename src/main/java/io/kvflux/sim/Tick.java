package io.kvflux.sim;

/**
 * The state of a replay at one simulated time.
 *
 * @param seconds simulated time since the first arrival
 * @param running sequences that hold blocks and are being computed
 * @param waiting sequences that wait for admission, preempted ones too
 * @param heldBlocks blocks held by sequences, over all replicas; not those that only steps in flight still withhold
 * @param cachedBlocks blocks that keep content nobody holds
 * @param totalBlocks usable blocks
 * @param promptTokens prompt tokens, recomputed ones too, of the steps that ended since the last tick
 * @param outputTokens tokens generated since the last tick
 * @param promptBlocks full prompt pages of sequences admitted so far
 * @param hitBlocks of those, found in the cache
 * @param preemptions preemptions so far
 * @param availableBlocks blocks that an allocation may take: free or cached
 * @param grantedDrafts drafts granted since the last tick
 * @param acceptedDrafts drafts that were verified and accepted since the last tick
 * @param rejectedDrafts drafts that were verified and rejected since the last tick
 */
public record Tick(
        double seconds,
        int running,
        int waiting,
        long heldBlocks,
        long cachedBlocks,
        long totalBlocks,
        long promptTokens,
        long outputTokens,
        long promptBlocks,
        long hitBlocks,
        long preemptions,
        long availableBlocks,
        long grantedDrafts,
        long acceptedDrafts,
        long rejectedDrafts) {}
