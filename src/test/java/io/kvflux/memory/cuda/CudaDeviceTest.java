package io.kvflux.memory.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvflux.geometry.DataSize;
import io.kvflux.geometry.DeviceRef;
import io.kvflux.memory.ArenaSpec;
import io.kvflux.memory.BlockArenas;
import io.kvflux.memory.CopyBatch;
import io.kvflux.memory.DeviceLostException;
import io.kvflux.memory.OutOfDeviceMemoryException;
import io.kvflux.memory.PageArena;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** What a GPU does beyond what every device promises, on the stand-in of its driver. */
@ExtendWith(StandIn.class)
class CudaDeviceTest {

    @Test
    void opensWithAShareOfWhatIsFreeAndLeavesAReserve() {
        StandIn.script("memory 1GiB");
        try (CudaDevice device = CudaDevice.open(0)) {
            long free = device.properties().get(0).freeBytes();
            assertThat(device.budgetBytes()).isEqualTo(free - (256 << 20));
            assertThat(device.name()).isEqualTo("cuda:0 (KvFlux stand-in GPU)");
        }
        try (CudaDevice device = CudaDevice.builder()
                .memoryFraction(0.5)
                .reserve(new DataSize(0))
                .open()) {
            assertThat(device.budgetBytes())
                    .isEqualTo(device.properties().get(0).freeBytes() / 2);
        }
        assertThatThrownBy(() -> CudaDevice.builder().memory(DataSize.ofGiB(2)).open())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("cuda:0 (KvFlux stand-in GPU) has less free memory than was asked for")
                .hasMessageContaining("memory=2 GiB")
                .hasMessageContaining("freeBytes=");
    }

