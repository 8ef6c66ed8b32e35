package io.kvflux.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvflux.geometry.DType;
import io.kvflux.geometry.DataSize;
import io.kvflux.geometry.KvCacheParams;
import io.kvflux.geometry.MultiKvCacheParams;
import io.kvflux.memory.FaultyDeviceMemory.Fault;
import io.kvflux.memory.chronicle.Region;
import io.kvflux.memory.host.HostMemoryDevice;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Without faults it is as good a device as any; with them, each does what it says. */
class FaultyDeviceMemoryTest extends DeviceMemoryContract {

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
        return BlockArenas.allocate(
                device,
                MultiKvCacheParams.fromParams(KvCacheParams.builder()
                        .dtype(DType.FLOAT32)
                        .numLayers(1)
                        .numKvHeads(1)
                        .headDim(1)
                        .pageSize(1)
                        .build()),
                5);
    }
}
