package io.kvflux.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvflux.geometry.AttentionKind;
import io.kvflux.geometry.DType;
import io.kvflux.geometry.DeviceRef;
import io.kvflux.geometry.KvCacheParams;
import io.kvflux.geometry.MultiKvCacheParams;
import java.util.BitSet;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class SlotLayoutTest {

    @Test
    void theDrawingIsTrue() {
        KvCacheParams.Builder params = KvCacheParams.builder()
                .dtype(DType.BFLOAT16)
                .numLayers(1)
                .pageSize(1)
                .devices(List.of(DeviceRef.gpu(0), DeviceRef.gpu(1)));
        SlotLayout layout = SlotLayout.of(MultiKvCacheParams.fromParams(
                params.numKvHeads(2).headDim(5).build(),
                params.attention(AttentionKind.MLA).numQueryHeads(2).headDim(7).build()));
        assertThat(layout.caches()).isEqualTo(2);
        assertThat(layout.shards()).isEqualTo(2);
        assertThat(layout.pageBytes(0)).isEqualTo(20);
        assertThat(layout.pageBytes(1)).isEqualTo(14);
        assertThat(layout.offset(0, 0)).isZero();
        assertThat(layout.offset(0, 1)).isEqualTo(20);
        assertThat(layout.offset(1, 0)).isEqualTo(40);
        assertThat(layout.offset(1, 1)).isEqualTo(40);
        assertThat(layout.isReplicated(0)).isFalse();
        assertThat(layout.isReplicated(1)).isTrue();
        assertThat(layout.bytes()).isEqualTo(54);
        assertThat(layout).hasToString("slot of 54 bytes for 2 caches on 2 shards");
        assertThatThrownBy(() -> layout.offset(0, 2)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> layout.offset(2, 0)).isInstanceOf(IndexOutOfBoundsException.class);
    }

    @Test
    void thePartsOfAnyShapeFillTheHostBytesOfABlockAndNoneOverlap() {
        long seed = System.nanoTime();
        SplittableRandom random = new SplittableRandom(seed);
        for (int i = 0; i < 500; i++) {
            MultiKvCacheParams caches = Shapes.random(random);
            SlotLayout layout = SlotLayout.of(caches);
            BitSet taken = new BitSet();
            long sum = 0;
            for (int cache = 0; cache < layout.caches(); cache++) {
                for (int shard = 0; shard < (layout.isReplicated(cache) ? 1 : layout.shards()); shard++) {
                    int from = (int) layout.offset(cache, shard);
                    taken.set(from, from + (int) layout.pageBytes(cache));
                    sum += layout.pageBytes(cache);
                }
            }
            assertThat(layout.bytes())
                    .as("seed=%d, %s", seed, caches)
                    .isEqualTo(caches.hostBytesPerBlock())
                    .isEqualTo(sum)
                    .isEqualTo(taken.cardinality())
                    .isEqualTo(taken.length());
        }
    }
}
