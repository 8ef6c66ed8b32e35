package io.kvflux.sim;

import io.kvflux.core.SchedulerConfig;
import io.kvflux.memory.BlockArenas;
import io.kvflux.memory.chronicle.HostSlots;

/**
 * What a replay with memory takes of the machine at most. Memory is taken when it is first written, so a replay that does
 * not use all of its blocks takes less.
 *
 * @param deviceBytes for the blocks of all replicas
 * @param hostBytes for the slots of the host
 */
public record MemoryNeed(long deviceBytes, long hostBytes) {

    /**
     * What a replay takes. With cacheOnly a prompt's blocks leave the device before those it found on the host come up, so
     * there are spare slots: as many as a prompt can find.
     *
     * @param options how to replay
     * @return its need; numbers beyond 2^63 - 1 bytes are that
     */
    public static MemoryNeed of(ReplayOptions options) {
        SchedulerConfig config = options.scheduler();
        return new MemoryNeed(
                product(config.blocksPerReplica() + 1L, BlockArenas.bytesPerBlock(config.caches())),
                product(
                        (long) config.hostBlocks() + spareSlots(options),
                        HostSlots.strideBytes(config.caches().hostBytesPerBlock())));
    }

    static int spareSlots(ReplayOptions options) {
        SchedulerConfig config = options.scheduler();
        return options.cacheOnly() ? Math.min(config.hostBlocks(), config.blocksPerReplica()) : 0;
    }

    /**
     * What of it is memory of this machine.
     *
     * @param options how to replay
     * @return bytes, at most 2^63 - 1
     */
    public long ofThisMachine(ReplayOptions options) {
        return options.device() == null ? bytes() : hostBytes;
    }

    /** {@return the sum of both, at most 2^63 - 1} */
    public long bytes() {
        long sum = deviceBytes + hostBytes;
        return sum < 0 ? Long.MAX_VALUE : sum;
    }

    private static long product(long count, long bytes) {
        return Math.multiplyHigh(count, bytes) == 0 && count * bytes >= 0 ? count * bytes : Long.MAX_VALUE;
    }
}