    @Test
    void wrongNumbersOfGpusAreRefused() {
        assertThatThrownBy(() -> CudaDevice.open(2))
                .isInstanceOf(CudaUnavailableException.class)
                .hasMessage("there is no GPU with that number, asked=2, GPUs=2: the first is 0, the last 1;"
                        + " CUDA_VISIBLE_DEVICES chooses what the driver shows");
        assertThatThrownBy(() -> CudaDevice.open(-1)).isInstanceOf(CudaUnavailableException.class);
        assertThatThrownBy(CudaDevice::open).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> CudaDevice.open(1, 1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("devices=[1, 1]");
        StandIn.script("devices 0");
        assertThatThrownBy(() -> CudaDevice.open(0)).isInstanceOf(CudaUnavailableException.class);
    }

    @Test
    void aForkedProcessIsToldSo() {
        StandIn.script("forked");
        assertThatThrownBy(() -> CudaDevice.open(0))
                .isInstanceOf(CudaUnavailableException.class)
                .hasMessageContaining("forked")
                .hasMessageContaining("start a new process");
        StandIn.lenient("");
    }

    @Test
    void whatDoesNotFitSaysWhatIsNeededAndWhatThereIs() {
        StandIn.script("fail-above 1MiB");
        try (CudaDevice device =
                CudaDevice.builder().kernels(KernelUse.OFF).virtualMemory(false).open()) {
            ArenaSpec large = new ArenaSpec(0, 0, 0, DeviceRef.gpu(0), 2, 1 << 20);
            assertThatThrownBy(() -> device.allocate(large))
                    .isInstanceOf(OutOfDeviceMemoryException.class)
                    .hasMessageContaining("the budget allows it, but the device has not got the memory")
                    .hasMessageContaining("requestedBytes=2097152")
                    .hasCauseInstanceOf(CudaException.class);
            assertThat(device.allocatedBytes()).isZero();
            assertThat(StandIn.live("allocations")).isZero();
        }
    }

    @Test
    void allArenasOrNoneWhereOneGpuOfSeveralHasNotGotTheMemory() {
        for (boolean virtual : new boolean[] {true, false}) {
            try (CudaDevice device = CudaDevice.builder()
                    .devices(0, 1)
                    .kernels(KernelUse.OFF)
                    .virtualMemory(virtual)
                    .open()) {
                StandIn.script("fail " + (virtual ? "cuMemCreate" : "cuMemAlloc_v2") + " 4 2");
                assertThatThrownBy(() -> BlockArenas.allocate(device, Rig.caches(1, 2), 5))
                        .isInstanceOf(OutOfDeviceMemoryException.class)
                        .hasMessageContaining("cuda:1");
                assertThat(device.allocatedBytes()).isZero();
                assertThat(StandIn.live("allocations") + StandIn.live("handles") + StandIn.live("reservations"))
                        .isZero();
            }
        }
    }

    @Test
    void whereFewerGpusAreOpenThanTheCachesNameTheyTakeTurns() {
        try (Rig rig = new Rig(
                CudaDevice.builder()
                        .devices(1, 0)
                        .memory(new DataSize(1 << 20))
                        .kernels(KernelUse.OFF)
                        .open(),
                1,
                4)) {
            for (int shard = 0; shard < 4; shard++) {
                assertThat(rig.device.ordinal(rig.arenas.arena(1, 0, shard))).isEqualTo(1 - shard % 2);
            }
        }
    }

    @Test
    void gpusThatDoNotReachEachOtherCopyThroughTheHost() {
        StandIn.script("no-peer");
        try (Rig rig = Rig.open(KernelUse.ALWAYS, 0, 1)) {
            rig.fill(0, 1, 41);
            CopyBatch down = rig.transfers();
            down.offload(0, 1, 6);
            rig.submit(down);
            CopyBatch up = rig.transfers();
            up.onload(0, 6, 2);
            rig.submit(up);
            rig.await(2);
            assertThat(rig.failures).isEmpty();
            rig.requireFilled(0, 2, 41);
        }
    }

    @Test
    void shardsLieOnTheirGpusAndWhatIsStoredOnceComesUpOnceAndGoesOnFromThere() {
        StandIn.script("devices 4");
        try (Rig rig = Rig.open(KernelUse.OFF, 0, 1, 2, 3)) {
            for (int shard = 0; shard < 4; shard++) {
                assertThat(rig.device.ordinal(rig.arenas.arena(0, 0, shard))).isEqualTo(shard);
            }
            rig.fill(0, 1, 41);
            rig.fill(0, 5, 42);
            CopyBatch down = rig.transfers();
            down.offload(0, 1, 6);
            down.offload(0, 5, 2);
            rig.submit(down);
            CopyBatch up = rig.transfers();
            up.onload(0, 6, 2);
            up.onload(0, 2, 4);
            rig.submit(up);
            rig.await(2);
            assertThat(rig.failures).isEmpty();
            rig.requireFilled(0, 2, 41);
            rig.requireFilled(0, 4, 42);
            assertThat(StandIn.calls("cuMemcpyPeerAsync")).isEqualTo(2 * 3);
        }
    }

    @Test
    void neighboursAreOneCopy() {
        try (Rig rig = Rig.open(KernelUse.OFF, 0)) {
            for (int block = 1; block <= 4; block++) {
                rig.fill(0, block, block);
            }
            CopyBatch down = rig.transfers();
            for (int i = 0; i < 4; i++) {
                down.offload(0, 1 + i, 3 + i);
            }
            long before = copies();
            rig.submit(down);
            rig.await(1);
            assertThat(copies() - before).as("one a cache, or one for both").isBetween(1L, 2L);
            CopyBatch within = rig.within();
            within.copy(0, 1, 5);
            within.copy(0, 2, 6);
            before = copies();
            rig.submit(within);
            rig.await(1);
            assertThat(copies() - before).as("one a cache, or one for both").isBetween(1L, 2L);
            rig.requireFilled(0, 5, 1);
            rig.requireFilled(0, 6, 2);
        }
    }

    private static long copies() {
        return Stream.of(
                        "cuMemcpyBatchAsync_v2",
                        "cuMemcpy2DAsync_v2",
                        "cuMemcpyDtoHAsync_v2",
                        "cuMemcpyHtoDAsync_v2",
                        "cuMemcpyDtoDAsync_v2")
                .mapToLong(StandIn::calls)
                .sum();
    }

    @Test
    void slotsArePinnedOnceWhateverIsCopied() {
        try (Rig rig = Rig.open(KernelUse.OFF, 0, 1)) {
            long registered = StandIn.calls("cuMemHostRegister_v2");
            for (int i = 0; i < 10; i++) {
                CopyBatch down = rig.transfers();
                down.offload(0, 1 + i % 6, i % 8);
                rig.submit(down);
            }
            rig.await(10);
            assertThat(StandIn.calls("cuMemHostRegister_v2")).isEqualTo(registered);
            assertThat(rig.failures).isEmpty();
        }
    }

    @Test
    void submittingDoesNotWaitAndClosingWhileCopiesAreInFlightIsRefused() {
        Rig rig = Rig.open(KernelUse.OFF, 0);
        StandIn.script("hold");
        CopyBatch down = rig.transfers();
        down.offload(0, 1, 1);
        rig.submit(down);
        assertThat(rig.ended()).isZero();
        assertThatThrownBy(rig.device::close)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("memory is given back when no batch is in flight")
                .hasMessageContaining("inFlight=1");
        assertThatThrownBy(rig.arenas::close).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> rig.device.detach(rig.slots)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(rig.slots::close).isInstanceOf(IllegalStateException.class);
        StandIn.release(-1);
        rig.await(1);
        assertThat(rig.failures).isEmpty();
        rig.close();
        rig.close();
    }

    @Test
    void aListenerMayThrowAndTheOthersAreToldAllTheSame() {
        try (Rig rig = Rig.open(KernelUse.OFF, 0)) {
            Thread.UncaughtExceptionHandler before = Thread.getDefaultUncaughtExceptionHandler();
            Thread.setDefaultUncaughtExceptionHandler((thread, bug) -> {});
            try {
                CopyBatch first = rig.within();
                first.fill(0, 1);
                rig.device.submit(first, (batch, failure) -> {
                    throw new IllegalStateException("a bug of the listener's");
                });
                CopyBatch second = rig.within();
                second.fill(0, 2);
                rig.submit(second);
                rig.await(1);
            } finally {
                Thread.setDefaultUncaughtExceptionHandler(before);
            }
        }
    }

    @Test
    void theThreadKeepsTheContextThatItHad() {
        try (Rig rig = Rig.open(KernelUse.ALWAYS, 0, 1)) {
            long before = current();
            CopyBatch batch = rig.within();
            batch.fill(0, 1);
            rig.submit(batch);
            rig.await(1);
            rig.requireFilled(0, 1, 0);
            assertThat(current()).isEqualTo(before);
        }
    }

    private static long current() {
        Scratch scratch = Scratch.get();
        CudaException.check(Driver.cuCtxGetCurrent(scratch.address()), "cuCtxGetCurrent");
        return scratch.getLong(0);
    }

    @Test
    void aLostGpuFailsWhatIsOnItAndSaysWhatToRestart() {
        try (Rig rig = new Rig(
                CudaDevice.builder()
                        .devices(0, 1)
                        .memory(new DataSize(1 << 20))
                        .kernels(KernelUse.OFF)
                        .open(),
                2,
                1)) {
            StandIn.script("hold");
            CopyBatch lost = rig.transfers();
            lost.offload(0, 1, 1);
            rig.submit(lost);
            CopyBatch other = rig.transfers();
            other.offload(1, 1, 2);
            rig.submit(other);
            StandIn.script("lose 0");
            rig.await(1);
            assertThat(rig.failures)
                    .singleElement()
                    .asString()
                    .contains("the device is lost with all that was in its memory, device=cuda:0 (KvFlux stand-in GPU)")
                    .contains("restart this process");
            assertThat(rig.device.loss(rig.arenas.arena(0, 0, 0)))
                    .isInstanceOf(DeviceLostException.class)
                    .hasCauseInstanceOf(CudaException.class);
            assertThat(rig.device.loss(rig.arenas.arena(0, 1, 0))).isNull();
            StandIn.release(-1);
            rig.await(1);
            assertThat(rig.failures).hasSize(1);
            CopyBatch again = rig.transfers();
            again.offload(0, 2, 3);
            rig.submit(again);
            rig.await(1);
            assertThat(rig.failures).hasSize(2).last().asString().contains("the device is lost");
            assertThatThrownBy(() -> rig.arenas.arena(0, 0, 0).read(1, 0, new byte[1]))
                    .isInstanceOf(DeviceLostException.class);
        }
    }

    @Test
    void aCopyThatBreaksTheGpuLaterFailsItsBatch() {
        try (Rig rig = Rig.open(KernelUse.OFF, 0)) {
            StandIn.script("fail-later cuMemcpyBatchAsync_v2 1 700");
            CopyBatch down = rig.transfers();
            down.offload(0, 1, 1);
            down.offload(0, 3, 5);
            rig.submit(down);
            rig.await(1);
            assertThat(rig.failures).singleElement().asString().contains("the device is lost");
        }
    }

    @Test
    void aCallerStreamWaitsForCopiesAndCopiesForIt() {
        try (Rig rig = Rig.open(KernelUse.OFF, 0)) {
            Scratch scratch = Scratch.get();
            CudaException.check(Driver.cuDevicePrimaryCtxRetain(scratch.address(), 0), "cuDevicePrimaryCtxRetain");
            CudaException.check(Driver.cuCtxPushCurrent_v2(scratch.getLong(0)), "cuCtxPushCurrent_v2");
            CudaException.check(
                    Driver.cuStreamCreateWithPriority(scratch.address(), Cu.CU_STREAM_NON_BLOCKING, 0),
                    "cuStreamCreateWithPriority");
            long compute = scratch.getLong(0);
            StandIn.script("hold; shuffle 3");
            rig.device.orderCopiesAfter(0, compute); // what compute was given before: nothing
            CopyBatch fill = rig.within();
            fill.fill(0, 1);
            rig.submit(fill);
            rig.device.orderAfterCopies(0, compute);
            // The step: it reads what was filled, and writes it.
            long page = rig.arenas.arena(0, 0, 0).address(1);
            CudaException.check(Driver.cuMemsetD8Async(page, (byte) 9, 16, compute), "cuMemsetD8Async");
            rig.device.orderCopiesAfter(0, compute);
            CopyBatch down = rig.transfers();
            down.offload(0, 1, 1);
            rig.submit(down);
            StandIn.release(-1);
            rig.await(2);
            byte[] slot = new byte[17];
            rig.slots.read(1, 0, slot);
            assertThat(slot).startsWith(9, 9, 9).endsWith(9, 0);
            assertThatThrownBy(() -> rig.device.orderAfterCopies(1, compute))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("ordinal=1");
            Driver.cuStreamDestroy_v2(compute);
            Driver.cuCtxPopCurrent_v2(scratch.address());
            Driver.cuDevicePrimaryCtxRelease_v2(0);
        }
    }

    @Test
    void whoCapturesAGraphMeanwhileIsNotDisturbedAndNothingIsLost() {
        try (Rig rig = Rig.open(KernelUse.ALWAYS, 0)) {
            rig.fill(0, 1, 7);
            StandIn.script("capture");
            CopyBatch down = rig.transfers();
            down.offload(0, 1, 1);
            down.offload(0, 3, 2);
            rig.submit(down);
            rig.await(1);
            rig.requireFilled(0, 1, 7);
            assertThat(rig.failures).isEmpty();
            assertThat(rig.device.loss(rig.arenas.arena(0, 0, 0))).isNull();
            StandIn.script("end-capture");
        }
    }

    @Test
    void anAnswerThatIsNeitherYesNorNoIsNotTheEnd() {
        try (Rig rig = Rig.open(KernelUse.OFF, 0)) {
            StandIn.script("hold; fail cuEventQuery 1 900; fail cuEventQuery 2 900; fail cuStreamQuery 1 900");
            CopyBatch down = rig.transfers();
            down.offload(0, 1, 1);
            rig.submit(down);
            long queries = StandIn.calls("cuEventQuery");
            while (StandIn.calls("cuEventQuery") < queries + 5) {
                Thread.onSpinWait();
            }
            assertThat(rig.ended()).isZero();
            StandIn.release(-1);
            rig.await(1);
            assertThat(rig.failures).isEmpty();
        }
    }

    @Test
    void aBatchWhoseEndCannotBeMarkedIsWaitedFor() throws InterruptedException {
        try (Rig rig = Rig.open(KernelUse.OFF, 0)) {
            rig.fill(0, 1, 7);
            StandIn.script("hold; fail cuEventRecord 1 2");
            CopyBatch down = rig.transfers();
            down.offload(0, 1, 1);
            Thread submits = new Thread(() -> rig.submit(down));
            submits.start();
            while (StandIn.live("operations") == 0) {
                Thread.onSpinWait();
            }
            assertThat(rig.ended()).isZero();
            StandIn.release(-1);
            submits.join();
            rig.await(1);
            assertThat(rig.failures).singleElement().asString().contains("cuEventRecord");
            byte[] slot = new byte[1];
            rig.slots.read(1, 0, slot);
            assertThat(slot).as("it was copied before its end was told").containsExactly(7);
        }
    }

    @Test
    void whatKernelsReadIsUsedAgainAndEachSizeIsOneLaunch() {
        try (Rig rig = Rig.open(KernelUse.ALWAYS, 0, 1)) {
            long pinned = StandIn.calls("cuMemHostAlloc");
            for (int i = 0; i < 50; i++) {
                CopyBatch down = rig.transfers();
                down.offload(0, 1, 1);
                down.offload(0, 3, 5);
                down.offload(0, 5, 3);
                long launches = StandIn.calls("cuLaunchKernel");
                rig.submit(down);
                rig.await(1);
                assertThat(StandIn.calls("cuLaunchKernel") - launches)
                        .as("one a size of pages, on each GPU")
                        .isBetween(1L, 4L);
            }
            assertThat(StandIn.calls("cuMemHostAlloc") - pinned).isLessThanOrEqualTo(4);
            assertThat(rig.failures).isEmpty();
        }
    }

    @Test
    void aDriverThatRefusesKernelsOrBatchesIsUsedWithout() {
        for (String refuses : new String[] {
            "fail cuModuleLoadData 1 222", "fail cuMemHostRegister_v2 2 801", "fail cuMemcpyBatchAsync_v2 1 801"
        }) {
            StandIn.script(refuses);
            try (Rig rig = Rig.open(KernelUse.MEASURED, 0)) {
                assertThat(rig.device.kernelLimits().get(0).refused() != null).isEqualTo(!refuses.contains("Batch"));
                rig.fill(0, 1, 7);
                CopyBatch within = rig.within();
                within.copy(0, 1, 4);
                within.copy(0, 2, 6);
                rig.submit(within);
                rig.await(1);
                rig.requireFilled(0, 4, 7);
                assertThat(rig.failures).isEmpty();
            }
        }
        StandIn.script("fail cuModuleLoadData 1 222");
        assertThatThrownBy(() -> Rig.open(KernelUse.ALWAYS, 0)).isInstanceOf(CudaException.class);
    }

    @Test
    void aGpuThatWaitsForALostOneInVainIsNotWaitedForAndNothingHangs() {
        StandIn.lenient("devices 4");
        try (Rig rig = Rig.open(KernelUse.OFF, 0, 1, 2, 3)) {
            StandIn.script("stuck-waiters; hold");
            CopyBatch up = rig.transfers();
            up.onload(0, 1, 1);
            rig.submit(up); // goes up to the first, and on from there
            StandIn.script("lose 0");
            StandIn.release(-1);
            rig.await(1);
            assertThat(rig.failures).singleElement().asString().contains("the device is lost");
            assertThat(rig.device.loss(rig.arenas.arena(1, 0, 3)))
                    .hasMessageContaining("it waits for one that is lost");
        }
        requireOnlyMappedMemoryStays();
    }

    /** What is mapped of a GPU that was abandoned goes with the process: to unmap it may wait for ever. */
    private static void requireOnlyMappedMemoryStays() {
        assertThat(StandIn.live("mappings")).isPositive();
        assertThat(StandIn.live("all"))
                .isEqualTo(StandIn.live("mappings") + StandIn.live("reservations") + StandIn.live("handles"));
        StandIn.lenient("");
    }

    @Test
    void aBatchThatWaitsForOneOnALostGpuEnds() {
        StandIn.lenient("devices 4");
        CudaDevice device = CudaDevice.builder()
                .devices(0, 1, 2, 3)
                .memory(new DataSize(1 << 20))
                .kernels(KernelUse.OFF)
                .open();
        try (Rig rig = new Rig(device, 2, 2)) {
            StandIn.script("stuck-waiters; hold");
            CopyBatch both = rig.transfers();
            both.onload(0, 1, 1);
            both.onload(1, 2, 1);
            rig.submit(both);
            CopyBatch healthy = rig.transfers();
            healthy.offload(1, 1, 3); // after the other one
            rig.submit(healthy);
            StandIn.script("lose 0");
            StandIn.release(-1);
            rig.await(2);
            assertThat(rig.failures).hasSize(2);
        }
        requireOnlyMappedMemoryStays();
    }

    @Test
    void nothingIsUsedOnceItIsClosed() {
        Rig rig = Rig.open(KernelUse.OFF, 0);
        CudaBuffer buffer = rig.device.buffer(0, 64);
        CudaKernel kernel = rig.device.kernel(0, ".version 6.4\n.entry kvflux_fill_pages(", "kvflux_fill_pages");
        rig.close();
        assertThatThrownBy(() -> kernel.launch(1, 1, 1)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> buffer.read(0, new byte[1])).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> rig.device.buffer(0, 64)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> rig.device.kernel(0, "", "")).isInstanceOf(IllegalStateException.class);
        buffer.close();
        kernel.close();
    }

