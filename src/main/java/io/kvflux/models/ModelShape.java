package io.kvflux.models;

import io.kvflux.geometry.AttentionKind;
import io.kvflux.geometry.DType;
import io.kvflux.geometry.KvCacheParams;

/**
 * What planning needs to know of a model. All layers are counted as full attention; where that is not the whole truth the
 * source says so.
 *
 * @param name the preset's name, or the file's path
 * @param attention how keys and values are kept
 * @param layers layers that keep KV, at least 1
 * @param queryHeads query heads of a layer, at least 1
 * @param kvHeads KV heads of a layer, at least 1; 1 for MLA
 * @param headDim elements of one head's key; for MLA those of the latent: kv_lora_rank + qk_rope_head_dim
 * @param kvDtype element type of the cache
 * @param parameters weights of the whole model, 0 when unknown
 * @param activeParameters weights that one token uses, 0 when unknown
 * @param weightBytesPerParameter mean bytes of a weight as published, scales included, more than 0
 * @param source where the numbers come from, and what they leave out
 */
public record ModelShape(
        String name,
        AttentionKind attention,
        int layers,
        int queryHeads,
        int kvHeads,
        int headDim,
        DType kvDtype,
        long parameters,
        long activeParameters,
        double weightBytesPerParameter,
        String source) {

    /**
     * Checks the values by building the geometry of a one-token block.
     *
     * @param name the preset's name, or the file's path
     * @param attention how keys and values are kept
     * @param layers layers that keep KV, at least 1
     * @param queryHeads query heads of a layer, at least 1
     * @param kvHeads KV heads of a layer, at least 1; 1 for MLA
     * @param headDim elements of one head's key; for MLA those of the latent
     * @param kvDtype element type of the cache
     * @param parameters weights of the whole model, 0 when unknown
     * @param activeParameters weights that one token uses, 0 when unknown
     * @param weightBytesPerParameter mean bytes of a weight as published, scales included, more than 0
     * @param source where the numbers come from, and what they leave out
     * @throws IllegalArgumentException naming the value that breaks its rule
     */
    public ModelShape {
        cacheParams(attention, layers, queryHeads, kvHeads, headDim, kvDtype).build();
        if (parameters < 0 || activeParameters < 0 || activeParameters > parameters) {
            throw new IllegalArgumentException("parameters must be 0 or more and hold the active ones, parameters="
                    + parameters + ", activeParameters=" + activeParameters);
        }
        if (!(weightBytesPerParameter > 0 && weightBytesPerParameter <= 8)) {
            throw new IllegalArgumentException("weightBytesPerParameter must be more than 0 and at most 8,"
                    + " weightBytesPerParameter=" + weightBytesPerParameter);
        }
    }

    /** {@return a builder with this shape and otherwise the defaults of {@link KvCacheParams#builder()}} */
    public KvCacheParams.Builder cacheParams() {
        return cacheParams(attention, layers, queryHeads, kvHeads, headDim, kvDtype);
    }

    private static KvCacheParams.Builder cacheParams(
            AttentionKind attention, int layers, int queryHeads, int kvHeads, int headDim, DType kvDtype) {
        return KvCacheParams.builder()
                .attention(attention)
                .numLayers(layers)
                .numQueryHeads(queryHeads)
                .numKvHeads(kvHeads)
                .headDim(headDim)
                .dtype(kvDtype);
    }

    /** {@return bytes of KV that one token needs, over all layers, on one device} */
    public long kvBytesPerToken() {
        return cacheParams().pageSize(1).build().bytesPerBlock();
    }

    /** {@return bytes of all weights, 0 when the parameters are unknown} */
    public long weightBytes() {
        return (long) (parameters * weightBytesPerParameter);
    }
}
