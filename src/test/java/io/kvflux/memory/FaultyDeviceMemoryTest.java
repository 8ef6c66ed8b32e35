package io.kvflux.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvflux.geometry.DType;
import io.kvflux.geometry.DataSize;
import io.kvflux.geometry.DeviceRef;
import io.kvflux.geometry.KvCacheParams;
import io.kvflux.geometry.MultiKvCacheParams;
import io.kvflux.memory.FaultyDeviceMemory.Fault;
import io.kvflux.memory.chronicle.HostSlots;
import io.kvflux.memory.chronicle.Region;
import io.kvflux.memory.host.HostMemoryDevice;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Without faults it is as good a device as any; with them, each does what it says. */
class FaultyDeviceMemoryTest extends DeviceMemoryContract {

    private static final MultiKvCacheParams CACHES = MultiKvCacheParams.fromParams(KvCacheParams.builder()
            .dtype(DType.FLOAT32)
            .numLayers(1)
            .numKvHeads(1)
            .headDim(1)
            .pageSize(1)
            .build());

    private static final MultiKvCacheParams TWO_REPLICAS = MultiKvCacheParams.fromParams(KvCacheParams.builder()
            .dtype(DType.FLOAT32)
            .numLayers(1)
            .numKvHeads(1)
            .headDim(1)
            .pageSize(1)
            .devices(List.of(DeviceRef.gpu(0), DeviceRef.gpu(1)))
            .dataParallelDegree(2)
            .build());

    private final long before = Region.liveBytes();

    @Override
    protected DeviceMemory open(long budgetBytes) {
        return new FaultyDeviceMemory(HostMemoryDevice.withBudget(new DataSize(budgetBytes)), batch -> Fault.NONE);
    }

    @Override
    protected long liveBytes() {
        return Region.liveBytes() - before;
    }

    @Test
    void eachFaultDoesWhatItSays() {
        Fault[] script = {Fault.DELAY, Fault.FAIL, Fault.DELAY, Fault.DELAY};
        HostMemoryDevice host = HostMemoryDevice.withBudget(DataSize.parse("1MiB"));
        FaultyDeviceMemory device = new FaultyDeviceMemory(host, batch -> script[batch]);
        BlockArenas arenas = arenas(device);
        List<String> ends = new ArrayList<>();
        for (int i = 0; i < script.length; i++) {
            int number = i;
            CopyBatch batch = new CopyBatch(arenas);
            batch.fill(0, 1 + i);
            device.submit(
                    batch, (same, failure) -> ends.add(number + (failure == null ? "" : " " + failure.getMessage())));
        }
        assertThat(ends).containsExactly("1 injected fault, batch=1");
        assertThat(device.delayed()).isEqualTo(3);
        assertThatThrownBy(device::close)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("inFlight=3");
        device.releaseNext();
        assertThat(ends).element(1).isEqualTo("0");
        device.releaseAll(new SplittableRandom(1));
        assertThat(ends).hasSize(4).contains("2", "3");
        device.releaseNext();
        device.close();
        assertThatThrownBy(() -> device.submit(new CopyBatch(arenas), (same, failure) -> {}))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("the device is closed");
    }

    @Test
    void whatIsLostFailsAlsoWhatIsDelayedAndTheRestIsAsBefore() {
        HostMemoryDevice host = HostMemoryDevice.withBudget(DataSize.parse("1MiB"));
        FaultyDeviceMemory device = new FaultyDeviceMemory(host, batch -> batch < 2 ? Fault.DELAY : Fault.NONE);
        BlockArenas arenas = BlockArenas.allocate(device, TWO_REPLICAS, 5);
        DeviceLostException cause = new DeviceLostException("test", "gone", "restart the process", null);
        List<Throwable> ends = new ArrayList<>();
        CopyBatch both = filling(arenas, 0, 1);
        device.submit(both, (same, failure) -> ends.add(failure));
        device.submit(filling(arenas, 1), (same, failure) -> ends.add(failure));
        assertThat(arenas.loss(0)).isNull();
        device.lose(0, cause);
        assertThat(arenas.loss(0)).isSameAs(cause);
        assertThat(arenas.loss(1)).isNull();
        device.releaseNext();
        device.releaseNext();
        device.submit(filling(arenas, 0), (same, failure) -> ends.add(failure));
        device.submit(filling(arenas, 1), (same, failure) -> ends.add(failure));
        assertThat(ends).containsExactly(cause, null, cause, null);
        assertThat(cause).hasMessageContaining("device=test").hasMessageContaining("restart the process");
        assertThat(cause.device()).isEqualTo("test");
        arenas.close();
        device.close();
    }

