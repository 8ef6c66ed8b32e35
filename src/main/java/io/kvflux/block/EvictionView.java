package io.kvflux.block;

/** What a pool lets its eviction policy see of the runs. */
record EvictionView(Runs runs) implements EvictionPolicy.View {

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
    public boolean isLeaf(int run) {
        return runs.children[run] == 0;
    }
}
