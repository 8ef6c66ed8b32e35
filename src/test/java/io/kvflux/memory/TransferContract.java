package io.kvflux.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvflux.geometry.AttentionKind;
import io.kvflux.geometry.DType;
import io.kvflux.geometry.DeviceRef;
import io.kvflux.geometry.KvCacheParams;
import io.kvflux.geometry.MultiKvCacheParams;
import io.kvflux.memory.chronicle.HostSlots;
import io.kvflux.memory.chronicle.HostSlots.Touch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What every device promises of copies between blocks and slots. */
abstract class TransferContract {

    static final int BLOCKS = 12;
    static final int SLOTS = 15;

    private final List<DeviceMemory> opened = new ArrayList<>();
    private final List<SlotArena> slotArenas = new ArrayList<>();

    /** An open device with this budget. */
    protected abstract DeviceMemory open(long budgetBytes);

    /** Bytes the device's kind holds in this process; 0 once all are closed. */
    protected abstract long liveBytes();

    DeviceMemory device(long budgetBytes) {
        DeviceMemory device = open(budgetBytes);
        opened.add(device);
        return device;
    }

    /** Slots that the arenas' device knows of. */
    HostSlots slots(BlockArenas arenas, SlotLayout layout) {
        HostSlots slots = HostSlots.allocate(SLOTS, layout.bytes(), Touch.LAZY);
        slotArenas.add(slots);
        arenas.device().attach(slots);
        return slots;
    }

    @AfterEach
    void nothingLeaks() {
        opened.forEach(DeviceMemory::close);
        slotArenas.forEach(SlotArena::close);
        assertThat(opened).allMatch(device -> device.allocatedBytes() == 0);
        assertThat(liveBytes()).isZero();
    }

    static void carryOut(DeviceMemory device, CopyBatch batch) {
        assertThat(end(device, batch)).isNull();
    }

