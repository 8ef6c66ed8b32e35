package io.kvflux;

import io.kvflux.core.Transfer;
import io.kvflux.memory.BlockArenas;
import io.kvflux.memory.CopyBatch;
import io.kvflux.memory.DeviceMemory;
import io.kvflux.memory.SlotArena;
import io.kvflux.memory.SlotLayout;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/**
 * The host's slots, and the copies between them and the device. Unless the user brings workers, each direction has one, which
 * takes one transfer after another, so a link that is full duplex is used as such and no thread of anybody else's is held. Of the loop, but for what
 * {@link Transit} says.
 */
final class HostSwap {

    private final BlockArenas arenas;
    private final SlotArena slots;
    private final SlotLayout layout;
    private final LongSupplier clock;
    private final boolean ownsWorkers;
    private final Scheduler down;
    private final Scheduler up;
    private final Deque<Transfer> waiting = new ArrayDeque<>();
    private final Deque<Transit> spare = new ArrayDeque<>();
    private @Nullable Shell shell;
    private int inFlight;

    HostSwap(BlockArenas arenas, SlotArena slots, SlotLayout layout, @Nullable Scheduler workers, LongSupplier clock) {
        this.arenas = arenas;
        this.slots = slots;
        this.layout = layout;
        this.clock = clock;
        ownsWorkers = workers == null;
        down = workers == null ? Schedulers.newSingle("kvflux-offload", true) : workers;
        up = workers == null ? Schedulers.newSingle("kvflux-onload", true) : workers;
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
        while (!filling && !waiting.isEmpty()) {
            Transfer transfer = waiting.remove();
            if (transfer.direction() == Transfer.Direction.ONLOAD) {
                memory.leaveOut(transfer);
            }
            Transit transit = spare.isEmpty() ? new Transit(this, new CopyBatch(arenas, slots, layout)) : spare.pop();
            transit.prepare(transfer);
            inFlight++;
            try {
                (transfer.direction() == Transfer.Direction.OFFLOAD ? down : up).schedule(transit::carryOut);
            } catch (RejectedExecutionException disposed) {
                transit.refused(disposed);
            }
        }
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
    }

    /** Nothing touches a block or a slot. */
    boolean idle() {
        return inFlight == 0 && waiting.isEmpty();
    }

    void close() {
        if (ownsWorkers) {
            down.dispose();
            up.dispose();
        }
        slots.close();
    }
}