    private static CopyBatch filling(BlockArenas arenas, int... replicas) {
        CopyBatch batch = new CopyBatch(arenas);
        for (int replica : replicas) {
            batch.fill(replica, 1);
        }
        return batch;
    }

    /** Blocks 1 to 4 hold their number; the batch fills 2, then copies 1 to 3 and 4 to 5. */
    private static List<Integer> contentAfter(Fault fault, List<String> ends) {
        HostMemoryDevice host = HostMemoryDevice.withBudget(DataSize.parse("1MiB"));
        FaultyDeviceMemory device = new FaultyDeviceMemory(host, (number, batch) -> {
            assertThat(batch.filledBlocks()).isEqualTo(1);
            assertThat(batch.copiedBlocks()).isEqualTo(2);
            return fault;
        });
        BlockArenas arenas = arenas(device);
        PageArena arena = arenas.arena(0, 0, 0);
        for (int block = 1; block <= 5; block++) {
            arena.write(block, 0, new byte[] {(byte) block});
        }
        CopyBatch batch = new CopyBatch(arenas);
        batch.copy(0, 1, 3);
        batch.copy(0, 4, 5);
        batch.fill(0, 2);
        int before = ends.size();
        try {
            device.submit(
                    batch,
                    (same, failure) ->
                            ends.add(same == batch && failure != null ? failure.getMessage() : "as if all were well"));
        } catch (FaultyDeviceMemory.InjectedFaultException refused) {
            ends.add("refused: " + refused.getMessage());
        }
        if (device.delayed() > 0) {
            assertThat(ends).hasSize(before);
            assertThat(first(arena, 2)).as("delayed work is not done").isEqualTo(2);
            device.releaseNext();
        }
        List<Integer> content = List.of(first(arena, 2), first(arena, 3), first(arena, 5));
        arenas.close();
        device.close();
        return content;
    }

    @Test
    void aBatchThatFailsMayHaveBeenCarriedOutInPartOrInFull() {
        List<String> ends = new ArrayList<>();
        assertThat(contentAfter(Fault.FAIL, ends)).containsExactly(2, 3, 5);
        assertThat(contentAfter(Fault.HALF_FAIL, ends)).containsExactly(0, 3, 5);
        assertThat(contentAfter(Fault.DELAY_FAIL, ends)).containsExactly(0, 3, 5);
        assertThat(contentAfter(Fault.DONE_FAIL, ends)).containsExactly(0, 1, 4);
        assertThat(ends).hasSize(4).containsOnly("injected fault, batch=0");
    }

    @Test
    void aBatchThatIsRefusedIsNotBegunAndNobodyHearsOfIt() {
        List<String> ends = new ArrayList<>();
        assertThat(contentAfter(Fault.REFUSE, ends)).containsExactly(2, 3, 5);
        assertThat(ends).containsExactly("refused: injected fault, batch=0");
    }

    @Test
    void aBatchThatNeverEndsKeepsTheMemory() {
        HostMemoryDevice host = HostMemoryDevice.withBudget(DataSize.parse("1MiB"));
        FaultyDeviceMemory device = new FaultyDeviceMemory(host, batch -> Fault.NEVER);
        List<Object> ends = new ArrayList<>();
        BlockArenas arenas = arenas(device);
        BlockArenas others = arenas(device);
        CopyBatch batch = new CopyBatch(arenas);
        batch.fill(0, 1);
        device.submit(batch, (same, failure) -> ends.add("ended"));
        assertThat(ends).isEmpty();
        assertThatThrownBy(device::close).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(arenas::close)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("inFlight=1");
        long both = device.allocatedBytes();
        others.close();
        assertThat(device.allocatedBytes())
                .as("what no batch touches goes back")
                .isEqualTo(both / 2);
        host.close();
    }

    /** Blocks 1 to 4 hold their number and go down to slots 0 to 3, which hold 9, by a batch that ends so. */
    private static List<Integer> slotsAfter(Fault fault, List<Integer> landed) {
        HostMemoryDevice host = HostMemoryDevice.withBudget(DataSize.parse("1MiB"));
        FaultyDeviceMemory device = new FaultyDeviceMemory(host, batch -> fault);
        BlockArenas arenas = arenas(device);
        SlotLayout layout = SlotLayout.of(CACHES);
        HostSlots slots = HostSlots.allocate(4, layout.bytes(), HostSlots.Touch.LAZY);
        CopyBatch batch = new CopyBatch(arenas, slots, layout);
        for (int block = 4; block >= 1; block--) {
            arenas.arena(0, 0, 0).write(block, 0, new byte[] {(byte) block, 1, 1, 1});
            slots.fill(block - 1, (byte) 9);
            batch.offload(0, block, block - 1);
        }
        try {
            device.submit(batch, (same, failure) -> landed.add(batch.landedBlocks(failure)));
        } catch (FaultyDeviceMemory.InjectedFaultException refused) {
            landed.add(-1);
        }
        if (device.delayed() > 0) {
            assertThatThrownBy(slots::close)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("inFlight=1");
            device.releaseNext();
        }
        List<Integer> contents = new ArrayList<>();
        byte[] read = new byte[4];
        for (int slot = 0; slot < 4; slot++) {
            slots.read(slot, 0, read);
            contents.add((int) read[0]);
        }
        device.close();
        slots.close();
        return contents;
    }

