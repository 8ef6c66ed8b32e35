package io.kvflux.tier.disk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvflux.geometry.AttentionKind;
import io.kvflux.geometry.DType;
import io.kvflux.geometry.DeviceRef;
import io.kvflux.geometry.HashAlgorithm;
import io.kvflux.geometry.HashSeed;
import io.kvflux.geometry.KvCacheParams;
import io.kvflux.geometry.KvCacheQuantization;
import io.kvflux.geometry.MultiKvCacheParams;
import java.util.HexFormat;
import java.util.List;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

class DiskLayoutTest {

    private static KvCacheParams.Builder cache() {
        return KvCacheParams.builder()
                .dtype(DType.BFLOAT16)
                .numKvHeads(8)
                .headDim(128)
                .numLayers(32)
                .pageSize(16);
    }

    private static DiskLayout with(UnaryOperator<KvCacheParams.Builder> change) {
        return DiskLayout.of(MultiKvCacheParams.fromParams(change.apply(cache()).build()));
    }

    /** A fingerprint that changes makes every directory useless: this one is from the first version. */
    @Test
    void theFingerprintIsTheSameInEveryProcessAndVersion() {
        DiskLayout layout = with(cache -> cache);
        assertThat(layout)
                .hasToString("MHA BFLOAT16[2, 32, 16, 8, 128], tensorParallelDegree=1, pageSize=16, "
                        + "hashAlgorithm=SHA_256, payloadBytes=2097152");
        assertThat(HexFormat.of().formatHex(layout.fingerprint()))
                .isEqualTo("b86b1be0edd81bd67fa1a902a9a06b079800f883e826dc0102e17a2fcf43a62a");
    }

    @Test
    void whatChangesTheBytesOfAPageChangesTheFingerprint() {
        List<DiskLayout> layouts = List.of(
                with(cache -> cache),
                with(cache -> cache.dtype(DType.FLOAT16)),
                with(cache -> cache.numLayers(16)),
                with(cache -> cache.pageSize(32)),
                with(cache -> cache.headDim(64)),
                with(cache -> cache.numKvHeads(4)),
                with(cache -> cache.quantization(KvCacheQuantization.DEFAULT)),
                with(cache -> cache.quantization(new KvCacheQuantization(DType.FLOAT32, 64))),
                with(cache -> cache.quantization(new KvCacheQuantization(DType.FLOAT16, 64))),
                with(cache -> cache.devices(DeviceRef.gpus(2))),
                with(cache -> cache.hashAlgorithm(HashAlgorithm.SHA_256_64)),
                DiskLayout.of(MultiKvCacheParams.fromParams(
                        cache().build(), cache().numLayers(1).build())));
        assertThat(layouts.stream().map(layout -> HexFormat.of().formatHex(layout.fingerprint())))
                .doesNotHaveDuplicates();
    }

    @Test
    void replicasAndSeedsDoNotCount() {
        byte[] seed = new byte[HashSeed.LENGTH_BYTES];
        seed[3] = 1;
        assertThat(with(cache -> cache.devices(DeviceRef.gpus(4)).dataParallelDegree(4)))
                .isEqualTo(with(cache -> cache));
        assertThat(with(cache -> cache.hashSeed(HashSeed.of(seed)))).isEqualTo(with(cache -> cache));
    }

    @Test
    void pagesThatAreAlikeOnAllShardsAreStoredOnce() {
        KvCacheParams latent = KvCacheParams.builder()
                .attention(AttentionKind.MLA)
                .dtype(DType.BFLOAT16)
                .numQueryHeads(128)
                .headDim(576)
                .numLayers(61)
                .devices(DeviceRef.gpus(8))
                .build();
        DiskLayout layout = DiskLayout.of(MultiKvCacheParams.fromParams(latent));
        assertThat(layout.payloadBytes()).isEqualTo(latent.bytesPerPage());
    }

    @Test
    void impossibleLayoutsAreRefused() {
        assertThatThrownBy(() -> new DiskLayout("", 0, HashAlgorithm.SHA_256, 5))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("pageSize and payloadBytes must be positive, pageSize=0, payloadBytes=5");
    }
}
