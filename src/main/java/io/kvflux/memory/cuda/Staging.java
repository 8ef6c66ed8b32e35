package io.kvflux.memory.cuda;

import io.kvflux.memory.chronicle.Region;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongConsumer;
import java.util.function.LongSupplier;

/** Pinned memory through which the processor reads and writes a device's, piece after piece, waiting for each. Thread-safe:
 * where a piece is, is asked under the lock, so that nothing is given back that is being read. */
final class Staging implements AutoCloseable {

    private static final int BYTES = 256 << 10;

    private final Gpu gpu;
    private final long stream;
    private final Region region = Region.allocate(BYTES, 4096);
    private final ReentrantLock lock = new ReentrantLock();
    private final boolean pinned;

    /** Takes what an array of any kind holds, or fills it: {@code count} elements from {@code at}, at the region's start. */
    @FunctionalInterface
    private interface Elements {

        void move(Region region, int at, int count);
    }

    /** Pinned if the driver lets it; within the context of the device. */
    Staging(Gpu gpu, long stream) {
        this.gpu = gpu;
        this.stream = stream;
        pinned =
                Driver.cuMemHostRegister_v2(region.address(), BYTES, Cu.CU_MEMHOSTREGISTER_PORTABLE) == Cu.CUDA_SUCCESS;
    }

    void read(LongSupplier address, byte[] into) {
        down(address, 0, into.length, 1, (from, at, count) -> from.read(0, into, at, count));
    }

    void read(LongSupplier address, float[] into, int at, int count) {
        down(address, at, count, Float.BYTES, (from, first, some) -> from.read(0, into, first, some));
    }

    void write(LongSupplier address, byte[] from) {
        up(address, 0, from.length, 1, (into, at, count) -> into.write(0, from, at, count));
    }

    void write(LongSupplier address, float[] from, int at, int count) {
        up(address, at, count, Float.BYTES, (into, first, some) -> into.write(0, from, first, some));
    }

    private void down(LongSupplier address, int at, int count, int width, Elements to) {
        within(address, begin -> {
            int piece = BYTES / width;
            for (int done = 0; done < count; done += piece) {
                int some = Math.min(piece, count - done);
                long bytes = (long) some * width;
                long from = begin + (long) done * width;
                gpu.check(
                        Driver.cuMemcpyDtoHAsync_v2(region.address(), from, bytes, stream),
                        "cuMemcpyDtoHAsync_v2",
                        bytes);
                gpu.synchronize(stream);
                to.move(region, at + done, some);
            }
        });
    }

    private void up(LongSupplier address, int at, int count, int width, Elements from) {
        within(address, begin -> {
            int piece = BYTES / width;
            for (int done = 0; done < count; done += piece) {
                int some = Math.min(piece, count - done);
                long bytes = (long) some * width;
                long to = begin + (long) done * width;
                from.move(region, at + done, some);
                gpu.check(
                        Driver.cuMemcpyHtoDAsync_v2(to, region.address(), bytes, stream),
                        "cuMemcpyHtoDAsync_v2",
                        bytes);
                gpu.synchronize(stream);
            }
        });
    }

    /** Gives the stream work, and waits until that is done. */
    void synchronously(LongConsumer work) {
        within(() -> stream, same -> {
            work.accept(same);
            gpu.synchronize(stream);
        });
    }

    /** Does something while nobody reads or writes through it. */
    void exclusively(Runnable action) {
        lock.lock();
        try {
            action.run();
        } finally {
            lock.unlock();
        }
    }

    private void within(LongSupplier address, LongConsumer copying) {
        lock.lock();
        try {
            long begin = address.getAsLong();
            gpu.enter();
            try {
                copying.accept(begin);
            } finally {
                gpu.leave();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Within the context of the device; before it is closed. */
    void unpin() {
        if (pinned) {
            Driver.cuMemHostUnregister(region.address());
        }
    }

    /** When the context is gone, or nothing of it runs any more. */
    @Override
    public void close() {
        region.close();
    }
}
