package io.kvflux.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvflux.geometry.DType;
import io.kvflux.geometry.DeviceRef;
import io.kvflux.geometry.KvCacheParams;
import io.kvflux.geometry.MultiKvCacheParams;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** What every device promises. A device's test extends this and says how to open one. */
public abstract class DeviceMemoryContract extends TransferContract {

    private static final long PAGE_BYTES = 100; // not a multiple of the alignment
    private static final long STRIDE_BYTES = 128;

    private static ArenaSpec spec(int pages) {
        return new ArenaSpec(0, 0, 0, DeviceRef.gpu(0), pages, PAGE_BYTES);
    }

    /** Two caches, two replicas of two shards. */
    private static MultiKvCacheParams caches() {
        KvCacheParams.Builder params = KvCacheParams.builder()
                .dtype(DType.FLOAT32)
                .numLayers(1)
                .numKvHeads(2)
                .headDim(3)
                .pageSize(4)
                .devices(List.of(DeviceRef.gpu(0), DeviceRef.gpu(1), DeviceRef.gpu(2), DeviceRef.gpu(3)))
                .dataParallelDegree(2);
        return MultiKvCacheParams.fromParams(params.build(), params.numLayers(2).build());
    }

    @Test
    void theBudgetIsKeptToTheByte() {
        DeviceMemory device = device(10 * STRIDE_BYTES);
        PageArena arena = device.allocate(spec(10));
        assertThat(device.allocatedBytes()).isEqualTo(10 * STRIDE_BYTES);
        device.release(arena);
        assertThat(device.allocatedBytes()).isZero();
        device.release(arena);
        assertThat(device.allocatedBytes()).isZero();

        DeviceMemory less = device(10 * STRIDE_BYTES - 1);
        assertThatThrownBy(() -> less.allocate(spec(10)))
                .isInstanceOf(OutOfDeviceMemoryException.class)
                .hasMessageContaining("requestedBytes=1280")
                .hasMessageContaining("allocatedBytes=0")
                .hasMessageContaining("budgetBytes=1279");
        assertThat(less.allocatedBytes()).isZero();
        less.allocate(spec(9));
    }

    @Test
    void pagesAreAlignedAndApart() {
        PageArena arena = device(1 << 20).allocate(spec(5));
        assertThat(arena.strideBytes()).isEqualTo(STRIDE_BYTES);
        for (int page = 0; page < 5; page++) {
            assertThat(arena.address(page) % ArenaSpec.ALIGNMENT).isZero();
            assertThat(arena.address(page)).isEqualTo(arena.address() + page * arena.strideBytes());
        }
    }

    @Test
    void whatIsWrittenIsReadAndStaysInItsPage() {
        PageArena arena = device(1 << 20).allocate(spec(3));
        arena.write(0, 0, filled((byte) 1));
        arena.write(1, 0, filled((byte) 2));
        arena.write(2, 0, filled((byte) 3));
        assertThat(page(arena, 0)).isEqualTo(filled((byte) 1));
        assertThat(page(arena, 1)).isEqualTo(filled((byte) 2));
        assertThat(page(arena, 2)).isEqualTo(filled((byte) 3));
        float[] floats = {1.5f, -2f, Float.NaN, 0f};
        arena.write(1, 40, floats, 1, 3);
        float[] read = new float[5];
        arena.read(1, 40, read, 2, 3);
        assertThat(read).containsExactly(0f, 0f, -2f, Float.NaN, 0f);
    }

