package io.kvflux.block;

import java.util.Arrays;

/**
 * Queues by cell of {@link ReturnChances}, on one or more sides, of which the first one of a side that is not empty, in the
 * order of what their content is worth, is found without looking at the others. An entry is in at most one; further queues
 * stand beside the order. Every operation is O(1), or O(cells / 64).
 */
final class RankedQueues {

    private final ReturnChances chances;
    private final int sides;
    private final RunQueues queues;
    /** By side and rank: whether the cell's queue has an entry. */
    private final long[] filled;

    private final int words;

    /**
     * @param sides queues that each cell has: its own number, and that with the number of all cells added once a side
     * @param beside further queues, which come after those
     */
    RankedQueues(ReturnChances chances, int sides, int beside) {
        this.chances = chances;
        this.sides = sides;
        queues = new RunQueues(sides * chances.cells + beside);
        words = (chances.cells + 63) / 64;
        filled = new long[sides * words];
    }

    int first(int queue) {
        return queues.first(queue);
    }

    void append(int queue, int entry) {
        queues.append(queue, entry);
        if (queue < sides * chances.cells) {
            filled[word(queue)] |= bit(queue);
        }
    }

    void remove(int queue, int entry) {
        queues.remove(queue, entry);
        if (queue < sides * chances.cells && queues.first(queue) == Runs.NONE) {
            filled[word(queue)] &= ~bit(queue);
        }
    }

    /** The entry that has been longest in the queue of a side that is worth least, or none. */
    int least(int side) {
        for (int i = 0; i < words; i++) {
            long word = filled[side * words + i];
            if (word != 0) {
                int cell = chances.cellOfRank(i * 64 + Long.numberOfTrailingZeros(word));
                return queues.first(side * chances.cells + cell);
            }
        }
        return Runs.NONE;
    }

    /** The order of the cells has changed. */
    void reordered() {
        Arrays.fill(filled, 0);
        for (int queue = 0; queue < sides * chances.cells; queue++) {
            if (queues.first(queue) != Runs.NONE) {
                filled[word(queue)] |= bit(queue);
            }
        }
    }

    private int word(int queue) {
        return queue / chances.cells * words + chances.rank(queue % chances.cells) / 64;
    }

    private long bit(int queue) {
        return 1L << chances.rank(queue % chances.cells);
    }
}
