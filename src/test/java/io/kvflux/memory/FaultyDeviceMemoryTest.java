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
        BlockArenas arenas = BlockArenas.allocate(
                device,
                MultiKvCacheParams.fromParams(KvCacheParams.builder()
                        .dtype(DType.FLOAT32)
                        .numLayers(1)
                        .numKvHeads(1)
                        .headDim(1)
                        .pageSize(1)
                        .build()),
                4);
        List<String> ends = new ArrayList<>();
        for (int i = 0; i < script.length; i++) {
            int number = i;
            CopyBatch batch = new CopyBatch(arenas);
            batch.zero(0, 1 + i);
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
    void aBatchThatNeverEndsKeepsTheMemory() {
        HostMemoryDevice host = HostMemoryDevice.withBudget(DataSize.parse("1MiB"));
        FaultyDeviceMemory device = new FaultyDeviceMemory(host, batch -> Fault.NEVER);
        List<Object> ends = new ArrayList<>();
        device.submit(null, (same, failure) -> ends.add("ended"));
        assertThat(ends).isEmpty();
        assertThatThrownBy(device::close).isInstanceOf(IllegalStateException.class);
        host.close();
    }
}