    @Test
    void eachFaultDoesToSlotsWhatItSays() {
        List<Integer> landed = new ArrayList<>();
        assertThat(slotsAfter(Fault.NONE, landed)).containsExactly(1, 2, 3, 4);
        assertThat(slotsAfter(Fault.DELAY, landed)).containsExactly(1, 2, 3, 4);
        assertThat(slotsAfter(Fault.FAIL, landed)).containsExactly(9, 9, 9, 9);
        assertThat(slotsAfter(Fault.REFUSE, landed)).containsExactly(9, 9, 9, 9);
        assertThat(slotsAfter(Fault.HALF_FAIL, landed)).containsExactly(9, 9, 3, 4);
        assertThat(slotsAfter(Fault.DELAY_FAIL, landed)).containsExactly(9, 9, 3, 4);
        assertThat(slotsAfter(Fault.DONE_FAIL, landed)).containsExactly(1, 2, 3, 4);
        assertThat(slotsAfter(Fault.CORRUPT, landed)).containsExactly(~1, 2, 3, 4);
        assertThat(landed).containsExactly(4, 4, 0, -1, 2, 2, 0, 4);
    }

    /** The fourth shares a block with the second, which shares one with the first; the third shares none with anybody. */
    @Test
    void aDelayedBatchIsCarriedOutWithThoseThatItMustNotComeAfter() {
        HostMemoryDevice host = HostMemoryDevice.withBudget(DataSize.parse("1MiB"));
        FaultyDeviceMemory device = new FaultyDeviceMemory(host, batch -> batch < 3 ? Fault.DELAY : Fault.NONE);
        BlockArenas arenas = arenas(device);
        PageArena arena = arenas.arena(0, 0, 0);
        for (int page = 1; page <= 4; page++) {
            arena.write(page, 0, new byte[] {9, 9, 9, 9});
        }
        int[][] copies = {{1, 2}, {2, 3}, {0, 4}, {3, 1}};
        for (int[] copy : copies) {
            CopyBatch batch = new CopyBatch(arenas, (byte) 7);
            if (copy[0] == 0) {
                batch.fill(0, copy[1]);
            } else {
                batch.copy(0, copy[0], copy[1]);
            }
            arena.write(1, 0, new byte[] {5, 5, 5, 5});
            device.submit(batch, (same, failure) -> {});
        }
        byte[] read = new byte[4];
        int[] values = new int[4];
        for (int page = 1; page <= 4; page++) {
            arena.read(page, 0, read);
            values[page - 1] = read[0];
        }
        assertThat(values).containsExactly(5, 5, 5, 9);
        assertThat(device.delayed()).isEqualTo(3);
        device.releaseAll(new SplittableRandom(1));
        arena.read(4, 0, read);
        assertThat(read).containsOnly(7);
        device.close();
    }

    @Test
    void whatDidNotLandIsNotSaidToHaveLandedByAnInjectedFailure() {
        HostMemoryDevice host = HostMemoryDevice.withBudget(DataSize.parse("1MiB"));
        FaultyDeviceMemory device = new FaultyDeviceMemory(host, batch -> Fault.HALF_FAIL);
        BlockArenas arenas = arenas(device);
        SlotLayout layout = SlotLayout.of(CACHES);
        try (HostSlots slots = HostSlots.allocate(4, layout.bytes(), HostSlots.Touch.LAZY)) {
            SlotArena breaks = new WatchedSlots(slots, slot -> {
                if (slot == 3) {
                    throw new UnsupportedOperationException("slot 3 is broken");
                }
            });
            CopyBatch batch = new CopyBatch(arenas, breaks, layout);
            batch.offload(0, 4, 0);
            batch.offload(0, 1, 3);
            batch.offload(0, 3, 2);
            batch.offload(0, 2, 1);
            List<Integer> landed = new ArrayList<>();
            device.submit(batch, (same, failure) -> landed.add(batch.landedBlocks(failure)));
            assertThat(landed).containsExactly(1);
        }
        device.close();
    }

