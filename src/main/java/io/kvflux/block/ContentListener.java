package io.kvflux.block;

/** Hears what the pages of one pool hold. Called by the pool from within its operations; must not call it back. */
public interface ContentListener {

    /**
     * Pages became findable.
     *
     * @param scope salt and adapter
     * @param table the table that holds them, as its pages [from, to), and those before them
     * @param from the first
     * @param to one past the last
     * @param tokens the sequence's tokens from the first on
     * @param keys what identifies the pages beside their tokens
     */
    void stored(PrefixScope scope, BlockTable table, int from, int to, int[] tokens, PageKeys keys);

    /**
     * A page is taken out of the cache; no page that continues it is left in it.
     *
     * @param block the block that held it, and will hold something else
     */
    void evicted(int block);

    /** Everything that was findable no longer is. */
    void cleared();
}
