package io.kvflux.memory.cuda;

import java.util.Arrays;

/** A kernel on one GPU, for what is small and waited for: tests, checks, the self-test. Thread-safe, but for {@link #close}. */
public final class CudaKernel implements AutoCloseable {

    private static final int MOST_ARGUMENTS = 30;

    private final Gpu gpu;
    private final long module;
    private final long function;
    private final Runnable closing = this::close;
    private boolean closed;

    private CudaKernel(Gpu gpu, long module, long function) {
        this.gpu = gpu;
        this.module = module;
        this.function = function;
    }

    static CudaKernel load(Gpu gpu, String ptx, String function) {
        gpu.enter();
        try {
            long module = PageKernels.module(gpu, ptx);
            try {
                CudaKernel kernel = new CudaKernel(gpu, module, PageKernels.function(gpu, module, function));
                gpu.opened(kernel.closing);
                return kernel;
            } catch (RuntimeException refused) {
                Driver.cuModuleUnload(module);
                throw refused;
            }
        } finally {
            gpu.leave();
        }
    }

    /**
     * Runs it, and waits until it has run.
     *
     * @param gridX blocks along x
     * @param gridY blocks along y
     * @param threads threads of a block
     * @param arguments one for each parameter; an int takes the low half of a long, a float the bits of one in it
     * @throws CudaException if it cannot be launched, or fails
     * @throws IllegalStateException if it is closed
     */
    public synchronized void launch(int gridX, int gridY, int threads, long... arguments) {
        if (arguments.length > MOST_ARGUMENTS) {
            throw new IllegalArgumentException(
                    "a kernel takes at most " + MOST_ARGUMENTS + " arguments, arguments=" + Arrays.toString(arguments));
        }
        if (closed) {
            throw new IllegalStateException("the kernel is closed");
        }
        gpu.staging()
                .synchronously(stream -> PageKernels.launch(gpu, function, gridX, gridY, threads, stream, arguments));
    }

    /** Unloads it. A second call does nothing. */
    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            gpu.run(() -> Driver.cuModuleUnload(module));
            gpu.closed(closing);
        }
    }
}
