package io.kvflux.memory.cuda;

import org.jspecify.annotations.Nullable;

/**
 * Up to which size pieces are copied by a kernel on one GPU, in bytes; 0 where the copy engine copies all.
 *
 * @param ordinal the GPU
 * @param down from the device to the host
 * @param up from the host to the device
 * @param within the device
 * @param fill up to which they are filled by one
 * @param refused why there are no kernels though they were asked for; null if there are, or nobody asked
 */
public record KernelLimits(
        int ordinal,
        long down,
        long up,
        long within,
        long fill,
        @Nullable String refused) {}
