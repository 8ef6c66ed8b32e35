package io.kvflux.memory.cuda;

/**
 * Many copies in one call, without the index of the one that failed. Since driver 13.0.
 */
final class DriverBatches13 {

    private DriverBatches13() {}

    static native int cuMemcpyBatchAsync_v2(
            long destinations,
            long sources,
            long sizes,
            long count,
            long attributes,
            long attributesFrom,
            long attributesCount,
            long stream);
}
