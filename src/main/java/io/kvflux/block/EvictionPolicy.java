package io.kvflux.block;

/**
 * Which cached content goes first. The pool tells the policy what becomes cached and what is held again, and asks it for
 * a victim for every page when nothing is free; it takes that page off the victim's end, so a tail leaves before its
 * head.
 *
 * <p>A policy serves one pool and is called from one thread. Cached content comes in runs: pages that follow each other
 * in a prefix and were used together. A run that has children must not be a victim.
 */
public interface EvictionPolicy {

    /** What a policy may ask about runs. */
    interface View {

        /**
         * The length of a run.
         *
         * @param run a run
         * @return its pages
         */
        int pages(int run);

        /**
         * What a run continues.
         *
         * @param run a run
         * @return the run it continues, or 0 if it begins a prefix
         */
        int parent(int run);

        /**
         * Whether a run may be a victim.
         *
         * @param run a run
         * @return true if no run continues it
         */
        boolean isLeaf(int run);
    }

    /**
     * Called once, before anything else.
     *
     * @param view answers questions about runs
     */
    void attach(View view);

    /**
     * Nobody holds {@code run} any more and no step in flight may touch it. Runs of one sequence come tail first, and a
     * run always after those that continue it.
     *
     * @param run a run that was held or withheld, or the head of a division
     */
    void cached(int run);

    /**
     * {@code run}, which was cached, is held again.
     *
     * @param run a cached run
     */
    void held(int run);

    /**
     * A run was divided because a prompt shares its first pages only. The tail keeps its id and stays what it was; the
     * head is a new run that the tail continues, and whether it is cached is told by calls of its own.
     *
     * @param head the new run with the first pages
     * @param tail the old run, which now begins after them
     */
    default void split(int head, int tail) {}

    /**
     * {@code run}, which was cached, has lost its last page; the id may be used again.
     *
     * @param run a cached run
     */
    void removed(int run);

    /** {@return the cached leaf from whose end the next page is taken; called only while something is cached} */
    int victim();

    /** {@return least recently used, tail first: the default} */
    static EvictionPolicy lru() {
        return new LruEviction();
    }
}
