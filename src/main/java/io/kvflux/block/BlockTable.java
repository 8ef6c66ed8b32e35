package io.kvflux.block;

import io.kvflux.api.Retention;
import java.util.Arrays;
import java.util.List;

/**
 * The blocks of one sequence in order: first the committed ones, which may be shared, then its own that fill. Owned by
 * one pool at a time; changed only through {@link BlockPool}. Cell i holds the KV of tokens [i * pageSize, (i + 1) *
 * pageSize).
 */
public final class BlockTable {

    private final int roomAtFirst;

    int[] ids;
    int size;
    int committed;
    /** The run in which the committed pages end, the scope's root if there are none, NONE if the table is closed. */
    int run;

    PrefixScope scope = PrefixScope.NONE;
    /** Leading pages of which the eviction policy knows that they were found or were missed. */
    int told;

    long fence;
    /** Whether a step in flight may still read ids beyond the size. */
    boolean shrunk;

    /** What the pool tells the eviction policy of the pages when they are let go; stays when the table is closed. */
    List<Retention> retentions = List.of();

    /** A closed table. */
    public BlockTable() {
        this(4);
    }

    /**
     * A closed table.
     *
     * @param roomAtFirst blocks that it takes without growing
     */
    public BlockTable(int roomAtFirst) {
        this.roomAtFirst = roomAtFirst;
        ids = new int[roomAtFirst];
    }

    /** {@return blocks in the table} */
    public int size() {
        return size;
    }

    /** {@return of those, the leading ones that are committed} */
    public int committed() {
        return committed;
    }

    /** {@return whether a pool has opened this table and not yet released it} */
    public boolean isOpen() {
        return run != Runs.NONE;
    }

    /**
     * A block of the table.
     *
     * @param index in [0, {@link #size()})
     * @return its id
     */
    public int block(int index) {
        if (index < 0 || index >= size) {
            throw new IndexOutOfBoundsException("index must be in [0, size), index=" + index + ", size=" + size);
        }
        return ids[index];
    }

    /**
     * The ids of all blocks, for a step to keep. What is below {@link #size()} now is not changed in this array while a
     * step that {@linkplain #touch touches} the table is in flight: the table takes another array first.
     *
     * @return the array itself, not a copy; not to be written
     */
    public int[] ids() {
        return ids;
    }

    /**
     * Says that a step was issued that may touch these blocks: what this table lets go is withheld until that step has
     * completed.
     *
     * @param step the step's number, counted from 1; fences never go back
     */
    public void touch(long step) {
        fence = Math.max(fence, step);
    }

    /**
     * How long pages are to be kept that this table lets go, also when it is opened again.
     *
     * @param ranges of tokens, each beginning where the one before it ends or after that
     * @throws IllegalArgumentException if one begins before that
     */
    public void retain(List<Retention> ranges) {
        List<Retention> copy = List.copyOf(ranges);
        for (int i = 1; i < copy.size(); i++) {
            if (copy.get(i).from() < copy.get(i - 1).to()) {
                throw new IllegalArgumentException(
                        "retained ranges come in the order of their tokens and do not overlap, " + copy.get(i - 1)
                                + ", " + copy.get(i));
            }
        }
        retentions = copy;
    }

    void reserve(int capacity) {
        if (capacity > ids.length) {
            ids = Arrays.copyOf(ids, Math.max(capacity, ids.length * 2));
        }
    }

    /** Forgets everything; an array that a step may still read is left to it. */
    void close(boolean stepMayReadIds) {
        if (stepMayReadIds) {
            ids = new int[roomAtFirst];
        }
        size = 0;
        shrunk = false;
        committed = 0;
        run = Runs.NONE;
        scope = PrefixScope.NONE;
        told = 0;
        fence = 0;
    }
}
