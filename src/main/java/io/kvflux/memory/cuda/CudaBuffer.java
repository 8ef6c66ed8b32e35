package io.kvflux.memory.cuda;

/** Memory of a device. */
public interface CudaBuffer extends AutoCloseable {

    /** {@return where it begins} */
    long address();

    /**
     * Writes.
     *
     * @param offset in bytes
     * @param from values
     * @param at first
     * @param count how many
     */
    void write(long offset, float[] from, int at, int count);

    /**
     * Writes.
     *
     * @param offset in bytes
     * @param from values
     * @param at first
     * @param count how many
     */
    void write(long offset, int[] from, int at, int count);

    /**
     * Reads.
     *
     * @param offset in bytes
     * @param into values
     * @param at first
     * @param count how many
     */
    void read(long offset, float[] into, int at, int count);

    @Override
    void close();
}
