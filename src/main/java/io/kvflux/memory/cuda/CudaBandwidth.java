package io.kvflux.memory.cuda;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How fast one GPU and the host exchange bytes, as measured now: the best of some rounds each, the time of asking the driver
 * included. The memory of the host is pinned.
 *
 * @param bytes how much each measurement moved
 * @param downBytesPerSecond one large copy, from the GPU to the host
 * @param upBytesPerSecond one large copy, from the host to the GPU
 * @param pages scattered pages, by size and by way
 * @param kernelsRefused why the kernels do not load; null if they do
 * @param plainAllocationSeconds to allocate and free these bytes
 * @param mappedAllocationSeconds the same by reserving addresses and mapping memory; null if the GPU cannot
 * @param wrongPages pages whose checksum was not that of what had been sent
 */
public record CudaBandwidth(
        long bytes,
        double downBytesPerSecond,
        double upBytesPerSecond,
        List<Pages> pages,
        @Nullable String kernelsRefused,
        double plainAllocationSeconds,
        @Nullable Double mappedAllocationSeconds,
        int wrongPages) {

    /**
     * Pages that stand in another order on either side.
     *
     * @param pageBytes size of each
     * @param kernels whether a kernel moves them, or the copy engines
     * @param downBytesPerSecond from the GPU to the host
     * @param upBytesPerSecond from the host to the GPU
     */
    public record Pages(long pageBytes, boolean kernels, double downBytesPerSecond, double upBytesPerSecond) {}
}
