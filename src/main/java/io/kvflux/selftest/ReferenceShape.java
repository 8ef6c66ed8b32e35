package io.kvflux.selftest;

import io.kvflux.geometry.AttentionKind;
import io.kvflux.geometry.DType;
import io.kvflux.geometry.DeviceRef;
import io.kvflux.geometry.KvCacheParams;

/**
 * Shape of a {@link ReferenceModel}. The hidden size is heads · headDim, the inner size of the SwiGLU twice that.
 *
 * @param attention MHA: grouped-query attention with K and V for each KV head. MLA: one latent row of 2 · headDim values and
 *     a rotated key of headDim values a token, in which all heads attend (as DeepSeek-V2 does, arXiv 2405.04434)
 * @param layers at least 1
 * @param heads query heads, at least 1
 * @param kvHeads KV heads, a divisor of heads; under MLA 1
 * @param headDim values of a head, even (RoPE turns pairs)
 * @param vocabulary token ids, at least 2
 * @param dtype of the pages: FLOAT32, or BFLOAT16 rounded to nearest even when written
 */
public record ReferenceShape(
        AttentionKind attention, int layers, int heads, int kvHeads, int headDim, int vocabulary, DType dtype) {

    /**
     * Checks the numbers.
     *
     * @param attention MHA or MLA
     * @param layers at least 1
     * @param heads at least 1
     * @param kvHeads a divisor of heads; under MLA 1
     * @param headDim even, at least 2
     * @param vocabulary at least 2
     * @param dtype FLOAT32 or BFLOAT16
     * @throws IllegalArgumentException naming every value, if one is out of range
     */
    public ReferenceShape {
        boolean counts = layers >= 1 && heads >= 1 && kvHeads >= 1 && heads % kvHeads == 0 && vocabulary >= 2;
        boolean dims = headDim >= 2 && headDim % 2 == 0 && (attention == AttentionKind.MHA || kvHeads == 1);
        if (!counts || !dims || (dtype != DType.FLOAT32 && dtype != DType.BFLOAT16)) {
            throw new IllegalArgumentException("a reference model needs layers >= 1, kvHeads that divide heads (1 under"
                    + " MLA), an even headDim, vocabulary >= 2 and FLOAT32 or BFLOAT16, attention=" + attention
                    + ", layers=" + layers + ", heads=" + heads + ", kvHeads=" + kvHeads + ", headDim=" + headDim
                    + ", vocabulary=" + vocabulary + ", dtype=" + dtype);
        }
    }

    /** {@return values that pass from layer to layer} */
    int hidden() {
        return heads * headDim;
    }

    /** {@return values of one KV head's key or value, and of a query; under MLA of latent and rotated key} */
    int headWidth() {
        return attention == AttentionKind.MLA ? 3 * headDim : headDim;
    }

    /** {@return of those, values that are weighed: all of a value, or under MLA the latent} */
    int valueWidth() {
        return attention == AttentionKind.MLA ? 2 * headDim : headDim;
    }

    /** {@return values of a row, which is what one token has in one layer on one shard} */
    int rowWidth(int shards) {
        return headWidth() * Math.max(1, kvHeads / shards);
    }

    /** {@return query heads that share a KV head} */
    int group() {
        return heads / kvHeads;
    }

    /** {@return what scores are multiplied with} */
    float scale() {
        return (float) (1 / Math.sqrt(valueWidth()));
    }

    /** {@return rows of K and of V in the cache: 2, or 1 under MLA} */
    int parts() {
        return attention == AttentionKind.MLA ? 1 : 2;
    }

    /**
     * The cache that this model needs.
     *
     * @param pageSize tokens in a page
     * @param tensorParallel devices over which the heads of one replica are split; divides kvHeads, under MLA heads
     * @param dataParallel replicas
     * @return its parameters
     * @throws IllegalArgumentException if the heads cannot be split so
     */
    public KvCacheParams cache(int pageSize, int tensorParallel, int dataParallel) {
        KvCacheParams.Builder cache = KvCacheParams.builder()
                .attention(attention)
                .dtype(dtype)
                .numLayers(layers)
                .headDim(headWidth())
                .pageSize(pageSize)
                .devices(DeviceRef.gpus(tensorParallel * dataParallel))
                .dataParallelDegree(dataParallel);
        return (attention == AttentionKind.MLA ? cache.numQueryHeads(heads) : cache.numKvHeads(kvHeads)).build();
    }
}
