package io.kvflux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvflux.core.Configs;
import io.kvflux.core.PreemptionMode;
import io.kvflux.geometry.DataSize;
import io.kvflux.memory.BlockArenas;
import io.kvflux.memory.OutOfDeviceMemoryException;
import io.kvflux.memory.chronicle.Region;
import io.kvflux.memory.host.HostMemoryDevice;
import org.junit.jupiter.api.Test;

class BlockSchedulerBuilderTest {

    @Test
    void everyContradictionIsListedAtOnce() {
        assertThatThrownBy(() -> BlockScheduler.builder(Configs.caches(4, 1))
                        .deviceBlocks(10)
                        .deviceMemory(DataSize.ofGiB(1))
                        .tokenBuffer(-1)
                        .maxPending(0)
                        .maxExecutorFailures(0)
                        .deliveryLanes(0)
                        .blockEventBuffer(7)
                        .vocabularySize(0)
                        .maxBatchSize(0)
                        .maxStepsInFlight(65)
                        .build())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContainingAll(
                        "tokenBuffer must not be negative, tokenBuffer=-1",
                        "maxPending must be positive, maxPending=0",
                        "maxExecutorFailures must be positive, maxExecutorFailures=0",
                        "deliveryLanes must be positive, deliveryLanes=0",
                        "blockEventBuffer must be at least 8, blockEventBuffer=7",
                        "vocabularySize must be positive, vocabularySize=0",
                        "deviceBlocks and deviceMemory both say how many blocks there are",
                        "maxBatchSize must be positive, maxBatchSize=0",
                        "maxStepsInFlight must be in [1, 64], maxStepsInFlight=65");
    }

    @Test
    void externalMemoryNeedsBlocksAndExcludesADevice() {
        assertThatThrownBy(() -> BlockScheduler.builder(Configs.caches(4, 1))
                        .externalMemory()
                        .zeroOnRelease(true)
                        .build())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContainingAll(
                        "externalMemory needs deviceBlocks",
                        "externalMemory excludes device, deviceMemory, zeroOnRelease");
    }

    @Test
    void emptiedBlocksAreZeroedOrPoisonedButNotBoth() {
        assertThatThrownBy(() -> BlockScheduler.builder(Configs.caches(4, 1))
                        .zeroOnRelease(true)
                        .poisonOnRelease(true)
                        .build())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("zeroOnRelease and poisonOnRelease both say");
    }

    @Test
    void theMemoryGivesTheBlocks() {
        long perBlock = BlockArenas.bytesPerBlock(Configs.caches(4, 2));
        BlockScheduler scheduler = BlockScheduler.builder(Configs.caches(4, 2))
                .deviceMemory(new DataSize(perBlock * 11))
                .build();
        assertThat(scheduler.metrics().usableBlocks()).isEqualTo(20);
        assertThat(scheduler.memory().device().allocatedBytes()).isEqualTo(perBlock * 11);
        scheduler.disposeLater().block();
    }

    @Test
    void memoryForNotEvenOneBlockIsRefusedWithTheNumbers() {
        assertThatThrownBy(() -> BlockScheduler.builder(Configs.caches(4, 1))
                        .deviceMemory(new DataSize(100))
                        .build())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("deviceMemory must hold the null block and one more")
                .hasMessageContaining("deviceMemory=100, bytesPerBlock=64");
    }

    @Test
    void aDeviceThatIsTooSmallForTheBlocksIsRefusedAndKeepsNothing() {
        try (HostMemoryDevice device = HostMemoryDevice.withBudget(new DataSize(1000))) {
            assertThatThrownBy(() -> BlockScheduler.builder(Configs.caches(4, 2))
                            .device(device)
                            .deviceBlocks(100)
                            .build())
                    .isInstanceOf(OutOfDeviceMemoryException.class)
                    .hasMessageContaining("budgetBytes=1000");
            assertThat(device.allocatedBytes()).isZero();
        }
    }

    @Test
    void hostSwapIsGivenOnceAndHoldsABlock() {
        assertThatThrownBy(() -> BlockScheduler.builder(Configs.caches(4, 1))
                        .hostSwap(new DataSize(100))
                        .hostSwapBlocks(0)
                        .build())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContainingAll(
                        "hostSwap and hostSwapBlocks both say how many blocks the host has room for: set one of them,"
                                + " hostSwap=100 B, hostSwapBlocks=0",
                        "hostSwapBlocks must be positive, hostSwapBlocks=0");
        assertThatThrownBy(() -> BlockScheduler.builder(Configs.caches(4, 1))
                        .hostSwap(new DataSize(100))
                        .build())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("hostSwap must hold a block, hostSwap=100 B, bytes of a block on host=4096");
    }

    @Test
    void hostSwapNeedsMemoryThatTheSchedulerSeesAndCachedContent() {
        assertThatThrownBy(() -> BlockScheduler.builder(Configs.caches(4, 1))
                        .deviceBlocks(4)
                        .externalMemory()
                        .hostSwapBlocks(8)
                        .scheduling(core -> core.prefixCaching(false))
                        .build())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContainingAll(
                        "externalMemory excludes hostSwap: the scheduler cannot copy what it cannot see,"
                                + " hostSwap=null, hostSwapBlocks=8",
                        "hostBlocks needs prefix caching, by which content is found again, hostBlocks=8");
    }

    @Test
    void preemptionByOffloadNeedsAHost() {
        assertThatThrownBy(() -> BlockScheduler.builder(Configs.caches(4, 1))
                        .preemption(PreemptionMode.OFFLOAD)
                        .build())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("preemption needs a host tier to offload to, preemption=OFFLOAD, hostBlocks=0");
    }

    @Test
    void hostSwapLargerThanTheMachineIsRefusedAndNothingIsKept() {
        try (HostMemoryDevice device = HostMemoryDevice.withBudget(new DataSize(10_000))) {
            long before = Region.liveBytes();
            assertThatThrownBy(() -> BlockScheduler.builder(Configs.caches(4, 1))
                            .device(device)
                            .deviceBlocks(10)
                            .hostSwap(DataSize.parse("100TiB"))
                            .build())
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("host slots must fit the memory of the machine, budgetBytes=")
                    .hasMessageContaining("; give a smaller budget");
            assertThat(device.allocatedBytes()).isZero();
            assertThat(Region.liveBytes()).isLessThanOrEqualTo(before);
        }
    }

    @Test
    void hostSwapGivesTheSlotsThatFit() {
        BlockScheduler scheduler = BlockScheduler.builder(Configs.caches(4, 1))
                .deviceBlocks(10)
                .hostSwap(new DataSize(50_000))
                .build();
        assertThat(scheduler.metrics().hostBlocks()).isEqualTo(12);
        scheduler.disposeLater().block();
    }
}
