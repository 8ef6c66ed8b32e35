package io.kvflux.memory.cuda;

/**
 * Up to which size pieces are copied by a kernel on one GPU, in bytes; 0 where the copy engine copies all.
 *
 * @param ordinal the GPU
 * @param down from the device to the host
 * @param up from the host to the device
 * @param within the device
 */
public record KernelLimits(int ordinal, long down, long up, long within) {}
