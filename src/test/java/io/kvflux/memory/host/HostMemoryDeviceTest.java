package io.kvflux.memory.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvflux.geometry.DataSize;
import io.kvflux.memory.ArenaSpec;
import io.kvflux.memory.DeviceMemory;
import io.kvflux.memory.DeviceMemoryContract;
import io.kvflux.memory.OutOfDeviceMemoryException;
import io.kvflux.memory.chronicle.Region;
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
            assertThatThrownBy(() -> device.allocate(new ArenaSpec(0, 0, 0, 1, bytes)))
                    .isInstanceOf(OutOfDeviceMemoryException.class)
                    .hasMessage("the budget allows it, but the device has not got the memory, device=host memory,"
                            + " for=arena of cache 0, replica 0, shard 0, requestedBytes=" + bytes
                            + ", allocatedBytes=0, budgetBytes=" + bytes)
                    .hasCauseInstanceOf(OutOfMemoryError.class);
            assertThat(device.allocatedBytes()).isZero();
        }
    }
}
