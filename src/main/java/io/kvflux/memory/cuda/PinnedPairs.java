package io.kvflux.memory.cuda;

import com.sun.jna.Pointer;

/**
 * Pinned memory for what a kernel is to work on: pairs of addresses, or single ones. Filled before a launch, and not touched
 * until the kernel has run.
 */
final class PinnedPairs {

    /** Most pieces of one launch. */
    static final int CAPACITY = 8192;

    private final Gpu gpu;
    private final Pointer memory;
    private final long address;

    private PinnedPairs(Gpu gpu, long address) {
        this.gpu = gpu;
        this.address = address;
        memory = new Pointer(address);
    }

    /** Within the context of a device. */
    static PinnedPairs allocate(Gpu gpu) {
        Scratch scratch = Scratch.get();
        long bytes = 2L * Long.BYTES * CAPACITY;
        gpu.check(
                Driver.cuMemHostAlloc(
                        scratch.address(), bytes, Cu.CU_MEMHOSTALLOC_PORTABLE | Cu.CU_MEMHOSTALLOC_DEVICEMAP),
                "cuMemHostAlloc",
                bytes);
        return new PinnedPairs(gpu, scratch.getLong(0));
    }

    /** Where it begins, for the processor and for every device. */
    long address() {
        return address;
    }

    void set(int index, long value) {
        memory.setLong((long) index * Long.BYTES, value);
    }

    long get(int index) {
        return memory.getLong((long) index * Long.BYTES);
    }

    /** Nothing reads it any more. */
    void putBack() {
        gpu.putBack(this);
    }

    /** Within the context of a device. */
    void free() {
        Driver.cuMemFreeHost(address);
    }
}
