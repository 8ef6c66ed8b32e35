package io.kvflux.block;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** What a pool lets its eviction policy see of the runs. */
final class EvictionView implements EvictionPolicy.View {

    private static final int[] NOTHING = {};

    private final BlockPool pool;
    private final Runs runs;
    private final int[] page;
    private int begun;
    private PrefixScope begunScope = PrefixScope.NONE;
    private int begunDepth;
    private PrefixScope scope = PrefixScope.NONE;
    private int[] prompt = NOTHING;
    private PageKeys keys = PageKeys.none();
    /** A page of that, and what is {@linkplain #sum summed up} of it: it is asked for page by page. */
    private int summedPage;

    private long summed;

    EvictionView(BlockPool pool) {
        this.pool = pool;
        runs = pool.runs;
        page = new int[pool.pageSize()];
    }

    @Override
    public int pages(int run) {
        return runs.pages[run];
    }

    @Override
    public int parent(int run) {
        int parent = runs.parent[run];
        return runs.isRoot(parent) ? Runs.NONE : parent;
    }

    @Override
    public int children(int run) {
        return runs.children[run];
    }

    @Override
    public long fingerprint(int run) {
        int parent = runs.parent[run];
        long before = runs.isRoot(parent) ? 0 : ofBlock(runs.last[parent]);
        if (run == begun) {
            return fingerprint(begunScope, begunDepth, before, runs.key[run], ofBlock(runs.first[run]));
        }
        int depth = 0;
        int at = parent;
        for (; !runs.isRoot(at); at = runs.parent[at]) {
            depth += runs.pages[at];
        }
        return fingerprint(runs.scope(at), depth, before, runs.key[run], ofBlock(runs.first[run]));
    }

    @Override
    public long fingerprintOfPage(int number) {
        long before = number == 0 ? 0 : ofPage(number - 1);
        summed = ofPage(number);
        summedPage = number;
        return fingerprint(scope, number, before, keys.key(number), summed);
    }

    /** Where a run begins, so that nobody has to walk there: of a prompt each page may be a run of its own. */
    void begins(int run, PrefixScope itsScope, int depth) {
        begun = run;
        begunScope = itsScope;
        begunDepth = depth;
    }

    /** {@link #fingerprintOfPage} is about this prompt now. */
    void prompt(PrefixScope ofPrompt, int[] tokens, PageKeys ofPages) {
        scope = ofPrompt;
        prompt = tokens;
        keys = ofPages;
        summedPage = -1;
    }

    void noPrompt() {
        prompt(PrefixScope.NONE, NOTHING, PageKeys.none());
    }

    private static long fingerprint(PrefixScope scope, int depth, long before, @Nullable Object key, long page) {
        long place = mix(mix(scope.hashCode()) ^ depth) ^ before;
        return mix(mix(mix(place) ^ Objects.hashCode(key)) ^ page);
    }

    private long ofBlock(int block) {
        pool.pages.tokens.read(block, page);
        return sum(page, 0);
    }

    private long ofPage(int number) {
        return number == summedPage ? summed : sum(prompt, number * page.length);
    }

    /** Two chains side by side: each waits for its own products only. */
    private long sum(int[] tokens, int from) {
        long even = 0;
        long odd = 0;
        int last = from + page.length - 1;
        for (int i = from; i < last; i += 2) {
            even = (even ^ tokens[i]) * 0x9E3779B97F4A7C15L;
            odd = (odd ^ tokens[i + 1]) * 0xC2B2AE3D27D4EB4FL;
        }
        if (page.length % 2 == 1) {
            even = (even ^ tokens[last]) * 0x9E3779B97F4A7C15L;
        }
        return mix(mix(even) ^ odd);
    }

    @Override
    public int available() {
        return pool.availableBlocks();
    }

    private static long mix(long value) {
        long mixed = (value ^ (value >>> 30)) * 0xBF58476D1CE4E5B9L;
        mixed = (mixed ^ (mixed >>> 27)) * 0x94D049BB133111EBL;
        return mixed ^ (mixed >>> 31);
    }
}
