package io.kvflux.block;

import java.util.Arrays;

/**
 * What is kept per block: two links, and the tokens of a committed page for confirming a hit. Knows which blocks are free.
 *
 * <pre>
 *   id      0          1 .. blocks
 *           null block usable
 *   next    next page of the run | next block of the free or withheld list
 *   prev    previous page of the run | {@link #FREE}, {@link #FILLING}, {@link #WITHHELD} or {@link #COPYING}
 * </pre>
 *
 * A large pool costs eight bytes a block until it is used, and pageSize * 4 more for each block that was committed.
 */
final class Pages {

    /** The block that unused cells of a block table name; never handed out. */
    static final int NULL_BLOCK = 0;

    static final int FREE = -1;
    static final int FILLING = -2;
    static final int WITHHELD = -3;
    /** Withheld until a copy from or to it has landed. */
    static final int COPYING = -4;

    final int blocks;
    final int pageSize;
    final int[] next;
    final int[] prev;
    final TokenPages tokens;

    private int free;
    private int freeHead = NULL_BLOCK;
    private int fresh = 1;

    Pages(int blocks, int pageSize) {
        this.blocks = blocks;
        this.pageSize = pageSize;
        next = new int[blocks + 1];
        prev = new int[blocks + 1];
        Arrays.fill(prev, FREE);
        tokens = new TokenPages(pageSize, blocks);
        free = blocks;
    }

    /** {@return how many blocks are free} */
    int free() {
        return free;
    }

    /** {@return the first of the list of free blocks, those freed last first} */
    int freeHead() {
        return freeHead;
    }

    /** {@return the first block that was never handed out; all after it were not either} */
    int freshFrom() {
        return fresh;
    }

    /** One that was freed before one that was never handed out; there is a free one. */
    int takeFree() {
        free--;
        if (freeHead == NULL_BLOCK) {
            return fresh++;
        }
        int block = freeHead;
        freeHead = next[block];
        return block;
    }

    void putFree(int block) {
        prev[block] = FREE;
        next[block] = freeHead;
        freeHead = block;
        free++;
    }
}
