package io.kvflux.block;

import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The nodes of the compressed prefix trie. A run is a sequence of committed pages that follow each other and have the
 * same holders; its children continue it. A root stands for a {@link PrefixScope}, has no pages and no parent, and keeps
 * its scope in {@code key}. Run 0 is nobody. Arrays grow on demand, so a run costs 40 bytes (references of 4) and only when it exists.
 */
final class Runs {

    /** No run. */
    static final int NONE = 0;

    int[] parent = new int[16];
    int[] first = new int[16];
    int[] last = new int[16];
    int[] pages = new int[16];
    /** Block tables whose committed pages lead through this run. */
    int[] refs = new int[16];

    int[] children = new int[16];
    int[] hash = new int[16];
    /** The newest step that may touch the run on behalf of a holder that let go. */
    long[] fence = new long[16];
    /** What all pages of the run have beside their tokens; null for almost all. */
    @Nullable
    Object[] key = new Object[16];

    private int fresh = 1;
    private int free;

    int add(int parentRun, @Nullable Object runKey) {
        int run = free;
        if (run != NONE) {
            free = parent[run];
        } else {
            run = fresh++;
            if (run == parent.length) {
                grow(run * 2);
            }
        }
        parent[run] = parentRun;
        first[run] = Pages.NULL_BLOCK;
        last[run] = Pages.NULL_BLOCK;
        pages[run] = 0;
        refs[run] = 0;
        children[run] = 0;
        hash[run] = 0;
        fence[run] = 0;
        key[run] = runKey;
        return run;
    }

    void remove(int run) {
        key[run] = null;
        pages[run] = -1;
        parent[run] = free;
        free = run;
    }

    boolean isRoot(int run) {
        return parent[run] == NONE;
    }

    /** The scope that a run is under. */
    PrefixScope scope(int run) {
        int root = run;
        while (!isRoot(root)) {
            root = parent[root];
        }
        return (PrefixScope) Objects.requireNonNull(key[root]);
    }

    /** One past the largest id ever used. */
    int bound() {
        return fresh;
    }

    boolean exists(int run) {
        return pages[run] >= 0;
    }

    private void grow(int capacity) {
        parent = Arrays.copyOf(parent, capacity);
        first = Arrays.copyOf(first, capacity);
        last = Arrays.copyOf(last, capacity);
        pages = Arrays.copyOf(pages, capacity);
        refs = Arrays.copyOf(refs, capacity);
        children = Arrays.copyOf(children, capacity);
        hash = Arrays.copyOf(hash, capacity);
        fence = Arrays.copyOf(fence, capacity);
        key = Arrays.copyOf(key, capacity);
    }
}
