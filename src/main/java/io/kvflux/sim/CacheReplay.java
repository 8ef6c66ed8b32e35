package io.kvflux.sim;

import io.kvflux.block.BlockPool;
import io.kvflux.block.BlockTable;
import io.kvflux.block.PageKeys;
import io.kvflux.block.PrefixMatch;
import io.kvflux.block.PrefixScope;
import io.kvflux.tier.HostMatch;
import io.kvflux.tier.Tiers;
import io.kvflux.tier.disk.DiskWrite;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The cache alone: each request in file order matches its full prompt pages, allocates the missing ones, commits them all
 * and releases them at once, tail first. Partial pages and outputs take no block. With a host tier the order inside a
 * request is that of docs/replay.md; copies take no time. With memory every page is there, is filled when it is computed, copied when it moves
 * and compared when it hits.
 */
final class CacheReplay {

    /** Ticks of a whole replay; each stands for as many requests. */
    private static final int TICKS = 512;

    private final Workload workload;
    private final ReplayListener listener;
    private final BooleanSupplier stopped;
    private final BlockPool pool;
    private final boolean verify;
    private final int pageSize;
    private final BlockTable table = new BlockTable();
    private final PrefixMatch match = new PrefixMatch();
    private final @Nullable Tiers tiers;
    private final HostMatch hostMatch = new HostMatch();
    private final @Nullable CacheMemory memory;

    private long requests;
    private long promptTokens;
    private long promptBlocks;
    private long hitBlocks;
    private long hostHitBlocks;
    private long diskHitBlocks;

    CacheReplay(Workload workload, ReplayOptions options, ReplayListener listener, BooleanSupplier stopped) {
        this.workload = workload;
        this.listener = listener;
        this.stopped = stopped;
        verify = options.scheduler().verifyInvariants();
        pageSize = options.scheduler().pageSize();
        pool = new BlockPool(
                options.scheduler().blocksPerReplica(),
                pageSize,
                1,
                options.scheduler().eviction().get());
        tiers = options.scheduler().newTiers();
        if (tiers != null) {
            pool.onContent(tiers.listener(0));
        }
        memory = options.withMemory() ? new CacheMemory(options) : null;
        if (tiers != null && disk() != null) {
            disk().below(tiers);
        }
    }

    private @Nullable PatternDisk disk() {
        return memory == null ? null : memory.pages().disk();
    }

    @Nullable
    CacheMemory memory() {
        return memory;
    }

    ReplayResult run() {
        try {
            return lookAtAll();
        } finally {
            if (memory != null) {
                memory.close();
            }
        }
    }

    private ReplayResult lookAtAll() {
        long begin = System.nanoTime();
        long every = Math.max(1, workload.size() / TICKS);
        SimRequest request;
        while (!stopped.getAsBoolean() && (request = workload.next()) != null) {
            look(request);
            listener.onProgress(requests, workload.size());
            if (requests % every == 0) {
                listener.onTick(tick());
            }
        }
        double wallSeconds = (System.nanoTime() - begin) / 1e9;
        boolean partial = requests < workload.size();
        return new ReplayResult(
                summary(wallSeconds),
                new double[0],
                new double[0],
                new double[0],
                memory == null ? null : memory.checkedBlocks(),
                partial);
    }

    private void look(SimRequest request) {
        int[] prompt = request.promptTokens();
        int full = prompt.length / pageSize;
        int kept = Math.min(full, pool.usableBlocks());
        int mayHit = Math.min(kept, (prompt.length - 1) / pageSize);
        pool.match(PrefixScope.NONE, prompt, kept, PageKeys.none(), match);
        int resident = match.pages();
        int hits = Math.min(resident, mayHit);
        if (memory != null) {
            memory.begin(request.index(), prompt, kept);
        }
        int hitsBelow = tiers == null ? 0 : onload(prompt, resident, kept, mayHit);
        pool.open(table, PrefixScope.NONE, match, 0);
        makeRoom(kept - resident);
        if (!pool.grow(table, kept - resident)) {
            throw new IllegalStateException("an empty pool holds any prompt that was cut to it, pages=" + kept);
        }
        verifyIfAsked();
        if (memory != null) {
            memory.fill(table, resident, hits, kept);
        }
        pool.commit(table, prompt, kept, PageKeys.none());
        touch(hits, hitsBelow, kept);
        verifyIfAsked();
        pool.release(table);
        verifyIfAsked();
        requests++;
        promptTokens += prompt.length;
        promptBlocks += full;
        hitBlocks += hits;
    }

