package io.kvflux.sim;

import io.kvflux.draft.DraftLedger;
import org.jspecify.annotations.Nullable;

/**
 * What a replay found, in the order and with the names of the JSON contract ({@code docs/replay.md} defines each).
 * A component is null where the mode has no such thing.
 *
 * @param trace the workload's name
 * @param requests requests read
 * @param completed requests that ran to their end
 * @param rejected requests that can never fit and were refused
 * @param failed requests that outgrew their replica; what they had generated was delivered
 * @param promptTokens prompt tokens of the requests read
 * @param outputTokens tokens delivered
 * @param promptBlocks full prompt pages, counted at first admission only
 * @param hitBlocks of those, the pages found in the cache at first admission
 * @param hitTokens hitBlocks times the page size
 * @param insertedBlocks pages that became findable
 * @param evictedBlocks findable pages that were evicted
 * @param leakedBlocks blocks that are neither free nor cached after everything ended; not 0 is a bug
 * @param steps steps run, null for cache-only
 * @param preemptions preemptions by mode, null for cache-only
 * @param ttftSeconds arrival to first token, null for cache-only
 * @param tpotSeconds (last token - first token) / (tokens - 1), over requests of two tokens or more
 * @param latencySeconds arrival to last token
 * @param makespanSeconds first arrival to the end of the last step
 * @param outputTokensPerSecond outputTokens / makespanSeconds, null for cache-only and if nothing was run
 * @param blocks use of the block pool
 * @param tiers use of the tiers below the devices, null if there is none
 * @param drafts what became of the drafts, null if nobody may draft
 * @param wallSeconds real time the replay took
 */
public record ReplaySummary(
        String trace,
        long requests,
        long completed,
        long rejected,
        long failed,
        long promptTokens,
        @Nullable Long outputTokens,
        long promptBlocks,
        long hitBlocks,
        long hitTokens,
        long insertedBlocks,
        long evictedBlocks,
        long leakedBlocks,
        @Nullable Long steps,
        @Nullable Preemptions preemptions,
        @Nullable Distribution ttftSeconds,
        @Nullable Distribution tpotSeconds,
        @Nullable Distribution latencySeconds,
        @Nullable Double makespanSeconds,
        @Nullable Double outputTokensPerSecond,
        Blocks blocks,
        @Nullable Tiers tiers,
        @Nullable Drafts drafts,
        double wallSeconds) {

    /**
     * Use of the tiers below the devices.
     *
     * @param host the host
     * @param disk the disk below it, null if there is none
     */
    public record Tiers(Tier host, @Nullable Disk disk) {

        static @Nullable Tiers of(io.kvflux.tier.@Nullable Tiers tiers, long hostHitBlocks, @Nullable Disk disk) {
            return tiers == null
                    ? null
                    : new Tiers(
                            new Tier(
                                    hostHitBlocks,
                                    tiers.offloadedBlocks(),
                                    tiers.onloadedBlocks(),
                                    tiers.droppedBlocks()),
                            disk);
        }
    }

    /**
     * Use of one tier.
     *
     * @param hitBlocks full prompt pages found there at first admission, beyond those found above it
     * @param offloadedBlocks pages written to it; making one most recent is no write
     * @param onloadedBlocks pages read from it
     * @param droppedBlocks pages it dropped to make room
     */
    public record Tier(long hitBlocks, long offloadedBlocks, long onloadedBlocks, long droppedBlocks) {}

    /**
     * Use of the disk.
     *
     * @param hitBlocks full prompt pages found there at first admission, beyond those found above it
     * @param storedBlocks pages written to it
     * @param fetchedBlocks pages read from it
     * @param droppedBlocks pages it dropped to make room
     * @param noRoomBlocks writes that came to nothing because the file system had no room
     * @param corruptBlocks pages that were not there as they had been written; it gave them up
     * @param recoveredBlocks pages that it held from the beginning on, because an earlier run had stored them
     * @param totalBlocks pages that it has room for
     */
    public record Disk(
            long hitBlocks,
            long storedBlocks,
            long fetchedBlocks,
            long droppedBlocks,
            long noRoomBlocks,
            long corruptBlocks,
            long recoveredBlocks,
            long totalBlocks) {}

    /**
     * What became of the drafts: granted = accepted + rejected + aborted, for at the end none is open.
     *
     * @param granted drafts that might be made
     * @param accepted those that were verified and accepted
     * @param rejected those that were verified and were not, the ones after a rejected one included
     * @param aborted those that were not verified, because they were not wanted any more
     * @param maxInFlight most that were granted at one time and neither verified nor aborted; null in real time
     * @param meanAccepted accepted drafts of a round that verified any; null if there was none
     */
    public record Drafts(
            long granted,
            long accepted,
            long rejected,
            long aborted,
            @Nullable Integer maxInFlight,
            @Nullable Double meanAccepted) {

        static @Nullable Drafts of(@Nullable DraftLedger ledger, long rounds) {
            return ledger == null
                    ? null
                    : new Drafts(
                            ledger.granted(),
                            ledger.accepted(),
                            ledger.rejected(),
                            ledger.aborted(),
                            ledger.mostInFlight(),
                            mean(ledger.accepted(), rounds));
        }

        static @Nullable Double mean(long accepted, long rounds) {
            return rounds == 0 ? null : (double) accepted / rounds;
        }
    }

    /**
     * Preemptions by mode.
     *
     * @param recompute sequences that gave up their blocks and computed them again
     * @param offload sequences whose blocks went to the host
     */
    public record Preemptions(long recompute, long offload) {}

    /**
     * A distribution; percentile p is the sorted value number floor(p * n), from 0. All null when n is 0.
     *
     * @param mean arithmetic mean
     * @param p50 median
     * @param p90 90th percentile
     * @param p99 99th percentile
     */
    public record Distribution(
            @Nullable Double mean,
            @Nullable Double p50,
            @Nullable Double p90,
            @Nullable Double p99) {

        /**
         * The distribution of sorted values.
         *
         * @param sorted values in ascending order
         * @return their mean and percentiles
         */
        public static Distribution ofSorted(double[] sorted) {
            int n = sorted.length;
            if (n == 0) {
                return new Distribution(null, null, null, null);
            }
            double sum = 0;
            for (double value : sorted) {
                sum += value;
            }
            return new Distribution(sum / n, at(sorted, 0.50), at(sorted, 0.90), at(sorted, 0.99));
        }

        private static double at(double[] sorted, double p) {
            return sorted[(int) Math.floor(p * sorted.length)];
        }
    }

    /**
     * Use of the block pool.
     *
     * @param total usable blocks over all replicas
     * @param peakHeld most blocks held by sequences at one time
     * @param meanUsedFraction held / total, weighted by simulated time; null for cache-only
     * @param wastedSlotFraction empty slots in held blocks / slots in held blocks, weighted by simulated time
     */
    public record Blocks(
            long total,
            @Nullable Long peakHeld,
            @Nullable Double meanUsedFraction,
            @Nullable Double wastedSlotFraction) {}
}
