package io.kvflux.geometry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CapacityTest {

    private static final KvCacheParams BASE = Caches.base().build();

    @Test
    void memoryThatIsNoWholeBlockIsNotCounted() {
        assertThat(BASE.deviceBlocksPerReplica(Caches.GIB)).isEqualTo(1024);
        assertThat(BASE.deviceBlocksPerReplica(Caches.GIB + 7)).isEqualTo(1024);
        assertThat(BASE.estimatedMemoryBytes(1024)).isEqualTo(Caches.GIB);
    }

    @Test
    void limitsOfTheBatchBoundTheBlocks() {
        assertThat(BASE.deviceBlocksPerReplica(Caches.GIB, 4, 1000)).isEqualTo(32);
        assertThat(BASE.deviceBlocksPerReplica(Caches.GIB, 4, 1024)).isEqualTo(32);
        assertThat(BASE.deviceBlocksPerReplica(Caches.GIB, 4, 1025)).isEqualTo(36);
        assertThat(BASE.deviceBlocksPerReplica(10 * Caches.MIB, 4, 1000)).isEqualTo(10);
    }

    @Test
    void limitsWithoutEndDoNotOverflow() {
        assertThat(BASE.deviceBlocksPerReplica(Caches.GIB, Long.MAX_VALUE, Long.MAX_VALUE))
                .isEqualTo(1024);
        KvCacheParams drafting = Caches.base()
                .pageSize(1)
                .speculativeMethod(SpeculativeMethod.EAGLE)
                .numDraftTokens(Integer.MAX_VALUE)
                .build();
        assertThat(drafting.deviceBlocksPerReplica(Caches.MIB, Long.MAX_VALUE, Long.MAX_VALUE))
                .isEqualTo(128);
    }

    @Test
    void slackForDraftsTakesBlocks() {
        KvCacheParams drafting = Caches.base()
                .speculativeMethod(SpeculativeMethod.EAGLE)
                .numDraftTokens(8)
                .build();

        // 1000 tokens fit in 8 pages of 128, 1000 + 25 do not.
        assertThat(drafting.deviceBlocksPerReplica(Caches.GIB, 4, 1000)).isEqualTo(36);
    }

    @Test
    void noRoomForOneBlockIsAnErrorForPeople() {
        assertThatExceptionOfType(InsufficientCacheMemoryException.class)
                .isThrownBy(() -> BASE.deviceBlocksPerReplica(1))
                .withMessageStartingWith("Insufficient cache memory to allocate even a single page. One page requires"
                        + " 1 MiB but only 1 B are available")
                .withMessageContaining("bytesPerBlock=1048576, availableBytes=1, dataParallelDegree=1")
                .satisfies(e -> assertThat(e.requiredBytes()).isEqualTo(1_048_576))
                .satisfies(e -> assertThat(e.availableBytes()).isEqualTo(1));
        assertThatExceptionOfType(InsufficientCacheMemoryException.class)
                .isThrownBy(() -> BASE.longestSequenceTokens(0));
    }

    @Test
    void replicasShareTheMemory() {
        KvCacheParams two =
                Caches.base().devices(DeviceRef.gpus(2)).dataParallelDegree(2).build();

        assertThat(two.deviceBlocksPerReplica(Caches.GIB)).isEqualTo(512);
        assertThat(two.estimatedMemoryBytes(512)).isEqualTo(Caches.GIB);
    }

    @Test
    void twoCachesHalveTheBlocks() {
        KvCacheParams one = Caches.llama().numLayers(16).build();
        MultiKvCacheParams both = MultiKvCacheParams.fromParams(one, one);

        assertThat(one.deviceBlocksPerReplica(100 * Caches.MIB)).isEqualTo(12);
        assertThat(both.deviceBlocksPerReplica(100 * Caches.MIB)).isEqualTo(6);
        assertThat(both.estimatedMemoryBytes(6)).isEqualTo(6 * both.bytesPerBlock());
    }

    @ParameterizedTest
    @CsvSource({"EAGLE,0,0", "EAGLE,1,5", "EAGLE,2,7", "MTP,7,22", "DFLASH,7,23", "DFLASH,1,5", ",0,0"})
    void slackFollowsTheDrafts(SpeculativeMethod method, int drafts, long slack) {
        KvCacheParams params =
                Caches.base().speculativeMethod(method).numDraftTokens(drafts).build();

        assertThat(params.draftSlackTokens()).isEqualTo(slack);
    }

    @Test
    void longestSequenceLeavesRoomForDraftsAndIsAtLeastOneToken() {
        assertThat(BASE.longestSequenceTokens(Caches.GIB)).isEqualTo(1024 * 128);
        KvCacheParams drafting = Caches.base()
                .speculativeMethod(SpeculativeMethod.EAGLE)
                .numDraftTokens(100)
                .build();
        assertThat(drafting.longestSequenceTokens(Caches.GIB)).isEqualTo(1024 * 128 - 301);
        assertThat(drafting.longestSequenceTokens(Caches.MIB)).isEqualTo(1);
    }

    @Test
    void hostBlocksAreWhatTheBudgetHolds() {
        KvCacheParams.Builder local = Caches.base().kvConnector(KvConnectorType.LOCAL);

        assertThat(local.hostKvCacheSwapSpaceGb(2.5).build().hostBlocksPerReplica())
                .isEqualTo(2560);
        assertThat(local.hostKvCacheSwapSpaceGb(0.0015).build().hostBlocksPerReplica())
                .isEqualTo(1);
        assertThat(BASE.hostBlocksPerReplica()).isZero();
        assertThat(BASE.toBuilder().hostKvCacheSwapSpaceGb(4.0).build().hostBlocksPerReplica())
                .isZero();
        assertThat(BASE.toBuilder().kvConnector(KvConnectorType.DKV).build().hostBlocksPerReplica())
                .isZero();
    }

    @Test
    void replicatedPagesFillTheHostOnce() {
        KvCacheParams eight = Caches.latent()
                .devices(DeviceRef.gpus(8))
                .kvConnector(KvConnectorType.LOCAL)
                .hostKvCacheSwapSpaceGb(1.0)
                .build();

        assertThat(eight.hostBlocksPerReplica()).isEqualTo(Caches.GIB / 8_994_816);
    }

    @Test
    void hostBudgetBelowOneBlockIsAnError() {
        KvCacheParams params = Caches.base()
                .kvConnector(KvConnectorType.LOCAL)
                .hostKvCacheSwapSpaceGb(0.0009)
                .build();

        assertThatExceptionOfType(InsufficientCacheMemoryException.class)
                .isThrownBy(params::hostBlocksPerReplica)
                .withMessageContaining("Insufficient cache memory to allocate even a single page on host.")
                .withMessageContaining("hostBytesPerBlock=1048576, hostKvCacheSwapSpaceGb=9.0E-4");
    }

    @ParameterizedTest
    @ValueSource(longs = {-1, Long.MIN_VALUE})
    void negativeMemoryIsRejected(long bytes) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> BASE.deviceBlocksPerReplica(bytes))
                .withMessage("availableBytes must not be negative, availableBytes=" + bytes);
        assertThatIllegalArgumentException().isThrownBy(() -> BASE.estimatedMemoryBytes(bytes));
    }

    @ParameterizedTest
    @ValueSource(longs = {0, -1})
    void limitsBelowOneAreRejected(long limit) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> BASE.deviceBlocksPerReplica(Caches.GIB, limit, 1))
                .withMessage("maxBatch must be positive, maxBatch=" + limit);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> BASE.deviceBlocksPerReplica(Caches.GIB, 1, limit))
                .withMessage("maxSeqLen must be positive, maxSeqLen=" + limit);
    }

    @Test
    void anEstimateBeyond64BitsIsExplained() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> BASE.estimatedMemoryBytes(Long.MAX_VALUE))
                .withMessage("blocksPerReplica * bytesPerBlock * dataParallelDegree must fit in 64 bits:"
                        + " 9223372036854775807 * 1048576 * 1");
    }
}
