package io.kvflux.memory.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvflux.geometry.DType;
import io.kvflux.geometry.DataSize;
import io.kvflux.geometry.DeviceRef;
import io.kvflux.geometry.KvCacheParams;
import io.kvflux.geometry.MultiKvCacheParams;
import io.kvflux.memory.ArenaSpec;
import io.kvflux.memory.BlockArenas;
import io.kvflux.memory.CopyBatch;
import io.kvflux.memory.CopyFailedException;
import io.kvflux.memory.DeviceMemory;
import io.kvflux.memory.DeviceMemoryContract;
import io.kvflux.memory.OutOfDeviceMemoryException;
import io.kvflux.memory.PageArena;
import io.kvflux.memory.SlotArena;
import io.kvflux.memory.SlotLayout;
import io.kvflux.memory.WatchedSlots;
import io.kvflux.memory.chronicle.HostSlots;
import io.kvflux.memory.chronicle.Region;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class HostMemoryDeviceTest extends DeviceMemoryContract {

    private final long before = Region.liveBytes();

    @Override
    protected DeviceMemory open(long budgetBytes) {
        return HostMemoryDevice.withBudget(new DataSize(budgetBytes));
    }

    @Override
    protected long liveBytes() {
        return Region.liveBytes() - before;
    }

    @Test
    void saysWhenTheSystemRefusesWhatTheBudgetAllows() {
        long bytes = 1L << 60; // more than any process can address
        try (HostMemoryDevice device = HostMemoryDevice.withBudget(new DataSize(bytes))) {
            assertThatThrownBy(() -> device.allocate(new ArenaSpec(0, 0, 0, DeviceRef.gpu(0), 1, bytes)))
                    .isInstanceOf(OutOfDeviceMemoryException.class)
                    .hasMessage("the budget allows it, but the device has not got the memory, device=host memory,"
                            + " for=arena of cache 0, replica 0, shard 0, requestedBytes=" + bytes
                            + ", allocatedBytes=0, budgetBytes=" + bytes)
                    .hasCauseInstanceOf(OutOfMemoryError.class);
            assertThat(device.allocatedBytes()).isZero();
        }
    }

    @Test
    void whoMustComeAfterABatchOfAnotherThreadDoesNotWaitForIt() throws InterruptedException {
        MultiKvCacheParams caches = caches();
        SlotLayout layout = SlotLayout.of(caches);
        CountDownLatch copying = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        try (HostMemoryDevice device = HostMemoryDevice.withBudget(DataSize.parse("1MiB"));
                HostSlots slots = HostSlots.allocate(4, layout.bytes(), HostSlots.Touch.LAZY)) {
            BlockArenas arenas = BlockArenas.allocate(device, caches, 5);
            PageArena arena = arenas.arena(0, 0, 0);
            arena.write(1, 0, new byte[] {7, 7, 7, 7, 7, 7, 7, 7});
            SlotArena slow = new WatchedSlots(slots, slot -> {
                copying.countDown();
                await(goOn);
            });
            List<String> ends = new CopyOnWriteArrayList<>();
            CopyBatch down = new CopyBatch(arenas, slow, layout);
            down.offload(0, 1, 2);
            Thread worker = new Thread(() -> device.submit(down, (same, failure) -> ends.add("down")), "worker");
            List<Throwable> bugs = new CopyOnWriteArrayList<>();
            worker.setUncaughtExceptionHandler((thread, bug) -> bugs.add(bug));
            worker.start();
            await(copying);

            submitFill(device, arenas, 1, "emptied", ends);
            CopyBatch throwing = new CopyBatch(arenas);
            throwing.fill(0, 1);
            device.submit(throwing, (same, failure) -> {
                throw new UnsupportedOperationException("a bug");
            });
            submitFill(device, arenas, 1, "again", ends);
            submitFill(device, arenas, 2, "other", ends);
            assertThat(ends).containsExactly("other by main");
            assertThatThrownBy(device::close).hasMessageContaining("inFlight=4");
            assertThatThrownBy(slots::close).hasMessageContaining("inFlight=1");
            goOn.countDown();
            worker.join();
            assertThat(bugs).singleElement().extracting(Throwable::getMessage).isEqualTo("a bug");
            assertThat(ends).containsExactly("other by main", "down", "emptied by worker", "again by worker");
            byte[] read = new byte[8];
            slots.read(2, 0, read);
            assertThat(read).containsOnly(7);
            arena.read(1, 0, read);
            assertThat(read).containsOnly(0);
        }
    }

    private static void submitFill(
            HostMemoryDevice device, BlockArenas arenas, int block, String name, List<String> ends) {
        CopyBatch batch = new CopyBatch(arenas);
        batch.fill(0, block);
        String main = Thread.currentThread().getName();
        device.submit(batch, (same, failure) -> {
            String thread = Thread.currentThread().getName();
            ends.add(name + " by " + (thread.equals(main) ? "main" : thread));
        });
    }

    @Test
    void aBatchThatFailsHalfWayTellsHowManyBlocksLanded() {
        SlotLayout layout = SlotLayout.of(caches());
        try (HostMemoryDevice device = HostMemoryDevice.withBudget(DataSize.parse("1MiB"));
                HostSlots slots = HostSlots.allocate(10, layout.bytes(), HostSlots.Touch.LAZY)) {
            BlockArenas arenas = BlockArenas.allocate(device, caches(), 9);
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
            device.submit(batch, (same, failure) -> {
                assertThat(failure)
                        .isInstanceOf(CopyFailedException.class)
                        .hasMessage("a batch failed half-way, landedBlocks=3")
                        .hasRootCauseMessage("slot 9 is broken");
                assertThat(batch.landedBlocks(failure)).isEqualTo(3);
            });
            batch.clear();
            batch.offload(0, 8, 9);
            batch.offload(0, 1, 5);
            device.submit(batch, (same, failure) -> {
                assertThat(failure).isInstanceOf(UnsupportedOperationException.class);
                assertThat(batch.landedBlocks(failure)).isZero();
            });
        }
    }

    @Test
    void aListenerThatThrowsKeepsNobodyFromTheEnd() {
        try (HostMemoryDevice device = HostMemoryDevice.withBudget(DataSize.parse("1MiB"))) {
            BlockArenas arenas = BlockArenas.allocate(device, caches(), 5);
            CopyBatch batch = new CopyBatch(arenas);
            batch.fill(0, 1);
            assertThatThrownBy(() -> device.submit(batch, (same, failure) -> {
                        throw new UnsupportedOperationException("a bug");
                    }))
                    .hasMessage("a bug");
            arenas.close();
        }
    }

    private static MultiKvCacheParams caches() {
        return MultiKvCacheParams.fromParams(KvCacheParams.builder()
                .dtype(DType.FLOAT32)
                .numLayers(1)
                .numKvHeads(1)
                .headDim(1)
                .pageSize(1)
                .build());
    }

    private static void await(CountDownLatch latch) {
        try {
            assertThat(latch.await(30, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
