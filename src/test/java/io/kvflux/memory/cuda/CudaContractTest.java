package io.kvflux.memory.cuda;

import io.kvflux.geometry.DataSize;
import io.kvflux.memory.DeviceMemory;
import io.kvflux.memory.DeviceMemoryContract;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** What every device promises, on the stand-in: with and without kernels, and with memory of either kind. */
class CudaContractTest {

    @ExtendWith(StandIn.class)
    private abstract static class OnTheStandIn extends DeviceMemoryContract {

        private final KernelUse kernels;
        private final boolean virtualMemory;
        private final String script;

        OnTheStandIn(KernelUse kernels, boolean virtualMemory, String script) {
            this.kernels = kernels;
            this.virtualMemory = virtualMemory;
            this.script = script;
        }

        @BeforeEach
        void begin() {
            StandIn.script(script);
        }

        @Override
        @Test
        protected void slotsThatTheDeviceDoesNotKnowOfAreCopiedTheSame() {
            StandIn.lenient(script);
            super.slotsThatTheDeviceDoesNotKnowOfAreCopiedTheSame();
        }

        @Override
        @Test
        protected void whatABatchThatFailedSaysHasLandedHas() {
            StandIn.lenient(script);
            super.whatABatchThatFailedSaysHasLandedHas();
        }

        @Override
        protected DeviceMemory open(long budgetBytes) {
            return CudaDevice.builder()
                    .memory(new DataSize(budgetBytes))
                    .reserve(new DataSize(0))
                    .kernels(kernels)
                    .virtualMemory(virtualMemory)
                    .open();
        }

        @Override
        protected long liveBytes() {
            return StandIn.live("all");
        }
    }

    @Nested
    class ByKernels extends OnTheStandIn {
        ByKernels() {
            super(KernelUse.ALWAYS, true, "memory 8GiB");
        }
    }

    @Nested
    class ByCopyEngines extends OnTheStandIn {
        ByCopyEngines() {
            super(KernelUse.OFF, false, "memory 8GiB");
        }
    }

    @Nested
    class LateAndOutOfOrderAcrossStreams extends OnTheStandIn {
        LateAndOutOfOrderAcrossStreams() {
            super(KernelUse.ALWAYS, false, "memory 8GiB; shuffle 7; late 20");
        }
    }

    @Nested
    class AsMeasured extends OnTheStandIn {
        AsMeasured() {
            super(KernelUse.MEASURED, true, "memory 8GiB");
        }
    }
}
