package io.kvflux.block;

import java.util.Arrays;

/**
 * Queues by cell of {@link ReturnChances}, of which the first one that is not empty, in the order of what their content is
 * worth, is found without looking at the others. An entry is in at most one; further queues stand beside the order. Every
 * operation is O(1), or O(cells / 64).
 */
final class RankedQueues {

    private final ReturnChances chances;
    private final RunQueues queues;
    /** By rank: whether the cell's queue has an entry. */
    private final long[] filled;

    RankedQueues(ReturnChances chances, int beside) {
        this.chances = chances;
        queues = new RunQueues(chances.cells + beside);
        filled = new long[(chances.cells + 63) / 64];
    }

    int first(int queue) {
        return queues.first(queue);
    }

    void append(int queue, int entry) {
        queues.append(queue, entry);
        if (queue < chances.cells) {
            mark(chances.rank(queue));
        }
    }

    void remove(int queue, int entry) {
        queues.remove(queue, entry);
        if (queue < chances.cells && queues.first(queue) == Runs.NONE) {
            int rank = chances.rank(queue);
            filled[rank / 64] &= ~(1L << rank);
        }
    }

    /** The entry that has been longest in the queue that is worth least, or none. */
    int least() {
        for (int i = 0; i < filled.length; i++) {
            if (filled[i] != 0) {
                return queues.first(chances.cellOfRank(i * 64 + Long.numberOfTrailingZeros(filled[i])));
            }
        }
        return Runs.NONE;
    }

    /** The order of the cells has changed. */
    void reordered() {
        Arrays.fill(filled, 0);
        for (int cell = 0; cell < chances.cells; cell++) {
            if (queues.first(cell) != Runs.NONE) {
                mark(chances.rank(cell));
            }
        }
    }

    private void mark(int rank) {
        filled[rank / 64] |= 1L << rank;
    }
}
