package io.kvflux.geometry;

import org.jspecify.annotations.Nullable;

/** How many blocks fit, and how long a sequence may get. */
final class Capacity {

    private Capacity() {}

    static long draftSlackTokens(@Nullable SpeculativeMethod method, int drafts) {
        if (drafts == 0) {
            return 0;
        }
        boolean inOneStep = drafts == 1 || (method != null && method.draftsInOneStep());
        return 3L * drafts + 1 + (inOneStep ? 1 : 0);
    }

    static long deviceBlocks(KvCacheGeometry geometry, long availableBytes) {
        Check.notNegative("availableBytes", availableBytes);
        long perReplica = availableBytes / geometry.dataParallelDegree();
        long blocks = perReplica / geometry.bytesPerBlock();
        if (blocks == 0) {
            throw new InsufficientCacheMemoryException(
                    "",
                    geometry.bytesPerBlock(),
                    perReplica,
                    "bytesPerBlock=" + geometry.bytesPerBlock() + ", availableBytes=" + availableBytes
                            + ", dataParallelDegree=" + geometry.dataParallelDegree());
        }
        return blocks;
    }

    static long deviceBlocks(KvCacheGeometry geometry, long availableBytes, long maxBatch, long maxSeqLen) {
        Check.positive("maxBatch", maxBatch);
        Check.positive("maxSeqLen", maxSeqLen);
        long fitting = deviceBlocks(geometry, availableBytes);
        long slack = geometry.draftSlackTokens();
        // Saturating instead of overflowing: Long.MAX_VALUE is how callers write "no limit".
        long slots = Math.min(maxSeqLen, Long.MAX_VALUE - slack) + slack;
        long blocksPerSequence = (slots - 1) / geometry.pageSize() + 1;
        return maxBatch > fitting / blocksPerSequence ? fitting : blocksPerSequence * maxBatch;
    }

    static long longestSequenceTokens(KvCacheGeometry geometry, long availableBytes) {
        long blocks = deviceBlocks(geometry, availableBytes);
        long slots = Check.product("blocks * pageSize", blocks, geometry.pageSize());
        return Math.max(1, slots - geometry.draftSlackTokens());
    }

    static long hostBlocks(KvCacheGeometry geometry) {
        Double gib = geometry.hostKvCacheSwapSpaceGb();
        if (geometry.kvConnector() == KvConnectorType.NULL || gib == null) {
            return 0;
        }
        // Exact: a double times a power of two, and below 2^63 by the check of the budget.
        long hostBytes = (long) (gib * DataSize.GIB);
        long blocks = hostBytes / geometry.hostBytesPerBlock();
        if (blocks == 0) {
            throw new InsufficientCacheMemoryException(
                    " on host",
                    geometry.hostBytesPerBlock(),
                    hostBytes,
                    "hostBytesPerBlock=" + geometry.hostBytesPerBlock() + ", hostKvCacheSwapSpaceGb=" + gib);
        }
        return blocks;
    }
}
