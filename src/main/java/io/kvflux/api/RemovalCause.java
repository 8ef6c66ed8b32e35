package io.kvflux.api;

/** Why a page is no longer findable in a tier. */
public enum RemovalCause {
    /** Another page needs the room. */
    EVICTED,
    /** A device has it, and the host is not to have it too ({@code HostPolicy.EXCLUSIVE}). */
    MOVED,
    /** It could not be read back whole: what the tier has is of no use. */
    SPOILED
}
