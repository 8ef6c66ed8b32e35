package io.kvflux.memory.cuda;

/**
 * Allocation in the order of a stream. Since driver 11.2.
 */
final class DriverPools {

    private DriverPools() {}

    static native int cuMemAllocAsync(long pointer, long bytes, long stream);

    static native int cuMemFreeAsync(long pointer, long stream);
}
