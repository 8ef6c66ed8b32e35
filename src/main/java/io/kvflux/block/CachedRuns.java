package io.kvflux.block;

/**
 * What nobody holds and no step in flight may touch, and in which order it goes: what the pool tells its eviction policy and
 * asks of it.
 */
final class CachedRuns {

    private final Pages pages;
    private final Runs runs;
    private final PrefixIndex index;
    private final Fences fences;
    private final EvictionView view;
    private EvictionPolicy eviction;
    private long now;

    private int count;
    private long evicted;

    /**
     * @param view of the pool
     * @param eviction a policy that is attached before anything becomes cached
     */
    CachedRuns(Pages pages, Runs runs, PrefixIndex index, Fences fences, EvictionView view, EvictionPolicy eviction) {
        this.pages = pages;
        this.runs = runs;
        this.index = index;
        this.fences = fences;
        this.view = view;
        this.eviction = eviction;
    }

    /** {@return pages that are cached} */
    int pages() {
        return count;
    }

    /** {@return pages that were evicted so far} */
    long evictedPages() {
        return evicted;
    }

    void time(long nanos) {
        now = nanos;
        eviction.time(nanos);
    }

    /** Pages of a table up to this number are not here and will be computed, but for those of which that was told before. */
    void missed(BlockTable table, int[] tokens, int to, PageKeys keys) {
        if (table.told < to) {
            view.prompt(table.scope, tokens, keys);
            eviction.missed(table.told, to);
            view.noPrompt();
            table.told = to;
        }
    }

    /** Pages of a table from this number on were committed, up to where it is now. */
    void computed(BlockTable table, int[] tokens, int from, PageKeys keys) {
        view.prompt(table.scope, tokens, keys);
        eviction.computed(from, table.committed);
        view.noPrompt();
    }

    /** A run has got its first page, the one of this number under its scope. */
    void created(int run, PrefixScope scope, int page) {
        view.begins(run, scope, page);
        eviction.created(run);
        view.begins(Runs.NONE, PrefixScope.NONE, 0);
    }

    void add(int run) {
        count += runs.pages[run];
        eviction.cached(run);
    }

    /** A cached run is held again, because a prompt found it or because its pages were computed again. */
    void hold(int run, boolean found) {
        if (found) {
            eviction.held(run);
        } else {
            eviction.merged(run);
        }
        count -= runs.pages[run];
    }

    /** Divides any run; the head has the tail's holders, and is queued with it if nobody holds them. */
    int split(int run, int head) {
        int front = index.split(run, head);
        eviction.split(front, run);
        if (runs.refs[front] == 0) {
            if (fences.pending(runs.fence[front])) {
                fences.withholdRun(front, runs.fence[front]);
            } else {
                eviction.cached(front);
            }
        }
        return front;
    }

    /** The block of the page that goes next; something is cached. */
    int victim() {
        return runs.last[eviction.victim()];
    }

    /** Takes that page out; something is cached. */
    int takeVictim() {
        int run = eviction.victim();
        if (!evictable(run)) {
            throw new IllegalStateException("the eviction policy must name a cached leaf, run=" + run);
        }
        int block = runs.last[run];
        count--;
        evicted++;
        if (runs.pages[run] == 1) {
            eviction.removed(run);
            int parent = runs.parent[run];
            index.removeRun(run);
            index.dropIfUnused(parent);
        } else {
            runs.last[run] = pages.prev[block];
            runs.pages[run]--;
            pages.next[runs.last[run]] = Pages.NULL_BLOCK;
            eviction.shortened(run);
        }
        return block;
    }

    private boolean evictable(int run) {
        return run > Runs.NONE
                && run < runs.bound()
                && runs.pages[run] > 0
                && runs.refs[run] == 0
                && runs.children[run] == 0
                && !fences.pending(runs.fence[run]);
    }

    /** Tells the policy how long the pages of a table are to be kept, with runs divided where that changes. */
    void retain(BlockTable table) {
        if (!eviction.honoursRetention()) {
            eviction = new RetainingEviction(eviction, view, runCount(), runs.bound());
            eviction.time(now);
        }
        int end = table.committed;
        for (int run = table.run; end > 0; run = runs.parent[run]) {
            int begin = end - runs.pages[run];
            int cut = RetentionRanges.lastBoundary(table.retentions, pages.pageSize, begin, end);
            if (cut > begin) {
                split(run, cut - begin);
            }
            RetentionRanges.tell(table.retentions, pages.pageSize, cut, run, now, eviction);
            end = cut;
        }
    }

    /** Whether a run is to be kept in another way than what follows it. */
    boolean retains(int run) {
        return eviction.retains(run);
    }

    private int runCount() {
        int cached = 0;
        for (int run = 1; run < runs.bound(); run++) {
            boolean isCached = runs.pages[run] > 0 && runs.refs[run] == 0 && !fences.pending(runs.fence[run]);
            cached += isCached ? 1 : 0;
        }
        return cached;
    }
}
