package io.kvflux.memory;

/**
 * The pages of one cache on one device: contiguous memory in which page n belongs to block n.
 *
 * <pre>
 * address()          + stride           + 2 * stride                        + pages * stride
 * |                  |                  |                                   |
 * v                  v                  v                                   v
 * +------------+-----+------------+-----+------------+-----+- ... -+-----+--+
 * | page 0     | pad | page 1     | pad | page 2     | pad |       | pad |
 * | null block |     | block 1    |     | block 2    |     |       |     |
 * +------------+-----+------------+-----+------------+-----+- ... -+-----+
 * |&lt;pageBytes&gt;|
 *
 * inside a page (KvCacheParams): values [kvDim, numLayers, pageSize, kvHeadsPerDevice, headDim], then, when
 * quantised, scales [kvDim, numLayers, pageSize, kvHeadsPerDevice, headDim / granularity]; no gap between
 * </pre>
 *
 * <p>Every page begins at a multiple of 64 bytes. A kernel needs {@link #address()}, {@link #strideBytes()} and the
 * block table that a step shows; the vector of token t, layer l and head h of a sequence begins at
 *
 * <pre>
 * address + table[t / pageSize] * strideBytes
 *         + (((kv * numLayers + l) * pageSize + t % pageSize) * kvHeadsPerDevice + h) * headDim * dtypeBytes
 * </pre>
 *
 * <p>with kv = 0 for keys (or the latent) and 1 for values. Page 0 is what unused cells of a block table name; kernels
 * may read it, and sequences never own it. An executor in plain Java uses the checked methods instead: they copy
 * between a page and an array in the byte order of the machine, whatever the element type of the cache.
 *
 * <p>Each method checks that the arena is open and that what it touches is inside a page; the padding is nobody's.
 */
public interface PageArena extends AutoCloseable {

    /** {@return what it is for, and its size} */
    ArenaSpec spec();

    /**
     * Tells where the arena begins, in the address space of the device. The address is wild once the arena is closed.
     *
     * @return the address of page 0, a multiple of 64
     * @throws IllegalStateException when the arena is closed
     */
    long address();

    /** {@return bytes from the start of a page to that of the next} */
    default long strideBytes() {
        return spec().strideBytes();
    }

    /**
     * Tells where a page begins, in the address space of the device.
     *
     * @param page in [0, pages)
     * @return address() + page * strideBytes()
     * @throws IndexOutOfBoundsException when there is no such page
     * @throws IllegalStateException when the arena is closed
     */
    default long address(int page) {
        return address() + spec().position(page, 0, 0);
    }

    /**
     * Reads bytes of a page.
     *
     * @param page in [0, pages)
     * @param offset bytes from the start of the page
     * @param target where they go
     * @param targetOffset index of the first
     * @param length how many
     * @throws IndexOutOfBoundsException when they are not all within the page, or not all within the array
     * @throws IllegalStateException when the arena is closed
     */
    void read(int page, long offset, byte[] target, int targetOffset, int length);

    /**
     * Writes bytes of a page.
     *
     * @param page in [0, pages)
     * @param offset bytes from the start of the page
     * @param source where they come from
     * @param sourceOffset index of the first
     * @param length how many
     * @throws IndexOutOfBoundsException when they are not all within the page, or not all within the array
     * @throws IllegalStateException when the arena is closed
     */
    void write(int page, long offset, byte[] source, int sourceOffset, int length);

    /**
     * Reads floats of a page.
     *
     * @param page in [0, pages)
     * @param offset bytes from the start of the page
     * @param target where they go
     * @param targetOffset index of the first
     * @param length how many floats
     * @throws IndexOutOfBoundsException when they are not all within the page, or not all within the array
     * @throws IllegalStateException when the arena is closed
     */
    void readFloats(int page, long offset, float[] target, int targetOffset, int length);

    /**
     * Writes floats of a page.
     *
     * @param page in [0, pages)
     * @param offset bytes from the start of the page
     * @param source where they come from
     * @param sourceOffset index of the first
     * @param length how many floats
     * @throws IndexOutOfBoundsException when they are not all within the page, or not all within the array
     * @throws IllegalStateException when the arena is closed
     */
    void writeFloats(int page, long offset, float[] source, int sourceOffset, int length);

    /**
     * Fills pages with zeros, and returns when that is done.
     *
     * @param first the first page
     * @param count how many
     * @throws IndexOutOfBoundsException when they are not all pages of the arena
     * @throws IllegalStateException when the arena is closed
     */
    void zero(int first, int count);

    /**
     * Copies pages within the arena, and returns when that is done.
     *
     * @param source the first page to copy
     * @param destination the first page to write
     * @param count how many
     * @throws IndexOutOfBoundsException when they are not all pages of the arena
     * @throws IllegalArgumentException when a page is both source and destination
     * @throws IllegalStateException when the arena is closed
     */
    void copy(int source, int destination, int count);

    /**
     * Gives the memory back before it returns. A second call does nothing; so does one after the device was closed.
     *
     * @throws IllegalStateException when a batch of the device is in flight; nothing has changed then
     */
    @Override
    void close();
}
