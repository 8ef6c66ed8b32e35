package io.kvflux.app;

import io.kvflux.geometry.DataSize;
import io.kvflux.geometry.KvCacheParams;
import io.kvflux.geometry.MultiKvCacheParams;
import io.kvflux.models.ModelShape;
import java.util.List;
import java.util.stream.IntStream;

/** What fits; the component names are the keys of {@code plan --json}. */
record Plan(
        int pageSize,
        int tensorParallelDegree,
        int dataParallelDegree,
        long deviceMemoryBytes,
        List<Cache> caches,
        long bytesPerBlock,
        long hostBytesPerBlock,
        long bytesPerToken,
        long blocksPerReplica,
        long tokensPerReplica,
        long tokens,
        long longestSequenceTokens,
        long hostBlocksPerReplica,
        long estimatedMemoryBytes) {

    /** One cache of a sequence; shape and page are those of one device. */
    record Cache(
            String model,
            String attention,
            String dtype,
            List<Integer> shapePerBlock,
            long bytesPerPage,
            long bytesPerBlock,
            String source) {

        static Cache of(ModelShape model, KvCacheParams cache) {
            return new Cache(
                    model.name(),
                    cache.attention().name(),
                    cache.dtype().name(),
                    cache.shapePerBlock(),
                    cache.bytesPerPage(),
                    cache.bytesPerBlock(),
                    model.source());
        }
    }

    static Plan of(List<ModelShape> models, MultiKvCacheParams caches, DataSize deviceMemory, long totalBytes) {
        long blocks = caches.deviceBlocksPerReplica(totalBytes);
        long tokens = blocks * caches.pageSize();
        return new Plan(
                caches.pageSize(),
                caches.tensorParallelDegree(),
                caches.dataParallelDegree(),
                deviceMemory.bytes(),
                IntStream.range(0, models.size())
                        .mapToObj(i -> Cache.of(models.get(i), caches.params().get(i)))
                        .toList(),
                caches.bytesPerBlock(),
                caches.hostBytesPerBlock(),
                caches.bytesPerBlock() / caches.pageSize(),
                blocks,
                tokens,
                tokens * caches.dataParallelDegree(),
                caches.longestSequenceTokens(totalBytes),
                caches.hostBlocksPerReplica(),
                caches.estimatedMemoryBytes(blocks));
    }
}