    @Test
    void corruptionChangesOneByteOfABlockThatCameUp() {
        HostMemoryDevice host = HostMemoryDevice.withBudget(DataSize.parse("1MiB"));
        FaultyDeviceMemory device = new FaultyDeviceMemory(host, batch -> Fault.CORRUPT);
        BlockArenas arenas = arenas(device);
        SlotLayout layout = SlotLayout.of(CACHES);
        try (HostSlots slots = HostSlots.allocate(4, layout.bytes(), HostSlots.Touch.LAZY)) {
            slots.fill(3, (byte) 5);
            CopyBatch batch = new CopyBatch(arenas, slots, layout);
            batch.onload(0, 3, 2);
            device.submit(batch, (same, failure) -> assertThat(failure).isNull());
            byte[] read = new byte[4];
            arenas.arena(0, 0, 0).read(2, 0, read);
            assertThat(read).containsExactly(~5, 5, 5, 5);
        }
        CopyBatch within = new CopyBatch(arenas);
        within.fill(0, 3);
        device.submit(within, (same, failure) -> assertThat(failure).isNull());
        assertThat(first(arenas.arena(0, 0, 0), 3)).isEqualTo(~0);
        device.close();
    }

    @Test
    void aBatchThatNeverEndsKeepsItsSlotsUntilItIsForgotten() {
        HostMemoryDevice host = HostMemoryDevice.withBudget(DataSize.parse("1MiB"));
        FaultyDeviceMemory device = new FaultyDeviceMemory(host, batch -> batch == 0 ? Fault.NEVER : Fault.DELAY);
        BlockArenas arenas = arenas(device);
        SlotLayout layout = SlotLayout.of(CACHES);
        HostSlots slots = HostSlots.allocate(4, layout.bytes(), HostSlots.Touch.LAZY);
        List<String> ends = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            CopyBatch batch = new CopyBatch(arenas, slots, layout);
            batch.offload(0, 1 + i, i);
            device.submit(batch, (same, failure) -> ends.add("ended"));
        }
        device.forgetNever();
        assertThatThrownBy(slots::close).hasMessageContaining("inFlight=1");
        device.releaseNext();
        device.forgetNever();
        slots.close();
        CopyBatch late = new CopyBatch(arenas, slots, layout);
        late.offload(0, 1, 1);
        device.submit(late, (same, failure) -> ends.add(String.valueOf(failure)));
        assertThat(ends).hasSize(2).element(1).asString().contains("the slots are closed");
        device.close();
    }

    @Test
    void batchesTakeEffectInTheOrderOfSubmissionHoweverTheyEnd() {
        Fault[] script = {Fault.DELAY, Fault.DELAY, Fault.NONE, Fault.DELAY};
        HostMemoryDevice host = HostMemoryDevice.withBudget(DataSize.parse("1MiB"));
        FaultyDeviceMemory device = new FaultyDeviceMemory(host, batch -> script[batch]);
        BlockArenas arenas = arenas(device);
        PageArena arena = arenas.arena(0, 0, 0);
        for (int block = 1; block <= 4; block++) {
            arena.write(block, 0, new byte[] {(byte) block});
        }
        List<Integer> ends = new ArrayList<>();
        copy(device, arenas, 1, 2, ends);
        copy(device, arenas, 2, 3, ends);
        assertThat(first(arena, 2)).as("delayed work is not done").isEqualTo(2);
        copy(device, arenas, 3, 4, ends);
        assertThat(first(arena, 4)).isEqualTo(1);
        arena.write(1, 0, new byte[] {9});
        copy(device, arenas, 1, 2, ends);
        device.releaseAll(new SplittableRandom(3));
        assertThat(ends).hasSize(4).startsWith(3);
        assertThat(first(arena, 2)).isEqualTo(9);
        assertThat(first(arena, 3)).isEqualTo(1);
        arenas.close();
        device.close();
    }

    private static void copy(DeviceMemory device, BlockArenas arenas, int from, int to, List<Integer> ends) {
        CopyBatch batch = new CopyBatch(arenas);
        batch.copy(0, from, to);
        device.submit(batch, (same, failure) -> ends.add(failure == null ? from : -from));
    }

    private static int first(PageArena arena, int block) {
        byte[] bytes = new byte[1];
        arena.read(block, 0, bytes);
        return bytes[0];
    }

    private static BlockArenas arenas(DeviceMemory device) {
        return BlockArenas.allocate(device, CACHES, 5);
    }
}
