package io.kvflux.memory;

import org.jspecify.annotations.Nullable;

/**
 * The memory of a device, or of several that work as one: hands out arenas within a budget and copies between blocks.
 * Thread-safe, but for {@link #close}, which nobody may race with.
 */
public interface DeviceMemory extends AutoCloseable {

    /** {@return what messages call it} */
    String name();

    /** {@return bytes that all arenas together may take} */
    long budgetBytes();

    /** {@return bytes that arenas take now} */
    long allocatedBytes();

    /**
     * Allocates an arena. Its content is undefined until it is written or filled.
     *
     * @param spec what it is for, and its size
     * @return the arena, until it is released
     * @throws OutOfDeviceMemoryException if it does not fit the budget, or the device has not got it; nothing has changed
     * @throws IllegalStateException if the device is closed
     */
    PageArena allocate(ArenaSpec spec);

    /**
     * Gives an arena back; it must not be accessed any more.
     *
     * @param arena an arena of this device; one that is released already is ignored
     * @throws IllegalStateException if a batch that touches it is in flight; nothing has changed
     */
    void release(PageArena arena);

    /**
     * Tells of slots that batches will name, before the first that does: a device may pin their memory, which takes a while
     * for many, and copies faster then. Slots that are known already are ignored, and nothing is needed for a copy to be right.
     *
     * @param slots open slots; to be detached before they are closed
     * @throws IllegalStateException if the device is closed
     * @throws RuntimeException if the device cannot pin them, saying why; nothing has changed
     */
    default void attach(SlotArena slots) {}

    /**
     * Ends {@link #attach}; slots that were not attached are ignored.
     *
     * @param slots slots that are still open
     * @throws IllegalStateException if a batch that names them is in flight; nothing has changed
     */
    default void detach(SlotArena slots) {}

    /**
     * Begins to carry out a batch. The listener hears exactly once how it ended: on a thread of the device or, if the device
     * works on the caller's, before this returns, unless it has to wait for a batch that another thread submitted and is
     * carried out there. Until then nobody else may touch the blocks, the slots or the batch. Batches that share a block or a
     * slot take effect in the order in which they were submitted; their ends may come in any order. Slots are held meanwhile.
     *
     * <p>A batch that fails may have been carried out in part, or in full: its destinations hold anything, but for the blocks
     * that {@link CopyBatch#landedBlocks} counts. A submit that throws has not begun, and will not: the listener hears nothing.
     *
     * @param batch what to fill and to copy, in arenas of this device and slots that are open: it fails otherwise
     * @param listener hears the end
     * @throws IllegalStateException if the device is closed; the listener then hears nothing
     */
    void submit(CopyBatch batch, CopyListener listener);

    /**
     * Why an arena lost its content and can never be used again, such as a device that fell off its bus or a context that is
     * broken for good. It is asked when something failed, and may ask the driver. Batches that touch such an arena end with a
     * failure, those in flight too; it is released as any other.
     *
     * @param arena an arena of this device that is not released
     * @return the cause that those who relied on it are to be told, as a rule a {@link DeviceLostException}; null while that
     *     has not happened
     */
    default @Nullable Throwable loss(PageArena arena) {
        return null;
    }

    /**
     * Releases every arena. A second call does nothing.
     *
     * @throws IllegalStateException if a batch is in flight; nothing has changed
     */
    @Override
    void close();
}
