package io.kvflux.tier;

import io.kvflux.api.BlockHash;
import io.kvflux.block.PrefixHasher;
import io.kvflux.block.PrefixScope;
import io.kvflux.block.TokenHash;
import io.kvflux.block.TokenPages;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Every page of content that some tier holds, as a number: equal content, equal number. A page is known by the page it
 * continues, its tokens and what else identifies it, all of which are compared, so no collision of hashes can hand out
 * another prompt's KV.
 *
 * <p>A number lives while somebody {@linkplain #retain refers} to it, or to a page that continues it; so a page that no
 * tier holds may be known because the one after it is. Numbers of scopes are the roots. Costs 32 bytes a page (references
 * of 4) beside its tokens, and makes no garbage once it has grown, but for names.
 */
final class ContentIndex {

    /** No page. */
    static final int NONE = 0;

    /** What a page that nobody is to find has in place of a key. */
    private static final Object PRIVATE = new Object();

    private final int pageSize;
    private final TokenHash hashing;
    private final TokenPages tokens;
    private final Map<PrefixScope, Integer> roots = new HashMap<>();

    private int[] parent = new int[64];
    private int[] root = new int[64];
    private int[] refs = new int[64];
    private int[] hash = new int[64];
    /** What pages are called outside of this process; null for those that nobody has asked for. */
    private @Nullable BlockHash[] names = new BlockHash[64];

    @Nullable
    private Object[] key = new Object[64];

    private int fresh = 1;
    private int free;
    private int live;

    private int[] table = new int[128];
    private int used;

    ContentIndex(int pageSize) {
        this.pageSize = pageSize;
        hashing = new TokenHash(pageSize);
        tokens = new TokenPages(pageSize, 1 << 16);
    }

    /** The root of a scope, made when there is none; it goes when the last page under it does. */
    int root(PrefixScope scope) {
        Integer root = roots.get(scope);
        if (root == null) {
            root = add(NONE, scope);
            roots.put(scope, root);
        }
        return root;
    }

    /** The page that continues another with these tokens, or {@link #NONE}. */
    int find(int before, int[] source, int from, @Nullable Object pageKey) {
        if (refs[before] == 0) {
            return NONE;
        }
        int wanted = hashing.of(before, source, from, pageKey);
        int mask = table.length - 1;
        for (int i = wanted & mask; table[i] != NONE; i = (i + 1) & mask) {
            int page = table[i];
            if (hash[page] == wanted
                    && parent[page] == before
                    && tokens.holds(page, source, from)
                    && Objects.equals(key[page], pageKey)) {
                return page;
            }
        }
        return NONE;
    }

    /** The root of a scope, or {@link #NONE}. */
    int findRoot(PrefixScope scope) {
        Integer root = roots.get(scope);
        return root == null ? NONE : root;
    }

    /** As {@link #find}; made when there is none. Nobody refers to a new one yet: {@link #retain} it. */
    int enter(int before, int[] source, int from, @Nullable Object pageKey) {
        int page = find(before, source, from, pageKey);
        if (page != NONE) {
            return page;
        }
        page = add(before, pageKey);
        refs[before]++;
        tokens.write(page, source, from);
        hash[page] = hashing.of(before, source, from, pageKey);
        link(page);
        return page;
    }

    /** A page that continues another and that nobody finds: not full, or nobody else's. */
    int enterPrivate(int before) {
        int page = add(before, PRIVATE);
        refs[before]++;
        return page;
    }

    /** What a page, or a root, is called outside of this process. */
    BlockHash name(int page, PrefixHasher hasher) {
        BlockHash known = names[page];
        if (known != null) {
            return known;
        }
        int depth = 0;
        for (int at = page; at != NONE && names[at] == null; at = parent[at]) {
            depth++;
        }
        int[] path = new int[depth];
        for (int at = page; depth > 0; at = parent[at]) {
            path[--depth] = at;
        }
        int[] copy = new int[pageSize];
        for (int at : path) {
            byte[] name;
            if (parent[at] == NONE) {
                name = hasher.root((PrefixScope) Objects.requireNonNull(key[at]));
            } else {
                tokens.read(at, copy);
                name = hasher.next(Objects.requireNonNull(names[parent[at]]).toBytes(), copy, 0, key[at]);
            }
            names[at] = new BlockHash(name);
        }
        return Objects.requireNonNull(names[page]);
    }

    /** Whether nobody is to find a page. */
    boolean isPrivate(int page) {
        return key[page] == PRIVATE;
    }

    /** Whether nobody is to find a page, and only one reference is left. */
    boolean isForgotten(int page) {
        return isPrivate(page) && refs[page] == 1;
    }

    void retain(int page) {
        refs[page]++;
    }

    /** Forgets a page that nobody refers to any more, and those before it that lived for it alone. */
    void release(int page) {
        int at = page;
        while (--refs[at] == 0) {
            int before = parent[at];
            if (before == NONE) {
                roots.remove(Objects.requireNonNull((PrefixScope) key[at]));
            } else if (key[at] != PRIVATE) {
                unlink(at);
            }
            key[at] = null;
            names[at] = null;
            parent[at] = free;
            free = at;
            live--;
            if (before == NONE) {
                return;
            }
            at = before;
        }
    }

    /** One past the largest number ever given. */
    int bound() {
        return fresh;
    }

    /** Pages and roots that are known. */
    int size() {
        return live;
    }

    /** References to a page, those of pages that continue it included. */
    int refs(int page) {
        return refs[page];
    }

    int parent(int page) {
        return parent[page];
    }

    /** Whether a number is that of a scope. */
    boolean isRoot(int page) {
        return root[page] == page;
    }

    /** The scope that a page is in. */
    PrefixScope scope(int page) {
        return (PrefixScope) Objects.requireNonNull(key[root[page]]);
    }

    /** A copy of a page's tokens. */
    int[] tokens(int page) {
        int[] copy = new int[pageSize];
        tokens.read(page, copy);
        return copy;
    }

    private int add(int before, @Nullable Object pageKey) {
        int page = free;
        if (page != NONE) {
            free = parent[page];
        } else {
            page = fresh++;
            if (page == parent.length) {
                int capacity = page * 2;
                parent = Arrays.copyOf(parent, capacity);
                root = Arrays.copyOf(root, capacity);
                refs = Arrays.copyOf(refs, capacity);
                hash = Arrays.copyOf(hash, capacity);
                names = Arrays.copyOf(names, capacity);
                key = Arrays.copyOf(key, capacity);
            }
        }
        parent[page] = before;
        root[page] = before == NONE ? page : root[before];
        refs[page] = 0;
        key[page] = pageKey;
        live++;
        return page;
    }

    private void link(int page) {
        if (2 * (used + 1) > table.length) {
            int[] old = table;
            table = new int[old.length * 2];
            for (int entry : old) {
                if (entry != NONE) {
                    place(entry);
                }
            }
        }
        place(page);
        used++;
    }

    private void place(int page) {
        int mask = table.length - 1;
        int i = hash[page] & mask;
        while (table[i] != NONE) {
            i = (i + 1) & mask;
        }
        table[i] = page;
    }

    private void unlink(int page) {
        int mask = table.length - 1;
        int hole = hash[page] & mask;
        while (table[hole] != page) {
            hole = (hole + 1) & mask;
        }
        // Backward shift: pull up every later entry that may stand in the hole, so that no tombstones are needed.
        for (int i = (hole + 1) & mask; table[i] != NONE; i = (i + 1) & mask) {
            int home = hash[table[i]] & mask;
            if (((i - home) & mask) >= ((i - hole) & mask)) {
                table[hole] = table[i];
                hole = i;
            }
        }
        table[hole] = NONE;
        used--;
    }

    /** Compares every count and link with the others. */
    void verify() {
        int[] children = new int[fresh];
        boolean[] unused = new boolean[fresh];
        for (int page = free; page != NONE; page = parent[page]) {
            unused[page] = true;
        }
        int known = 0;
        int findable = 0;
        for (int page = 1; page < fresh; page++) {
            if (unused[page]) {
                continue;
            }
            known++;
            children[parent[page]]++;
            require(
                    root[page] == (parent[page] == NONE ? page : root[parent[page]]),
                    "a page is in its parent's scope, page",
                    page);
            findable += parent[page] != NONE && key[page] != PRIVATE ? 1 : 0;
        }
        for (int page = 1; page < fresh; page++) {
            require(
                    unused[page] || refs[page] >= Math.max(1, children[page]),
                    "a known page is referred to, page",
                    page);
        }
        require(known == live, "every page is known or free, known", known);
        require(findable == used, "the table has every page that can be found once, pages", findable);
        int[] copy = new int[pageSize];
        for (int entry : table) {
            if (entry != NONE) {
                tokens.read(entry, copy);
                require(
                        find(parent[entry], copy, 0, key[entry]) == entry,
                        "a page is found by its content, page",
                        entry);
            }
        }
    }

    private static void require(boolean condition, String rule, long value) {
        if (!condition) {
            throw new IllegalStateException("invariant broken: " + rule + "=" + value);
        }
    }
}
