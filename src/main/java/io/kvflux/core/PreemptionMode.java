package io.kvflux.core;

/** How the KV of a preempted sequence comes back. Without a host tier it is always computed again. */
public enum PreemptionMode {
    /** As is cheaper by what was measured: two copies, or computing. */
    AUTO,
    /** Computed again, save for what the device still holds when it resumes. */
    RECOMPUTE,
    /** Copied to the host, and back when it resumes. */
    OFFLOAD
}
