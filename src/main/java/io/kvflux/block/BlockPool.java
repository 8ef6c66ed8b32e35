package io.kvflux.block;

import io.kvflux.api.BlockEvent;
import java.security.SecureRandom;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.IntConsumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The blocks of one replica: who holds them, what they hold, and which goes first when room is needed.
 *
 * <pre>
 *   FREE --grow--> FILLING --commit--> COMMITTED --last reference gone--> CACHED --evict--> FREE
 *                     |                    ^                                |
 *                     +--release--> FREE   +----------- open ---------------+
 * </pre>
 *
 * What is let go while a step in flight may touch it is <em>withheld</em> on its way to FREE or CACHED. At every instant
 * free + held + cached + withheld = usable. An allocation is all or nothing: it is refused before anything changes.
 *
 * <p>Single-threaded. Block 0 is the null block, never counted and never handed out; usable ids are 1 to
 * {@link #usableBlocks()}. Costs 8 bytes a block, 64 to 128 bytes a run of pages in the prefix index, and 4 bytes a token
 * of committed pages for confirming hits.
 */
public final class BlockPool implements BlockCounts {

    final Pages pages;
    final Runs runs = new Runs();
    final PrefixIndex index;
    final Fences fences;
    private final CachedRuns cached;
    private final PoolListeners listeners;

    private int held;
    private int withheld;
    private long inserted;

    /**
     * A pool in which every block is free.
     *
     * @param blocks usable blocks, at least 1
     * @param pageSize tokens in a page, at least 1
     * @param maxStepsInFlight steps that may be issued and not completed, 1 to 65 536: how far a fence can be ahead
     * @param eviction a policy of this pool's own
     * @throws IllegalArgumentException if a number is not positive, blocks is 2^31 - 1, or maxStepsInFlight too large
     */
    public BlockPool(int blocks, int pageSize, int maxStepsInFlight, EvictionPolicy eviction) {
        this(blocks, pageSize, maxStepsInFlight, eviction, new SecureRandom()::nextLong);
    }

    BlockPool(int blocks, int pageSize, int maxStepsInFlight, EvictionPolicy eviction, LongSupplier hashKeys) {
        if (blocks <= 0
                || blocks == Integer.MAX_VALUE
                || pageSize <= 0
                || maxStepsInFlight <= 0
                || maxStepsInFlight > Fences.MAX_STEPS) {
            throw new IllegalArgumentException("a pool needs 0 < blocks < 2^31 - 1, pageSize > 0 and"
                    + " 0 < maxStepsInFlight <= " + Fences.MAX_STEPS + ", blocks=" + blocks + ", pageSize=" + pageSize
                    + ", maxStepsInFlight=" + maxStepsInFlight);
        }
        pages = new Pages(blocks, pageSize);
        index = new PrefixIndex(pages, runs, hashKeys);
        fences = new Fences(pages, maxStepsInFlight);
        listeners = new PoolListeners(pages, runs);
        EvictionView view = new EvictionView(this);
        cached = new CachedRuns(pages, runs, index, fences, view, eviction);
        eviction.attach(view);
    }

    @Override
    public int usableBlocks() {
        return pages.blocks;
    }

    @Override
    public int pageSize() {
        return pages.pageSize;
    }

    @Override
    public int freeBlocks() {
        return pages.free();
    }

    @Override
    public int heldBlocks() {
        return held;
    }

    @Override
    public int cachedBlocks() {
        return cached.pages();
    }

    @Override
    public int withheldBlocks() {
        return withheld;
    }

    @Override
    public int availableBlocks() {
        return pages.free() + cached.pages();
    }

    @Override
    public long insertedPages() {
        return inserted;
    }

    @Override
    public long evictedPages() {
        return cached.evictedPages();
    }

    @Override
    public int indexedRuns() {
        return index.runCount();
    }

    /**
     * Finds the reusable start of a prompt. Changes nothing.
     *
     * @param scope salt and adapter
     * @param tokens the prompt
     * @param maxPages most pages that may count; at most tokens.length / pageSize
     * @param keys what identifies the pages beside their tokens
     * @param out takes the match
     */
    public void match(PrefixScope scope, int[] tokens, int maxPages, PageKeys keys, PrefixMatch out) {
        if (maxPages < 0 || (long) maxPages * pages.pageSize > tokens.length) {
            throw new IllegalArgumentException("only full pages match, maxPages=" + maxPages + ", pageSize="
                    + pages.pageSize + ", tokens=" + tokens.length);
        }
        index.match(scope, tokens, maxPages, keys, fences.completed(), out);
    }

    /**
     * What the release of a table would give back, once no step in flight touches it.
     *
     * @param table an open table
     * @return blocks that only this table holds: its own, and the committed ones that nobody shares
     */
    public int exclusiveBlocks(BlockTable table) {
        requireOpen(table);
        int blocks = table.size - table.committed;
        for (int run = table.run; run != Runs.NONE && runs.refs[run] == 1; run = runs.parent[run]) {
            blocks += runs.pages[run];
        }
        return blocks;
    }

    /**
     * Opens a table with the blocks of a match and new blocks after them, or changes nothing.
     *
     * @param table a closed table
     * @param scope salt and adapter of the match
     * @param match a match of this pool's present state
     * @param newBlocks blocks wanted beyond the matched ones, at least 0
     * @return false if fewer blocks are available than the new blocks and the matched ones that nobody holds
     */
    public boolean open(BlockTable table, PrefixScope scope, PrefixMatch match, int newBlocks) {
        requireClosed(table);
        requireCount(newBlocks);
        if (newBlocks > availableBlocks() - match.cachedPages) {
            return false;
        }
        int run = match.run == Runs.NONE ? index.root(scope) : match.run;
        if (match.pagesOfRun < runs.pages[run]) {
            run = cached.split(run, match.pagesOfRun);
        }
        table.reserve(match.pages + newBlocks);
        System.arraycopy(match.ids, 0, table.ids, 0, match.pages);
        table.size = match.pages;
        table.committed = match.pages;
        table.run = run;
        table.scope = scope;
        table.told = match.pages;
        acquirePath(run);
        cached.missed(table, match.tokens, match.maxPages, match.keys);
        take(table, newBlocks);
        return true;
    }

    /**
     * Adds new blocks at the end of a table, or changes nothing.
     *
     * @param table an open table
     * @param newBlocks blocks wanted, at least 0
     * @return false if fewer are available
     */
    public boolean grow(BlockTable table, int newBlocks) {
        requireOpen(table);
        requireCount(newBlocks);
        if (newBlocks > availableBlocks()) {
            return false;
        }
        if (table.shrunk && newBlocks > 0) {
            table.shrunk = false;
            if (fences.pending(table.fence)) {
                table.ids = table.ids.clone();
            }
        }
        table.reserve(table.size + newBlocks);
        take(table, newBlocks);
        return true;
    }

    /**
     * Takes blocks off the end of a table.
     *
     * @param table an open table
     * @param size blocks to keep, at least those that are committed
     */
    public void shrink(BlockTable table, int size) {
        requireOpen(table);
        if (size < table.committed) {
            throw new IllegalArgumentException(
                    "committed blocks stay in the table, size=" + size + ", committed=" + table.committed);
        }
        table.shrunk |= table.size > size;
        while (table.size > size) {
            letGo(table.ids[--table.size], table.fence);
        }
    }

    /**
     * Makes the pages of a table findable up to a page. A page whose content is findable already is merged with its
     * twin: the table names the twin from then on and its own block is let go. Needs no room and cannot be refused.
     *
     * @param table an open table
     * @param tokens the sequence's tokens from the first on; at least upTo * pageSize
     * @param upTo pages that are full and computed, at most the table's size
     * @param keys what identifies the pages beside their tokens
     */
    public void commit(BlockTable table, int[] tokens, int upTo, PageKeys keys) {
        requireOpen(table);
        fences.requireReachable(table.fence);
        if (upTo > table.size || (long) upTo * pages.pageSize > tokens.length) {
            throw new IllegalArgumentException("pages to commit must be in the table and full, upTo=" + upTo + ", size="
                    + table.size + ", pageSize=" + pages.pageSize + ", tokens=" + tokens.length);
        }
        cached.missed(table, tokens, upTo, keys);
        int first = table.committed;
        int told = first;
        while (table.committed < upTo) {
            Object key = keys.key(table.committed);
            int from = table.committed * pages.pageSize;
            if (extendable(table.run, key)) {
                insert(table, tokens, from);
                index.append(table.run, table.ids[table.committed - 1]);
            } else {
                int twin = index.child(table.run, tokens, from, key);
                if (twin == Runs.NONE) {
                    insert(table, tokens, from);
                    table.run = index.addChild(table.run, table.ids[table.committed - 1], key);
                    runs.refs[table.run] = 1;
                    cached.created(table.run, table.scope, table.committed - 1);
                } else {
                    listeners.stored(table, told, tokens, keys);
                    merge(table, twin, tokens, upTo, keys);
                    told = table.committed;
                }
            }
        }
        listeners.stored(table, told, tokens, keys);
        cached.computed(table, tokens, first, keys);
    }

    /**
     * Tells from now on what becomes findable and what no longer is. If it does so already, it goes on as it did, and only
     * the content is given.
     *
     * @param replica what the events are to name as the replica
     * @param hasher names pages, of this pool's page size
     * @param at number of the last event before
     * @param numbers gives each event its number
     * @param sink takes the events as they happen; must not call the pool
     * @return all that is findable now, parents before their children, under the number {@code at}
     */
    public List<BlockEvent.Stored> startEvents(
            int replica, PrefixHasher hasher, long at, LongSupplier numbers, Consumer<BlockEvent> sink) {
        return listeners.startEvents(replica, hasher, at, numbers, sink);
    }

    /** Tells no more, and forgets the names. */
    public void stopEvents() {
        listeners.stopEvents();
    }

    /**
     * Tells from now on what becomes findable and what no longer is, to whoever keeps it when it leaves the device.
     *
     * @param listener hears it; the pool must be empty
     */
    public void onContent(ContentListener listener) {
        listeners.tiers(listener);
    }

    /**
     * Tells from now on which blocks hold nothing any more: they had content, no step in flight can touch it, and no prompt
     * can find it. Each is told before it can be handed out again.
     *
     * @param listener takes the block's id; must not call the pool
     */
    public void onEmptied(IntConsumer listener) {
        listeners.onEmptied(listener);
    }

    /**
     * Closes a table and gives its blocks back, tail first: its own ones to the free list, the committed ones that nobody
     * else holds to the cache, either only after the last step that {@linkplain BlockTable#touch touches} them.
     *
     * @param table an open table
     */
    public void release(BlockTable table) {
        release(table, table.size, table.size);
    }

    /**
     * As {@link #release(BlockTable)}, but some blocks that are the table's own are withheld until each is {@link #copied}.
     * No step in flight may touch them.
     *
     * @param table an open table
     * @param from the first that a copy reads or writes, not committed
     * @param to one past the last
     */
    public void release(BlockTable table, int from, int to) {
        requireOpen(table);
        fences.requireReachable(table.fence);
        if (from > to || to > table.size || (from < to && from < table.committed)) {
            throw new IllegalArgumentException("only blocks of the table's own are withheld for a copy, from=" + from
                    + ", to=" + to + ", committed=" + table.committed + ", size=" + table.size);
        }
        for (int i = table.size - 1; i >= table.committed; i--) {
            if (i >= from && i < to) {
                held--;
                withholdForCopy(table.ids[i]);
            } else {
                letGo(table.ids[i], table.fence);
            }
        }
        if (!table.retentions.isEmpty()) {
            cached.retain(table);
        }
        int top = Runs.NONE;
        for (int run = table.run; run != Runs.NONE; run = runs.parent[run]) {
            runs.fence[run] = Math.max(runs.fence[run], table.fence);
            if (--runs.refs[run] == 0 && runs.pages[run] > 0) {
                letGoRun(run);
            }
            top = run;
        }
        index.dropIfUnused(top);
        table.close(fences.pending(table.fence));
    }

    /**
     * What time it is: durations of what tables {@linkplain BlockTable#retain retain} are counted by it.
     *
     * @param nanos time in nanoseconds from any origin; never less than before
     */
    public void time(long nanos) {
        cached.time(nanos);
    }

    /**
     * Opens a table that shares the committed blocks of another.
     *
     * @param from an open table
     * @param table a closed table
     * @param newBlocks blocks of its own wanted after them, at least 0
     * @return false if fewer are available; then nothing has changed
     */
    public boolean fork(BlockTable from, BlockTable table, int newBlocks) {
        requireOpen(from);
        requireClosed(table);
        requireCount(newBlocks);
        if (newBlocks > availableBlocks()) {
            return false;
        }
        table.reserve(from.committed + newBlocks);
        System.arraycopy(from.ids, 0, table.ids, 0, from.committed);
        table.size = from.committed;
        table.committed = from.committed;
        table.run = from.run;
        table.scope = from.scope;
        table.told = from.committed;
        acquirePath(table.run);
        take(table, newBlocks);
        return true;
    }

    /**
     * Says that every step up to {@code step} has completed, which frees what was withheld for them.
     *
     * @param step number of the newest completed step, counted from 1; never less than before
     * @throws IllegalArgumentException if it is
     */
    public void completed(long step) {
        if (step < fences.completed()) {
            throw new IllegalArgumentException(
                    "steps complete in order, step=" + step + ", completed=" + fences.completed());
        }
        long last = Math.min(step, fences.completed() + fences.buckets());
        for (long fence = fences.completed() + 1; fence <= last; fence++) {
            for (int block = fences.takeBlocks(fence); block != Pages.NULL_BLOCK; ) {
                int after = pages.next[block];
                withheld--;
                putFree(block);
                block = after;
            }
            releaseRuns(fence, fence);
        }
        fences.advanceTo(step);
    }

    /** The runs that wait for a step wait no longer, but are as if another had been the newest to touch them. */
    private void releaseRuns(long fence, long as) {
        for (int run = fences.firstRun(fence); run != Runs.NONE; run = fences.firstRun(fence)) {
            fences.releaseRun(run, fence);
            runs.fence[run] = as;
            withheld -= runs.pages[run];
            cached.add(run);
        }
    }

    /** {@return the block of the page that is evicted next, or 0 if nothing is cached} */
    public int victim() {
        return cached.pages() == 0 ? Pages.NULL_BLOCK : cached.victim();
    }

    /**
     * Takes the next victim out of the cache ahead of demand.
     *
     * @param copying whether its content is copied away first: the block is withheld until {@link #copied}
     * @return its block
     * @throws IllegalStateException if nothing is cached
     */
    public int evictVictim(boolean copying) {
        if (cached.pages() == 0) {
            throw new IllegalStateException("only what is cached can be evicted, cached=0");
        }
        int block = evict();
        if (copying) {
            withholdForCopy(block);
        } else {
            putFree(block);
        }
        return block;
    }

    /**
     * A copy from or to a block that was withheld for it has ended: the block is free.
     *
     * @param block such a block
     * @throws IllegalArgumentException if it is not withheld for a copy
     */
    public void copied(int block) {
        if (block < 1 || block > pages.blocks || pages.prev[block] != Pages.COPYING) {
            throw new IllegalArgumentException(
                    "only a block that is withheld for a copy is given back, block=" + block);
        }
        withheld--;
        putFree(block);
    }

    /**
     * Whether a block is withheld for a copy.
     *
     * @param block its id
     * @return true until it is {@link #copied}
     */
    public boolean isCopying(int block) {
        return pages.prev[block] == Pages.COPYING;
    }

    /**
     * Whether a step may touch the blocks of a table that has not completed.
     *
     * @param table an open table
     * @return true until the last step that {@linkplain BlockTable#touch touches} it has completed
     */
    public boolean isTouched(BlockTable table) {
        return fences.pending(table.fence);
    }

    private void withholdForCopy(int block) {
        pages.prev[block] = Pages.COPYING;
        withheld++;
    }

    /**
     * Forgets all cached content.
     *
     * @return false, with nothing changed, if a block is held or withheld
     */
    public boolean clearCache() {
        if (held > 0 || withheld > 0) {
            return false;
        }
        forgetCached();
        return true;
    }

    private void forgetCached() {
        boolean any = cached.pages() > 0;
        while (cached.pages() > 0) {
            putFree(cached.takeVictim()); // one notice for all of it
        }
        listeners.cleared(any);
    }

    /**
     * The memory of the blocks is lost: forgets all content, that of withheld blocks too, and never tells again that a block
     * was emptied. Nothing may be taken from the pool any more. Blocks that a table or a copy had of its own stay withheld
     * until their time has come.
     *
     * @throws IllegalStateException if a block is held
     */
    public void lose() {
        if (held > 0) {
            throw new IllegalStateException("whoever holds a block of a lost pool ends first, held=" + held);
        }
        listeners.onEmptied(null);
        for (long fence = fences.completed() + 1; fence <= fences.completed() + fences.buckets(); fence++) {
            releaseRuns(fence, fences.completed());
        }
        forgetCached();
    }

    /**
     * Walks the whole structure and compares every count, link and reference with the others. For tests and for
     * {@code verifyInvariants}; costs time in proportion to the pool.
     *
     * @param tables all open tables of this pool
     * @throws IllegalStateException naming the first rule that does not hold, with its values
     */
    public void verify(Iterable<BlockTable> tables) {
        new PoolVerifier(this).verify(tables);
    }

    private void take(BlockTable table, int blocks) {
        for (int i = 0; i < blocks; i++) {
            int block = pages.free() > 0 ? pages.takeFree() : evictEmptied();
            pages.prev[block] = Pages.FILLING;
            table.ids[table.size++] = block;
            held++;
        }
    }

    private void putFree(int block) {
        listeners.emptied(block);
        pages.putFree(block);
    }

    private int evictEmptied() {
        int block = evict();
        listeners.emptied(block);
        return block;
    }

    private int evict() {
        int block = cached.takeVictim();
        listeners.evicted(block);
        return block;
    }

    /**
     * A run grows in place while it has one holder and nothing follows it. A pending fence stems from a former holder
     * that never had the new page, so it must not spread to it; nor must what a former holder wanted kept.
     */
    private boolean extendable(int run, @Nullable Object key) {
        return runs.refs[run] == 1
                && runs.children[run] == 0
                && !runs.isRoot(run)
                && !fences.pending(runs.fence[run])
                && !cached.retains(run)
                && (key == null ? runs.key[run] == null : key.equals(runs.key[run]));
    }

    private void insert(BlockTable table, int[] tokens, int from) {
        pages.tokens.write(table.ids[table.committed], tokens, from);
        table.committed++;
        inserted++;
    }

    private void merge(BlockTable table, int twin, int[] tokens, int upTo, PageKeys keys) {
        int merged = index.follow(twin, tokens, table.committed, upTo, keys, null);
        int run = merged < runs.pages[twin] ? cached.split(twin, merged) : twin;
        acquire(run, false);
        if (fences.pending(table.fence)) {
            table.ids = table.ids.clone();
        }
        int block = runs.first[run];
        for (int i = 0; i < merged; i++) {
            letGo(table.ids[table.committed], table.fence);
            table.ids[table.committed++] = block;
            block = pages.next[block];
        }
        table.run = run;
    }

    private void acquirePath(int leaf) {
        for (int run = leaf; run != Runs.NONE; run = runs.parent[run]) {
            acquire(run, true);
        }
    }

    private void acquire(int run, boolean found) {
        if (runs.refs[run]++ > 0 || runs.pages[run] == 0) {
            return;
        }
        held += runs.pages[run];
        if (fences.pending(runs.fence[run])) {
            fences.releaseRun(run, runs.fence[run]);
            withheld -= runs.pages[run];
        } else {
            cached.hold(run, found);
        }
    }

    private void letGo(int block, long fence) {
        held--;
        if (fences.pending(fence)) {
            fences.withholdBlock(block, fence);
            withheld++;
        } else {
            putFree(block);
        }
    }

    private void letGoRun(int run) {
        held -= runs.pages[run];
        if (fences.pending(runs.fence[run])) {
            fences.withholdRun(run, runs.fence[run]);
            withheld += runs.pages[run];
        } else {
            cached.add(run);
        }
    }

    private static void requireOpen(BlockTable table) {
        if (!table.isOpen()) {
            throw new IllegalStateException("the table is not open");
        }
    }

    private static void requireClosed(BlockTable table) {
        if (table.isOpen()) {
            throw new IllegalStateException("a table is opened once before its release");
        }
    }

    private static void requireCount(int newBlocks) {
        if (newBlocks < 0) {
            throw new IllegalArgumentException("newBlocks must not be negative, newBlocks=" + newBlocks);
        }
    }
}
