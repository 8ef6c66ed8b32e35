package io.kvflux.memory.cuda;

import io.kvflux.memory.SlotArena;
import java.util.List;

/** Slots whose memory the driver has pinned, once for all devices: it stays where it is, and devices reach it themselves. */
final class PinnedSlots {

    private final SlotArena slots;
    private final Gpu first;
    private final long host;
    private final long bytes;
    /** Where each device sees the first byte. */
    private final long[] devices;

    private PinnedSlots(SlotArena slots, Gpu first, long bytes, int devices) {
        this.slots = slots;
        this.first = first;
        this.host = slots.address(0);
        this.bytes = bytes;
        this.devices = new long[devices];
    }

    /**
     * Pins the memory of slots, which takes a while for many: all of it becomes real.
     *
     * @throws RuntimeException if the driver refuses; nothing is pinned then
     */
    static PinnedSlots pin(SlotArena slots, List<Gpu> gpus) {
        long bytes = slots.strideBytes() * (slots.slots() - 1) + slots.slotBytes();
        PinnedSlots pinned = new PinnedSlots(slots, gpus.get(0), bytes, gpus.size());
        pinned.register();
        try {
            for (int i = 0; i < gpus.size(); i++) {
                pinned.devices[i] = pinned.seenBy(gpus.get(i));
            }
        } catch (RuntimeException refused) {
            pinned.unpin();
            throw refused;
        }
        return pinned;
    }

    private void register() {
        first.enter();
        try {
            int flags = Cu.CU_MEMHOSTREGISTER_PORTABLE | Cu.CU_MEMHOSTREGISTER_DEVICEMAP;
            int code = Driver.cuMemHostRegister_v2(host, bytes, flags);
            if (code != Cu.CUDA_SUCCESS) {
                throw first.failure(
                        code,
                        "cuMemHostRegister_v2",
                        ", bytes=" + bytes + "; the memory limit of the process (ulimit -l) may be too low for "
                                + slots);
            }
        } finally {
            first.leave();
        }
    }

    private long seenBy(Gpu gpu) {
        gpu.enter();
        try {
            Scratch scratch = Scratch.get();
            gpu.check(
                    Driver.cuMemHostGetDevicePointer_v2(scratch.address(), host, 0),
                    "cuMemHostGetDevicePointer_v2",
                    bytes);
            return scratch.getLong(0);
        } finally {
            gpu.leave();
        }
    }

    /** From an address within the slots, as the processor sees it, to the same as a device sees it. */
    long shift(int gpu) {
        return devices[gpu] - host;
    }

    /** Gives the memory back to the system to move. On a device that is lost that fails, and the context does it. */
    void unpin() {
        if (Driver.cuCtxPushCurrent_v2(first.context()) == Cu.CUDA_SUCCESS) {
            Driver.cuMemHostUnregister(host);
            first.leave();
        }
    }
}
