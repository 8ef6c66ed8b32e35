package io.kvflux.core;

import io.kvflux.api.BlockHash;
import io.kvflux.tier.Transfer;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A transfer as the core keeps it: filled, told of, and filled again when it has landed. */
final class PlannedTransfer implements Transfer {

    final Direction direction;
    int replica;
    int size;
    int[] blocks = new int[8];
    int[] slots = new int[8];
    /** Of the store alone: what pages are called there. */
    @Nullable
    BlockHash[] names = new BlockHash[0];
    /** For whom blocks come back. */
    @Nullable
    Sequence sequence;

    PlannedTransfer(Direction direction) {
        this.direction = direction;
    }

    @Override
    public Direction direction() {
        return direction;
    }

    @Override
    public int replica() {
        return replica;
    }

    @Override
    public int size() {
        return size;
    }

    @Override
    public int block(int index) {
        return blocks[Objects.checkIndex(index, size)];
    }

    @Override
    public int slot(int index) {
        return slots[Objects.checkIndex(index, size)];
    }

    @Override
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
