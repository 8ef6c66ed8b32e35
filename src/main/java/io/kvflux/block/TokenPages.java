package io.kvflux.block;

import java.util.Arrays;

/**
 * The tokens of pages, by a number that somebody else gives each page. Kept in segments that are allocated when the first
 * page in them is written, so that large numbers cost next to nothing until they are used, and pageSize * 4 bytes then.
 */
public final class TokenPages {

    private static final int SEGMENT_INTS = 1 << 16;

    private final int pageSize;
    private final int shift;
    private final int mask;
    private int[][] segments;

    /**
     * Room for pages.
     *
     * @param pageSize tokens in a page, at least 1
     * @param pages how many there will be; more may come
     */
    public TokenPages(int pageSize, int pages) {
        this.pageSize = pageSize;
        int inUse =
                Integer.highestOneBit(Math.min(Math.max(1, pages), SEGMENT_INTS)) * 2; // a small pool has one segment
        int perSegment = Math.min(inUse, Integer.highestOneBit(Math.max(1, SEGMENT_INTS / pageSize)));
        shift = Integer.numberOfTrailingZeros(perSegment);
        mask = perSegment - 1;
        segments = new int[(pages >>> shift) + 1][];
    }

    /**
     * Compares a page.
     *
     * @param page its number; it was written
     * @param tokens an array with the tokens to compare
     * @param from index of the first
     * @return whether they are those of the page
     */
    public boolean holds(int page, int[] tokens, int from) {
        int at = (page & mask) * pageSize;
        return Arrays.equals(segments[page >>> shift], at, at + pageSize, tokens, from, from + pageSize);
    }

    /**
     * Writes a page.
     *
     * @param page its number, at least 0
     * @param tokens an array with its tokens
     * @param from index of the first
     */
    public void write(int page, int[] tokens, int from) {
        int index = page >>> shift;
        if (index >= segments.length) {
            segments = Arrays.copyOf(segments, Math.max(index + 1, segments.length * 2));
        }
        int[] segment = segments[index];
        if (segment == null) {
            segment = new int[(mask + 1) * pageSize];
            segments[index] = segment;
        }
        System.arraycopy(tokens, from, segment, (page & mask) * pageSize, pageSize);
    }

    /**
     * Reads a page.
     *
     * @param page its number; it was written
     * @param into takes its tokens from index 0 on
     */
    public void read(int page, int[] into) {
        System.arraycopy(segments[page >>> shift], (page & mask) * pageSize, into, 0, pageSize);
    }
}
