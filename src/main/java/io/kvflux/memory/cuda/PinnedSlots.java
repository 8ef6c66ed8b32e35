package io.kvflux.memory.cuda;

import io.kvflux.memory.SlotArena;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Slots whose memory the driver has pinned, once for all devices: it stays where it is, and devices reach it themselves. */
final class PinnedSlots {

    private final SlotArena slots;
    private final List<Gpu> gpus;
    private final long host;
    private final long bytes;
    /** Where each device sees the first byte. */
    private final long[] devices;

    private PinnedSlots(SlotArena slots, List<Gpu> gpus, long bytes) {
        this.slots = slots;
        this.gpus = gpus;
        this.host = slots.address(0);
        this.bytes = bytes;
        this.devices = new long[gpus.size()];
    }

    /**
     * Pins the memory of slots, which takes a while for many: all of it becomes real.
     *
     * @return null if the devices cannot reach memory of the host, whatever it is: the driver copies for them
     * @throws RuntimeException if the driver refuses these; nothing is pinned then
     */
    static @Nullable PinnedSlots pin(SlotArena slots, List<Gpu> gpus) {
        long bytes = slots.strideBytes() * (slots.slots() - 1) + slots.slotBytes();
        PinnedSlots pinned = new PinnedSlots(slots, gpus, bytes);
        try {
            pinned.register();
        } catch (CudaException refused) {
            if (refused.code() == Cu.CUDA_ERROR_NOT_SUPPORTED) {
                return null;
            }
            throw refused;
        }
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
        Gpu first = gpus.get(0);
        first.enter();
        try {
            int flags = Cu.CU_MEMHOSTREGISTER_PORTABLE | Cu.CU_MEMHOSTREGISTER_DEVICEMAP;
            int code = Driver.cuMemHostRegister_v2(host, bytes, flags);
            if (code != Cu.CUDA_SUCCESS) {
                throw first.failure(
                        code,
                        "cuMemHostRegister_v2",
                        ", bytes=" + bytes + ", for=" + slots
                                + (code == Cu.CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED
                                        ? "; they are pinned already, by another device or by somebody else"
                                        : "; the system has not got so much memory to pin"));
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

    /** Gives the memory back to the system to move, through a device that is not lost; the contexts of those that are do it. */
    void unpin() {
        for (Gpu gpu : gpus) {
            if (gpu.loss() == null) {
                gpu.run(() -> Driver.cuMemHostUnregister(host));
                return;
            }
        }
        gpus.get(0).run(() -> Driver.cuMemHostUnregister(host));
    }
}
