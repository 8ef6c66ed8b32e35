package io.kvflux.tier;

/** When content goes to the host, and whether it stays there once it is on the device again. */
public enum HostPolicy {
    /** A page is on one tier: evicted from the device it goes to the host, brought back it leaves it. Holds the most. */
    EXCLUSIVE,
    /** A page evicted from the device goes to the host and stays when it is brought back: to evict it again is free. */
    INCLUSIVE,
    /** A page goes to the host as soon as it is computed: to evict is always free. Writes the most. */
    WRITE_THROUGH
}
