package io.kvflux.geometry;

import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The inputs of one cache on one device. A lookup-table cell that no page uses holds the id of the null block.
 *
 * @param cache index of the cache, from 0
 * @param replica index of the replica, from 0
 * @param shard index of the device within its replica, from 0
 * @param kvBlocks the pages: total_num_pages, then the shape of a block
 * @param cacheLengths UINT32, one a sequence: tokens whose KV exists before the step
 * @param lookupTable UINT32, a row a sequence, a column a page: block ids
 * @param maxLengths UINT32 on the CPU, a row a step: longest prompt chunk, longest cache
 * @param kvScales the scales: total_num_pages, then the shape of a scale block; null when unquantised
 * @param attentionDispatchMetadata INT64: 4 values on the CPU for MHA, 3 on the device for MLA
 * @param draftAttentionDispatchMetadata the same for the drafter; null without draft tokens
 * @param mlaNumPartitions INT64, 1 value on the CPU; null but for MLA
 * @param mlaEffectiveSplitLen INT64, 1 value on the CPU; null but for MLA
 */
public record KvCacheInputsPerDevice(
        int cache,
        int replica,
        int shard,
        BufferType kvBlocks,
        TensorType cacheLengths,
        TensorType lookupTable,
        TensorType maxLengths,
        @Nullable BufferType kvScales,
        TensorType attentionDispatchMetadata,
        @Nullable TensorType draftAttentionDispatchMetadata,
        @Nullable TensorType mlaNumPartitions,
        @Nullable TensorType mlaEffectiveSplitLen) {

    /** {@return the inputs there are, in the order a model takes them} */
    public List<InputType> flatten() {
        return Stream.<@Nullable InputType>of(
                        kvBlocks,
                        cacheLengths,
                        lookupTable,
                        maxLengths,
                        kvScales,
                        attentionDispatchMetadata,
                        draftAttentionDispatchMetadata,
                        mlaNumPartitions,
                        mlaEffectiveSplitLen)
                .filter(Objects::nonNull)
                .toList();
    }

    /**
     * Says which input is meant, for messages.
     *
     * @param input one of this device's inputs
     * @return for example {@code cache 0, replica 1, shard 0, lookupTable}
     */
    public String describe(InputType input) {
        return "cache " + cache + ", replica " + replica + ", shard " + shard + ", " + input.name();
    }
}
