package io.kvflux.sim;

import io.kvflux.block.BlockPool;
import io.kvflux.block.BlockTable;
import io.kvflux.block.PageKeys;
import io.kvflux.block.PrefixMatch;
import io.kvflux.block.PrefixScope;
import java.util.List;
import java.util.function.BooleanSupplier;

/**
 * The cache alone: each request in file order matches its full prompt pages, allocates the missing ones, commits them all
 * and releases them at once, tail first. Partial pages and outputs take no block.
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

    private long requests;
    private long promptTokens;
    private long promptBlocks;
    private long hitBlocks;

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
    }

    ReplayResult run() {
        long begin = System.nanoTime();
        long every = Math.max(1, workload.size() / TICKS);
        SimRequest request = null;
        while (!stopped.getAsBoolean() && (request = workload.next()) != null) {
            look(request);
            listener.onProgress(requests, workload.size());
            if (requests % every == 0) {
                listener.onTick(tick());
            }
        }
        double wallSeconds = (System.nanoTime() - begin) / 1e9;
        boolean partial = request != null || requests < workload.size();
        return new ReplayResult(summary(wallSeconds), new double[0], new double[0], new double[0], partial);
    }

    private void look(SimRequest request) {
        int[] prompt = request.promptTokens();
        int full = prompt.length / pageSize;
        int kept = Math.min(full, pool.usableBlocks());
        int mayHit = Math.min(kept, (prompt.length - 1) / pageSize);
        pool.match(PrefixScope.NONE, prompt, mayHit, PageKeys.none(), match);
        int hits = match.pages();
        if (!pool.open(table, PrefixScope.NONE, match, kept - hits)) {
            throw new IllegalStateException("an empty pool holds any prompt that was cut to it, pages=" + kept);
        }
        verifyIfAsked();
        pool.commit(table, prompt, kept, PageKeys.none());
        verifyIfAsked();
        pool.release(table);
        verifyIfAsked();
        requests++;
        promptTokens += prompt.length;
        promptBlocks += full;
        hitBlocks += hits;
    }

    private void verifyIfAsked() {
        if (verify) {
            pool.verify(List.of(table));
        }
    }

    private Tick tick() {
        return new Tick(requests, 0, 0, 0, pool.cachedBlocks(), pool.usableBlocks(), 0, 0, promptBlocks, hitBlocks, 0);
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
                new ReplaySummary.Blocks(pool.usableBlocks(), null, null, null),
                wallSeconds);
    }
}
