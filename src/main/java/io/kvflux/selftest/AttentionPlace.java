package io.kvflux.selftest;

import io.kvflux.memory.cuda.CudaDevice;
import org.jspecify.annotations.Nullable;

/**
 * Where the reference model attends to its pages: on the processor, which reads them, or on the device that has them. The
 * bits are the same. For one thread.
 */
public abstract class AttentionPlace implements AutoCloseable {

    private final String name;

    AttentionPlace(String name) {
        this.name = name;
    }

    /** {@return the processor, for pages that are in its memory} */
    public static AttentionPlace processor() {
        return new OnProcessor("attention on the processor");
    }

    /** {@return the processor, for pages that are elsewhere} */
    public static AttentionPlace processorByCopies() {
        return new OnProcessor("attention on the processor, pages copied back a layer at a time");
    }

    /**
     * The devices that have the pages, by kernels.
     *
     * @param device whose pages they are; it must be closed later
     * @return the place
     */
    public static AttentionPlace device(CudaDevice device) {
        return new DeviceAttention(device);
    }

    /** {@return what attends to the pages of a cache; null if the processor does} */
    abstract @Nullable Attention over(PagedCache pages, ReferenceShape shape);

    /** Gives back what it has of the device. A second call does nothing. */
    @Override
    public abstract void close();

    @Override
    public final String toString() {
        return name;
    }

    private static final class OnProcessor extends AttentionPlace {

        OnProcessor(String name) {
            super(name);
        }

        @Override
        @Nullable
        Attention over(PagedCache pages, ReferenceShape shape) {
            return null;
        }

        @Override
        public void close() {
            // It has nothing.
        }
    }
}
