package io.kvflux.memory;

/**
 * What an arena is for, and its size. Pages begin {@link #strideBytes()} apart, and it is strides that a budget counts.
 *
 * @param cache index of the cache among those of the model, from 0
 * @param replica index of the replica, from 0
 * @param shard index of the device within the replica, from 0
 * @param pages pages of the arena, page 0 (that of the null block) included: a pool with n usable blocks has n + 1
 * @param pageBytes bytes of one page
 */
public record ArenaSpec(int cache, int replica, int shard, int pages, long pageBytes) {

    /** Arenas and pages begin at a multiple of this: a cache line, and what the widest vector loads want. */
    public static final int ALIGNMENT_BYTES = 64;

    /**
     * Checks the values.
     *
     * @param cache index of the cache among those of the model, from 0
     * @param replica index of the replica, from 0
     * @param shard index of the device within the replica, from 0
     * @param pages pages of the arena, page 0 (that of the null block) included
     * @param pageBytes bytes of one page
     * @throws IllegalArgumentException when an index is negative, a size is not positive, or the bytes of all pages do
     *     not fit in 64 bits
     */
    public ArenaSpec {
        notNegative("cache", cache);
        notNegative("replica", replica);
        notNegative("shard", shard);
        positive("pages", pages);
        positive("pageBytes", pageBytes);
        if (pageBytes > Long.MAX_VALUE / pages - ALIGNMENT_BYTES) {
            throw new IllegalArgumentException(
                    "bytes of all pages must fit in 64 bits, pages=" + pages + ", pageBytes=" + pageBytes);
        }
    }

    /** {@return bytes from the start of a page to that of the next: pageBytes rounded up to the alignment} */
    public long strideBytes() {
        return aligned(pageBytes);
    }

    /** {@return what the arena takes of a budget: pages * strideBytes} */
    public long totalBytes() {
        return pages * strideBytes();
    }

    /**
     * Finds bytes of a page in the arena.
     *
     * @param page in [0, pages)
     * @param offset bytes from the start of the page
     * @param length bytes wanted
     * @return bytes from the start of the arena
     * @throws IndexOutOfBoundsException when there is no such page, or the bytes are not all within it
     */
    public long position(int page, long offset, long length) {
        if (page < 0 || page >= pages) {
            throw new IndexOutOfBoundsException(
                    "page must be at least 0 and below pages, page=" + page + ", pages=" + pages);
        }
        if (offset < 0 || length < 0 || offset > pageBytes - length) {
            throw new IndexOutOfBoundsException("offset and length must be within the page, offset=" + offset
                    + ", length=" + length + ", pageBytes=" + pageBytes + ", page=" + page);
        }
        return page * strideBytes() + offset;
    }

    void checkPages(int first, int count) {
        if (first < 0 || count < 0 || first > pages - count) {
            throw new IndexOutOfBoundsException(
                    "pages must be within the arena, first=" + first + ", count=" + count + ", pages=" + pages);
        }
    }

    static long aligned(long bytes) {
        return (bytes + ALIGNMENT_BYTES - 1) & -ALIGNMENT_BYTES;
    }

    private static void notNegative(String name, long value) {
        if (value < 0) {
            throw new IllegalArgumentException(name + " must not be negative, " + name + "=" + value);
        }
    }

    private static void positive(String name, long value) {
        if (value <= 0) {
            throw new IllegalArgumentException(name + " must be positive, " + name + "=" + value);
        }
    }
}
