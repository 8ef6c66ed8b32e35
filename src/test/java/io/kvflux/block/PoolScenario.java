package io.kvflux.block;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** A pool driven like a sequence's life, verified as a whole after every operation. */
final class PoolScenario {

    final BlockPool pool;
    private final List<BlockTable> tables = new ArrayList<>();
    private final PrefixMatch match = new PrefixMatch();

    PoolScenario(int blocks, int pageSize) {
        pool = new BlockPool(blocks, pageSize, 4, EvictionPolicy.lru());
    }

    /** {@code count} tokens that no prompt with another {@code id} has. */
    static int[] own(int id, int count) {
        return IntStream.range(0, count).map(i -> id * 100_000 + i).toArray();
    }

    static int[] concat(int[] first, int[] second) {
        return IntStream.concat(IntStream.of(first), IntStream.of(second)).toArray();
    }

    /** Pages of a prompt that the index knows, the last one included. */
    int lookup(int... prompt) {
        return lookup(PrefixScope.NONE, prompt);
    }

    int lookup(PrefixScope scope, int... prompt) {
        pool.match(scope, prompt, prompt.length / pool.pageSize(), PageKeys.none(), match);
        return match.pages();
    }

    /** Tokens of a prompt that need not be computed: at least one must be. */
    int hitTokens(int... prompt) {
        matchForUse(PrefixScope.NONE, prompt);
        return match.pages() * pool.pageSize();
    }

    /** Takes blocks for a prompt, reusing what is known, but computes nothing yet; null when refused. */
    @Nullable
    BlockTable tryAllocate(int... prompt) {
        matchForUse(PrefixScope.NONE, prompt);
        return tryOpen(PrefixScope.NONE, prompt.length);
    }

    BlockTable allocate(int... prompt) {
        BlockTable table = tryAllocate(prompt);
        if (table == null) {
            throw new AssertionError("the pool refused " + prompt.length + " tokens");
        }
        return table;
    }

    /** Allocates and computes a prompt: its full pages are committed. */
    BlockTable run(int... prompt) {
        BlockTable table = allocate(prompt);
        commit(table, prompt);
        return table;
    }

    BlockTable run(PrefixScope scope, int... prompt) {
        matchForUse(scope, prompt);
        BlockTable table = tryOpen(scope, prompt.length);
        if (table == null) {
            throw new AssertionError("the pool refused " + prompt.length + " tokens");
        }
        commit(table, prompt);
        return table;
    }

    /** Allocates and computes a prompt without looking it up. */
    BlockTable runBlind(int... prompt) {
        match.reset(Runs.NONE);
        BlockTable table = tryOpen(PrefixScope.NONE, prompt.length);
        if (table == null) {
            throw new AssertionError("the pool refused " + prompt.length + " tokens");
        }
        commit(table, prompt);
        return table;
    }

    /** Computes a prompt and lets it go at once. */
    void insert(int... prompt) {
        release(run(prompt));
    }

    void commit(BlockTable table, int... tokens) {
        pool.commit(table, tokens, tokens.length / pool.pageSize(), PageKeys.none());
        verify();
    }

    /** Makes room for a longer sequence; {@return false if refused} */
    boolean growTo(BlockTable table, int tokens) {
        boolean grown = pool.grow(table, pagesOf(tokens) - table.size());
        verify();
        return grown;
    }

    void release(BlockTable table) {
        pool.release(table);
        tables.remove(table);
        verify();
    }

    void completed(long step) {
        pool.completed(step);
        verify();
    }

    List<Integer> ids(BlockTable table) {
        return IntStream.range(0, table.size()).mapToObj(table::block).toList();
    }

    /** Tables that hold a block. */
    long references(int block) {
        return tables.stream().filter(table -> ids(table).contains(block)).count();
    }

    List<Integer> counts() {
        return List.of(pool.freeBlocks(), pool.heldBlocks(), pool.cachedBlocks(), pool.withheldBlocks());
    }

    void verify() {
        pool.verify(tables);
    }

    private void matchForUse(PrefixScope scope, int[] prompt) {
        pool.match(scope, prompt, (prompt.length - 1) / pool.pageSize(), PageKeys.none(), match);
    }

    private @Nullable BlockTable tryOpen(PrefixScope scope, int tokens) {
        BlockTable table = new BlockTable();
        boolean opened = pool.open(table, scope, match, pagesOf(tokens) - match.pages());
        if (opened) {
            tables.add(table);
        }
        verify();
        return opened ? table : null;
    }

    private int pagesOf(int tokens) {
        return (tokens + pool.pageSize() - 1) / pool.pageSize();
    }
}