    /** Why a batch failed; null if it did not. */
    static @Nullable Throwable end(DeviceMemory device, CopyBatch batch) {
        CountDownLatch over = new CountDownLatch(1);
        List<Throwable> failures = new ArrayList<>();
        device.submit(batch, (same, failure) -> {
            if (failure != null) {
                failures.add(failure);
            }
            over.countDown();
        });
        try {
            assertThat(over.await(30, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
        return failures.isEmpty() ? null : failures.get(0);
    }

    /** A plain and a latent cache on two shards of each of two replicas. */
    static MultiKvCacheParams twoCaches() {
        KvCacheParams.Builder params = KvCacheParams.builder()
                .dtype(DType.FLOAT32)
                .numLayers(1)
                .numKvHeads(2)
                .headDim(3)
                .pageSize(4)
                .devices(List.of(DeviceRef.gpu(0), DeviceRef.gpu(1), DeviceRef.gpu(2), DeviceRef.gpu(3)))
                .dataParallelDegree(2);
        return MultiKvCacheParams.fromParams(
                params.build(),
                params.attention(AttentionKind.MLA).numQueryHeads(2).build());
    }

    BlockArenas arenas(MultiKvCacheParams caches) {
        return BlockArenas.allocate(device(1 << 20), caches, BLOCKS);
    }

    /** A page's bytes, which tell where it was. */
    static byte[] pattern(int cache, int replica, int shard, int page, long bytes) {
        byte[] pattern = new byte[(int) bytes];
        new SplittableRandom(((cache * 31L + replica) * 31 + shard) * 31 + page).nextBytes(pattern);
        return pattern;
    }

    interface PageVisitor {
        void page(PageArena arena, int cache, int replica, int shard, int page);
    }

    static void forEachPage(MultiKvCacheParams caches, BlockArenas arenas, PageVisitor to) {
        for (int cache = 0; cache < caches.params().size(); cache++) {
            for (int replica = 0; replica < caches.dataParallelDegree(); replica++) {
                for (int shard = 0; shard < caches.tensorParallelDegree(); shard++) {
                    for (int page = 0; page <= BLOCKS; page++) {
                        to.page(arenas.arena(cache, replica, shard), cache, replica, shard, page);
                    }
                }
            }
        }
    }

    static void writePatterns(MultiKvCacheParams caches, BlockArenas arenas) {
        forEachPage(
                caches,
                arenas,
                (arena, cache, replica, shard, page) -> arena.write(
                        page,
                        0,
                        pattern(cache, replica, shard, page, arena.spec().pageBytes())));
    }

    @Test
    void whatGoesDownAndComesUpIsTheSameWhateverTheShape() {
        long seed = System.nanoTime();
        SplittableRandom random = new SplittableRandom(seed);
        for (int i = 0; i < 40; i++) {
            roundTrip(Shapes.random(random), random, "seed=" + seed + ", round=" + i);
        }
    }

    /** Blocks go down to slots and come up to others; every other page and slot stays. */
    private void roundTrip(MultiKvCacheParams caches, SplittableRandom random, String what) {
        SlotLayout layout = SlotLayout.of(caches);
        BlockArenas arenas = arenas(caches);
        HostSlots slots = slots(arenas, layout);
        writePatterns(caches, arenas);
        for (int slot = 0; slot < SLOTS; slot++) {
            slots.fill(slot, (byte) 0x5A);
        }
        int replica = random.nextInt(caches.dataParallelDegree());
        int count = 1 + random.nextInt(BLOCKS - 1);
        int[] from = chosen(random, count, 1, BLOCKS);
        int[] to = chosen(random, count, 0, SLOTS - 1);
        int[] back = chosen(random, count, 1, BLOCKS);
        CopyBatch down = new CopyBatch(arenas, slots, layout);
        CopyBatch up = new CopyBatch(arenas, slots, layout);
        for (int i = 0; i < count; i++) {
            down.offload(replica, from[i], to[i]);
            up.onload(replica, to[i], back[i]);
        }
        carryOut(arenas.device(), down);
        checkSlots(layout, slots, replica, from, to, what);
        carryOut(arenas.device(), up);
        int[] sources = new int[BLOCKS + 1];
        Arrays.setAll(sources, page -> page);
        for (int i = 0; i < count; i++) {
            sources[back[i]] = from[i];
        }
        forEachPage(caches, arenas, (arena, cache, ofReplica, shard, page) -> {
            boolean came = ofReplica == replica && Arrays.stream(back).anyMatch(one -> one == page);
            int shardBefore = came && layout.isReplicated(cache) ? 0 : shard;
            int pageBefore = came ? sources[page] : page;
            byte[] read = new byte[(int) arena.spec().pageBytes()];
            arena.read(page, 0, read);
            assertThat(read)
                    .as("%s, %s, page=%d", what, arena.spec(), page)
                    .isEqualTo(pattern(cache, ofReplica, shardBefore, pageBefore, read.length));
        });
    }

    private static void checkSlots(SlotLayout layout, HostSlots slots, int replica, int[] from, int[] to, String what) {
        byte[][] expected = new byte[SLOTS][(int) layout.bytes()];
        for (byte[] slot : expected) {
            Arrays.fill(slot, (byte) 0x5A);
        }
        for (int i = 0; i < from.length; i++) {
            for (int cache = 0; cache < layout.caches(); cache++) {
                for (int shard = layout.shards() - 1; shard >= 0; shard--) { // shard 0 last: what is stored once is its
                    byte[] page = pattern(cache, replica, shard, from[i], layout.pageBytes(cache));
                    System.arraycopy(page, 0, expected[to[i]], (int) layout.offset(cache, shard), page.length);
                }
            }
        }
        for (int slot = 0; slot < SLOTS; slot++) {
            byte[] read = new byte[(int) layout.bytes()];
            slots.read(slot, 0, read);
            assertThat(read).as("%s, slot=%d", what, slot).isEqualTo(expected[slot]);
        }
    }

    /** Different numbers in any order, or, as often, one after another, up or down. */
    private static int[] chosen(SplittableRandom random, int count, int least, int most) {
        int order = random.nextInt(4);
        int[] all = new int[most - least + 1];
        Arrays.setAll(all, i -> order == 0 ? most - i : least + i);
        for (int i = all.length - 1; i > 0 && order > 1; i--) {
            int j = random.nextInt(i + 1);
            int swapped = all[i];
            all[i] = all[j];
            all[j] = swapped;
        }
        return Arrays.copyOf(all, count);
    }

    @Test
    void transfersTakeEffectInOrderOfSubmissionWhoeverElseSubmits() throws InterruptedException {
        MultiKvCacheParams caches = twoCaches();
        SlotLayout layout = SlotLayout.of(caches);
        BlockArenas arenas = arenas(caches);
        HostSlots slots = slots(arenas, layout);
        writePatterns(caches, arenas);
        int threads = 4;
        int rounds = 100;
        CountDownLatch all = new CountDownLatch(threads * rounds * 3);
        AtomicInteger failures = new AtomicInteger();
        CopyListener counts = (batch, failure) -> {
            failures.addAndGet(failure == null ? 0 : 1);
            all.countDown();
        };
        ExecutorService pool = Executors.newFixedThreadPool(threads);
        for (int thread = 0; thread < threads; thread++) {
            int block = 1 + 3 * thread;
            int slot = 3 * thread;
            pool.execute(() -> {
                for (int i = 0; i < rounds; i++) { // the block goes down, is emptied, and comes back
                    CopyBatch down = new CopyBatch(arenas, slots, layout);
                    down.offload(1, block, slot + i % 3);
                    arenas.device().submit(down, counts);
                    CopyBatch empty = new CopyBatch(arenas);
                    empty.fill(1, block);
                    arenas.device().submit(empty, counts);
                    CopyBatch up = new CopyBatch(arenas, slots, layout);
                    up.onload(1, slot + i % 3, block);
                    arenas.device().submit(up, counts);
                }
            });
        }
        assertThat(all.await(30, TimeUnit.SECONDS)).isTrue();
        pool.shutdown();
        assertThat(pool.awaitTermination(30, TimeUnit.SECONDS)).isTrue();
        assertThat(failures).hasValue(0);
        forEachPage(caches, arenas, (arena, cache, replica, shard, page) -> {
            byte[] read = new byte[(int) arena.spec().pageBytes()];
            arena.read(page, 0, read);
            boolean moved = replica == 1 && page % 3 == 1;
            int shardBefore = moved && layout.isReplicated(cache) ? 0 : shard;
            assertThat(read).isEqualTo(pattern(cache, replica, shardBefore, page, read.length));
        });
    }

    @Test
    protected void whatABatchThatFailedSaysHasLandedHas() {
        MultiKvCacheParams caches = twoCaches();
        SlotLayout layout = SlotLayout.of(caches);
        BlockArenas arenas = arenas(caches);
        HostSlots slots = slots(arenas, layout);
        writePatterns(caches, arenas);
        SlotArena breaks = new WatchedSlots(slots, slot -> {
            if (slot == 9) {
                throw new UnsupportedOperationException("slot 9 is broken");
            }
        });
        CopyBatch batch = new CopyBatch(arenas, breaks, layout);
        batch.offload(0, 1, 5);
        batch.offload(0, 2, 6);
        batch.offload(0, 7, 1);
        batch.offload(0, 8, 9);
        batch.offload(0, 5, 3);
        Throwable failure = end(arenas.device(), batch);
        assertThat(failure).hasStackTraceContaining("slot 9 is broken");
        int landed = batch.landedBlocks(failure);
        assertThat(landed).as("it may know less than there is").isBetween(0, 3);
        int[] blocks = {1, 2, 7};
        int[] to = {5, 6, 1};
        for (int i = 0; i < landed; i++) {
            byte[] read = new byte[(int) layout.pageBytes(0)];
            slots.read(to[i], layout.offset(0, 1), read);
            assertThat(read).isEqualTo(pattern(0, 0, 1, blocks[i], read.length));
        }
        assertThat(batch.landedBlocks(null)).isEqualTo(5);
        assertThat(batch.landedBlocks(new IllegalStateException("a plain failure")))
                .isZero();
    }

    @Test
    protected void slotsThatTheDeviceDoesNotKnowOfAreCopiedTheSame() {
        MultiKvCacheParams caches = twoCaches();
        SlotLayout layout = SlotLayout.of(caches);
        BlockArenas arenas = arenas(caches);
        HostSlots slots = slots(arenas, layout);
        writePatterns(caches, arenas);
        arenas.device().detach(slots);
        arenas.device().detach(slots);
        CopyBatch batch = new CopyBatch(arenas, slots, layout);
        batch.offload(0, 1, 4);
        batch.offload(0, 9, 5);
        carryOut(arenas.device(), batch);
        byte[] read = new byte[(int) layout.pageBytes(0)];
        slots.read(5, layout.offset(0, 1), read);
        assertThat(read).isEqualTo(pattern(0, 0, 1, 9, read.length));
        arenas.device().attach(slots);
        arenas.device().attach(slots);
    }

    @Test
    void aBatchWithClosedSlotsFailsAndTouchesNothing() {
        MultiKvCacheParams caches = twoCaches();
        SlotLayout layout = SlotLayout.of(caches);
        BlockArenas arenas = arenas(caches);
        HostSlots slots = slots(arenas, layout);
        writePatterns(caches, arenas);
        CopyBatch batch = new CopyBatch(arenas, slots, layout);
        batch.onload(0, 3, 1);
        arenas.device().detach(slots);
        slots.close();
        assertThat(end(arenas.device(), batch))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("the slots are closed");
        byte[] read = new byte[(int) layout.pageBytes(0)];
        arenas.arena(0, 0, 0).read(1, 0, read);
        assertThat(read).isEqualTo(pattern(0, 0, 0, 1, read.length));
        arenas.close();
    }

    @Test
    void aTransferForAnotherDeviceFailsAndLetsGoOfItsSlots() {
        MultiKvCacheParams caches = twoCaches();
        SlotLayout layout = SlotLayout.of(caches);
        BlockArenas arenas = arenas(caches);
        HostSlots slots = slots(arenas, layout);
        CopyBatch batch = new CopyBatch(arenas, slots, layout);
        batch.offload(0, 1, 1);
        assertThat(end(device(1 << 20), batch))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("a batch goes to the device its arenas are on, device=");
        arenas.device().detach(slots);
        slots.close();
    }

    @Test
    void pagesThatStandAsSlotsDoTravelAtOnceAndStayInTheirs() {
        // 4096 bytes a page and a slot: nothing between them.
        MultiKvCacheParams caches = MultiKvCacheParams.fromParams(KvCacheParams.builder()
                .dtype(DType.FLOAT32)
                .numLayers(2)
                .numKvHeads(1)
                .headDim(16)
                .pageSize(16)
                .build());
        SlotLayout layout = SlotLayout.of(caches);
        BlockArenas arenas = arenas(caches);
        HostSlots slots = slots(arenas, layout);
        assertThat(slots.strideBytes())
                .isEqualTo(arenas.arena(0, 0, 0).strideBytes())
                .isEqualTo(4096);
        writePatterns(caches, arenas);
        slots.fill(2, (byte) 1);
        slots.fill(7, (byte) 1);
        CopyBatch batch = new CopyBatch(arenas, slots, layout);
        for (int i = 3; i >= 0; i--) {
            batch.offload(0, 5 + i, 3 + i);
        }
        assertThat(batch.runs()).isEqualTo(1);
        carryOut(arenas.device(), batch);
        byte[] read = new byte[4096];
        for (int i = 0; i < 4; i++) {
            slots.read(3 + i, 0, read);
            assertThat(read).isEqualTo(pattern(0, 0, 0, 5 + i, 4096));
        }
        slots.read(2, 0, read);
        assertThat(read).containsOnly(1);
        slots.read(7, 0, read);
        assertThat(read).containsOnly(1);
        assertThatThrownBy(() -> batch.onload(0, 3, 9))
                .as("it is written in the same batch")
                .isInstanceOf(IllegalArgumentException.class);
        batch.clear();
        for (int i = 0; i < 4; i++) {
            batch.onload(0, 3 + i, 1 + i);
        }
        carryOut(arenas.device(), batch);
        for (int i = 0; i <= 4; i++) {
            arenas.arena(0, 0, 0).read(1 + i, 0, read);
            assertThat(read).isEqualTo(pattern(0, 0, 0, i < 4 ? 5 + i : 5, 4096));
        }
    }
}
