package io.kvflux.memory.host;

import io.kvflux.geometry.DataSize;
import io.kvflux.memory.DeviceMemory;
import io.kvflux.memory.DeviceMemoryContract;
import io.kvflux.memory.chronicle.Region;

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
}
