package io.kvflux.api;

/** Where a block's bytes are. */
public enum Tier {
    /** The memory the model computes on. */
    DEVICE,
    /** Memory of the machine, for all its replicas. */
    HOST,
    /** Files below the host, which outlive the process. */
    DISK
}
