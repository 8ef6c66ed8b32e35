package io.kvflux.memory;

import io.kvflux.geometry.KvCacheParams;
import io.kvflux.geometry.MultiKvCacheParams;
import java.util.Objects;

/**
 * Where the pages of a block stand in its slot: cache after cache and, within a cache, shard after shard, without gaps. A
 * cache that every shard keeps a copy of (latent attention under tensor parallelism) is stored once.
 *
 * <pre>
 *   two caches on two shards, the second replicated
 *
 *   offset(0, 0)   offset(0, 1)   offset(1, 0) = offset(1, 1)
 *   | cache 0      | cache 0      | cache 1      |
 *   | shard 0      | shard 1      | any shard    |
 *   |&lt;----------- bytes = hostBytesPerBlock -------&gt;|
 * </pre>
 */
public final class SlotLayout {

    private final int shards;
    private final long[] pageBytes;
    private final boolean[] replicated;
    private final long[] offsets;
    private final long bytes;

    private SlotLayout(MultiKvCacheParams caches) {
        shards = caches.tensorParallelDegree();
        int count = caches.params().size();
        pageBytes = new long[count];
        replicated = new boolean[count];
        offsets = new long[count];
        long at = 0;
        for (int cache = 0; cache < count; cache++) {
            KvCacheParams params = caches.params().get(cache);
            pageBytes[cache] = params.bytesPerPage();
            replicated[cache] = params.replicatesKvAcrossTp();
            offsets[cache] = at;
            at += params.hostBytesPerBlock(); // the sum over all caches was found to fit when they were put together
        }
        bytes = at;
    }

    /**
     * The layout of a slot that holds a block of these caches.
     *
     * @param caches the caches of a sequence
     * @return the layout
     */
    public static SlotLayout of(MultiKvCacheParams caches) {
        return new SlotLayout(caches);
    }

    /** {@return bytes of a slot: the geometry's hostBytesPerBlock} */
    public long bytes() {
        return bytes;
    }

    /** {@return caches of a block} */
    public int caches() {
        return pageBytes.length;
    }

    /** {@return shards of a replica} */
    public int shards() {
        return shards;
    }

    /**
     * How long the page of a cache is.
     *
     * @param cache index of the cache
     * @return bytes of its page on one shard
     */
    public long pageBytes(int cache) {
        return pageBytes[cache];
    }

    /**
     * Whether the page of a cache is stored once for all shards.
     *
     * @param cache index of the cache
     * @return true if every shard keeps the same
     */
    public boolean isReplicated(int cache) {
        return replicated[cache];
    }

    /**
     * Where a page stands.
     *
     * @param cache index of the cache
     * @param shard a shard of the replica
     * @return its first byte within the slot; the same for all shards if the cache is replicated
     */
    public long offset(int cache, int shard) {
        Objects.checkIndex(shard, shards);
        return offsets[cache] + (replicated[cache] ? 0 : shard * pageBytes[cache]);
    }

    @Override
    public String toString() {
        return "slot of " + bytes + " bytes for " + caches() + " caches on " + shards + " shards";
    }
}
