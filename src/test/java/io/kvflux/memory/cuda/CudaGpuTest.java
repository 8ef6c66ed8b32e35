package io.kvflux.memory.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvflux.geometry.DataSize;
import io.kvflux.memory.CopyBatch;
import io.kvflux.memory.DeviceMemory;
import io.kvflux.memory.DeviceMemoryContract;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * What every device promises, on the GPU with the number 0 of whatever driver this process finds. Not part of the build: the
 * folder that perf/gpu-folder packs runs it where there is a GPU, and {@code mvn test -Dgroups=gpu -DexcludedGroups=} does.
 */
@Tag("gpu")
class CudaGpuTest {

    @BeforeAll
    static void sayWhere() {
        CudaProperties gpu = CudaProbe.load().properties(0);
        System.out.println("The contract of devices runs on " + gpu.name()
                + (gpu.isStandIn() ? ", which is the stand-in and no GPU" : ", a real GPU"));
    }

    private abstract static class OnTheGpu extends DeviceMemoryContract {

        private final KernelUse kernels;
        private final boolean virtualMemory;

        OnTheGpu(KernelUse kernels, boolean virtualMemory) {
            this.kernels = kernels;
            this.virtualMemory = virtualMemory;
        }

        @Override
        protected DeviceMemory open(long budgetBytes) {
            return CudaDevice.builder()
                    .memory(new DataSize(budgetBytes))
                    .kernels(kernels)
                    .virtualMemory(virtualMemory)
                    .open();
        }

        @Override
        protected long liveBytes() {
            return 0; // a driver does not tell
        }
    }

    @Nested
    class ByKernels extends OnTheGpu {
        ByKernels() {
            super(KernelUse.ALWAYS, true);
        }
    }

    @Nested
    class ByCopyEngines extends OnTheGpu {
        ByCopyEngines() {
            super(KernelUse.OFF, false);
        }
    }

    @Nested
    class AsMeasured extends OnTheGpu {
        AsMeasured() {
            super(KernelUse.MEASURED, true);
        }
    }

    @Test
    void blocksComeAndGoOnEveryGpuAndBetweenThem() {
        int[] ordinals =
                IntStream.range(0, Math.min(4, CudaProbe.load().devices())).toArray();
        int[] some = ordinals.length == 3 ? new int[] {0, 1} : ordinals; // four heads are split by one, two or four
        for (KernelUse kernels : KernelUse.values()) {
            try (Rig rig = Rig.open(kernels, some)) {
                rig.fill(0, 1, 41);
                CopyBatch down = rig.transfers();
                down.offload(0, 1, 6);
                rig.submit(down);
                CopyBatch up = rig.transfers();
                up.onload(0, 6, 2);
                rig.submit(up);
                CopyBatch within = rig.within();
                within.copy(0, 2, 5);
                rig.submit(within);
                rig.await(3);
                assertThat(rig.failures).isEmpty();
                rig.requireFilled(0, 2, 41);
                rig.requireFilled(0, 5, 41);
            }
        }
    }
}
