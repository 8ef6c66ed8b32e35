package io.kvflux.tier.connector;

import io.kvflux.geometry.DataSize;
import io.kvflux.memory.BlockArenas;
import io.kvflux.memory.DeviceMemory;
import io.kvflux.memory.cuda.CudaDevice;
import io.kvflux.memory.cuda.KernelUse;
import io.kvflux.memory.cuda.StandIn;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.extension.ExtendWith;

/** The contract of connectors over a GPU whose copies are late and out of order across streams, on the stand-in. */
class ConnectorsOnGpuTest {

    private static DeviceMemory gpu(KernelUse kernels) {
        StandIn.script("late 5; shuffle 11");
        return CudaDevice.builder()
                .memory(DataSize.parse("1MiB"))
                .kernels(kernels)
                .open();
    }

    @Nested
    @ExtendWith(StandIn.class)
    class Local extends HostConnectorContract {

        @Override
        DeviceMemory memory() {
            return gpu(KernelUse.ALWAYS);
        }

        @Override
        Connector open(BlockArenas over) {
            return local(over);
        }
    }

    @Nested
    @ExtendWith(StandIn.class)
    class Tiered extends StoreConnectorContract {

        @Override
        DeviceMemory memory() {
            return gpu(KernelUse.OFF);
        }

        @Override
        Connector open(BlockArenas over) {
            return tiered(over);
        }
    }
}
