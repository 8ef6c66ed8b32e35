package io.kvflux.block;

import io.kvflux.api.BlockEvent;
import io.kvflux.api.BlockHash;
import io.kvflux.api.RemovalCause;
import io.kvflux.api.Tier;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Names the pages of one pool and tells what becomes of them, while somebody listens. The index compares content and
 * needs no names; they cost two SHA-256 a page and 56 bytes a cached block, which is why this exists only on demand.
 */
final class ContentLog implements ContentListener {

    private final int replica;
    private final Pages pages;
    private final Runs runs;
    private final PrefixHasher hasher;
    private final LongSupplier numbers;
    private final Consumer<BlockEvent> sink;
    /** By block; null for one that is not findable. */
    private final @Nullable BlockHash[] names;

    ContentLog(
            int replica, Pages pages, Runs runs, PrefixHasher hasher, LongSupplier numbers, Consumer<BlockEvent> sink) {
        this.replica = replica;
        this.pages = pages;
        this.runs = runs;
        this.hasher = hasher;
        this.numbers = numbers;
        this.sink = sink;
        names = new BlockHash[pages.blocks + 1];
    }

    /** Names everything there is that has no name yet; parents come before their children. */
    List<BlockEvent.Stored> content(long number) {
        List<BlockEvent.Stored> content = new ArrayList<>();
        boolean[] done = new boolean[runs.bound()];
        for (int run = 1; run < done.length; run++) {
            // Up to the highest ancestor that is not named yet, then down again, one run at a time.
            while (isUnnamed(run, done)) {
                int top = run;
                while (isUnnamed(runs.parent[top], done)) {
                    top = runs.parent[top];
                }
                content.add(name(top, number));
                done[top] = true;
            }
        }
        return content;
    }

    private boolean isUnnamed(int run, boolean[] done) {
        return run != Runs.NONE && !done[run] && runs.exists(run) && runs.pages[run] > 0;
    }

    private BlockEvent.Stored name(int run, long number) {
        int parent = runs.parent[run];
        int count = runs.pages[run];
        int[] tokens = new int[count * pages.pageSize];
        int[] page = new int[pages.pageSize];
        int[] blocks = new int[count];
        int block = runs.first[run];
        for (int i = 0; i < count; i++) {
            blocks[i] = block;
            pages.tokens.read(block, page);
            System.arraycopy(page, 0, tokens, i * pages.pageSize, pages.pageSize);
            block = pages.next[block];
        }
        BlockHash before = runs.isRoot(parent) ? null : names[runs.last[parent]];
        return stored(number, runs.scope(run), before, blocks, 0, count, tokens, i -> runs.key[run]);
    }

    @Override
    public void stored(PrefixScope scope, BlockTable table, int from, int to, int[] tokens, PageKeys keys) {
        BlockHash before = from == 0 ? null : names[table.ids[from - 1]];
        int[] own = Arrays.copyOfRange(tokens, from * pages.pageSize, to * pages.pageSize);
        sink.accept(
                stored(numbers.getAsLong(), scope, before, table.ids, from, to - from, own, i -> keys.key(from + i)));
    }

    @Override
    public void evicted(int block) {
        BlockHash name = Objects.requireNonNull(names[block]);
        names[block] = null;
        sink.accept(new BlockEvent.Removed(numbers.getAsLong(), replica, Tier.DEVICE, name, RemovalCause.EVICTED));
    }

    @Override
    public void cleared() {
        Arrays.fill(names, null);
        sink.accept(new BlockEvent.Cleared(numbers.getAsLong(), replica, Tier.DEVICE));
    }

    /** Something that gives a page's key by its place among the pages stored together. */
    private interface KeyOf {
        @Nullable
        Object key(int i);
    }

    private BlockEvent.Stored stored(
            long number,
            PrefixScope scope,
            @Nullable BlockHash before,
            int[] blocks,
            int from,
            int count,
            int[] tokens,
            KeyOf keys) {
        byte[] previous = before == null ? hasher.root(scope) : before.toBytes();
        List<BlockHash> hashes = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            BlockHash name = names[blocks[from + i]];
            if (name == null) {
                name = new BlockHash(hasher.next(previous, tokens, i * pages.pageSize, keys.key(i)));
                names[blocks[from + i]] = name;
            }
            previous = name.toBytes();
            hashes.add(name);
        }
        return new BlockEvent.Stored(
                number, replica, Tier.DEVICE, before, hashes, tokens, pages.pageSize, scope.salt(), scope.adapter());
    }
}
