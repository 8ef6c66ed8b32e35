package io.kvflux;

import io.kvflux.core.Transfer;
import io.kvflux.memory.BlockArenas;
import io.kvflux.memory.CopyBatch;
import io.kvflux.memory.DeviceMemory;
import io.kvflux.memory.SlotLayout;
import io.kvflux.memory.chronicle.HostSlots;
import io.kvflux.tier.disk.DiskRead;
import io.kvflux.tier.disk.DiskStore;
import io.kvflux.tier.disk.DiskWrite;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/**
 * The host's slots, and the copies between them, the device and the disk. Unless the user brings workers, each direction has one,
 * and the disk too, which takes one transfer after another, so a link that is full duplex is used as such and no thread of anybody else's is held. Of the loop, but for what
 * {@link Transit} says.
 */
final class HostSwap {

    private final BlockArenas arenas;
    private final HostSlots slots;
    private final @Nullable DiskStore disk;
    private final SlotLayout layout;
    private final LongSupplier clock;
    private final boolean ownsWorkers;
    private final Scheduler down;
    private final Scheduler up;
    private final Scheduler files;
    private final Deque<Transfer> waiting = new ArrayDeque<>();
    private final Deque<Transit> spare = new ArrayDeque<>();
    private final List<Integer> erasing = new ArrayList<>();
    private @Nullable Shell shell;
    private int inFlight;

    HostSwap(
            BlockArenas arenas,
            HostSlots slots,
            SlotLayout layout,
            @Nullable DiskStore disk,
            @Nullable Scheduler workers,
            LongSupplier clock) {
        this.arenas = arenas;
        this.slots = slots;
        this.layout = layout;
        this.disk = disk;
        this.clock = clock;
        ownsWorkers = workers == null;
        down = workers == null ? Schedulers.newSingle("kvflux-offload", true) : workers;
        up = workers == null ? Schedulers.newSingle("kvflux-onload", true) : workers;
        files = workers == null ? Schedulers.newSingle("kvflux-disk", true) : workers;
    }

    void of(Shell owner) {
        shell = owner;
    }

    DeviceMemory device() {
        return arenas.device();
    }

    long nowNs() {
        return clock.getAsLong();
    }

    /** The core wants blocks copied. */
    void add(Transfer transfer) {
        waiting.add(transfer);
    }

    /**
     * Begins what waits, after the batches of the steps planned before. What a block is filled with must come before what is
     * brought back to it, and a batch that fails is repeated, so nothing is begun while blocks are being filled.
     */
    void begin(StepMemory memory, boolean filling) {
        beginErasing();
        while (!filling && !waiting.isEmpty()) {
            Transfer transfer = waiting.remove();
            if (transfer.direction() == Transfer.Direction.ONLOAD) {
                memory.leaveOut(transfer);
            }
            Transit transit = spare.isEmpty() ? new Transit(this, new CopyBatch(arenas, slots, layout)) : spare.pop();
            transit.prepare(transfer);
            inFlight++;
            try {
                worker(transfer.direction()).schedule(transit::carryOut);
            } catch (RejectedExecutionException disposed) {
                transit.refused(disposed);
            }
        }
    }

    private Scheduler worker(Transfer.Direction direction) {
        return switch (direction) {
            case OFFLOAD -> down;
            case ONLOAD -> up;
            case STORE, FETCH -> files;
        };
    }

    /** On a worker: copies one page between host and disk; false if the disk has no room for it, or has it not any more. */
    boolean copyOnDisk(Transfer transfer, int index) {
        DiskStore store = Objects.requireNonNull(disk);
        long at = slots.offset(transfer.slot(index));
        return transfer.direction() == Transfer.Direction.STORE
                ? store.write(transfer.block(index), transfer.name(index), slots.region(), at) == DiskWrite.WRITTEN
                : store.read(transfer.block(index), transfer.name(index), slots.region(), at) == DiskRead.HIT;
    }

    /** The content of a slot of the disk is to be forgotten. */
    void erase(int diskSlot) {
        erasing.add(diskSlot);
    }

    private void beginErasing() {
        if (erasing.isEmpty()) {
            return;
        }
        List<Integer> some = List.copyOf(erasing);
        erasing.clear();
        inFlight++;
        Signal erased = new Signal() {
            @Override
            void run() {
                inFlight--;
            }
        };
        files.schedule(() -> {
            try {
                some.forEach(Objects.requireNonNull(disk)::erase);
            } finally {
                Objects.requireNonNull(shell).loop.raise(erased);
            }
        });
    }

    /** Any thread. */
    void raise(Transit transit) {
        if (shell != null) {
            shell.loop.raise(transit);
        }
    }

    void over(Transit transit) {
        inFlight--;
        if (shell != null) {
            shell.landed(transit);
        }
        spare.push(transit);
    }

    /** Nobody will hear of what waits any more. */
    void breakOff() {
        waiting.clear();
        erasing.clear();
    }

    /** Nothing touches a block or a slot. */
    boolean idle() {
        return inFlight == 0 && waiting.isEmpty() && erasing.isEmpty();
    }

    void close() {
        if (ownsWorkers) {
            down.dispose();
            up.dispose();
            files.dispose();
        }
        slots.close();
        if (disk != null) {
            disk.close();
        }
    }
}
