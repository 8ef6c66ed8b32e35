package io.kvflux.block;

import java.util.BitSet;

/**
 * Checks a pool as a whole: every block has exactly one place, every count equals what is counted, every reference is
 * some table's, every run is found by its content.
 */
final class PoolVerifier {

    private final BlockPool pool;
    private final Pages pages;
    private final Runs runs;
    private final BitSet seen;
    /** Runs that stand in the queue of a fence. */
    private final BitSet waiting = new BitSet();

    private final int[] firstPage;

    PoolVerifier(BlockPool pool) {
        this.pool = pool;
        pages = pool.pages;
        runs = pool.runs;
        seen = new BitSet(pages.blocks + 1);
        firstPage = new int[pages.pageSize];
    }

    void verify(Iterable<BlockTable> tables) {
        require(pool.freeBlocks() == countFree(), "the free list has freeBlocks blocks", pool.freeBlocks());
        int filling = 0;
        int[] refs = new int[runs.bound()];
        for (BlockTable table : tables) {
            if (table.isOpen()) {
                filling += checkTable(table, refs);
            }
        }
        int heldPages = 0;
        int cachedPages = 0;
        int withheldPages = countWithheldBlocks();
        checkTrie(refs);
        for (int run = 1; run < runs.bound(); run++) {
            if (!runs.exists(run)) {
                continue;
            }
            if (runs.refs[run] > 0) {
                heldPages += runs.pages[run];
            } else if (pool.fences.pending(runs.fence[run])) {
                withheldPages += runs.pages[run];
            } else {
                cachedPages += runs.pages[run];
            }
        }
        require(pool.heldBlocks() == heldPages + filling, "heldBlocks are those of tables", pool.heldBlocks());
        require(pool.cachedBlocks() == cachedPages, "cachedBlocks are the pages nobody holds", pool.cachedBlocks());
        require(pool.withheldBlocks() == withheldPages, "withheldBlocks are those fenced", pool.withheldBlocks());
        require(
                pool.freeBlocks() + pool.heldBlocks() + pool.cachedBlocks() + pool.withheldBlocks() == pages.blocks,
                "free + held + cached + withheld = usable",
                pages.blocks);
        require(seen.cardinality() == pages.blocks, "every block has a place, blocks with one", seen.cardinality());
    }

    private int countFree() {
        int count = 0;
        for (int block = pages.freeHead(); block != Pages.NULL_BLOCK; block = pages.next[block]) {
            place(block);
            require(pages.prev[block] == Pages.FREE, "a listed block is FREE, block", block);
            count++;
        }
        for (int block = pages.freshFrom(); block <= pages.blocks; block++) {
            place(block);
            require(pages.prev[block] == Pages.FREE, "a fresh block is FREE, block", block);
            count++;
        }
        return count;
    }

    private int countWithheldBlocks() {
        int count = 0;
        Fences fences = pool.fences;
        for (long fence = fences.completed() + 1; fence <= fences.completed() + fences.buckets(); fence++) {
            for (int block = fences.firstBlock(fence); block != Pages.NULL_BLOCK; block = pages.next[block]) {
                place(block);
                require(pages.prev[block] == Pages.WITHHELD, "a fenced block is WITHHELD, block", block);
                count++;
            }
            for (int run = fences.firstRun(fence); run != Runs.NONE; run = fences.runAfter(run)) {
                require(
                        runs.refs[run] == 0 && runs.fence[run] == fence,
                        "a withheld run waits for its fence, run",
                        run);
                waiting.set(run);
            }
        }
        for (int block = 1; block <= pages.blocks; block++) {
            if (pages.prev[block] == Pages.COPYING) {
                place(block);
                count++;
            }
        }
        return count;
    }

    /** Counts the references of one table and compares its ids with the pages of its path; returns its own blocks. */
    private int checkTable(BlockTable table, int[] refs) {
        int page = table.committed;
        for (int run = table.run; run != Runs.NONE; run = runs.parent[run]) {
            refs[run]++;
            int block = runs.last[run];
            for (int i = 0; i < runs.pages[run]; i++) {
                page--;
                require(page >= 0 && table.ids[page] == block, "a table names the pages of its path, page", page);
                block = pages.prev[block];
            }
        }
        require(page == 0, "a table's path has its committed pages, missing", page);
        for (int i = table.committed; i < table.size; i++) {
            place(table.ids[i]);
            require(pages.prev[table.ids[i]] == Pages.FILLING, "a table's own block is FILLING", table.ids[i]);
        }
        return table.size - table.committed;
    }

    private void checkTrie(int[] refs) {
        int indexed = 0;
        int[] children = new int[runs.bound()];
        for (int run = 1; run < runs.bound(); run++) {
            if (!runs.exists(run)) {
                continue;
            }
            require(runs.refs[run] == refs[run], "a run counts the tables whose path it is on, run", run);
            if (!runs.isRoot(run)) {
                checkRun(run);
                children[runs.parent[run]]++;
                indexed++;
            }
        }
        for (int run = 1; run < runs.bound(); run++) {
            require(!runs.exists(run) || runs.children[run] == children[run], "a run counts its children, run", run);
            require(!pool.index.isUnusedRoot(run), "the root of a scope that nobody uses is dropped, run", run);
        }
        require(pool.index.runCount() == indexed, "the index has every run once, runs", indexed);
    }

    private void checkRun(int run) {
        int parent = runs.parent[run];
        require(runs.exists(parent), "a run continues a run that exists, run", run);
        require(runs.refs[parent] >= runs.refs[run], "whoever holds a run holds its parent, run", run);
        require(runs.fence[parent] >= runs.fence[run], "a run is withheld no longer than its parent, run", run);
        boolean withheld = runs.refs[run] == 0 && pool.fences.pending(runs.fence[run]);
        require(waiting.get(run) == withheld, "a run waits while nobody holds it and its fence is pending, run", run);
        int block = runs.first[run];
        int before = Pages.NULL_BLOCK;
        for (int i = 0; i < runs.pages[run]; i++) {
            place(block);
            require(pages.prev[block] == before, "pages of a run are linked both ways, block", block);
            before = block;
            block = pages.next[block];
        }
        require(runs.last[run] == before && block == Pages.NULL_BLOCK, "a run ends with its last page, run", run);
        pages.tokens.read(runs.first[run], firstPage);
        int found = pool.index.child(parent, firstPage, 0, runs.key[run]);
        require(found == run, "a run is found by its content and is the only one, run", run);
    }

    private void place(int block) {
        require(block > 0 && block <= pages.blocks, "a block id is in [1, usable], block", block);
        require(!seen.get(block), "a block has one place only, block", block);
        seen.set(block);
    }

    private static void require(boolean condition, String rule, long value) {
        if (!condition) {
            throw new IllegalStateException("invariant broken: " + rule + "=" + value);
        }
    }
}
