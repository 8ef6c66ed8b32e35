package io.kvflux.core;

import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Blocks of one replica that are copied between its device and the host, each with its slot there, in an order that the
 * copies should have. A flyweight: valid from the listener's hearing of it until {@link SchedulerCore#landed}.
 */
public final class Transfer {

    /** Which way it goes. */
    public enum Direction {
        /** From the device down to the host. */
        OFFLOAD,
        /** From the host up to the device. */
        ONLOAD
    }

    final Direction direction;
    int replica;
    int size;
    int[] blocks = new int[8];
    int[] slots = new int[8];
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
     * A block.
     *
     * @param index in [0, {@link #size()})
     * @return its id
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
        size = 0;
        sequence = null;
    }

    @Override
    public String toString() {
        return direction + " of " + size + " blocks of replica " + replica;
    }
}
