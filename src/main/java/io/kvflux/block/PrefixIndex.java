package io.kvflux.block;

import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The prefix trie's edges: "which run follows this run with these tokens". One open-addressing table for all runs,
 * hashed by parent and the tokens of the child's first page, confirmed by comparing tokens and keys; so no collision
 * can hand out another prompt's block, and a fast hash is enough.
 */
final class PrefixIndex {

    private final Pages pages;
    private final Runs runs;
    private final Map<PrefixScope, Integer> roots = new HashMap<>();
    private final int defaultRoot;
    private final TokenHash hash;
    private final int[] scratch;
    private int[] slots = new int[64];
    private int used;

    PrefixIndex(Pages pages, Runs runs, LongSupplier randomKeys) {
        this.pages = pages;
        this.runs = runs;
        hash = new TokenHash(pages.pageSize, randomKeys);
        scratch = new int[pages.pageSize];
        defaultRoot = root(PrefixScope.NONE);
    }

    /** The root of a scope, made when there is none. */
    int root(PrefixScope scope) {
        if (defaultRoot != Runs.NONE && scope.equals(PrefixScope.NONE)) {
            return defaultRoot;
        }
        return roots.computeIfAbsent(scope, s -> runs.add(Runs.NONE, s));
    }

    /** Forgets the root of a scope that nobody uses; the root without salt and adapter stays. */
    void dropIfUnused(int root) {
        if (isUnusedRoot(root)) {
            roots.remove(Objects.requireNonNull((PrefixScope) runs.key[root]));
            runs.remove(root);
        }
    }

    boolean isUnusedRoot(int run) {
        return run != defaultRoot
                && runs.exists(run)
                && runs.isRoot(run)
                && runs.refs[run] == 0
                && runs.children[run] == 0;
    }

    int rootCount() {
        return roots.size();
    }

    int runCount() {
        return used;
    }

    void match(PrefixScope scope, int[] tokens, int maxPages, PageKeys pageKeys, long completed, PrefixMatch out) {
        Integer root = scope.equals(PrefixScope.NONE) ? Integer.valueOf(defaultRoot) : roots.get(scope);
        out.reset(root == null ? Runs.NONE : root);
        out.ask(tokens, maxPages, pageKeys);
        int run = root == null ? Runs.NONE : root;
        while (run != Runs.NONE && out.pages < maxPages) {
            int child = child(run, tokens, out.pages * pages.pageSize, pageKeys.key(out.pages));
            if (child == Runs.NONE) {
                return;
            }
            int matched = follow(child, tokens, out.pages, maxPages, pageKeys, out);
            if (runs.refs[child] == 0 && runs.fence[child] <= completed) {
                out.cachedPages += matched;
            }
            out.run = child;
            out.pagesOfRun = matched;
            run = matched == runs.pages[child] ? child : Runs.NONE;
        }
    }

    /**
     * How many pages of {@code run}, whose first page is known to match, continue the tokens.
     *
     * @param out takes the blocks, unless null
     */
    int follow(int run, int[] tokens, int page, int maxPages, PageKeys pageKeys, @Nullable PrefixMatch out) {
        int limit = Math.min(runs.pages[run], maxPages - page);
        Object key = runs.key[run];
        int block = runs.first[run];
        int matched = 0;
        do {
            if (out != null) {
                out.add(block);
            }
            matched++;
            block = pages.next[block];
        } while (matched < limit
                && pages.tokens.holds(block, tokens, (page + matched) * pages.pageSize)
                && Objects.equals(key, pageKeys.key(page + matched)));
        return matched;
    }

    int child(int parent, int[] tokens, int from, @Nullable Object key) {
        if (runs.children[parent] == 0) {
            return Runs.NONE;
        }
        int wanted = hash.of(parent, tokens, from, key);
        int mask = slots.length - 1;
        for (int i = wanted & mask; slots[i] != Runs.NONE; i = (i + 1) & mask) {
            int run = slots[i];
            if (runs.hash[run] == wanted
                    && runs.parent[run] == parent
                    && pages.tokens.holds(runs.first[run], tokens, from)
                    && Objects.equals(runs.key[run], key)) {
                return run;
            }
        }
        return Runs.NONE;
    }

