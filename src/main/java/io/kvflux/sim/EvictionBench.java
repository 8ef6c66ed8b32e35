package io.kvflux.sim;

import io.kvflux.block.EvictionPolicy;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntUnaryOperator;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What eviction policies hit of a workload, and what those would that know what comes: the cache alone, as
 * {@code replay --cache-only} looks at it. {@link #run} works on the caller's thread; {@link #stop} may be called from any. The
 * same numbers on every machine.
 */
public final class EvictionBench {

    /**
     * What was found.
     *
     * @param trace the workload's name
     * @param requests prompts that were looked at
     * @param promptBlocks their full pages
     * @param deviceBlocks sizes of the pool
     * @param policies a row for each
     * @param partial whether it was stopped; what was not finished is null
     */
    public record Result(
            String trace,
            long requests,
            long promptBlocks,
            List<Integer> deviceBlocks,
            List<Row> policies,
            boolean partial) {}

    /**
     * One policy.
     *
     * @param policy its name
     * @param hitBlocks pages that were found in a pool of each size
     */
    public record Row(String policy, List<@Nullable Long> hitBlocks) {}

    /** How often all requests are let through a pool of each size. */
    private static final int RUNS = 6;

    private final Supplier<Workload> workloads;
    private final int pageSize;
    private final List<Integer> sizes;
    private final ReplayListener listener;
    private volatile boolean stopped;
    private long done;
    private long total;

    /**
     * A bench that has not begun.
     *
     * @param workloads opens the workload, the same each time
     * @param pageSize tokens in a page, at least 1
     * @param sizes usable blocks of the pools, each at least 1
     * @param listener hears of the progress: requests of all runs together
     * @throws IllegalArgumentException if pageSize or a size is not positive
     */
    public EvictionBench(Supplier<Workload> workloads, int pageSize, List<Integer> sizes, ReplayListener listener) {
        if (pageSize < 1 || sizes.stream().anyMatch(blocks -> blocks < 1)) {
            throw new IllegalArgumentException(
                    "pageSize and sizes must be positive, pageSize=" + pageSize + ", sizes=" + sizes);
        }
        this.workloads = workloads;
        this.pageSize = pageSize;
        this.sizes = List.copyOf(sizes);
        this.listener = listener;
    }

    /**
     * How much there is to do.
     *
     * @param workload the workload
     * @param sizes how many pools
     * @return requests of all runs together
     */
    public static long requests(Workload workload, int sizes) {
        return workload.size() * (1 + (long) RUNS * sizes);
    }

    /** Makes {@link #run} return what it has so far, soon. */
    public void stop() {
        stopped = true;
    }

    /**
     * Reads the workload and lets it through pools of each size under each policy.
     *
     * @return what was found
     * @throws TraceException if the workload is malformed somewhere
     */
    public Result run() {
        try (Workload workload = workloads.get()) {
            total = requests(workload, sizes.size());
        }
        PageTrace trace = PageTrace.read(workloads, pageSize, this::advance, () -> stopped);
        int[][] nextUses = trace.nextUses();
        Row lru = new Row("lru", new ArrayList<>());
        Row adaptive = new Row("adaptive", new ArrayList<>());
        Row taught = new Row("adaptive, taught by a first pass", new ArrayList<>());
        Row trusted = new Row("the same, with the whole pool as its budget", new ArrayList<>());
        Row never = new Row("lru, told what never returns", new ArrayList<>());
        Row clairvoyant = new Row("clairvoyant", new ArrayList<>());
        Row unlimited = new Row("no limit", new ArrayList<>());
        for (int blocks : sizes) {
            lru.hitBlocks.add(pooled(trace, blocks, EvictionPolicy.lru()));
            EvictionPolicy first = EvictionPolicy.adaptive();
            adaptive.hitBlocks.add(pooled(trace, blocks, first));
            taught.hitBlocks.add(stopped ? null : pooled(trace, blocks, EvictionPolicy.adaptive(first, 0.01)));
            trusted.hitBlocks.add(stopped ? null : pooled(trace, blocks, EvictionPolicy.adaptive(first, 1)));
            never.hitBlocks.add(pageWise(trace, nextUses, blocks, PageWiseCache.Order.NEVER_AGAIN_THEN_LRU));
            clairvoyant.hitBlocks.add(pageWise(trace, nextUses, blocks, PageWiseCache.Order.FURTHEST_NEXT_USE));
            unlimited.hitBlocks.add(stopped ? null : trace.unlimitedHits());
        }
        return new Result(
                trace.name(),
                trace.requests(),
                trace.promptBlocks(),
                sizes,
                List.of(lru, adaptive, taught, trusted, never, clairvoyant, unlimited),
                stopped);
    }

    private @Nullable Long pooled(PageTrace trace, int blocks, EvictionPolicy policy) {
        PromptCache cache = new PromptCache(blocks, 1, policy);
        return hits(trace, request -> {
            int found = cache.hold(trace.prompt(request), trace.prompt(request).length);
            cache.release();
            return found;
        });
    }

    private @Nullable Long pageWise(PageTrace trace, int[][] nextUses, int blocks, PageWiseCache.Order order) {
        PageWiseCache cache = new PageWiseCache(order, blocks, trace.pages());
        return hits(trace, request -> cache.look(request, trace.prompt(request), nextUses[request]));
    }

    /** Lets all prompts through, in their order; null if it was stopped before. */
    private @Nullable Long hits(PageTrace trace, IntUnaryOperator look) {
        long hits = 0;
        for (int request = 0; request < trace.requests() && !stopped; request++) {
            hits += Math.min(look.applyAsInt(request), trace.mayHit(request));
            advance();
        }
        return stopped ? null : hits;
    }

    private void advance() {
        listener.onProgress(++done, total);
    }
}
