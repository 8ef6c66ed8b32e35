package io.kvflux.memory.cuda;

/** Memory as cuMemAlloc gives it: in one piece, of a fixed size. */
record PlainMemory(long address) implements ArenaMemory {

    static PlainMemory allocate(Gpu gpu, long bytes) {
        Scratch scratch = Scratch.get();
        gpu.check(Driver.cuMemAlloc_v2(scratch.address(), bytes), "cuMemAlloc_v2", bytes);
        return new PlainMemory(scratch.getLong(0));
    }

    @Override
    public void free() {
        Driver.cuMemFree_v2(address);
    }
}
