package io.kvflux.memory;

import io.kvflux.geometry.KvCacheParams;
import io.kvflux.geometry.MultiKvCacheParams;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.UnaryOperator;

/**
 * The memory of all blocks: one arena for every cache, replica and shard, all with the same number of pages, so that one
 * block id finds its page in each. Latents that are replicated over the shards have an arena on every shard, as
 * {@code bytesPerBlock} prices them.
 */
public final class BlockArenas implements AutoCloseable {

    private final DeviceMemory device;
    private final int caches;
    private final int replicas;
    private final int shards;
    private final int blocksPerReplica;

    /** In the nesting cache, replica, shard. */
    private final List<PageArena> arenas;

    private BlockArenas(
            DeviceMemory device, int caches, int replicas, int shards, int blocksPerReplica, List<PageArena> arenas) {
        this.device = device;
        this.caches = caches;
        this.replicas = replicas;
        this.shards = shards;
        this.blocksPerReplica = blocksPerReplica;
        this.arenas = arenas;
    }

    /**
     * Takes the memory of all blocks, or none.
     *
     * @param device where
     * @param caches what a block consists of
     * @param blocksPerReplica usable blocks of a replica, at least 1; every arena has one page more, for the null block
     * @return the arenas, open until this or the device is closed
     * @throws OutOfDeviceMemoryException when not all fit; those that did are closed again
     * @throws IllegalArgumentException when the number of blocks is out of range
     * @throws IllegalStateException when the device is closed
     */
    public static BlockArenas allocate(DeviceMemory device, MultiKvCacheParams caches, int blocksPerReplica) {
        if (blocksPerReplica < 1 || blocksPerReplica == Integer.MAX_VALUE) {
            throw new IllegalArgumentException(
                    "blocksPerReplica must be at least 1 and below 2^31 - 1, blocksPerReplica=" + blocksPerReplica);
        }
        List<PageArena> arenas = new ArrayList<>();
        try {
            allocateAll(device, caches, blocksPerReplica + 1, arenas);
        } catch (RuntimeException | Error e) {
            arenas.forEach(PageArena::close);
            throw e;
        }
        return new BlockArenas(
                device,
                caches.params().size(),
                caches.dataParallelDegree(),
                caches.tensorParallelDegree(),
                blocksPerReplica,
                arenas);
    }

    private static void allocateAll(DeviceMemory device, MultiKvCacheParams caches, int pages, List<PageArena> into) {
        for (int cache = 0; cache < caches.params().size(); cache++) {
            long pageBytes = caches.params().get(cache).bytesPerPage();
            for (int replica = 0; replica < caches.dataParallelDegree(); replica++) {
                for (int shard = 0; shard < caches.tensorParallelDegree(); shard++) {
                    into.add(device.allocate(new ArenaSpec(cache, replica, shard, pages, pageBytes)));
                }
            }
        }
    }

    /**
     * Counts the blocks whose arenas fit a budget. Where the bytes of all pages are multiples of 64 these are
     * {@code deviceBlocksPerReplica(budgetBytes)} less the null block; else the padding of pages counts too.
     *
     * @param caches what a block consists of
     * @param budgetBytes memory for the arenas of all replicas
     * @return the most usable blocks of a replica that {@link #allocate} can be asked for; 0 if not even one fits
     * @throws IllegalArgumentException when the budget is negative
     */
    public static int blocksThatFit(MultiKvCacheParams caches, long budgetBytes) {
        if (budgetBytes < 0) {
            throw new IllegalArgumentException("budgetBytes must not be negative, budgetBytes=" + budgetBytes);
        }
        // Exact where a block is priced in 64 bits; the padding alone could pass that, and then nothing fits.
        long devices = caches.numDevices();
        long left = budgetBytes / devices;
        long strides = 0;
        for (KvCacheParams cache : caches.params()) {
            long stride = ArenaSpec.aligned(cache.bytesPerPage());
            if (stride <= 0 || stride > left - strides) {
                return 0;
            }
            strides += stride;
        }
        return (int) Math.min(left / strides, Integer.MAX_VALUE) - 1;
    }

    /** {@return where the arenas are} */
    public DeviceMemory device() {
        return device;
    }

    /** {@return the number of caches a block consists of} */
    public int caches() {
        return caches;
    }

    /** {@return the number of replicas, each with its own blocks} */
    public int replicas() {
        return replicas;
    }

    /** {@return the number of devices of one replica} */
    public int shards() {
        return shards;
    }

    /** {@return usable blocks of a replica: their ids are 1 to this} */
    public int blocksPerReplica() {
        return blocksPerReplica;
    }

    /**
     * Finds the arena of a cache on a device.
     *
     * @param cache in [0, {@link #caches()})
     * @param replica in [0, {@link #replicas()})
     * @param shard in [0, {@link #shards()})
     * @return its arena
     * @throws IndexOutOfBoundsException when there is none
     */
    public PageArena arena(int cache, int replica, int shard) {
        Objects.checkIndex(cache, caches);
        Objects.checkIndex(replica, replicas);
        Objects.checkIndex(shard, shards);
        return arenas.get((cache * replicas + replica) * shards + shard);
    }

    /**
     * Gives the memory of all blocks back before it returns. A second call does nothing.
     *
     * @throws IllegalStateException when a batch of the device is in flight; nothing has changed then
     */
    @Override
    public void close() {
        arenas.forEach(PageArena::close);
    }

    /** The same blocks as another device sees them. */
    BlockArenas on(DeviceMemory other, UnaryOperator<PageArena> translation) {
        List<PageArena> translated = arenas.stream().map(translation).toList();
        return new BlockArenas(other, caches, replicas, shards, blocksPerReplica, translated);
    }

    void checkOpen() {
        arenas.forEach(PageArena::address);
    }
}
