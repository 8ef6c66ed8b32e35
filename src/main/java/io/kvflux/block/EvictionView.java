package io.kvflux.block;

/** What a pool lets its eviction policy see of the runs. */
final class EvictionView implements EvictionPolicy.View {

    private final BlockPool pool;
    private final Runs runs;
    private final int[] page;

    EvictionView(BlockPool pool) {
        this.pool = pool;
        runs = pool.runs;
        page = new int[pool.pageSize()];
    }

    @Override
    public int pages(int run) {
        return runs.pages[run];
    }

    @Override
    public int parent(int run) {
        int parent = runs.parent[run];
        return runs.isRoot(parent) ? Runs.NONE : parent;
    }

    @Override
    public int children(int run) {
        return runs.children[run];
    }

    @Override
    public long fingerprint(int run) {
        int parent = runs.parent[run];
        long sum = runs.isRoot(parent) ? mix(runs.scope(parent).hashCode()) : 0;
        Object key = runs.key[run];
        if (key != null) {
            sum = mix(sum ^ key.hashCode());
        }
        pool.pages.tokens.read(runs.first[run], page);
        for (int token : page) {
            sum = (sum ^ token) * 0x9E3779B97F4A7C15L;
            sum ^= sum >>> 32;
        }
        return mix(sum);
    }

    @Override
    public int available() {
        return pool.availableBlocks();
    }

    private static long mix(long value) {
        long mixed = (value ^ (value >>> 30)) * 0xBF58476D1CE4E5B9L;
        mixed = (mixed ^ (mixed >>> 27)) * 0x94D049BB133111EBL;
        return mixed ^ (mixed >>> 31);
    }
}
