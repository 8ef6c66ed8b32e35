package io.kvflux.api;

/**
 * The arrays that the symbolic inputs of {@code MultiKvCacheParams.symbolicInputs} declare, filled for one step. All
 * caches and all shards of a replica read the same numbers, so there is one set of arrays per replica; with
 * {@code verifyInvariants} their extents are held against every cache's declared inputs. Arrays are reused: only the
 * stated part is meaningful, and only while the step is valid. Values are unsigned 32-bit where the input is UINT32.
 */
public interface StepInputs {

    /**
     * Extent of {@code {p}replica_{r}_batch_size}.
     *
     * @param replica in [0, replicas)
     * @return entries of the replica in this step
     */
    int batchSize(int replica);

    /**
     * Extent of {@code {p}replica_{r}_max_num_pages}.
     *
     * @param replica in [0, replicas)
     * @return columns of the lookup table: the most blocks an entry has, 0 if there is none
     */
    int maxNumPages(int replica);

    /**
     * Row 2, {@code cacheLengths}, shape [batchSize].
     *
     * @param replica in [0, replicas)
     * @return per entry the tokens whose KV exists before this step
     */
    int[] cacheLengths(int replica);

    /**
     * Row 3, {@code lookupTable}, shape [batchSize, maxNumPages], row-major.
     *
     * @param replica in [0, replicas)
     * @return per entry its blocks in order, then the null block
     */
    int[] lookupTable(int replica);

    /**
     * Row 4, {@code maxLengths}, shape [stepsRemaining, 2] with stepsRemaining = 1.
     *
     * @param replica in [0, replicas)
     * @return the most tokens an entry computes, and the longest cache length before this step
     */
    int[] maxLengths(int replica);
}
