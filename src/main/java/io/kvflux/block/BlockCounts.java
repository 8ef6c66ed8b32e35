package io.kvflux.block;

/** The counters of a pool, live: they change when the pool does. To be read on the pool's own thread. */
public interface BlockCounts {

    /** {@return blocks that sequences can get: all but the null block} */
    int usableBlocks();

    /** {@return tokens in a page} */
    int pageSize();

    /** {@return blocks that hold nothing} */
    int freeBlocks();

    /** {@return distinct blocks that some table holds} */
    int heldBlocks();

    /** {@return blocks that keep findable content which nobody holds} */
    int cachedBlocks();

    /** {@return blocks that nobody holds and a step in flight may still touch} */
    int withheldBlocks();

    /** {@return free + cached: what an allocation may take} */
    int availableBlocks();

    /** {@return pages that became findable so far} */
    long insertedPages();

    /** {@return findable pages that were evicted so far, those that {@link BlockPool#clearCache} forgot included} */
    long evictedPages();

    /** {@return runs in the prefix index: pages that are used together share one} */
    int indexedRuns();
}
