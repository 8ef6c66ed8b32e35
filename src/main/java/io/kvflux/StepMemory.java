package io.kvflux;

import io.kvflux.api.Step;
import io.kvflux.memory.BlockArenas;
import io.kvflux.memory.CopyBatch;
import io.kvflux.memory.DeviceMemory;
import io.kvflux.tier.Transfer;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Objects;

/**
 * The scheduler's own memory: what has to be filled and copied before a step, told to the device; of the loop. A block that
 * was emptied is filled with the next step that is planned, which is the first that could use it.
 */
final class StepMemory {

    private final BlockArenas arenas;
    private final boolean ownsDevice;
    private final byte fill;

    private int[] replicas = new int[16];
    private int[] blocks = new int[16];
    private int emptied;
    /** Replicas whose memory is lost. */
    private final BitSet lost = new BitSet();

    /**
     * Over arenas whose content is undefined.
     *
     * @param fill what emptied blocks are filled with
     * @param fillFirst replicas whose blocks are all filled before the first step
     */
    StepMemory(BlockArenas arenas, boolean ownsDevice, byte fill, int fillFirst) {
        this.arenas = arenas;
        this.ownsDevice = ownsDevice;
        this.fill = fill;
        for (int replica = 0; replica < fillFirst; replica++) {
            for (int block = 1; block <= arenas.blocksPerReplica(); block++) {
                emptied(replica, block);
            }
        }
    }

    BlockArenas arenas() {
        return arenas;
    }

    CopyBatch batch() {
        return new CopyBatch(arenas, fill);
    }

    void emptied(int replica, int block) {
        if (lost.get(replica)) {
            return;
        }
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
            batch.fill(replicas[i], blocks[i]);
        }
        emptied = 0;
        Step step = slot.step();
        for (int i = 0; i < step.copies(); i++) {
            batch.copy(step.copyReplica(i), step.copySource(i), step.copyDestination(i));
        }
        if (batch.isEmpty()) {
            return false;
        }
        submit(batch, slot);
        return true;
    }

    private void submit(CopyBatch batch, Slot slot) {
        try {
            arenas.device().submit(batch, slot);
        } catch (RuntimeException refused) {
            slot.ended(batch, refused);
        }
    }

    /** The memory of a replica is lost: nothing is filled there any more. */
    void lose(int replica) {
        lost.set(replica);
        int kept = 0;
        for (int i = 0; i < emptied; i++) {
            if (replicas[i] != replica) {
                replicas[kept] = replicas[i];
                blocks[kept++] = blocks[i];
            }
        }
        emptied = kept;
    }

    /** A batch failed; true if it had to do with a lost replica, without which it is tried again. */
    boolean leavesOutLost(Slot slot) {
        CopyBatch all = Objects.requireNonNull(slot.batch);
        CopyBatch left = batch();
        all.forEachFilled((replica, block) -> {
            if (!lost.get(replica)) {
                left.fill(replica, block);
            }
        });
        Step step = slot.step();
        for (int i = 0; i < step.copies(); i++) {
            if (!lost.get(step.copyReplica(i))) {
                left.copy(step.copyReplica(i), step.copySource(i), step.copyDestination(i));
            }
        }
        if (left.filledBlocks() + left.copiedBlocks() == all.filledBlocks() + all.copiedBlocks()) {
            return false;
        }
        slot.batch = left;
        return true;
    }

    /** Begins anew what is left of a batch; false if that is nothing. */
    boolean beginAgain(Slot slot) {
        CopyBatch batch = Objects.requireNonNull(slot.batch);
        if (batch.isEmpty()) {
            return false;
        }
        slot.again();
        submit(batch, slot);
        return true;
    }

    /** Blocks that a transfer is about to overwrite need not be filled, and must not be afterwards. */
    void leaveOut(Transfer transfer) {
        int kept = 0;
        for (int i = 0; i < emptied; i++) {
            if (replicas[i] != transfer.replica() || !writes(transfer, blocks[i])) {
                replicas[kept] = replicas[i];
                blocks[kept] = blocks[i];
                kept++;
            }
        }
        emptied = kept;
    }

    private static boolean writes(Transfer transfer, int block) {
        for (int i = 0; i < transfer.size(); i++) {
            if (transfer.block(i) == block) {
                return true;
            }
        }
        return false;
    }

    /** A batch failed; true if blocks were to be filled, which are then filled with the next. */
    boolean failed(Slot slot) {
        CopyBatch batch = Objects.requireNonNull(slot.batch);
        batch.forEachFilled(this::emptied);
        return batch.filledBlocks() > 0;
    }

    void close() {
        DeviceMemory device = arenas.device();
        arenas.close();
        if (ownsDevice) {
            device.close();
        }
    }
}
