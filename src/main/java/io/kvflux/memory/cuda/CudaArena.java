package io.kvflux.memory.cuda;

import io.kvflux.memory.ArenaSpec;
import io.kvflux.memory.PageArena;
import java.util.Objects;

/** Pages in the memory of one device; the processor reads and writes them through a {@link Staging}. */
final class CudaArena implements PageArena {

    private final ArenaSpec spec;
    private final Gpu gpu;
    private final ArenaMemory memory;
    private final long base;
    private final long stride;
    private volatile boolean closed;
    /** Batches in flight that touch it; guarded by the device. */
    int inFlight;

    CudaArena(ArenaSpec spec, Gpu gpu, ArenaMemory memory) {
        this.spec = spec;
        this.gpu = gpu;
        this.memory = memory;
        base = memory.address();
        stride = spec.strideBytes();
    }

    Gpu gpu() {
        return gpu;
    }

    @Override
    public ArenaSpec spec() {
        return spec;
    }

    @Override
    public long address() {
        return at(0, 0, 0);
    }

    @Override
    public long address(int page) {
        return at(page, 0, 0);
    }

    @Override
    public void read(int page, long offset, byte[] into) {
        gpu.staging().read(() -> at(page, offset, into.length), into);
    }

    @Override
    public void write(int page, long offset, byte[] from) {
        gpu.staging().write(() -> at(page, offset, from.length), from);
    }

    @Override
    public void read(int page, long offset, float[] into, int at, int count) {
        Objects.checkFromIndexSize(at, count, into.length);
        gpu.staging().read(() -> at(page, offset, (long) count * Float.BYTES), into, at, count);
    }

    @Override
    public void write(int page, long offset, float[] from, int at, int count) {
        Objects.checkFromIndexSize(at, count, from.length);
        gpu.staging().write(() -> at(page, offset, (long) count * Float.BYTES), from, at, count);
    }

    /**
     * From now on it is not accessed. Gives the memory back, within the context of its device; not of one that was abandoned,
     * where that might wait for ever: it goes with the process.
     */
    void close() {
        closed = true;
        if (!gpu.isAbandoned()) {
            memory.free();
        }
    }

    private long at(int page, long offset, long length) {
        if (closed) {
            throw new IllegalStateException("the arena is closed, " + spec);
        }
        if (page < 0 || page >= spec.pages() || offset < 0 || length < 0 || offset > spec.pageBytes() - length) {
            throw new IndexOutOfBoundsException(
                    "an access must stay in its page, " + spec + ", page=" + page + ", pages=" + spec.pages()
                            + ", offset=" + offset + ", length=" + length + ", pageBytes=" + spec.pageBytes());
        }
        return base + page * stride + offset;
    }
}
