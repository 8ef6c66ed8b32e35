package io.kvflux.block;

import org.jspecify.annotations.Nullable;

/**
 * What separates prefixes altogether: equal tokens under different scopes never share a block.
 *
 * @param salt isolates tenants from each other's cache, or null
 * @param adapter the LoRA adapter that computed the KV, or null for the base model
 */
public record PrefixScope(@Nullable String salt, @Nullable String adapter) {

    /** No salt, no adapter. */
    public static final PrefixScope NONE = new PrefixScope(null, null);
}
