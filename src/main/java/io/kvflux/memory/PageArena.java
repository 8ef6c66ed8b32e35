package io.kvflux.memory;

/**
 * The pages of one cache on one shard of one replica: contiguous device memory, a page for every block.
 *
 * <pre>
 *   address()                    + strideBytes()               + 2 * strideBytes()
 *   | page 0: null block | pad | page 1: block 1      | pad | page 2: block 2      | ...
 *   |&lt;---- pageBytes --&gt;|
 * </pre>
 *
 * Within a page stand K then V (MLA: the latent alone), layer by layer, slot by slot, head by head: the shape that the
 * cache's {@code shapePerBlock} gives, then its scales if it has any. A kernel needs the address, the stride and a block
 * table: token p of a sequence lies in page {@code step.block(entry, p / pageSize)}, slot {@code p % pageSize}.
 *
 * <pre>{@code
 * PageArena keys = arenas.arena(cache, replica, shard);
 * kernel.launch(keys.address(), keys.strideBytes(), step.inputs().lookupTable(replica), ...);
 * }</pre>
 *
 * <p>The methods that read and write are for executors in Java, for tests and for devices whose memory the processor can
 * reach; each access is checked against the page's bounds and the arena's life. Different threads may access different
 * pages at the same time; nobody may access an arena while it is closed.
 */
public interface PageArena {

    /** {@return what it is for, and its size} */
    ArenaSpec spec();

    /**
     * Where page 0 begins.
     *
     * @return its address, as the device sees it
     * @throws IllegalStateException if the arena is closed
     */
    long address();

    /** {@return bytes from the start of one page to the next} */
    default long strideBytes() {
        return spec().strideBytes();
    }

    /**
     * Where a page begins.
     *
     * @param page a block's id, in [0, pages)
     * @return its address, as the device sees it
     * @throws IndexOutOfBoundsException if there is no such page
     * @throws IllegalStateException if the arena is closed
     */
    long address(int page);

    /**
     * Reads bytes of a page.
     *
     * @param page a block's id, in [0, pages)
     * @param offset first byte within the page
     * @param into takes the bytes
     * @throws IndexOutOfBoundsException if the range leaves the page
     * @throws IllegalStateException if the arena is closed
     */
    void read(int page, long offset, byte[] into);

    /**
     * Writes bytes of a page.
     *
     * @param page a block's id, in [0, pages)
     * @param offset first byte within the page
     * @param from the bytes
     * @throws IndexOutOfBoundsException if the range leaves the page
     * @throws IllegalStateException if the arena is closed
     */
    void write(int page, long offset, byte[] from);

    /**
     * Reads floats of a page, in native byte order.
     *
     * @param page a block's id, in [0, pages)
     * @param offset first byte within the page, a multiple of 4
     * @param into takes the floats
     * @param at index of the first in {@code into}
     * @param count how many
     * @throws IndexOutOfBoundsException if a range leaves the page or the array
     * @throws IllegalStateException if the arena is closed
     */
    void read(int page, long offset, float[] into, int at, int count);

    /**
     * Writes floats of a page, in native byte order.
     *
     * @param page a block's id, in [0, pages)
     * @param offset first byte within the page, a multiple of 4
     * @param from the floats
     * @param at index of the first in {@code from}
     * @param count how many
     * @throws IndexOutOfBoundsException if a range leaves the page or the array
     * @throws IllegalStateException if the arena is closed
     */
    void write(int page, long offset, float[] from, int at, int count);
}
