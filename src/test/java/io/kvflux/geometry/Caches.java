package io.kvflux.geometry;

/** The caches most tests of this package start from. */
final class Caches {

    static final long MIB = 1L << 20;
    static final long GIB = 1L << 30;

    private Caches() {}

    /** Base P of the specification: MHA FLOAT32, 8 KV heads, headDim 128, 1 layer, page 128, one device. */
    static KvCacheParams.Builder base() {
        return KvCacheParams.builder()
                .dtype(DType.FLOAT32)
                .numKvHeads(8)
                .headDim(128)
                .numLayers(1)
                .pageSize(128);
    }

    /** BFLOAT16, 32 layers, 8 heads, dim 128, page 128: Llama 3.1 8B. */
    static KvCacheParams.Builder llama() {
        return base().dtype(DType.BFLOAT16).numLayers(32);
    }

    /** MLA BFLOAT16, 61 layers, latent 576, page 128: DeepSeek V3. */
    static KvCacheParams.Builder latent() {
        return KvCacheParams.builder()
                .attention(AttentionKind.MLA)
                .dtype(DType.BFLOAT16)
                .numQueryHeads(128)
                .headDim(576)
                .numLayers(61);
    }
}
