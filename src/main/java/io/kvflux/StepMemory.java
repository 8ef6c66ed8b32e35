package io.kvflux;

import io.kvflux.api.Step;
import io.kvflux.memory.BlockArenas;
import io.kvflux.memory.CopyBatch;
import io.kvflux.memory.DeviceMemory;
import java.util.Arrays;
import java.util.Objects;

/**
 * The scheduler's own memory: what has to be zeroed and copied before a step, told to the device; of the loop. A block that
 * was emptied is zeroed with the next step that is planned, which is the first that could use it.
 */
final class StepMemory {

    private final BlockArenas arenas;
    private final boolean ownsDevice;

    private int[] replicas = new int[16];
    private int[] blocks = new int[16];
    private int emptied;

    StepMemory(BlockArenas arenas, boolean ownsDevice) {
        this.arenas = arenas;
        this.ownsDevice = ownsDevice;
    }

    BlockArenas arenas() {
        return arenas;
    }

    CopyBatch batch() {
        return new CopyBatch(arenas);
    }

    void emptied(int replica, int block) {
        if (emptied == blocks.length) {
            replicas = Arrays.copyOf(replicas, emptied * 2);
            blocks = Arrays.copyOf(blocks, emptied * 2);
        }
        replicas[emptied] = replica;
        blocks[emptied] = block;
        emptied++;
    }

    /** Begins what a planned step needs; false if it needs nothing. */
    boolean begin(Slot slot) {
        CopyBatch batch = Objects.requireNonNull(slot.batch);
        batch.clear();
        for (int i = 0; i < emptied; i++) {
            batch.zero(replicas[i], blocks[i]);
        }
        emptied = 0;
        Step step = slot.step();
        for (int i = 0; i < step.copies(); i++) {
            batch.copy(step.copyReplica(i), step.copySource(i), step.copyDestination(i));
        }
        if (batch.isEmpty()) {
            return false;
        }
        try {
            arenas.device().submit(batch, slot);
        } catch (RuntimeException refused) {
            slot.ended(batch, refused);
        }
        return true;
    }

    /** A batch failed; true if blocks were to be zeroed, which are then zeroed with the next. */
    boolean failed(Slot slot) {
        CopyBatch batch = Objects.requireNonNull(slot.batch);
        batch.forEachZeroed(this::emptied);
        return batch.zeroedBlocks() > 0;
    }

    void close() {
        DeviceMemory device = arenas.device();
        arenas.close();
        if (ownsDevice) {
            device.close();
        }
    }
}
