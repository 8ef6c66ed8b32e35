package io.kvflux.block;

import java.util.Arrays;

/**
 * What is kept per block: two links, and the tokens of a committed page for confirming a hit.
 *
 * <pre>
 *   id      0          1 .. blocks
 *           null block usable
 *   next    next page of the run | next block of the free or withheld list
 *   prev    previous page of the run | {@link #FREE}, {@link #FILLING} or {@link #WITHHELD}
 * </pre>
 *
 * Tokens live in segments that are allocated when the first page in them is committed, so that a large pool costs
 * eight bytes a block until it is used, and pageSize * 4 more for each block that was.
 */
final class Pages {

    /** The block that unused cells of a block table name; never handed out. */
    static final int NULL_BLOCK = 0;

    static final int FREE = -1;
    static final int FILLING = -2;
    static final int WITHHELD = -3;

    private static final int SEGMENT_INTS = 1 << 16;

    final int blocks;
    final int pageSize;
    final int[] next;
    final int[] prev;

    private final int segmentShift;
    private final int segmentMask;
    private final int[][] segments;

    Pages(int blocks, int pageSize) {
        this.blocks = blocks;
        this.pageSize = pageSize;
        next = new int[blocks + 1];
        prev = new int[blocks + 1];
        Arrays.fill(prev, FREE);
        int inUse = Integer.highestOneBit(Math.min(blocks, SEGMENT_INTS)) * 2; // a small pool has one small segment
        int perSegment = Math.min(inUse, Integer.highestOneBit(Math.max(1, SEGMENT_INTS / pageSize)));
        segmentShift = Integer.numberOfTrailingZeros(perSegment);
        segmentMask = perSegment - 1;
        segments = new int[(blocks >>> segmentShift) + 1][];
    }

    boolean holds(int block, int[] tokens, int from) {
        int[] segment = segments[block >>> segmentShift];
        int at = (block & segmentMask) * pageSize;
        return Arrays.equals(segment, at, at + pageSize, tokens, from, from + pageSize);
    }

    void write(int block, int[] tokens, int from) {
        int index = block >>> segmentShift;
        int[] segment = segments[index];
        if (segment == null) {
            segment = new int[(segmentMask + 1) * pageSize];
            segments[index] = segment;
        }
        System.arraycopy(tokens, from, segment, (block & segmentMask) * pageSize, pageSize);
    }

    void read(int block, int[] into) {
        System.arraycopy(segments[block >>> segmentShift], (block & segmentMask) * pageSize, into, 0, pageSize);
    }
}
