package io.kvflux.memory.cuda;

/**
 * Virtual memory management: addresses apart from the memory behind them. Since driver 10.2.
 */
final class DriverVirtualMemory {

    private DriverVirtualMemory() {}

    static native int cuMemGetAllocationGranularity(long granularity, long properties, int option);

    static native int cuMemAddressReserve(long pointer, long bytes, long alignment, long address, long flags);

    static native int cuMemAddressFree(long pointer, long bytes);

    static native int cuMemCreate(long handle, long bytes, long properties, long flags);

    static native int cuMemRelease(long handle);

    static native int cuMemMap(long pointer, long bytes, long offset, long handle, long flags);

    static native int cuMemUnmap(long pointer, long bytes);

    static native int cuMemSetAccess(long pointer, long bytes, long access, long count);
}
