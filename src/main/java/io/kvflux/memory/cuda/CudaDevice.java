package io.kvflux.memory.cuda;

import io.kvflux.memory.PageArena;

/** Devices of the CUDA driver. */
public abstract class CudaDevice {

    /** Not for users. */
    CudaDevice() {}

    /**
     * Loads a kernel.
     *
     * @param ordinal of the device
     * @param ptx text
     * @param function its name
     * @return the kernel
     */
    public abstract CudaKernel kernel(int ordinal, String ptx, String function);

    /**
     * Allocates memory.
     *
     * @param ordinal of the device
     * @param bytes how many
     * @return the memory
     */
    public abstract CudaBuffer buffer(int ordinal, long bytes);

    /**
     * Says where an arena is.
     *
     * @param arena of this device
     * @return the ordinal of the device
     */
    public abstract int ordinal(PageArena arena);
}
