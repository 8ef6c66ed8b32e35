package io.kvflux.block;

import java.util.Arrays;

/**
 * What is kept per block: two links, and the tokens of a committed page for confirming a hit.
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

    Pages(int blocks, int pageSize) {
        this.blocks = blocks;
        this.pageSize = pageSize;
        next = new int[blocks + 1];
        prev = new int[blocks + 1];
        Arrays.fill(prev, FREE);
        tokens = new TokenPages(pageSize, blocks);
    }
}
