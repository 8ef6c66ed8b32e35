package io.kvflux.tier;

import io.kvflux.api.BlockHash;
import io.kvflux.api.RemovalCause;
import io.kvflux.api.Tier;
import io.kvflux.block.PrefixHasher;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/** The disk below the host: which pages are in which of its slots, and how pages are called there. */
final class Disk {

    final HashIndex index;
    final PrefixHasher hasher;
    /** Most pages on their way to it: what comes on top is left out, so that a slow disk does not hold the host. */
    private final int mostStoring;

    private @Nullable TierLog log;
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

    /** Has what becomes findable, and what no longer is, told from now on; null for no more. */
    void tell(@Nullable TierLog listener) {
        log = listener;
    }

    /** A slot for a page that is about to be written, or a negative number if it needs none or there is none. */
    int reserve(BlockHash name) {
        int slot = index.reserve(name);
        if (slot == HashIndex.NONE && index.readmit() > 0) {
            slot = index.reserve(name);
        }
        BlockHash gone = index.dropped();
        if (gone != null) {
            dropped++;
            removed(gone, RemovalCause.EVICTED);
        }
        return slot;
    }

    /** A page was written whole: it can be found from now on. */
    void publish(int slot) {
        stored++;
        index.publish(slot);
        if (log != null) {
            log.storedOnDisk(index.name(slot));
        }
    }

    /** A page could not be read whole: it is not found any more. */
    void spoiled(int slot) {
        spoiled++;
        BlockHash name = index.name(slot);
        index.drop(slot);
        removed(name, RemovalCause.SPOILED);
    }

    /** Forgets every page; none may be read or written. */
    void clear(IntConsumer erased) {
        if (log != null && index.stored() > 0) {
            log.cleared(Tier.DISK);
        }
        for (int slot = index.oldest(); slot != HashIndex.NONE; slot = index.oldest()) {
            index.drop(slot);
            erased.accept(slot);
        }
    }

    private void removed(BlockHash name, RemovalCause cause) {
        if (log != null) {
            log.removed(Tier.DISK, name, cause);
        }
    }
}
