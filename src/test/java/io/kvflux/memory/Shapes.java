package io.kvflux.memory;

import io.kvflux.geometry.AttentionKind;
import io.kvflux.geometry.DType;
import io.kvflux.geometry.DeviceRef;
import io.kvflux.geometry.KvCacheParams;
import io.kvflux.geometry.KvCacheQuantization;
import io.kvflux.geometry.MultiKvCacheParams;
import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;

/** Small caches of every kind. */
final class Shapes {

    private Shapes() {}

    /** One to three caches on one to four shards and one or two replicas; latent, quantised and plain. */
    static MultiKvCacheParams random(RandomGenerator random) {
        int shards = 1 << random.nextInt(3);
        int replicas = 1 + random.nextInt(2);
        int pageSize = 1 + random.nextInt(4);
        List<KvCacheParams> caches = new ArrayList<>();
        for (int i = 1 + random.nextInt(3); i > 0; i--) {
            caches.add(cache(random, shards, replicas, pageSize));
        }
        return MultiKvCacheParams.fromParams(caches);
    }

    private static KvCacheParams cache(RandomGenerator random, int shards, int replicas, int pageSize) {
        List<DeviceRef> devices = new ArrayList<>();
        for (int i = 0; i < shards * replicas; i++) {
            devices.add(DeviceRef.gpu(i));
        }
        boolean latent = random.nextBoolean();
        boolean quantised = random.nextInt(3) == 0;
        int headDim = quantised ? 4 * (1 + random.nextInt(3)) : 1 + random.nextInt(9);
        return KvCacheParams.builder()
                .dtype(DType.values()[random.nextInt(3)])
                .attention(latent ? AttentionKind.MLA : AttentionKind.MHA)
                .numLayers(1 + random.nextInt(3))
                .numKvHeads(latent ? 1 : shards * (1 + random.nextInt(2)))
                .numQueryHeads(shards)
                .headDim(headDim)
                .pageSize(pageSize)
                .quantization(quantised ? new KvCacheQuantization(DType.FLOAT32, 4) : null)
                .devices(devices)
                .dataParallelDegree(replicas)
                .build();
    }
}
