package io.kvflux.block;

/**
 * What was let go while a step in flight may still touch it, by the newest such step. Steps complete in order, so a ring
 * with one bucket per step in flight is enough; a bucket lists blocks (linked through {@link Pages#next}) and runs.
 */
final class Fences {

    /** Most steps in flight: far more than any loop overlaps, few enough for a ring. */
    static final int MAX_STEPS = 1 << 16;

    private final Pages pages;
    private final RunQueues runs;
    private final int[] blocks;
    private final int mask;
    private long completed;

    Fences(Pages pages, int maxStepsInFlight) {
        this.pages = pages;
        int buckets = Integer.highestOneBit(maxStepsInFlight) * 2;
        runs = new RunQueues(buckets);
        blocks = new int[buckets];
        mask = buckets - 1;
    }

    long completed() {
        return completed;
    }

    boolean pending(long fence) {
        return fence > completed;
    }

    void withholdBlock(int block, long fence) {
        int bucket = bucket(fence);
        pages.prev[block] = Pages.WITHHELD;
        pages.next[block] = blocks[bucket];
        blocks[bucket] = block;
    }

    void withholdRun(int run, long fence) {
        runs.append(bucket(fence), run);
    }

    void releaseRun(int run, long fence) {
        runs.remove(bucket(fence), run);
    }

    int firstBlock(long fence) {
        return blocks[bucket(fence)];
    }

    int firstRun(long fence) {
        return runs.first(bucket(fence));
    }

    int runAfter(int run) {
        return runs.after(run);
    }

    int buckets() {
        return blocks.length;
    }

    /** Empties the list of blocks of one step and returns its head; the links stay. */
    int takeBlocks(long fence) {
        int bucket = bucket(fence);
        int first = blocks[bucket];
        blocks[bucket] = Pages.NULL_BLOCK;
        return first;
    }

    void advanceTo(long step) {
        completed = step;
    }

    /** Checked before anything is let go, so that a step that was never to be issued leaves the pool whole. */
    void requireReachable(long fence) {
        if (fence - completed > blocks.length) {
            throw new IllegalStateException("a fence is at most " + blocks.length + " steps ahead, fence=" + fence
                    + ", completed=" + completed);
        }
    }

    private int bucket(long fence) {
        return (int) (fence & mask);
    }
}
