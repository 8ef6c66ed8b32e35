package io.kvflux.memory.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import org.junit.jupiter.api.Test;

/** Says on which devices the contract of devices runs in this build, so that nobody takes one for another. */
class CudaSentinelTest {

    @Test
    void saysWhereTheContractRuns() {
        String standIn = Files.exists(StandIn.LIBRARY)
                ? "yes"
                : "NO, there was no C compiler to build it: NO TEST OF THE CUDA DEVICE RUNS";
        System.out.println("The contract of devices runs on host memory: yes; on the stand-in of the CUDA driver: "
                + standIn + "; on a real GPU: no, docs/gpu.md says how");
        assertThat(StandIn.LIBRARY).isAbsolute();
    }
}
