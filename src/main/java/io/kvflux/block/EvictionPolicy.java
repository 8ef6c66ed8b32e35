package io.kvflux.block;

import io.kvflux.api.Retention;

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
         * How many runs continue a run.
         *
         * @param run a run
         * @return its children, held or not
         */
        int children(int run);

        /**
         * Whether a run may be a victim.
         *
         * @param run a run
         * @return true if no run continues it
         */
        default boolean isLeaf(int run) {
            return children(run) == 0;
        }

        /**
         * What a run begins with, as a number: its first page, what that has beside its tokens, salt and adapter, how many pages
         * come before it, and the last of them. Equal for equal content in every process; for other content almost surely
         * another.
         *
         * @param run a run
         * @return its fingerprint
         */
        long fingerprint(int run);

        /**
         * What a run would begin with, as a number, if it began at a page of the prompt of which {@link #missed} or
         * {@link #computed} tells. To be asked from there only.
         *
         * @param page its number in the prompt, from 0
         * @return the {@link #fingerprint} of such a run
         */
        long fingerprintOfPage(int page);

        /** {@return pages that are free or cached; when the policy is attached, all of the pool's} */
        int available();
    }

    /**
     * Called once, before anything else.
     *
     * @param view answers questions about runs
     */
    void attach(View view);

    /**
     * {@code run} begins: a table that holds what it continues committed its first page. It may still grow.
     *
     * @param run a run that did not exist
     */
    default void created(int run) {}

    /**
     * A prompt was opened of which some pages are not here. What is here is held; the others are computed, or brought from
     * elsewhere, and committed later, if nothing comes between. The same is told of pages that nobody looked up, as those of an
     * output, when they are committed.
     *
     * @param from the number of pages that are here, or of which this was told before
     * @param to the number of pages that could have been
     */
    default void missed(int from, int to) {}

    /**
     * Some pages of a prompt were committed: whatever was {@link #missed} of them is here now. {@link View#fingerprintOfPage}
     * may be asked of them.
     *
     * @param from the first of them
     * @param to one past the last
     */
    default void computed(int from, int to) {}

    /**
     * Nobody holds {@code run} any more and no step in flight may touch it. Runs of one sequence come tail first, and a
     * run always after those that continue it.
     *
     * @param run a run that was held or withheld, or the head of a division
     */
    void cached(int run);

    /**
     * Once {@code run} is cached, it is to be evicted after what has a lower priority and before what has a higher one. Holds
     * until somebody says otherwise. Only a policy that {@link #honoursRetention} is told.
     *
     * @param run a run that is held
     * @param priority 0 to 100; a run that is never named here has {@link Retention#DEFAULT_PRIORITY}
     * @param until the {@link #time} from which it has that again
     */
    default void retain(int run, int priority, long until) {}

    /**
     * Whether {@link #retain} was told of a run and has not ended. What is computed next belongs to such a run no more, because
     * nobody has spoken of it.
     *
     * @param run a run that is held
     * @return whether it is; false if the policy does not honour retention
     */
    default boolean retains(int run) {
        return false;
    }

    /**
     * {@return whether the policy keeps runs as {@link #retain} asks; for others the pool does, and tells them that a run is
     * cached only when it has the priority that all have by default, and so has all that continues it}
     */
    default boolean honoursRetention() {
        return false;
    }

    /**
     * What time it is.
     *
     * @param nanos time in nanoseconds from any origin
     */
    default void time(long nanos) {}

    /**
     * {@code run}, which was cached, is held again.
     *
     * @param run a cached run
     */
    void held(int run);

    /**
     * As {@link #held}, by a table that did not find the run but computed the same pages again: nobody has saved anything.
     *
     * @param run a cached run
     */
    default void merged(int run) {
        held(run);
    }

    /**
     * A run was divided because a prompt shares its first pages only. The tail keeps its id and stays what it was; the
     * head is a new run that the tail continues, and whether it is cached is told by calls of its own.
     *
     * @param head the new run with the first pages
     * @param tail the old run, which now begins after them
     */
    default void split(int head, int tail) {}

    /**
     * {@code run}, which was cached, has lost the page at its end and has others.
     *
     * @param run a cached leaf
     */
    default void shortened(int run) {}

    /**
     * {@code run}, which was cached, has lost its last page; the id may be used again.
     *
     * @param run a cached run
     */
    void removed(int run);

    /**
     * {@code run}, which the pool kept from this policy because of its priority, has lost its last page by that; the id may be
     * used again. For a policy that does not {@linkplain #honoursRetention honour retention} and wants to tell it from what it
     * has evicted itself.
     *
     * @param run a run that was held
     */
    default void dropped(int run) {
        cached(run);
        removed(run);
    }

    /** {@return the cached leaf from whose end the next page is taken; called only while something is cached} */
    int victim();

    /** {@return least recently used, tail first: the default} */
    static EvictionPolicy lru() {
        return new LruEviction();
    }

    /**
     * By what was learned of how surely content comes back, and when, given its age and how often it was used. Of requests one
     * after another it has at every instant hit at least 0.995 of the pages that {@link #lru} would have, less a hundredth of
     * the pool's pages.
     *
     * @return a policy that learns as it goes
     */
    static EvictionPolicy adaptive() {
        return new AdaptiveEviction();
    }

    /**
     * The same, begun with the chances that another such policy has learned so far. What that remembers of single runs is not
     * taken over, nor what is left of its budget.
     *
     * @param learned an adaptive policy, attached to a pool with as many blocks
     * @param budget how many pages it may fall behind LRU before it hits more, as a part of the pool's; {@link #adaptive()}
     *     begins with 0.01
     * @return a policy that learns as it goes
     * @throws IllegalArgumentException if the other is no adaptive policy or was never attached, or budget is not from 0 to 1;
     *     {@link #attach} throws it if the pools differ in size
     */
    static EvictionPolicy adaptive(EvictionPolicy learned, double budget) {
        if (!(budget >= 0 && budget <= 1)) {
            throw new IllegalArgumentException("the budget is a part of the pool, 0 to 1, budget=" + budget);
        }
        if (!(learned instanceof AdaptiveEviction adaptive)) {
            throw new IllegalArgumentException(
                    "only from an adaptive policy can chances be taken over, found " + learned);
        }
        return new AdaptiveEviction(adaptive, budget);
    }
}
