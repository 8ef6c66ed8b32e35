package io.kvflux.memory;

/**
 * Contiguous bytes of a device, below the pages: what a device implements and {@link AbstractDeviceMemory} lays an arena
 * over. The arena has checked pages and arrays' owners; an implementation checks again, in its own terms, that the bytes
 * are its own and alive.
 */
public interface DeviceBytes {

    /** {@return where they begin in the address space of the device, a multiple of 64} */
    long address();

    /**
     * Reads bytes.
     *
     * @param position bytes from the start
     * @param target where they go
     * @param offset index of the first
     * @param length how many
     * @throws IndexOutOfBoundsException when they are not all there
     */
    void read(long position, byte[] target, int offset, int length);

    /**
     * Writes bytes.
     *
     * @param position bytes from the start
     * @param source where they come from
     * @param offset index of the first
     * @param length how many
     * @throws IndexOutOfBoundsException when they are not all there
     */
    void write(long position, byte[] source, int offset, int length);

    /**
     * Reads floats in the byte order of the machine.
     *
     * @param position bytes from the start
     * @param target where they go
     * @param offset index of the first
     * @param length how many floats
     * @throws IndexOutOfBoundsException when they are not all there
     */
    void readFloats(long position, float[] target, int offset, int length);

    /**
     * Writes floats in the byte order of the machine.
     *
     * @param position bytes from the start
     * @param source where they come from
     * @param offset index of the first
     * @param length how many floats
     * @throws IndexOutOfBoundsException when they are not all there
     */
    void writeFloats(long position, float[] source, int offset, int length);

    /**
     * Fills with zeros, and returns when that is done.
     *
     * @param position bytes from the start
     * @param length bytes
     * @throws IndexOutOfBoundsException when they are not all there
     */
    void zero(long position, long length);

    /**
     * Copies bytes within, and returns when that is done.
     *
     * @param source bytes from the start to the first to copy
     * @param destination bytes from the start to the first to write
     * @param length bytes
     * @throws IndexOutOfBoundsException when they are not all there
     * @throws IllegalArgumentException when the two overlap
     */
    void copy(long source, long destination, long length);

    /** Gives the memory back before it returns; called once. */
    void release();
}
