package io.kvflux.memory;

/**
 * Room for blocks outside the device: slots of one size in memory that the processor can reach and a device can copy from
 * and to. A slot holds one block of one replica, laid out as a {@link SlotLayout} says.
 *
 * <pre>
 *   address(0)              address(1)              address(2)
 *   | slot 0          | pad | slot 1          | pad | slot 2 ...
 *   |&lt;-- slotBytes --&gt;|
 *   |&lt;----- strideBytes ---&gt;|
 * </pre>
 *
 * Every method that takes a slot checks it, its bounds and the arena's life. Different threads may access different slots
 * at the same time; nobody may access an arena while it is closed. While a device copies, it holds the arena, which then
 * cannot be closed.
 */
public interface SlotArena extends AutoCloseable {

    /** {@return how many slots there are; they are numbered from 0} */
    int slots();

    /** {@return bytes that a slot takes} */
    long slotBytes();

    /** {@return bytes from the start of one slot to the next} */
    long strideBytes();

    /**
     * Where a slot begins, for a device to copy from and to.
     *
     * @param slot in [0, slots)
     * @return its address, as the processor sees it
     * @throws IndexOutOfBoundsException if there is no such slot
     * @throws IllegalStateException if the arena is closed
     */
    long address(int slot);

    /**
     * Reads bytes of a slot.
     *
     * @param slot in [0, slots)
     * @param offset first byte within the slot
     * @param into takes the bytes
     * @param at index of the first in {@code into}
     * @param count how many
     * @throws IndexOutOfBoundsException if a range leaves the slot or the array
     * @throws IllegalStateException if the arena is closed
     */
    void read(int slot, long offset, byte[] into, int at, int count);

    /**
     * Reads bytes of a slot.
     *
     * @param slot in [0, slots)
     * @param offset first byte within the slot
     * @param into takes the bytes
     * @throws IndexOutOfBoundsException if the range leaves the slot
     * @throws IllegalStateException if the arena is closed
     */
    default void read(int slot, long offset, byte[] into) {
        read(slot, offset, into, 0, into.length);
    }

    /**
     * Writes bytes of a slot.
     *
     * @param slot in [0, slots)
     * @param offset first byte within the slot
     * @param from the bytes
     * @param at index of the first in {@code from}
     * @param count how many
     * @throws IndexOutOfBoundsException if a range leaves the slot or the array
     * @throws IllegalStateException if the arena is closed
     */
    void write(int slot, long offset, byte[] from, int at, int count);

    /**
     * Writes bytes of a slot.
     *
     * @param slot in [0, slots)
     * @param offset first byte within the slot
     * @param from the bytes
     * @throws IndexOutOfBoundsException if the range leaves the slot
     * @throws IllegalStateException if the arena is closed
     */
    default void write(int slot, long offset, byte[] from) {
        write(slot, offset, from, 0, from.length);
    }

    /**
     * Sets every byte of a slot.
     *
     * @param slot in [0, slots)
     * @param value what each becomes
     * @throws IndexOutOfBoundsException if there is no such slot
     * @throws IllegalStateException if the arena is closed
     */
    void fill(int slot, byte value);

    /**
     * Keeps the arena from being closed, until {@link #letGo} was called as often: for a device with a batch in flight.
     *
     * @throws IllegalStateException if the arena is closed
     */
    void hold();

    /**
     * Ends a {@link #hold}.
     *
     * @throws IllegalStateException if it is not held
     */
    void letGo();

    /**
     * Gives the memory back before it returns. A second call does nothing.
     *
     * @throws IllegalStateException if it is held; nothing has changed
     */
    @Override
    void close();
}
