package io.kvflux.geometry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

class MultiKvCacheParamsTest {

    /** One change a rule, in the order in which the rules are checked. */
    private record Rule(String what, String found, UnaryOperator<KvCacheParams.Builder> change) {}

    private static final KvCacheParams FIRST = Caches.base()
            .devices(DeviceRef.gpus(2))
            .kvConnector(KvConnectorType.DKV)
            .speculativeMethod(SpeculativeMethod.EAGLE)
            .numDraftTokens(2)
            .build();

    private static final List<Rule> RULES = List.of(
            new Rule("same page size", "[128, 256]", b -> b.pageSize(256)),
            new Rule("same data parallel degree", "[1, 2]", b -> b.dataParallelDegree(2)),
            new Rule("same number of devices", "[2, 4]", b -> b.devices(DeviceRef.gpus(4))),
            new Rule("same KV connector", "[DKV, NULL]", b -> b.kvConnector(KvConnectorType.NULL)),
            new Rule("host_kvcache_swap_space_gb", "[absent, 2.0]", b -> b.hostKvCacheSwapSpaceGb(2.0)),
            new Rule("same speculative method", "[EAGLE, MTP]", b -> b.speculativeMethod(SpeculativeMethod.MTP)),
            new Rule("same number of draft tokens", "[2, 3]", b -> b.numDraftTokens(3)),
            new Rule("same devices", "gpu:2, gpu:1", MultiKvCacheParamsTest::otherFirstDevice),
            new Rule("same prefix caching", "[true, false]", b -> b.enablePrefixCaching(false)),
            new Rule("same hash algorithm", "SHA_256_64]", b -> b.hashAlgorithm(HashAlgorithm.SHA_256_64)),
            new Rule("same hash seed", "01000000", b -> b.hashSeed(seed(1))));

    private static KvCacheParams.Builder otherFirstDevice(KvCacheParams.Builder builder) {
        List<DeviceRef> devices = new ArrayList<>(builder.build().devices());
        devices.set(0, DeviceRef.gpu(devices.size()));
        return builder.devices(devices);
    }

    private static HashSeed seed(int firstByte) {
        byte[] bytes = new byte[HashSeed.LENGTH_BYTES];
        bytes[0] = (byte) firstByte;
        return HashSeed.of(bytes);
    }

    @Test
    void nothingIsRejected() {
        assertThatIllegalArgumentException()
                .isThrownBy(MultiKvCacheParams::fromParams)
                .withMessageContaining("requires at least one param");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> MultiKvCacheParams.fromParams(List.of()))
                .withMessageContaining("requires at least one param");
    }

    @Test
    void everySharedValueMustAgree() {
        for (Rule rule : RULES) {
            KvCacheParams other = rule.change.apply(FIRST.toBuilder()).build();
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> MultiKvCacheParams.fromParams(FIRST, FIRST, other))
                    .withMessageContainingAll(rule.what, rule.found)
                    .withMessageEndingWith("]");
        }
    }

    @Test
    void disagreementsAreReportedInTheDocumentedOrder() {
        for (int from = 0; from < RULES.size(); from++) {
            KvCacheParams.Builder other = FIRST.toBuilder();
            for (Rule rule : RULES.subList(from, RULES.size())) {
                other = rule.change.apply(other);
            }
            KvCacheParams changed = other.build();
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> MultiKvCacheParams.fromParams(FIRST, changed))
                    .withMessageContaining(RULES.get(from).what);
        }
    }

    @Test
    void degreeOfDataParallelismIsCheckedBeforeTheDevices() {
        KvCacheParams two =
                Caches.base().devices(DeviceRef.gpus(2)).dataParallelDegree(2).build();

        assertThatIllegalArgumentException()
                .isThrownBy(() -> MultiKvCacheParams.fromParams(Caches.base().build(), two))
                .withMessageContaining("same data parallel degree");
    }

    @Test
    void theRestMayDiffer() {
        KvCacheParams target = Caches.llama().build();
        KvCacheParams draft =
                Caches.base().dtype(DType.INT8).numKvHeads(3).headDim(64).build();

        assertThat(MultiKvCacheParams.fromParams(target, draft).bytesPerBlock())
                .isEqualTo(target.bytesPerBlock() + draft.bytesPerBlock());
    }

    @Test
    void oneCacheIsLegalAndKeepsItsValues() {
        MultiKvCacheParams one = MultiKvCacheParams.fromParams(FIRST);

        assertThat(one.params()).containsExactly(FIRST);
        assertThat(one.bytesPerBlock()).isEqualTo(FIRST.bytesPerBlock());
        assertThat(one.pageSize()).isEqualTo(FIRST.pageSize());
        assertThat(one.devices()).isEqualTo(FIRST.devices());
        assertThat(one.numDevices()).isEqualTo(2);
        assertThat(one.tensorParallelDegree()).isEqualTo(2);
        assertThat(one.dataParallelDegree()).isEqualTo(1);
        assertThat(one.enablePrefixCaching()).isTrue();
        assertThat(one.kvConnector()).isEqualTo(KvConnectorType.DKV);
        assertThat(one.hostKvCacheSwapSpaceGb()).isNull();
        assertThat(one.speculativeMethod()).isEqualTo(SpeculativeMethod.EAGLE);
        assertThat(one.numDraftTokens()).isEqualTo(2);
        assertThat(one.hashAlgorithm()).isEqualTo(HashAlgorithm.SHA_256);
        assertThat(one.hashSeed()).isEqualTo(HashSeed.ZERO);
        assertThat(one.draftSlackTokens()).isEqualTo(7);
    }

    @Test
    void replicatedOnlyWhenEveryCacheIs() {
        KvCacheParams latent = Caches.latent().devices(DeviceRef.gpus(8)).build();
        KvCacheParams heads = Caches.base().devices(DeviceRef.gpus(8)).build();
        MultiKvCacheParams mixed = MultiKvCacheParams.fromParams(latent, heads);

        assertThat(MultiKvCacheParams.fromParams(latent, latent).replicatesKvAcrossTp())
                .isTrue();
        assertThat(mixed.replicatesKvAcrossTp()).isFalse();
        assertThat(mixed.hostBytesPerBlock()).isEqualTo(8_994_816 + 1_048_576);
    }

    @Test
    void sumBeyond64BitsIsExplained() {
        KvCacheParams huge = Caches.base()
                .dtype(DType.INT8)
                .numKvHeads(1)
                .numLayers(1 << 30)
                .headDim(1 << 30)
                .pageSize(2)
                .build();

        assertThat(huge.bytesPerBlock()).isEqualTo(1L << 62);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> MultiKvCacheParams.fromParams(huge, huge))
                .withMessageContaining("must fit in 64 bits: 4611686018427387904 + 4611686018427387904");
    }

    @Test
    void laterChangesOfTheListAreNotSeen() {
        List<KvCacheParams> list = new ArrayList<>(List.of(FIRST));
        MultiKvCacheParams multi = MultiKvCacheParams.fromParams(list);
        list.clear();

        assertThat(multi.params()).containsExactly(FIRST).isUnmodifiable();
        assertThat(multi).isEqualTo(MultiKvCacheParams.fromParams(FIRST));
        assertThat(multi).hasSameHashCodeAs(MultiKvCacheParams.fromParams(FIRST));
    }
}
