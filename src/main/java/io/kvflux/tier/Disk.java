package io.kvflux.tier;

import io.kvflux.block.PrefixHasher;

/** The disk below the host: which pages are in which of its slots, and how pages are called there. */
final class Disk {

    final HashIndex index;
    final PrefixHasher hasher;
    /** Most pages on their way to it: what comes on top is left out, so that a slow disk does not hold the host. */
    private final int mostStoring;

    int storing;
    long stored;
    long fetched;
    long dropped;
    long spoiled;

    Disk(HashIndex index, PrefixHasher hasher, int hostSlots) {
        this.index = index;
        this.hasher = hasher;
        mostStoring = Math.max(1, hostSlots / 4);
    }

    boolean isBusy() {
        return storing >= mostStoring;
    }
}
