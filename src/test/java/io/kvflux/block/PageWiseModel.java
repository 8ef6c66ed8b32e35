package io.kvflux.block;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The obvious pool: a map from "scope and all tokens and media up to the end of this page" to the page, reference counts by page,
 * and page-wise least recently used eviction by time stamps, or the evictions of a pool that has another policy. Slow and plain.
 */
final class PageWiseModel {

    private record Key(PrefixScope scope, List<Integer> tokens, List<Object> media) {}

    /** What a pool with another policy than LRU still has. */
    interface Finder {
        boolean finds(PrefixScope scope, int[] tokens, PageKeys media, int pages);
    }

    private static final class Page {
        int[] tokens;
        PageKeys media;
        int refs;
        long fence;
        /** Order in which pages were let go; the smallest of the cached ones is evicted. */
        long stamp;
    }

    private static final class Table {
        PrefixScope scope = PrefixScope.NONE;
        List<Key> committed = new ArrayList<>();
        int own;
        long fence;
    }

    private final @Nullable Finder finder;
    private final int blocks;
    private final int pageSize;
    private final Map<Key, Page> findable = new HashMap<>();
    private final Table[] tables;
    /** Fences of blocks without content. */
    private final List<Long> withheldBlocks = new ArrayList<>();

    private long completed;
    private long clock;
    private long inserted;
    private long evicted;

    PageWiseModel(int blocks, int pageSize, int tables, @Nullable Finder finder) {
        this.finder = finder;
        this.blocks = blocks;
        this.pageSize = pageSize;
        this.tables = new Table[tables];
    }

    List<Long> state() {
        long held = Arrays.stream(tables)
                        .filter(t -> t != null)
                        .mapToLong(t -> t.own)
                        .sum()
                + findable.values().stream().filter(p -> p.refs > 0).count();
        long withheld = withheldBlocks.size()
                + findable.values().stream().filter(this::isWithheld).count();
        return List.of(blocks - held - withheld - cached(), held, cached(), withheld, inserted, evicted);
    }

    int match(PrefixScope scope, int[] prompt, PageKeys media, int maxPages) {
        int pages = 0;
        while (pages < maxPages && findable.containsKey(key(scope, prompt, media, pages))) {
            pages++;
        }
        return pages;
    }

    int cachedOfMatch(PrefixScope scope, int[] prompt, PageKeys media, int pages) {
        int cached = 0;
        for (int i = 0; i < pages; i++) {
            cached += isCached(findable.get(key(scope, prompt, media, i))) ? 1 : 0;
        }
        return cached;
    }

    boolean open(int at, PrefixScope scope, int[] prompt, PageKeys media, int pages, int extra) {
        if (extra > available() - cachedOfMatch(scope, prompt, media, pages)) {
            return false;
        }
        Table table = new Table();
        table.scope = scope;
        for (int i = 0; i < pages; i++) {
            table.committed.add(key(scope, prompt, media, i));
            findable.get(key(scope, prompt, media, i)).refs++;
        }
        tables[at] = table;
        take(table, extra);
        return true;
    }

    boolean grow(int at, int extra) {
        if (extra > available()) {
            return false;
        }
        take(tables[at], extra);
        return true;
    }

    boolean fork(int from, int at, int extra) {
        if (extra > available()) {
            return false;
        }
        Table table = new Table();
        table.scope = tables[from].scope;
        table.committed.addAll(tables[from].committed);
        table.committed.forEach(key -> findable.get(key).refs++);
        tables[at] = table;
        take(table, extra);
        return true;
    }

    void commit(int at, int[] tokens, PageKeys media, int upTo) {
        Table table = tables[at];
        while (table.committed.size() < upTo) {
            Key key = key(table.scope, tokens, media, table.committed.size());
            table.committed.add(key);
            table.own--;
            Page twin = findable.get(key);
            if (twin == null) {
                twin = new Page();
                twin.tokens = Arrays.copyOf(tokens, key.tokens().size());
                twin.media = media;
                findable.put(key, twin);
                inserted++;
            } else if (table.fence > completed) {
                withheldBlocks.add(table.fence);
            }
            twin.refs++;
        }
    }

    void release(int at) {
        Table table = tables[at];
        for (int i = 0; i < table.own && table.fence > completed; i++) {
            withheldBlocks.add(table.fence);
        }
        for (int i = table.committed.size() - 1; i >= 0; i--) {
            Page page = findable.get(table.committed.get(i));
            page.refs--;
            page.fence = Math.max(page.fence, table.fence);
            page.stamp = clock++;
        }
        tables[at] = null;
    }

    void touch(int at, long step) {
        tables[at].fence = step;
    }

    void completed(long step) {
        List<Page> passed = new ArrayList<>(findable.values().stream()
                .filter(p -> isWithheld(p) && p.fence <= step)
                .toList());
        passed.sort(Comparator.<Page>comparingLong(p -> p.fence).thenComparingLong(p -> p.stamp));
        passed.forEach(page -> page.stamp = clock++);
        completed = step;
        withheldBlocks.removeIf(fence -> fence <= step);
    }

    boolean clear() {
        if (Arrays.stream(tables).anyMatch(t -> t != null && t.own + t.committed.size() > 0)
                || !withheldBlocks.isEmpty()
                || findable.values().stream().anyMatch(this::isWithheld)) {
            return false;
        }
        evicted += findable.size();
        findable.clear();
        return true;
    }

    private void take(Table table, int extra) {
        for (int i = 0; i < extra; i++) {
            List<Long> state = state();
            if (state.get(0) == 0) {
                Key victim = findable.entrySet().stream()
                        .filter(e -> isCached(e.getValue()) && !isFound(e.getKey(), e.getValue()))
                        .min(Comparator.comparingLong(e -> e.getValue().stamp))
                        .orElseThrow()
                        .getKey();
                findable.remove(victim);
                evicted++;
            }
            table.own++;
        }
    }

    /** Whether the pool that is followed has kept the page. */
    private boolean isFound(Key key, Page page) {
        return finder != null && finder.finds(key.scope(), page.tokens, page.media, page.tokens.length / pageSize);
    }

    private long available() {
        return state().get(0) + cached();
    }

    private long cached() {
        return findable.values().stream().filter(this::isCached).count();
    }

    private boolean isCached(Page page) {
        return page.refs == 0 && page.fence <= completed;
    }

    private boolean isWithheld(Page page) {
        return page.refs == 0 && page.fence > completed;
    }

    private Key key(PrefixScope scope, int[] tokens, PageKeys media, int page) {
        return new Key(
                scope,
                Arrays.stream(tokens, 0, (page + 1) * pageSize).boxed().toList(),
                IntStream.rangeClosed(0, page)
                        .mapToObj(i -> Objects.requireNonNullElse(media.key(i), "none"))
                        .toList());
    }
}
