package io.kvflux.geometry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class KvCacheParamsTest {

    private static void rejects(KvCacheParams.Builder builder, String... fragments) {
        assertThatIllegalArgumentException().isThrownBy(builder::build).withMessageContainingAll(fragments);
    }

    @Test
    void baseBlockTakesOneMebibyte() {
        assertThat(Caches.base().build().bytesPerBlock()).isEqualTo(1_048_576);
    }

    @Test
    void blockHoldsKeysAndValuesOfAllLayers() {
        KvCacheParams params = Caches.llama().build();

        assertThat(params.shapePerBlock()).containsExactly(2, 32, 128, 8, 128);
        assertThat(params.bytesPerBlock()).isEqualTo(16_777_216);
        assertThat(params.hostBytesPerBlock()).isEqualTo(16_777_216);
        assertThat(params.shapePerScaleBlock()).isEmpty();
    }

    @Test
    void tensorParallelDevicesShareTheHeads() {
        KvCacheParams params = Caches.llama().devices(DeviceRef.gpus(4)).build();

        assertThat(params.tensorParallelDegree()).isEqualTo(4);
        assertThat(params.shapePerBlock()).containsExactly(2, 32, 128, 2, 128);
        assertThat(params.bytesPerPage()).isEqualTo(4_194_304);
        assertThat(params.bytesPerBlock()).isEqualTo(16_777_216);
        assertThat(params.replicatesKvAcrossTp()).isFalse();
    }

    @Test
    void latentPagesAreCopiedToEveryDeviceAndStoredOnceOnTheHost() {
        KvCacheParams alone = Caches.latent().build();
        KvCacheParams eight = Caches.latent().devices(DeviceRef.gpus(8)).build();

        assertThat(alone.bytesPerBlock()).isEqualTo(8_994_816);
        assertThat(eight.bytesPerBlock()).isEqualTo(71_958_528);
        assertThat(alone.hostBytesPerBlock()).isEqualTo(8_994_816);
        assertThat(eight.hostBytesPerBlock()).isEqualTo(8_994_816);
        assertThat(alone.replicatesKvAcrossTp()).isFalse();
        assertThat(eight.replicatesKvAcrossTp()).isTrue();
        assertThat(eight.shapePerBlock()).containsExactly(1, 61, 128, 1, 576);
    }

    @Test
    void scalesAreCountedInAPage() {
        KvCacheParams params = KvCacheParams.builder()
                .dtype(DType.FLOAT8_E4M3FN)
                .numLayers(2)
                .numKvHeads(4)
                .headDim(256)
                .quantization(new KvCacheQuantization(DType.FLOAT32, 64))
                .build();

        assertThat(params.shapePerScaleBlock()).containsExactly(2, 2, 128, 4, 4);
        assertThat(params.bytesPerBlock()).isEqualTo(524_288 + 32_768);
    }

    @Test
    void replicasOwnConsecutiveGroupsOfDevices() {
        KvCacheParams params =
                Caches.base().devices(DeviceRef.gpus(4)).dataParallelDegree(2).build();

        assertThat(params.devicesOfReplica(0)).containsExactly(DeviceRef.gpu(0), DeviceRef.gpu(1));
        assertThat(params.devicesOfReplica(1)).containsExactly(DeviceRef.gpu(2), DeviceRef.gpu(3));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> params.devicesOfReplica(2))
                .withMessageContaining("replica=2, dataParallelDegree=2");
        assertThatIllegalArgumentException().isThrownBy(() -> params.devicesOfReplica(-1));
    }

    @Test
    void defaultsAreAsDocumented() {
        KvCacheParams params = KvCacheParams.builder()
                .dtype(DType.FLOAT16)
                .numLayers(1)
                .numKvHeads(1)
                .headDim(1)
                .build();

        assertThat(params.attention()).isEqualTo(AttentionKind.MHA);
        assertThat(params.pageSize()).isEqualTo(128);
        assertThat(params.devices()).containsExactly(DeviceRef.gpu(0));
        assertThat(params.dataParallelDegree()).isEqualTo(1);
        assertThat(params.enablePrefixCaching()).isTrue();
        assertThat(params.kvConnector()).isEqualTo(KvConnectorType.NULL);
        assertThat(params.numDraftTokens()).isZero();
        assertThat(params.hashAlgorithm()).isEqualTo(HashAlgorithm.SHA_256);
        assertThat(params.hashSeed()).isEqualTo(HashSeed.ZERO);
        assertThat(params.numQueryHeads()).isNull();
        assertThat(params.quantization()).isNull();
        assertThat(params.hostKvCacheSwapSpaceGb()).isNull();
        assertThat(params.diskOffloadDir()).isNull();
        assertThat(params.diskOffloadMaxGb()).isNull();
        assertThat(params.speculativeMethod()).isNull();
        assertThat(KvCacheQuantization.DEFAULT).isEqualTo(new KvCacheQuantization(DType.FLOAT32, 128));
    }

    @Test
    void moreReplicasThanDevicesAreRejected() {
        rejects(
                Caches.base().dataParallelDegree(2),
                "Data parallelism degree (2) cannot be greater than the number of devices (1)",
                "dataParallelDegree=2, numDevices=1");
        rejects(Caches.base().devices(List.of()), "(1) cannot be greater than the number of devices (0)");
    }

    @ParameterizedTest
    @ValueSource(ints = {0, -1, Integer.MIN_VALUE})
    void fewerThanOneReplicaIsRejected(int degree) {
        rejects(
                Caches.base().dataParallelDegree(degree),
                "Data parallelism degree (" + degree + ") cannot be greater than the number of devices (1)",
                "dataParallelDegree=" + degree);
    }

    @Test
    void devicesMustSplitEvenlyIntoReplicas() {
        rejects(
                Caches.base().devices(DeviceRef.gpus(3)).dataParallelDegree(2),
                "must be divisible by data parallelism degree (2)",
                "numDevices=3");
    }

    @Test
    void aDeviceMayNotOccurTwice() {
        rejects(Caches.base().devices(List.of(DeviceRef.gpu(0), DeviceRef.gpu(0))), "devices=[gpu:0, gpu:0]");
    }

    @Test
    void headsMustSplitEvenlyOverDevices() {
        rejects(
                Caches.base().devices(DeviceRef.gpus(3)),
                "Number of KV heads (8) must be divisible by the number of devices (3)");
        rejects(Caches.base().numKvHeads(1).devices(DeviceRef.gpus(4)).dataParallelDegree(2), "(1)", "devices (2)");
    }

    @Test
    void latentAttentionNeedsQueryHeadsThatSplitEvenly() {
        KvCacheParams.Builder noQueryHeads = KvCacheParams.builder()
                .attention(AttentionKind.MLA)
                .dtype(DType.BFLOAT16)
                .headDim(576)
                .numLayers(61);
        rejects(noQueryHeads, "num_q_heads is required");
        rejects(Caches.latent().numQueryHeads(6).devices(DeviceRef.gpus(4)), "(6)", "divisible", "(4)");
    }

    @ParameterizedTest
    @EnumSource(names = {"LOCAL", "TIERED"})
    void hostTierNeedsPrefixCachingAndABudget(KvConnectorType connector) {
        rejects(
                Caches.base().kvConnector(connector).enablePrefixCaching(false).hostKvCacheSwapSpaceGb(1.0),
                "requires prefix caching to be enabled",
                "kvConnector=" + connector);
        rejects(
                Caches.base().kvConnector(connector),
                "host_kvcache_swap_space_gb is required",
                "kvConnector=" + connector);
    }

    @Test
    void granularityMustDivideTheHead() {
        rejects(
                Caches.base().quantization(new KvCacheQuantization(DType.FLOAT32, 100)),
                "granularity must evenly divide",
                "granularity=100, headDim=128");
        rejects(Caches.latent().quantization(KvCacheQuantization.DEFAULT), "granularity=128, headDim=576");
        assertThat(Caches.latent()
                        .quantization(new KvCacheQuantization(DType.FLOAT32, 64))
                        .build()
                        .shapePerScaleBlock())
                .endsWith(9);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, -1, Integer.MIN_VALUE})
    void extentsMustBePositive(int value) {
        rejects(Caches.base().pageSize(value), "pageSize must be positive, pageSize=" + value);
        rejects(Caches.base().numLayers(value), "numLayers must be positive, numLayers=" + value);
        rejects(Caches.base().numKvHeads(value), "numKvHeads must be positive, numKvHeads=" + value);
        rejects(Caches.base().numQueryHeads(value), "numQueryHeads must be positive, numQueryHeads=" + value);
        rejects(Caches.base().headDim(value), "headDim must be positive, headDim=" + value);
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, -0.0, -1, Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY, 0x1p33})
    void budgetsMustBePositiveNumbersThatCountInBytes(double value) {
        rejects(Caches.base().hostKvCacheSwapSpaceGb(value), "hostKvCacheSwapSpaceGb=" + value);
        rejects(Caches.base().diskOffloadMaxGb(value), "diskOffloadMaxGb=" + value);
    }

    @Test
    void draftTokensNeedAMethodAndMayNotBeNegative() {
        rejects(Caches.base().numDraftTokens(-1), "numDraftTokens must not be negative, numDraftTokens=-1");
        rejects(Caches.base().numDraftTokens(2), "numDraftTokens=2, speculativeMethod=absent");
    }

    @Test
    void requiredValuesAreNamed() {
        rejects(KvCacheParams.builder(), "dtype is required");
        rejects(KvCacheParams.builder().dtype(DType.FLOAT32), "numKvHeads is required");
    }

    @ParameterizedTest
    @EnumSource(names = {"UINT32", "INT64", "FLOAT8_E8M0FNU"})
    void typesThatCannotHoldKeysAreRejected(DType dtype) {
        rejects(Caches.base().dtype(dtype), "dtype=" + dtype);
    }

    @Test
    void scalesMustHaveAScaleTypeAndAPositiveGranularity() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new KvCacheQuantization(DType.INT8, 64))
                .withMessageContaining("scaleDtype=INT8");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new KvCacheQuantization(DType.FLOAT8_E8M0FNU, 0))
                .withMessageContaining("granularity=0");
    }

    @Test
    void aPageBeyond64BitsIsExplained() {
        int huge = Integer.MAX_VALUE;
        rejects(
                Caches.base().numLayers(huge).headDim(huge).pageSize(huge),
                "kvDim * numLayers * pageSize",
                "must fit in 64 bits",
                "2 * 2147483647 * 2147483647 * 8 * 2147483647 * 4");
    }

    @Test
    void aBlockBeyond64BitsIsExplained() {
        rejects(
                Caches.latent()
                        .numLayers(Integer.MAX_VALUE)
                        .headDim(1 << 20)
                        .pageSize(1 << 10)
                        .devices(DeviceRef.gpus(4)),
                "bytesPerPage * tensorParallelDegree",
                "must fit in 64 bits");
    }

    @Test
    void equalByContent() {
        assertThat(Caches.llama().build()).isEqualTo(Caches.llama().build());
        assertThat(Caches.llama().build()).hasSameHashCodeAs(Caches.llama().build());
        assertThat(Caches.llama().build()).isNotEqualTo(Caches.base().build());
    }

    @Test
    void everyFieldCountsInEquality() {
        byte[] seed = new byte[32];
        seed[0] = 1;
        List<UnaryOperator<KvCacheParams.Builder>> changes = List.of(
                b -> b.dtype(DType.FLOAT16),
                b -> b.attention(AttentionKind.MLA),
                b -> b.numLayers(2),
                b -> b.numKvHeads(4),
                b -> b.numQueryHeads(64),
                b -> b.headDim(256),
                b -> b.pageSize(64),
                b -> b.quantization(KvCacheQuantization.DEFAULT),
                b -> b.devices(List.of(DeviceRef.gpu(2), DeviceRef.gpu(3))),
                b -> b.dataParallelDegree(2),
                b -> b.enablePrefixCaching(false),
                b -> b.kvConnector(KvConnectorType.DKV),
                b -> b.hostKvCacheSwapSpaceGb(1.0),
                b -> b.diskOffloadDir(Path.of("disk")),
                b -> b.diskOffloadMaxGb(1.0),
                b -> b.speculativeMethod(SpeculativeMethod.MTP),
                b -> b.speculativeMethod(SpeculativeMethod.EAGLE).numDraftTokens(1),
                b -> b.hashAlgorithm(HashAlgorithm.SHA_256_64),
                b -> b.hashSeed(HashSeed.of(seed)));
        KvCacheParams base =
                Caches.base().numQueryHeads(32).devices(DeviceRef.gpus(2)).build();
        List<KvCacheParams> all = new ArrayList<>(List.of(base));
        changes.forEach(change -> all.add(change.apply(base.toBuilder()).build()));

        assertThat(all).doesNotHaveDuplicates();
        assertThat(all).allSatisfy(each -> assertThat(each.toBuilder().build()).isEqualTo(each));
    }

    @Test
    void laterChangesOfWhatWasPassedInAreNotSeen() {
        List<DeviceRef> devices = new ArrayList<>(DeviceRef.gpus(1));
        KvCacheParams.Builder builder = Caches.base().devices(devices);
        KvCacheParams params = builder.build();
        devices.add(DeviceRef.gpu(7));
        builder.pageSize(1);

        assertThat(params.devices()).containsExactly(DeviceRef.gpu(0));
        assertThat(params.pageSize()).isEqualTo(128);
        assertThat(params.devices()).isUnmodifiable();
        assertThat(params.shapePerBlock()).isUnmodifiable();
    }
}
