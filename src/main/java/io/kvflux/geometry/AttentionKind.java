package io.kvflux.geometry;

/** How a model's attention keeps its keys and values. */
public enum AttentionKind {
    /** Keys and values of every KV head (multi-head, grouped-query and multi-query attention alike). */
    MHA,
    /** Multi-head latent attention: one latent vector a token, held in full by every device of a replica. */
    MLA
}
