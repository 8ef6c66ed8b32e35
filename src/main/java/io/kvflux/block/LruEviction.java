package io.kvflux.block;

/**
 * Least recently used. A sequence gives its runs back tail first and whoever holds a run holds what it continues, so a
 * run always stands before its parent in the queue: the head of the queue is a leaf, and taking pages off its end is
 * page-wise LRU with tail-first release, exactly.
 */
final class LruEviction implements EvictionPolicy {

    private final RunQueues queue = new RunQueues(1);

    @Override
    public void attach(View view) {}

    @Override
    public void cached(int run) {
        queue.append(0, run);
    }

    @Override
    public void held(int run) {
        queue.remove(0, run);
    }

    @Override
    public void removed(int run) {
        queue.remove(0, run);
    }

    @Override
    public int victim() {
        return queue.first(0);
    }
}