    /** The pages found below come to the device; the last one does not, if the prompt's last token is in it. */
    private int onload(int[] prompt, int resident, int kept, int mayHit) {
        int last = resident == 0 ? 0 : match.block(resident - 1);
        tiers.match(0, PrefixScope.NONE, last, prompt, resident, kept, PageKeys.none(), true, hostMatch);
        int hits = Math.min(hostMatch.pages(), Math.max(0, mayHit - resident));
        for (int i = hostMatch.pages() - 1; i >= hits; i--) {
            if (!hostMatch.isOnDisk(i)) {
                tiers.computedAgain(hostMatch.slot(i));
            }
        }
        hostMatch.truncate(hits);
        if (hostMatch.pagesOnDisk() > 0) {
            return onloadFromDisk(prompt, resident, last);
        }
        if (memory != null) {
            memory.found(hostMatch, hits);
        }
        for (int i = hits - 1; i >= 0; i--) {
            tiers.read(hostMatch.slot(i));
        }
        hostHitBlocks += hits;
        return hits;
    }

    /** What is on the disk comes to the host first. Hits end before the first page that does not get there. */
    private int onloadFromDisk(int[] prompt, int resident, int last) {
        tiers.claim(0, PrefixScope.NONE, last, prompt, resident, PageKeys.none(), hostMatch);
        int hits = memory.fetch(hostMatch);
        memory.found(hostMatch, hits);
        for (int i = hostMatch.pages() - 1; i >= 0; i--) {
            boolean onDisk = hostMatch.isOnDisk(i);
            if (onDisk) {
                tiers.fetched(hostMatch.slot(i), hostMatch.diskSlot(i), i < hits, i == hits);
            }
            if (i < hits) {
                tiers.brought(hostMatch.slot(i));
                diskHitBlocks += onDisk ? 1 : 0;
                hostHitBlocks += onDisk ? 0 : 1;
            } else if (!onDisk) {
                tiers.letGo(hostMatch.slot(i));
            }
        }
        return hits;
    }

    private void makeRoom(int blocks) {
        while (tiers != null && pool.freeBlocks() < blocks) {
            int victim = pool.victim();
            store(victim, tiers.offload(0, victim));
            pool.evictVictim(false);
        }
    }

    /** What hit on the host and is still there becomes its most recent, and what hit nowhere is written to it if it is to be. */
    private void touch(int hits, int hitsBelow, int kept) {
        if (tiers == null) {
            return;
        }
        for (int i = hits + hitsBelow - 1; i >= hits; i--) {
            tiers.touch(0, table.block(i));
        }
        for (int i = kept - 1; i >= hits + hitsBelow; i--) {
            store(table.block(i), tiers.writeThrough(0, table.block(i)));
        }
        if (memory != null) {
            memory.carryOut();
        }
    }

    private void store(int block, int slot) {
        if (slot == Tiers.NO_SLOT) {
            return;
        }
        tiers.written(slot, true);
        if (memory == null) {
            return;
        }
        memory.offload(block, slot);
        int diskSlot = tiers.store(slot);
        if (diskSlot != Tiers.NO_SLOT) {
            DiskWrite outcome = memory.store(diskSlot, tiers.name(slot), slot);
            tiers.stored(slot, diskSlot, outcome == DiskWrite.WRITTEN, outcome == DiskWrite.NO_ROOM);
        }
    }

    private void verifyIfAsked() {
        if (verify) {
            pool.verify(List.of(table));
            if (tiers != null) {
                tiers.verify();
            }
        }
    }

    private Tick tick() {
        return new Tick(
                requests,
                0,
                0,
                0,
                pool.cachedBlocks(),
                pool.usableBlocks(),
                0,
                0,
                promptBlocks,
                hitBlocks,
                0,
                pool.availableBlocks(),
                0,
                0,
                0);
    }

    private ReplaySummary summary(double wallSeconds) {
        return new ReplaySummary(
                workload.name(),
                requests,
                requests,
                0,
                0,
                promptTokens,
                null,
                promptBlocks,
                hitBlocks,
                hitBlocks * pageSize,
                pool.insertedPages(),
                pool.evictedPages(),
                pool.usableBlocks() - pool.availableBlocks(),
                null,
                null,
                null,
                null,
                null,
                null,
                null,
                new ReplaySummary.Blocks(pool.usableBlocks(), null, null, null),
                ReplaySummary.Tiers.of(tiers, hostHitBlocks, diskSummary()),
                null,
                wallSeconds);
    }

    private ReplaySummary.@Nullable Disk diskSummary() {
        if (tiers == null) {
            return null;
        }
        if (tiers.onloadedBlocks() != hostHitBlocks + diskHitBlocks || tiers.diskFetchedBlocks() != diskHitBlocks) {
            throw new IllegalStateException("what hits below the device comes up to it, hostHits=" + hostHitBlocks
                    + ", diskHits=" + diskHitBlocks + ", onloaded=" + tiers.onloadedBlocks() + ", fetched="
                    + tiers.diskFetchedBlocks());
        }
        return disk() == null ? null : disk().summary(tiers, diskHitBlocks);
    }
}