    @Test
    void whoReadsWhileArenasAreClosedIsToldAndNothingIsFreedUnderIt() throws InterruptedException {
        Rig rig = Rig.open(KernelUse.OFF, 0);
        PageArena arena = rig.arenas.arena(0, 0, 0);
        CountDownLatch reading = new CountDownLatch(100);
        Thread reads = new Thread(() -> {
            byte[] page = new byte[(int) arena.spec().pageBytes()];
            try {
                while (true) {
                    arena.read(1, 0, page);
                    reading.countDown();
                }
            } catch (IllegalStateException closed) {
                rig.failures.add(String.valueOf(closed.getMessage()));
            }
        });
        reads.start();
        reading.await();
        rig.close();
        reads.join();
        assertThat(rig.failures).singleElement().asString().contains("closed");
    }

    @Test
    void aListenerThatClosesTheDeviceIsRefusedWhileOthersAreUntold() {
        Rig rig = Rig.open(KernelUse.ALWAYS, 0);
        StandIn.script("hold");
        for (int i = 0; i < 3; i++) {
            CopyBatch batch = rig.within();
            batch.copy(0, 1, 4);
            rig.device.submit(batch, (same, failure) -> {
                try {
                    rig.device.close();
                } catch (IllegalStateException inFlight) {
                    rig.failures.add("refused");
                }
                rig.ended(same, failure);
            });
        }
        StandIn.release(-1);
        rig.await(3);
        assertThat(rig.failures).hasSizeLessThan(3);
        rig.close();
    }
}
