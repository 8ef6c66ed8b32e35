package io.kvflux.memory.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvflux.geometry.AttentionKind;
import io.kvflux.geometry.DType;
import io.kvflux.geometry.DataSize;
import io.kvflux.geometry.DeviceRef;
import io.kvflux.geometry.KvCacheParams;
import io.kvflux.geometry.MultiKvCacheParams;
import io.kvflux.memory.BlockArenas;
import io.kvflux.memory.CopyBatch;
import io.kvflux.memory.CopyListener;
import io.kvflux.memory.PageArena;
import io.kvflux.memory.SlotLayout;
import io.kvflux.memory.chronicle.HostSlots;
import java.util.Arrays;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** A device with blocks of two caches, one of which every shard keeps a copy of, and slots that it has pinned. */
final class Rig implements AutoCloseable, CopyListener {

    static final int BLOCKS = 6;
    static final int SLOTS = 8;

    final MultiKvCacheParams caches;
    final SlotLayout layout;
    final CudaDevice device;
    final BlockArenas arenas;
    final HostSlots slots;
    /** Why batches failed; null was none. */
    final Queue<String> failures = new ConcurrentLinkedQueue<>();

    private final Semaphore ends = new Semaphore(0);

    Rig(CudaDevice device, int replicas, int shards) {
        this.device = device;
        caches = caches(replicas, shards);
        layout = SlotLayout.of(caches);
        HostSlots some = HostSlots.allocate(SLOTS, layout.bytes(), HostSlots.Touch.LAZY);
        try {
            arenas = BlockArenas.allocate(device, caches, BLOCKS);
            device.attach(some);
        } catch (RuntimeException refused) {
            device.close();
            some.close();
            throw refused;
        }
        slots = some;
    }

    static Rig open(KernelUse kernels, int... ordinals) {
        return new Rig(
                CudaDevice.builder()
                        .devices(ordinals)
                        .memory(new DataSize(1 << 20))
                        .kernels(kernels)
                        .open(),
                1,
                ordinals.length);
    }

    static MultiKvCacheParams caches(int replicas, int shards) {
        KvCacheParams.Builder params = KvCacheParams.builder()
                .dtype(DType.FLOAT32)
                .numLayers(1)
                .numKvHeads(4)
                .headDim(3)
                .pageSize(4)
                .devices(DeviceRef.gpus(replicas * shards))
                .dataParallelDegree(replicas);
        return MultiKvCacheParams.fromParams(
                params.build(),
                params.attention(AttentionKind.MLA).numQueryHeads(4).build());
    }

    CopyBatch within() {
        return new CopyBatch(arenas);
    }

    CopyBatch transfers() {
        return new CopyBatch(arenas, slots, layout);
    }

    void submit(CopyBatch batch) {
        device.submit(batch, this);
    }

    @Override
    public void ended(CopyBatch batch, @Nullable Throwable failure) {
        if (failure != null) {
            failures.add(String.valueOf(failure.getMessage()));
        }
        ends.release();
    }

    /** Waits for the end of so many batches. */
    void await(int batches) {
        try {
            assertThat(ends.tryAcquire(batches, 30, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** Batches whose end was told and not awaited. */
    int ended() {
        return ends.availablePermits();
    }

    /** Every byte of a block is that, on all shards. */
    void fill(int replica, int block, int value) {
        forEachArena(replica, arena -> {
            byte[] bytes = new byte[(int) arena.spec().pageBytes()];
            Arrays.fill(bytes, (byte) value);
            arena.write(block, 0, bytes);
        });
    }

    void requireFilled(int replica, int block, int value) {
        forEachArena(replica, arena -> {
            byte[] bytes = new byte[(int) arena.spec().pageBytes()];
            arena.read(block, 0, bytes);
            assertThat(bytes).as("%s, block=%d", arena.spec(), block).containsOnly(value);
        });
    }

    private void forEachArena(int replica, Consumer<PageArena> to) {
        for (int cache = 0; cache < 2; cache++) {
            for (int shard = 0; shard < caches.tensorParallelDegree(); shard++) {
                to.accept(arenas.arena(cache, replica, shard));
            }
        }
    }

    @Override
    public void close() {
        device.close();
        slots.close();
    }
}
