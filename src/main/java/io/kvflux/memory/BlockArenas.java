package io.kvflux.memory;

import io.kvflux.geometry.DeviceRef;
import io.kvflux.geometry.KvCacheParams;
import io.kvflux.geometry.MultiKvCacheParams;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The memory behind the blocks of a scheduler: for every cache, replica and shard an arena with a page for every block
 * and one more, page 0, for the null block. A block is one id over all arenas of its replica.
 */
public final class BlockArenas implements AutoCloseable {

    private final DeviceMemory device;
    private final int blocks;
    private final int shards;
    private final List<List<PageArena>> byReplica = new ArrayList<>();

    private BlockArenas(DeviceMemory device, MultiKvCacheParams caches, int blocks) {
        this.device = device;
        this.blocks = blocks;
        shards = caches.tensorParallelDegree();
    }

    /**
     * Allocates all arenas, or none.
     *
     * @param device where
     * @param caches the caches of a sequence
     * @param blocksPerReplica usable blocks of each replica, at least 1
     * @return the arenas
     * @throws OutOfDeviceMemoryException if they do not fit; nothing is allocated then
     */
    public static BlockArenas allocate(DeviceMemory device, MultiKvCacheParams caches, int blocksPerReplica) {
        if (blocksPerReplica < 1 || blocksPerReplica == Integer.MAX_VALUE) {
            throw new IllegalArgumentException(
                    "blocksPerReplica must be in [1, 2^31 - 2], blocksPerReplica=" + blocksPerReplica);
        }
        BlockArenas arenas = new BlockArenas(Objects.requireNonNull(device, "device"), caches, blocksPerReplica);
        try {
            for (int replica = 0; replica < caches.dataParallelDegree(); replica++) {
                arenas.allocateReplica(caches, replica);
            }
        } catch (RuntimeException | Error refused) {
            arenas.close();
            throw refused;
        }
        return arenas;
    }

    /**
     * The most blocks for which {@link #allocate} fits a budget.
     *
     * @param caches the caches of a sequence
     * @param budgetBytes bytes for all arenas of all replicas
     * @return usable blocks of each replica; 0 if not even one fits
     */
    public static int blocksThatFit(MultiKvCacheParams caches, long budgetBytes) {
        long pages = budgetBytes / bytesPerBlock(caches);
        return (int) Math.min(Integer.MAX_VALUE - 1, Math.max(0, pages - 1));
    }

    /**
     * What a block takes in the arenas of all replicas: like the geometry's bytesPerBlock times the replicas, but with each
     * page rounded up to the alignment.
     *
     * @param caches the caches of a sequence
     * @return bytes
     */
    public static long bytesPerBlock(MultiKvCacheParams caches) {
        long bytes = 0;
        for (KvCacheParams cache : caches.params()) {
            bytes = Math.addExact(bytes, ArenaSpec.stride(cache.bytesPerPage()));
        }
        return Math.multiplyExact(bytes, (long) caches.tensorParallelDegree() * caches.dataParallelDegree());
    }

    private void allocateReplica(MultiKvCacheParams caches, int replica) {
        List<PageArena> arenas = new ArrayList<>();
        byReplica.add(arenas); // first, so that what was allocated is known if the next does not fit
        for (int cache = 0; cache < caches.params().size(); cache++) {
            long pageBytes = caches.params().get(cache).bytesPerPage();
            List<DeviceRef> devices = caches.devicesOfReplica(replica);
            for (int shard = 0; shard < shards; shard++) {
                arenas.add(device.allocate(
                        new ArenaSpec(cache, replica, shard, devices.get(shard), blocks + 1, pageBytes)));
            }
        }
    }

    /** {@return the device they are on} */
    public DeviceMemory device() {
        return device;
    }

    /** {@return usable blocks of each replica} */
    public int blocksPerReplica() {
        return blocks;
    }

    /**
     * The arena of a cache.
     *
     * @param cache index of the cache
     * @param replica its replica
     * @param shard its shard within the replica
     * @return the arena
     * @throws IndexOutOfBoundsException if there is none
     */
    public PageArena arena(int cache, int replica, int shard) {
        return byReplica.get(replica).get(cache * shards + Objects.checkIndex(shard, shards));
    }

    /**
     * Why the memory of a replica is lost: with one of its arenas all are, because a block is in all of them.
     *
     * @param replica in [0, replicas)
     * @return what the device says of the first arena that is {@linkplain DeviceMemory#loss lost}; null if none is
     */
    public @Nullable Throwable loss(int replica) {
        for (PageArena arena : byReplica.get(replica)) {
            Throwable cause = device.loss(arena);
            if (cause != null) {
                return cause;
            }
        }
        return null;
    }

    /**
     * Releases all arenas; they must not be accessed any more.
     *
     * @throws IllegalStateException if a batch that touches them is in flight; those it does not touch are released
     */
    @Override
    public void close() {
        RuntimeException first = null;
        for (List<PageArena> arenas : byReplica) {
            for (PageArena arena : arenas) {
                try {
                    device.release(arena);
                } catch (RuntimeException refused) {
                    if (first == null) {
                        first = refused;
                    } else {
                        first.addSuppressed(refused);
                    }
                }
            }
        }
        if (first != null) {
            throw first;
        }
    }

    List<PageArena> of(int replica) {
        return byReplica.get(replica);
    }

    /** Changes one byte of a block. */
    void corrupt(int replica, int block) {
        byte[] one = new byte[1];
        PageArena arena = byReplica.get(replica).get(0);
        arena.read(block, 0, one);
        one[0] ^= (byte) 0xFF;
        arena.write(block, 0, one);
    }

    void requireLayout(SlotLayout layout) {
        List<PageArena> any = byReplica.get(0);
        boolean same = layout.shards() == shards && layout.caches() * shards == any.size();
        for (int cache = 0; same && cache < layout.caches(); cache++) {
            same = any.get(cache * shards).spec().pageBytes() == layout.pageBytes(cache);
        }
        if (!same) {
            throw new IllegalArgumentException("a slot is laid out for the caches that the arenas are for, layout="
                    + layout + ", arenasOfAReplica=" + any.size() + ", shards=" + shards);
        }
    }

    void requireBlock(int replica, int block) {
        if (replica < 0 || replica >= byReplica.size() || block < 1 || block > blocks) {
            throw new IndexOutOfBoundsException("a block must be in [1, blocksPerReplica] of a replica, replica="
                    + replica + ", replicas=" + byReplica.size() + ", block=" + block + ", blocksPerReplica=" + blocks);
        }
    }
}
