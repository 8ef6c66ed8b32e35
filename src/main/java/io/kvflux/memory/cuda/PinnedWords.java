package io.kvflux.memory.cuda;

import com.sun.jna.Pointer;

/**
 * Pinned memory for the addresses that kernels are to work on: written before a launch, and not touched until the kernel has
 * run. Of one batch at a time, for as many launches as there is room for.
 */
final class PinnedWords {

    /** Room for 8192 copies. */
    private static final int CAPACITY = 16_384;

    private final Gpu gpu;
    private final Pointer memory;
    private final long address;
    private int size;

    private PinnedWords(Gpu gpu, long address) {
        this.gpu = gpu;
        this.address = address;
        memory = new Pointer(address);
    }

    /** Within the context of a device. */
    static PinnedWords allocate(Gpu gpu) {
        Scratch scratch = Scratch.get();
        long bytes = (long) Long.BYTES * CAPACITY;
        gpu.check(
                Driver.cuMemHostAlloc(
                        scratch.address(), bytes, Cu.CU_MEMHOSTALLOC_PORTABLE | Cu.CU_MEMHOSTALLOC_DEVICEMAP),
                "cuMemHostAlloc",
                bytes);
        return new PinnedWords(gpu, scratch.getLong(0));
    }

    boolean isOf(Gpu asked) {
        return gpu == asked;
    }

    boolean hasRoom(int words) {
        return size + words <= CAPACITY;
    }

    /** Goes on at a place where a pair may begin; whether there is room for one. */
    boolean alignAndHasRoom() {
        size += size & 1;
        return hasRoom(2);
    }

    void add(long word) {
        memory.setLong((long) size * Long.BYTES, word);
        size++;
    }

    /** What stands there now, which a kernel may have written. */
    long get(int index) {
        return memory.getLong((long) index * Long.BYTES);
    }

    /** Where the last ones begin, for the processor and for the device. */
    long addressOfLast(int words) {
        return address + (long) (size - words) * Long.BYTES;
    }

    /** Nothing reads it any more. */
    void putBack() {
        size = 0;
        gpu.putBack(this);
    }

    /** Within the context of a device. */
    void free() {
        Driver.cuMemFreeHost(address);
    }
}
