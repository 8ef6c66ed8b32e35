package io.kvflux.memory.cuda;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Objects;

/** Memory of one GPU beside the arenas. Thread-safe, but for {@link #close}. */
public final class CudaBuffer implements AutoCloseable {

    private final Gpu gpu;
    private final PlainMemory memory;
    private final long bytes;
    private final Runnable closing = this::close;
    private volatile boolean closed;

    private CudaBuffer(Gpu gpu, PlainMemory memory, long bytes) {
        this.gpu = gpu;
        this.memory = memory;
        this.bytes = bytes;
    }

    static CudaBuffer allocate(Gpu gpu, long bytes) {
        if (bytes < 1) {
            throw new IllegalArgumentException("bytes must be positive, bytes=" + bytes);
        }
        gpu.enter();
        try {
            CudaBuffer buffer = new CudaBuffer(gpu, PlainMemory.allocate(gpu, bytes), bytes);
            gpu.opened(buffer.closing);
            return buffer;
        } finally {
            gpu.leave();
        }
    }

    /**
     * Where it begins.
     *
     * @return its address, as the GPU sees it
     * @throws IllegalStateException if it is closed
     */
    public long address() {
        return at(0, 0);
    }

    /**
     * Reads floats, in native byte order.
     *
     * @param offset first byte
     * @param into takes the floats
     * @param at index of the first in {@code into}
     * @param count how many
     */
    public void read(long offset, float[] into, int at, int count) {
        Objects.checkFromIndexSize(at, count, into.length);
        gpu.staging().read(() -> at(offset, (long) count * Float.BYTES), into, at, count);
    }

    /**
     * Writes floats, in native byte order.
     *
     * @param offset first byte
     * @param from the floats
     * @param at index of the first in {@code from}
     * @param count how many
     */
    public void write(long offset, float[] from, int at, int count) {
        Objects.checkFromIndexSize(at, count, from.length);
        gpu.staging().write(() -> at(offset, (long) count * Float.BYTES), from, at, count);
    }

    /**
     * Reads bytes.
     *
     * @param offset the first
     * @param into takes them
     */
    public void read(long offset, byte[] into) {
        gpu.staging().read(() -> at(offset, into.length), into);
    }

    /**
     * Writes bytes.
     *
     * @param offset the first
     * @param from the bytes
     */
    public void write(long offset, byte[] from) {
        gpu.staging().write(() -> at(offset, from.length), from);
    }

    /**
     * Writes ints, in native byte order.
     *
     * @param offset first byte
     * @param from the ints
     * @param at index of the first in {@code from}
     * @param count how many
     */
    public void write(long offset, int[] from, int at, int count) {
        ByteBuffer bytesOf =
                ByteBuffer.allocate(Math.multiplyExact(count, Integer.BYTES)).order(ByteOrder.nativeOrder());
        bytesOf.asIntBuffer().put(from, at, count);
        write(offset, bytesOf.array());
    }

    private long at(long offset, long length) {
        if (closed) {
            throw new IllegalStateException("the buffer is closed, bytes=" + bytes);
        }
        return memory.address() + Objects.checkFromIndexSize(offset, length, bytes);
    }

    /** Gives the memory back. A second call does nothing. */
    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            gpu.staging().exclusively(() -> gpu.run(memory::free));
            gpu.closed(closing);
        }
    }
}