    @Test
    void everyAccessIsChecked() {
        PageArena arena = device(1 << 20).allocate(spec(3));
        byte[] one = new byte[1];
        assertThatThrownBy(() -> arena.read(3, 0, one))
                .isInstanceOf(IndexOutOfBoundsException.class)
                .hasMessageContaining("page=3, pages=3");
        assertThatThrownBy(() -> arena.read(-1, 0, one)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> arena.read(0, -1, one)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> arena.write(0, PAGE_BYTES, one))
                .isInstanceOf(IndexOutOfBoundsException.class)
                .hasMessageContaining("offset=100, length=1, pageBytes=100");
        assertThatThrownBy(() -> arena.write(0, Long.MAX_VALUE, one)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> arena.read(0, PAGE_BYTES - 3, new float[1], 0, 1))
                .isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> arena.read(0, 0, new float[1], 1, 1)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> arena.write(0, 0, new float[1], 0, -1)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> arena.address(3)).isInstanceOf(IndexOutOfBoundsException.class);
    }

    @Test
    void nothingIsAccessedAfterItsRelease() {
        DeviceMemory device = device(1 << 20);
        PageArena released = device.allocate(spec(3));
        device.release(released);
        assertThatThrownBy(() -> released.read(0, 0, new byte[1]))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("closed");
        assertThatThrownBy(released::address).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> released.address(1)).isInstanceOf(IllegalStateException.class);
        PageArena arena = device.allocate(spec(3));
        device.close();
        device.close();
        assertThatThrownBy(() -> arena.write(0, 0, new byte[1])).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> device.allocate(spec(1)))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("device=");
    }

    @Test
    void anArenaMayBeLargerThanTwoGiB() {
        long pageBytes = 2L << 20;
        int pages = 2560; // 5 GiB, of which two pages are touched
        PageArena arena =
                device(pageBytes * pages).allocate(new ArenaSpec(0, 0, 0, DeviceRef.gpu(0), pages, pageBytes));
        byte[] last = {1, 2, 3};
        arena.write(pages - 1, pageBytes - 3, last);
        arena.write(0, 0, new byte[] {9});
        byte[] read = new byte[3];
        arena.read(pages - 1, pageBytes - 3, read);
        assertThat(read).isEqualTo(last);
    }

    @Test
    void aBlockIsOneIdOverAllArenasOfItsReplica() {
        MultiKvCacheParams caches = caches();
        try (BlockArenas arenas = BlockArenas.allocate(device(1 << 20), caches, 6)) {
            assertThat(arenas.device().allocatedBytes()).isEqualTo(7 * BlockArenas.bytesPerBlock(caches));
            for (int cache = 0; cache < 2; cache++) {
                for (int replica = 0; replica < 2; replica++) {
                    for (int shard = 0; shard < 2; shard++) {
                        PageArena arena = arenas.arena(cache, replica, shard);
                        assertThat(arena.spec())
                                .isEqualTo(new ArenaSpec(
                                        cache,
                                        replica,
                                        shard,
                                        DeviceRef.gpu(replica * 2 + shard),
                                        7,
                                        caches.params().get(cache).bytesPerPage()));
                    }
                }
            }
        }
    }

    @Test
    void arenasAreAllocatedAllOrNone() {
        MultiKvCacheParams caches = caches();
        long enough = BlockArenas.bytesPerBlock(caches) * 7;
        assertThat(BlockArenas.blocksThatFit(caches, enough)).isEqualTo(6);
        assertThat(BlockArenas.blocksThatFit(caches, enough - 1)).isEqualTo(5);
        assertThat(BlockArenas.blocksThatFit(caches, 0)).isZero();
        BlockArenas.allocate(device(enough), caches, 6).close();
        DeviceMemory less = device(enough - 1);
        assertThatThrownBy(() -> BlockArenas.allocate(less, caches, 6)).isInstanceOf(OutOfDeviceMemoryException.class);
        assertThat(less.allocatedBytes()).isZero();
    }

    @Test
    void aBatchZeroesAndCopiesInEveryArenaOfTheReplicaAndNowhereElse() {
        BlockArenas arenas = BlockArenas.allocate(device(1 << 20), caches(), 9);
        fill(arenas);
        CopyBatch batch = new CopyBatch(arenas);
        batch.copy(1, 2, 6);
        batch.copy(1, 3, 7);
        batch.fill(1, 1);
        batch.copy(0, 4, 5);
        assertThat(batch.runs()).isEqualTo(3);
        carryOut(arenas.device(), batch);
        for (int cache = 0; cache < 2; cache++) {
            for (int shard = 0; shard < 2; shard++) {
                assertThat(contents(arenas.arena(cache, 1, shard))).containsExactly(0, 0, 2, 3, 4, 5, 2, 3, 8, 9);
                assertThat(contents(arenas.arena(cache, 0, shard))).containsExactly(0, 1, 2, 3, 4, 4, 6, 7, 8, 9);
            }
        }
    }

    @Test
    void aBatchFillsWithTheByteItWasMadeFor() {
        BlockArenas arenas = BlockArenas.allocate(device(1 << 20), caches(), 9);
        fill(arenas);
        CopyBatch batch = new CopyBatch(arenas, (byte) 0xFF);
        batch.fill(0, 3);
        carryOut(arenas.device(), batch);
        byte[] page = new byte[(int) arenas.arena(0, 0, 0).spec().pageBytes()];
        arenas.arena(0, 0, 0).read(3, 0, page);
        assertThat(page).containsOnly(0xFF);
        arenas.arena(0, 0, 0).read(4, 0, page);
        assertThat(page).containsOnly(4);
    }

    @Test
    void fillingComesBeforeCopying() {
        BlockArenas arenas = BlockArenas.allocate(device(1 << 20), caches(), 9);
        fill(arenas);
        CopyBatch batch = new CopyBatch(arenas);
        batch.copy(0, 2, 6);
        batch.fill(0, 6);
        carryOut(arenas.device(), batch);
        assertThat(contents(arenas.arena(1, 0, 0))).containsExactly(0, 1, 2, 3, 4, 5, 2, 7, 8, 9);
    }

    @Test
    void theNullBlockAndBlocksThatAreNotThereAreRefused() {
        BlockArenas arenas = BlockArenas.allocate(device(1 << 20), caches(), 9);
        CopyBatch batch = new CopyBatch(arenas);
        assertThatThrownBy(() -> batch.fill(0, 0)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> batch.fill(2, 1)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> batch.copy(0, 10, 1))
                .isInstanceOf(IndexOutOfBoundsException.class)
                .hasMessageContaining("block=10, blocksPerReplica=9");
        assertThat(batch.isEmpty()).isTrue();
    }

    @Test
    void everyBatchEndsExactlyOnceWhoeverSubmitsIt() throws InterruptedException {
        BlockArenas arenas = BlockArenas.allocate(device(1 << 20), caches(), 64);
        int threads = 4;
        int batches = 200;
        AtomicInteger ends = new AtomicInteger();
        AtomicInteger failures = new AtomicInteger();
        CountDownLatch all = new CountDownLatch(threads * batches);
        ExecutorService pool = Executors.newFixedThreadPool(threads);
        for (int thread = 0; thread < threads; thread++) {
            int first = 1 + 16 * thread;
            pool.execute(() -> {
                for (int i = 0; i < batches; i++) {
                    CopyBatch batch = new CopyBatch(arenas);
                    batch.copy(i % 2, first + i % 8, first + 8 + i % 8);
                    arenas.device().submit(batch, (same, failure) -> {
                        ends.incrementAndGet();
                        failures.addAndGet(failure == null ? 0 : 1);
                        all.countDown();
                    });
                }
            });
        }
        assertThat(all.await(30, TimeUnit.SECONDS)).isTrue();
        pool.shutdown();
        assertThat(pool.awaitTermination(30, TimeUnit.SECONDS)).isTrue();
        assertThat(ends).hasValue(threads * batches);
        assertThat(failures).hasValue(0);
    }

    @Test
    void nothingIsSubmittedToAClosedDevice() {
        DeviceMemory device = device(1 << 20);
        BlockArenas arenas = BlockArenas.allocate(device, caches(), 3);
        device.close();
        CopyBatch batch = new CopyBatch(arenas);
        batch.fill(0, 1);
        assertThatThrownBy(() -> device.submit(batch, (same, failure) -> {})).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void aBlockThatACopyWritesIsInNoOtherCopy() {
        BlockArenas arenas = BlockArenas.allocate(device(1 << 20), caches(), 9);
        CopyBatch batch = new CopyBatch(arenas);
        batch.copy(0, 1, 4);
        batch.copy(0, 2, 5);
        assertThatThrownBy(() -> batch.copy(0, 3, 3)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> batch.copy(0, 5, 6))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("within a batch a block is written once, and not also read, replica=0, source=5,"
                        + " destination=6");
        assertThatThrownBy(() -> batch.copy(0, 3, 4)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> batch.copy(0, 3, 2)).isInstanceOf(IllegalArgumentException.class);
        assertThat(batch.runs()).isEqualTo(1);
        batch.copy(0, 2, 6);
        batch.copy(1, 5, 2);
        batch.fill(0, 5);
        assertThat(batch.runs()).isEqualTo(4);
    }

    @Test
    void aBatchForAnotherDeviceFailsAndTouchesNothing() {
        BlockArenas other = BlockArenas.allocate(device(1 << 20), caches(), 9);
        fill(other);
        CopyBatch batch = new CopyBatch(other);
        batch.fill(0, 1);
        assertThat(end(device(1 << 20), batch))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("a batch goes to the device its arenas are on, device=");
        assertThat(contents(other.arena(0, 0, 0))).containsExactly(0, 1, 2, 3, 4, 5, 6, 7, 8, 9);
    }

    /** Every byte of page p is p. */
    private static void fill(BlockArenas arenas) {
        for (int cache = 0; cache < 2; cache++) {
            for (int replica = 0; replica < 2; replica++) {
                for (int shard = 0; shard < 2; shard++) {
                    PageArena arena = arenas.arena(cache, replica, shard);
                    for (int page = 0; page < arena.spec().pages(); page++) {
                        byte[] bytes = new byte[(int) arena.spec().pageBytes()];
                        Arrays.fill(bytes, (byte) page);
                        arena.write(page, 0, bytes);
                    }
                }
            }
        }
    }

    /** What every byte of each page is. */
    private static List<Integer> contents(PageArena arena) {
        List<Integer> contents = new ArrayList<>();
        for (int page = 0; page < arena.spec().pages(); page++) {
            byte[] bytes = new byte[(int) arena.spec().pageBytes()];
            arena.read(page, 0, bytes);
            byte first = bytes[0];
            byte[] same = new byte[bytes.length];
            Arrays.fill(same, first);
            assertThat(bytes).isEqualTo(same);
            contents.add((int) first);
        }
        return contents;
    }

    private static byte[] filled(byte value) {
        byte[] bytes = new byte[(int) PAGE_BYTES];
        Arrays.fill(bytes, value);
        return bytes;
    }

    private static byte[] page(PageArena arena, int page) {
        byte[] bytes = new byte[(int) PAGE_BYTES];
        arena.read(page, 0, bytes);
        return bytes;
    }
}