    /** Makes {@code block}, whose tokens are written, the first page of a new child of {@code parent}. */
    int addChild(int parent, int block, @Nullable Object key) {
        int run = runs.add(parent, key);
        runs.first[run] = block;
        runs.last[run] = block;
        runs.pages[run] = 1;
        pages.prev[block] = Pages.NULL_BLOCK;
        pages.next[block] = Pages.NULL_BLOCK;
        runs.children[parent]++;
        link(run);
        return run;
    }

    /** Appends {@code block}, whose tokens are written, to a run without children. */
    void append(int run, int block) {
        int last = runs.last[run];
        pages.next[last] = block;
        pages.prev[block] = last;
        pages.next[block] = Pages.NULL_BLOCK;
        runs.last[run] = block;
        runs.pages[run]++;
    }

    /**
     * Divides a run after {@code head} pages, 0 &lt; head &lt; pages. The tail keeps the id, so that every holder, whose
     * pages end where a run ends, still points at the right one.
     *
     * @return the new run, which holds the first {@code head} pages
     */
    int split(int run, int head) {
        int cut = pageOf(run, head);
        unlink(run);
        int parent = runs.parent[run];
        int front = runs.add(parent, runs.key[run]);
        runs.first[front] = runs.first[run];
        runs.last[front] = cut;
        runs.pages[front] = head;
        runs.refs[front] = runs.refs[run];
        runs.fence[front] = runs.fence[run];
        runs.children[front] = 1;
        runs.parent[run] = front;
        runs.first[run] = pages.next[cut];
        runs.pages[run] -= head;
        pages.prev[runs.first[run]] = Pages.NULL_BLOCK;
        pages.next[cut] = Pages.NULL_BLOCK;
        link(front);
        link(run);
        return front;
    }

    /** The page of this number, counted from 1, from whichever end of the run is nearer. */
    private int pageOf(int run, int number) {
        int page = runs.first[run];
        if (number <= runs.pages[run] / 2) {
            for (int i = 1; i < number; i++) {
                page = pages.next[page];
            }
            return page;
        }
        page = runs.last[run];
        for (int i = runs.pages[run]; i > number; i--) {
            page = pages.prev[page];
        }
        return page;
    }

    void removeRun(int run) {
        unlink(run);
        runs.children[runs.parent[run]]--;
        runs.remove(run);
    }

    private void link(int run) {
        if (2 * (used + 1) > slots.length) {
            grow();
        }
        pages.tokens.read(runs.first[run], scratch);
        runs.hash[run] = hash.of(runs.parent[run], scratch, 0, runs.key[run]);
        place(run);
        used++;
    }

    private void place(int run) {
        int mask = slots.length - 1;
        int i = runs.hash[run] & mask;
        while (slots[i] != Runs.NONE) {
            i = (i + 1) & mask;
        }
        slots[i] = run;
    }

    private void unlink(int run) {
        int mask = slots.length - 1;
        int hole = runs.hash[run] & mask;
        while (slots[hole] != run) {
            hole = (hole + 1) & mask;
        }
        // Backward shift: pull up every later entry that may stand in the hole, so that no tombstones are needed.
        for (int i = (hole + 1) & mask; slots[i] != Runs.NONE; i = (i + 1) & mask) {
            int home = runs.hash[slots[i]] & mask;
            if (((i - home) & mask) >= ((i - hole) & mask)) {
                slots[hole] = slots[i];
                hole = i;
            }
        }
        slots[hole] = Runs.NONE;
        used--;
    }

    private void grow() {
        int[] old = slots;
        slots = new int[old.length * 2];
        for (int run : old) {
            if (run != Runs.NONE) {
                place(run);
            }
        }
    }
}
