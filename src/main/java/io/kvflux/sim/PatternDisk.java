package io.kvflux.sim;

import io.kvflux.api.BlockHash;
import io.kvflux.block.PrefixHasher;
import io.kvflux.memory.chronicle.HostSlots;
import io.kvflux.tier.HashIndex;
import io.kvflux.tier.Tiers;
import io.kvflux.tier.disk.DiskCounts;
import io.kvflux.tier.disk.DiskLayout;
import io.kvflux.tier.disk.DiskRead;
import io.kvflux.tier.disk.DiskStore;
import io.kvflux.tier.disk.DiskWrite;

/** The disk of a replay: real files, and the index that says which page is where in them. */
final class PatternDisk implements AutoCloseable {

    private final DiskStore store;
    private final HashIndex index;
    private final int pageSize;
    private final int recovered;

    /**
     * Opens the directory and finds what an earlier replay has left there.
     *
     * @throws io.kvflux.tier.disk.DiskException if the directory cannot be used
     */
    PatternDisk(ReplayDisk disk, ReplayOptions options) {
        pageSize = options.scheduler().pageSize();
        store = DiskStore.open(
                disk.directory(), DiskLayout.of(options.scheduler().caches()), disk.size());
        index = new HashIndex(store.slots());
        store.forEachRecovered((slot, hash) -> {
            int older = index.restore(slot, hash);
            if (older != HashIndex.NONE) {
                store.erase(older);
            }
        });
        recovered = index.stored();
    }

    /** Puts the disk below tiers that hold nothing. */
    void below(Tiers tiers) {
        tiers.onDisk(index, new PrefixHasher(pageSize, ReplayDisk.PATTERNS.bytes()));
    }

    /** Copies a page from a slot of the host. */
    DiskWrite write(int diskSlot, BlockHash name, HostSlots host, int slot) {
        return store.write(diskSlot, name, host.region(), host.offset(slot));
    }

    /** Copies a page to a slot of the host; false if the disk has not got it as it was written. */
    boolean read(int diskSlot, BlockHash name, HostSlots host, int slot) {
        return store.read(diskSlot, name, host.region(), host.offset(slot)) == DiskRead.HIT;
    }

    /**
     * Tells what happened, at the end of a replay.
     *
     * @param hits pages found at first admission
     * @throws IllegalStateException if what the tiers count is not what the files saw
     */
    ReplaySummary.Disk summary(Tiers tiers, long hits) {
        DiskCounts counts = store.counts();
        long corrupt = counts.missing() + counts.corrupt();
        require(tiers.diskStoredBlocks() == counts.written(), "stored = written", tiers, counts);
        require(tiers.diskStoredBlocks() <= tiers.offloadedBlocks(), "stored <= offloaded", tiers, counts);
        require(tiers.diskFetchedBlocks() == counts.hits(), "fetched = read", tiers, counts);
        require(
                index.stored() == recovered + tiers.diskStoredBlocks() - tiers.diskDroppedBlocks() - corrupt,
                "there now = recovered + stored - dropped - corrupt",
                tiers,
                counts);
        return new ReplaySummary.Disk(
                hits,
                tiers.diskStoredBlocks(),
                tiers.diskFetchedBlocks(),
                tiers.diskDroppedBlocks(),
                counts.noRoom(),
                corrupt,
                recovered,
                store.slots());
    }

    private void require(boolean holds, String rule, Tiers tiers, DiskCounts counts) {
        if (!holds) {
            throw new IllegalStateException("the pages of the disk are counted wrong: " + rule + ", stored="
                    + tiers.diskStoredBlocks() + ", fetched=" + tiers.diskFetchedBlocks() + ", dropped="
                    + tiers.diskDroppedBlocks() + ", offloaded=" + tiers.offloadedBlocks() + ", recovered=" + recovered
                    + ", thereNow=" + index.stored() + ", " + counts);
        }
    }

    @Override
    public void close() {
        store.close();
    }
}
