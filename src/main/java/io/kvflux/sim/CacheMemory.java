package io.kvflux.sim;

import io.kvflux.api.BlockHash;
import io.kvflux.block.BlockTable;
import io.kvflux.memory.CopyBatch;
import io.kvflux.tier.HostMatch;
import io.kvflux.tier.disk.DiskWrite;
import java.util.BitSet;
import org.jspecify.annotations.Nullable;

/**
 * The bytes of a look at the cache alone. What a prompt found on the host is decided before its room on the device is
 * made, and comes up after: until then its slot is kept, and whoever is written to that slot meanwhile gets a spare one.
 */
final class CacheMemory implements AutoCloseable {

    private static final int ONE_REPLICA = 0;

    private final PatternPages pages;
    private final int pageSize;
    private final @Nullable CopyBatch copies;
    /** Where a slot of the tier is: a slot of the memory, which has spare ones. */
    private final int[] places;

    private final int[] spare;
    private int spares;
    /** By place: whether the request at hand will read it. */
    private final BitSet awaited = new BitSet();
    /** By place: whether the batch at hand writes it. */
    private final BitSet written = new BitSet();

    private long request;
    private long[] chain = new long[0];
    private int[] hostSlots = new int[8];
    private int[] hostPlaces = new int[8];
    /** By page of those: where the disk has it, if it came from there. */
    private int[] diskSlots = new int[8];

    private int hostHits;
    private long checkedBlocks;

    CacheMemory(ReplayOptions options) {
        pageSize = options.scheduler().pageSize();
        places = new int[options.scheduler().hostBlocks()];
        spare = new int[MemoryNeed.spareSlots(options)];
        for (int i = 0; i < places.length; i++) {
            places[i] = i;
        }
        for (int i = 0; i < spare.length; i++) {
            spare[spares++] = places.length + spare.length - 1 - i;
        }
        pages = new PatternPages(options);
        copies = places.length == 0 ? null : pages.newBatch();
    }

    PatternPages pages() {
        return pages;
    }

    /** {@return pages compared with what was computed for them} */
    long checkedBlocks() {
        return checkedBlocks;
    }

    /** A request is looked at. */
    void begin(long index, int[] prompt, int fullPages) {
        request = index;
        hostHits = 0;
        int tokens = fullPages * pageSize;
        if (chain.length < tokens) {
            chain = new long[tokens];
        }
        long value = TokenPattern.START;
        for (int i = 0; i < tokens; i++) {
            value = TokenPattern.next(value, prompt[i]);
            chain[i] = value;
        }
    }

    /**
     * Reads the pages of a match that are on the disk to their slots of the host.
     *
     * @return pages of the match up to the first that the disk has not got as it was written
     */
    int fetch(HostMatch match) {
        int good = 0;
        while (good < match.pages()
                && (!match.isOnDisk(good)
                        || pages.disk()
                                .read(
                                        match.diskSlot(good),
                                        match.name(good),
                                        pages.slots(),
                                        places[match.slot(good)]))) {
            good++;
        }
        return good;
    }

    /** The first pages of a match, which are on the host now, will come up. */
    void found(HostMatch match, int hits) {
        if (hostSlots.length < hits) {
            hostSlots = new int[hits * 2];
            hostPlaces = new int[hits * 2];
            diskSlots = new int[hits * 2];
        }
        for (int i = 0; i < hits; i++) {
            hostSlots[i] = match.slot(i);
            hostPlaces[i] = places[match.slot(i)];
            diskSlots[i] = match.isOnDisk(i) ? match.diskSlot(i) : -1;
            awaited.set(hostPlaces[i]);
        }
        hostHits = hits;
    }

    /** A block goes down to a slot of the tier. */
    void offload(int block, int slot) {
        if (awaited.get(places[slot])) {
            places[slot] = spare[--spares];
        }
        if (written.get(places[slot])) {
            carryOut(); // the slot was given away again since: a batch writes a slot once
        }
        copies.offload(ONE_REPLICA, block, places[slot]);
        written.set(places[slot]);
    }

    /** A page that goes down to a slot of the tier goes on to the disk. */
    DiskWrite store(int diskSlot, BlockHash name, int slot) {
        carryOut();
        return pages.disk().write(diskSlot, name, pages.slots(), places[slot]);
    }

    /** What was to go down has gone when this returns. */
    void carryOut() {
        if (copies != null) {
            pages.carryOut(copies);
            written.clear();
        }
    }

    /**
     * The request has its blocks: what was found on the host comes up to them, what nobody had is computed, and what hit is
     * compared with what was asked for.
     *
     * @param table its blocks
     * @param resident the first pages, which the device had
     * @param hits of those, the ones that count as hits
     * @throws PageMismatchException if a page that hit holds something else
     */
    void fill(BlockTable table, int resident, int hits, int fullPages) {
        carryOut();
        for (int i = 0; i < hostHits; i++) {
            copies.onload(ONE_REPLICA, hostPlaces[i], table.block(resident + i));
        }
        carryOut();
        for (int page = resident + hostHits; page < fullPages; page++) {
            pages.write(ONE_REPLICA, table.block(page), chain, page * pageSize, (page + 1) * pageSize);
        }
        for (int page = 0; page < hits; page++) {
            check(page, table.block(page), -1);
        }
        for (int i = 0; i < hostHits; i++) {
            check(resident + i, table.block(resident + i), i);
        }
        for (int i = 0; i < hostHits; i++) {
            if (places[hostSlots[i]] != hostPlaces[i]) {
                spare[spares++] = hostPlaces[i];
            }
            awaited.clear(hostPlaces[i]);
        }
    }

    private void check(int page, int block, int hostHit) {
        int from = page * pageSize;
        PatternPages.Difference difference = pages.compare(ONE_REPLICA, block, chain, from, from + pageSize);
        checkedBlocks++;
        if (difference == null) {
            return;
        }
        String where = "tier=device, block=" + block;
        if (hostHit >= 0) {
            PatternPages.Difference below = pages.compareSlot(hostPlaces[hostHit], chain, from, from + pageSize);
            int diskSlot = diskSlots[hostHit];
            String source = diskSlot < 0 ? "tier=host, slot=" + hostSlots[hostHit] : "tier=disk, slot=" + diskSlot;
            where = below == null ? where + ", brought from " + source + " which is right" : source;
        }
        throw new PageMismatchException("a page that hits must hold what was computed for its tokens, request="
                + request + ", page=" + page + ", " + where + ", " + difference + "; "
                + PatternPages.WHAT_TO_DO);
    }

    @Override
    public void close() {
        pages.close();
    }
}
