package io.kvflux.geometry;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Declares the inputs of a step: every cache, every replica, every shard, in that nesting. */
final class SymbolicInputs {

    private SymbolicInputs() {}

    static KvCacheInputs of(List<KvCacheParams> caches, List<String> prefixes) {
        List<KvCacheInputsPerDevice> inputs = new ArrayList<>();
        for (int cache = 0; cache < caches.size(); cache++) {
            KvCacheParams params = caches.get(cache);
            for (int replica = 0; replica < params.dataParallelDegree(); replica++) {
                for (int shard = 0; shard < params.tensorParallelDegree(); shard++) {
                    inputs.add(perDevice(params, prefixes.get(cache), cache, replica, shard));
                }
            }
        }
        return new KvCacheInputs(inputs);
    }

    private static KvCacheInputsPerDevice perDevice(
            KvCacheParams params, String prefix, int cache, int replica, int shard) {
        DeviceRef device = params.devicesOfReplica(replica).get(shard);
        String scope = prefix + "replica_" + replica + "_";
        Dim batch = new Dim.Named(scope + "batch_size");
        Dim pages = new Dim.Named(scope + "max_num_pages");
        Dim steps = new Dim.Named(scope + "steps_remaining");
        boolean latent = params.attention() == AttentionKind.MLA;
        return new KvCacheInputsPerDevice(
                cache,
                replica,
                shard,
                pages("kvBlocks", params.dtype(), params.shapePerBlock(), device),
                new TensorType("cacheLengths", DType.UINT32, List.of(batch), device),
                new TensorType("lookupTable", DType.UINT32, List.of(batch, pages), device),
                new TensorType("maxLengths", DType.UINT32, List.of(steps, new Dim.Fixed(2)), DeviceRef.cpu()),
                scales(params, device),
                dispatch("attentionDispatchMetadata", latent, device),
                params.numDraftTokens() > 0 ? dispatch("draftAttentionDispatchMetadata", latent, device) : null,
                latent ? scalar("mlaNumPartitions") : null,
                latent ? scalar("mlaEffectiveSplitLen") : null);
    }

    private static @Nullable BufferType scales(KvCacheParams params, DeviceRef device) {
        KvCacheQuantization quantization = params.quantization();
        return quantization == null
                ? null
                : pages("kvScales", quantization.scaleDtype(), params.shapePerScaleBlock(), device);
    }

    private static BufferType pages(String name, DType dtype, List<Integer> shape, DeviceRef device) {
        List<Dim> dims = new ArrayList<>();
        // No prefix: a block id names the same page in every cache, so all have as many.
        dims.add(new Dim.Named("total_num_pages"));
        shape.forEach(extent -> dims.add(new Dim.Fixed(extent)));
        return new BufferType(name, dtype, dims, device);
    }

    private static TensorType dispatch(String name, boolean latent, DeviceRef device) {
        Dim values = new Dim.Fixed(latent ? 3 : 4);
        return new TensorType(name, DType.INT64, List.of(values), latent ? device : DeviceRef.cpu());
    }

    private static TensorType scalar(String name) {
        return new TensorType(name, DType.INT64, List.of(new Dim.Fixed(1)), DeviceRef.cpu());
    }
}
