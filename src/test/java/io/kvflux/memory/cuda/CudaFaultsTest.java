package io.kvflux.memory.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvflux.memory.CopyBatch;
import io.kvflux.memory.DeviceLostException;
import io.kvflux.memory.OutOfDeviceMemoryException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Every call of the driver fails once, in every way: each function, at each of its calls in the life of a device with two
 * GPUs, from opening to closing. Whatever that does, the end of every batch is told once, nothing hangs, and in the end
 * nothing lives.
 */
@ExtendWith(StandIn.class)
class CudaFaultsTest {

    private static final int INVALID = Cu.CUDA_ERROR_INVALID_VALUE;
    private static final int MEMORY = Cu.CUDA_ERROR_OUT_OF_MEMORY;
    private static final int LAUNCH = Cu.CUDA_ERROR_LAUNCH_FAILED;

    private static List<String> functions() throws IOException {
        List<String> names = new ArrayList<>();
        Pattern.compile("^FUNCTION\\(\\w+, (\\w+),", Pattern.MULTILINE)
                .matcher(Files.readString(Path.of("native-stubs", "driver.def")))
                .results()
                .forEach(line -> names.add(line.group(1)));
        return names;
    }

    @Test
    void aCallThatFails() throws IOException {
        failEach("", INVALID);
    }

    @Test
    void noMemoryLeft() throws IOException {
        failEach("", MEMORY);
    }

    @Test
    void aCallThatBreaksTheGpu() throws IOException {
        failEach(" sticky", LAUNCH);
    }

    private static void failEach(String how, int code) throws IOException {
        for (KernelUse kernels : new KernelUse[] {KernelUse.OFF, KernelUse.ALWAYS}) {
            for (String function : functions()) {
                StandIn.lenient("");
                assertThat(life(kernels)).isNull();
                long calls = StandIn.calls(function);
                for (int call = 1; call <= Math.min(calls, 40); call++) {
                    StandIn.lenient("strict; fail " + function + " " + call + " " + code + how);
                    String what = function + " call " + call + " of " + calls + ", kernels=" + kernels + how;
                    RuntimeException thrown = life(kernels);
                    assertThat(thrown == null || isClear(thrown))
                            .as("%s gave %s", what, thrown)
                            .isTrue();
                    requireNothingLives(what, function, how);
                }
            }
        }
    }

    private static boolean isClear(RuntimeException thrown) {
        return thrown instanceof CudaException
                || thrown instanceof CudaUnavailableException
                || thrown instanceof DeviceLostException
                || thrown instanceof OutOfDeviceMemoryException;
    }

    /** What was to be given back with the very call that was made to fail stays; a context that was released takes it along. */
    private static void requireNothingLives(String what, String function, String how) {
        boolean gives = Pattern.matches(
                "cu(Mem|Stream|Event|Module|DevicePrimaryCtx|Ctx).*"
                        + "(Free|FreeHost|Unregister|Destroy_v2|Release|Release_v2|Unload|Unmap|AddressFree|Free_v2|Pop.*|Push.*)",
                function);
        if (!gives) {
            assertThat(StandIn.live("all"))
                    .as("live objects after %s%s", what, how)
                    .isZero();
        }
    }

    /** A whole life: what stopped it, or null; a batch that fails does not. */
    private static @Nullable RuntimeException life(KernelUse kernels) {
        Rig rig;
        try {
            rig = Rig.open(kernels, 0, 1);
        } catch (RuntimeException refused) {
            return refused;
        }
        RuntimeException first = null;
        try {
            rig.fill(0, 1, 7);
            work(rig);
        } catch (RuntimeException broken) {
            first = broken;
        } finally {
            rig.close();
        }
        return first;
    }

    private static void work(Rig rig) {
        CopyBatch within = rig.within();
        within.fill(0, 3);
        within.copy(0, 1, 4);
        within.copy(0, 2, 6);
        CopyBatch down = rig.transfers();
        down.offload(0, 1, 5);
        down.offload(0, 4, 2);
        CopyBatch up = rig.transfers();
        up.onload(0, 5, 2);
        up.onload(0, 2, 5);
        rig.submit(within);
        rig.submit(down);
        rig.submit(up);
        rig.await(3);
        if (rig.failures.isEmpty()) {
            rig.requireFilled(0, 2, 7);
            rig.requireFilled(0, 5, 7);
            rig.requireFilled(0, 3, 0);
        }
    }
}
