package io.kvflux.memory.cuda;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;

/**
 * Addresses that are reserved once, and memory that is mapped behind the first of them, more or less of it later: what grows
 * and shrinks does not move.
 *
 * <pre>
 *   address()                                                    + reserved
 *   | piece, mapped | piece, mapped | addresses without memory   |
 * </pre>
 */
final class VirtualMemory implements ArenaMemory {

    /** A piece of memory that is mapped; the driver keeps it until it is unmapped. */
    private record Piece(long address, long bytes) {}

    private final Gpu gpu;
    private final List<Gpu> readers;
    private final long granularity;
    private final long address;
    private final long reserved;
    private final Deque<Piece> pieces = new ArrayDeque<>();
    private long mapped;

    private VirtualMemory(Gpu gpu, List<Gpu> readers, long granularity, long address, long reserved) {
        this.gpu = gpu;
        this.readers = readers;
        this.granularity = granularity;
        this.address = address;
        this.reserved = reserved;
    }

    /**
     * Reserves addresses; nothing is behind them yet.
     *
     * @param readers the devices that may access the memory, its own among them
     * @param bytes most that will ever be mapped
     */
    static VirtualMemory reserve(Gpu gpu, List<Gpu> readers, long bytes) {
        long granularity = granularity(gpu);
        long reserved = roundUp(bytes, granularity);
        Scratch scratch = Scratch.get();
        gpu.check(
                DriverVirtualMemory.cuMemAddressReserve(scratch.address(), reserved, 0, 0, 0),
                "cuMemAddressReserve",
                reserved);
        return new VirtualMemory(gpu, readers, granularity, scratch.getLong(0), reserved);
    }

    /** Reserves addresses, and maps memory behind all of them. */
    static VirtualMemory allocate(Gpu gpu, List<Gpu> readers, long bytes) {
        VirtualMemory memory = reserve(gpu, readers, bytes);
        try {
            memory.resize(bytes);
            return memory;
        } catch (RuntimeException refused) {
            memory.free();
            throw refused;
        }
    }

    private static long granularity(Gpu gpu) {
        Scratch scratch = Scratch.get();
        int result = properties(scratch, gpu);
        gpu.check(
                DriverVirtualMemory.cuMemGetAllocationGranularity(
                        scratch.address(result), scratch.address(), Cu.CU_MEM_ALLOC_GRANULARITY_MINIMUM),
                "cuMemGetAllocationGranularity");
        return scratch.getLong(result);
    }

    /** Writes a CUmemAllocationProp: pinned memory of the device; what follows it is free. */
    private static int properties(Scratch scratch, Gpu gpu) {
        scratch.clear(Layouts.ALLOCATION_BYTES);
        scratch.setInt(Layouts.ALLOCATION_TYPE, Cu.CU_MEM_ALLOCATION_TYPE_PINNED);
        scratch.setInt(Layouts.ALLOCATION_LOCATION_TYPE, Cu.CU_MEM_LOCATION_TYPE_DEVICE);
        scratch.setInt(Layouts.ALLOCATION_LOCATION_ID, gpu.ordinal());
        return Layouts.ALLOCATION_BYTES;
    }

    @Override
    public long address() {
        return address;
    }

    /** {@return bytes behind the first addresses} */
    long mappedBytes() {
        return mapped;
    }

    /**
     * Maps more memory, or gives back pieces that lie wholly above; nobody may use those.
     *
     * @param bytes how much there must be at least, at most what was reserved
     * @throws RuntimeException if the device has not got it; what was mapped stays
     */
    void resize(long bytes) {
        if (bytes < 0 || bytes > reserved) {
            throw new IllegalArgumentException(
                    "memory grows as far as it was reserved, bytes=" + bytes + ", reservedBytes=" + reserved);
        }
        long wanted = roundUp(bytes, granularity);
        if (wanted > mapped) {
            grow(wanted - mapped);
        }
        while (!pieces.isEmpty() && mapped - pieces.getLast().bytes >= wanted) {
            unmapLast();
        }
    }

    private void grow(long bytes) {
        Scratch scratch = Scratch.get();
        int result = properties(scratch, gpu);
        gpu.check(
                DriverVirtualMemory.cuMemCreate(scratch.address(result), bytes, scratch.address(), 0),
                "cuMemCreate",
                bytes);
        long handle = scratch.getLong(result);
        long at = address + mapped;
        try {
            gpu.check(DriverVirtualMemory.cuMemMap(at, bytes, 0, handle, 0), "cuMemMap", bytes);
        } finally {
            DriverVirtualMemory.cuMemRelease(handle); // what is mapped lives on until it is unmapped
        }
        try {
            giveAccess(at, bytes);
        } catch (RuntimeException refused) {
            DriverVirtualMemory.cuMemUnmap(at, bytes);
            throw refused;
        }
        pieces.add(new Piece(at, bytes));
        mapped += bytes;
    }

    private void giveAccess(long at, long bytes) {
        Scratch scratch = Scratch.get();
        for (int i = 0; i < readers.size(); i++) {
            int entry = i * Layouts.ACCESS_BYTES;
            scratch.setInt(entry + Layouts.ACCESS_LOCATION_TYPE, Cu.CU_MEM_LOCATION_TYPE_DEVICE);
            scratch.setInt(entry + Layouts.ACCESS_LOCATION_ID, readers.get(i).ordinal());
            scratch.setInt(entry + Layouts.ACCESS_FLAGS, Cu.CU_MEM_ACCESS_FLAGS_PROT_READWRITE);
        }
        gpu.check(
                DriverVirtualMemory.cuMemSetAccess(at, bytes, scratch.address(), readers.size()),
                "cuMemSetAccess",
                bytes);
    }

    private void unmapLast() {
        Piece last = pieces.removeLast();
        DriverVirtualMemory.cuMemUnmap(last.address, last.bytes);
        mapped -= last.bytes;
    }

    @Override
    public void free() {
        while (!pieces.isEmpty()) {
            unmapLast();
        }
        DriverVirtualMemory.cuMemAddressFree(address, reserved);
    }

    private static long roundUp(long bytes, long to) {
        return (bytes + to - 1) / to * to;
    }
}
