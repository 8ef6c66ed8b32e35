package io.kvflux.memory;

/**
 * The memory of a device, or of several that one program drives: it hands out arenas of pages within a budget, and
 * copies and zeroes blocks.
 *
 * <p>All methods may be called from any thread. Access to the bytes of an arena is not ordered by the device: who reads
 * or writes a page has made sure that nobody else writes it and that the arena is not closed meanwhile.
 */
public interface DeviceMemory extends AutoCloseable {

    /** {@return what messages call the device, such as {@code host}} */
    String name();

    /** {@return the most bytes that arenas may take together} */
    long budgetBytes();

    /** {@return the bytes that open arenas take: the sum of {@link ArenaSpec#totalBytes()}} */
    long allocatedBytes();

    /**
     * Takes memory for an arena. Its content is undefined until it is written or zeroed.
     *
     * @param spec what it is for, and its size
     * @return the arena, open until it or the device is closed
     * @throws OutOfDeviceMemoryException when the budget or the device has no room for it; nothing has changed then
     * @throws IllegalStateException when the device is closed
     */
    PageArena allocate(ArenaSpec spec);

    /**
     * Starts the copies of a batch. The listener hears exactly once how it ended, on any thread, possibly before this
     * method returns; by then the batch may be changed and submitted again. Batches in flight have no order among
     * themselves: who needs one waits for the end of the first.
     *
     * @param batch what to copy and to zero, on arenas of this device; must not be changed until it has ended
     * @param listener hears the end; what it throws goes to the thread that calls it and changes nothing
     * @throws IllegalArgumentException when the arenas are another device's
     * @throws IllegalStateException when the device or an arena is closed, or the batch is already in flight
     */
    void submit(CopyBatch batch, CopyListener listener);

    /**
     * Closes all arenas and gives their memory back before it returns. A second call does nothing; every other use after
     * the first is refused with an {@link IllegalStateException} that names the device.
     *
     * @throws IllegalStateException when a batch is in flight; nothing has changed then
     */
    @Override
    void close();
}
