package io.kvflux.api;

/** Where a block's bytes are. */
public enum Tier {
    /** The memory the model computes on. */
    DEVICE
}
