package io.kvflux.memory.cuda;

/**
 * Many copies in one call. Since driver 12.8.
 */
final class DriverBatches12 {

    private DriverBatches12() {}

    static native int cuMemcpyBatchAsync(
            long destinations,
            long sources,
            long sizes,
            long count,
            long attributes,
            long attributesFrom,
            long attributesCount,
            long failed,
            long stream);
}
