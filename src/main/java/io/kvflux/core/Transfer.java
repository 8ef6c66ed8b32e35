package io.kvflux.core;

import io.kvflux.api.BlockHash;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Blocks of one replica that are copied between its device and the host, each with its slot there, or slots of the disk and of
 * the host, in an order that the copies should have. A flyweight: valid from the listener's hearing of it until {@link SchedulerCore#landed}.
 */
public final class Transfer {

    /** Which way it goes. */
    public enum Direction {
        /** From the device down to the host. */
        OFFLOAD,
        /** From the host up to the device. */
        ONLOAD,
        /** From the host down to the disk. */
        STORE,
        /** From the disk up to the host. */
        FETCH;

        /** {@return whether it goes to the disk or comes from it} */
        public boolean isOfDisk() {
            return this == STORE || this == FETCH;
        }
    }

    final Direction direction;
    int replica;
    int size;
    int[] blocks = new int[8];
    int[] slots = new int[8];
    /** Of the disk alone: what pages are called there. */
    @Nullable
    BlockHash[] names = new BlockHash[0];
    /** For whom blocks come back. */
    @Nullable
    Sequence sequence;

    Transfer(Direction direction) {
        this.direction = direction;
    }

    /** {@return which way it goes} */
    public Direction direction() {
        return direction;
    }

    /** {@return whose blocks these are} */
    public int replica() {
        return replica;
    }

    /** {@return blocks to copy} */
    public int size() {
        return size;
    }

    /**
     * A block, or a slot of the disk.
     *
     * @param index in [0, {@link #size()})
     * @return its id, or its number
     */
    public int block(int index) {
        return blocks[Objects.checkIndex(index, size)];
    }

    /**
     * The slot of the host that belongs to a block.
     *
     * @param index in [0, {@link #size()})
     * @return its number, from 0
     */
    public int slot(int index) {
        return slots[Objects.checkIndex(index, size)];
    }

    /**
     * What a page is called on the disk.
     *
     * @param index in [0, {@link #size()}) of a transfer {@linkplain Direction#isOfDisk of the disk}
     * @return its name
     */
    public BlockHash name(int index) {
        return Objects.requireNonNull(names[Objects.checkIndex(index, size)]);
    }

    void add(int diskSlot, int slot, BlockHash name) {
        add(diskSlot, slot);
        if (names.length < size) {
            names = Arrays.copyOf(names, blocks.length);
        }
        names[size - 1] = name;
    }

    void add(int block, int slot) {
        if (size == blocks.length) {
            blocks = Arrays.copyOf(blocks, size * 2);
            slots = Arrays.copyOf(slots, size * 2);
        }
        blocks[size] = block;
        slots[size] = slot;
        size++;
    }

    void clear() {
        Arrays.fill(names, null);
        size = 0;
        sequence = null;
    }

    @Override
    public String toString() {
        return direction + " of " + size + " blocks of replica " + replica;
    }
}
