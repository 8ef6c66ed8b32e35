package io.kvflux.sim;

import io.kvflux.block.BlockPool;
import io.kvflux.block.BlockTable;
import io.kvflux.block.EvictionPolicy;
import io.kvflux.block.PageKeys;
import io.kvflux.block.PrefixMatch;
import io.kvflux.block.PrefixScope;

/** A pool that prompts go through one after another: each finds what is cached, gets the rest and lets go of all of it. */
final class PromptCache {

    private final BlockPool pool;
    private final BlockTable table = new BlockTable();
    private final PrefixMatch match = new PrefixMatch();

    PromptCache(int blocks, int pageSize, EvictionPolicy eviction) {
        pool = new BlockPool(blocks, pageSize, 1, eviction);
    }

    /**
     * Gives a prompt its first pages, as many as there is room for in an empty pool.
     *
     * @return how many of them were cached
     */
    int hold(int[] tokens, int fullPages) {
        int kept = Math.min(fullPages, pool.usableBlocks());
        pool.match(PrefixScope.NONE, tokens, kept, PageKeys.none(), match);
        if (!pool.open(table, PrefixScope.NONE, match, kept - match.pages())) {
            throw new IllegalStateException("an empty pool holds any prompt that was cut to it, pages=" + kept);
        }
        pool.commit(table, tokens, kept, PageKeys.none());
        return match.pages();
    }

    /** The block that holds a page of the prompt. */
    int block(int page) {
        return table.block(page);
    }

    void release() {
        pool.release(table);
    }
}
