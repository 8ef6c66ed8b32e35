package io.kvflux.app;

import io.kvflux.geometry.DataSize;
import io.kvflux.geometry.DeviceRef;
import io.kvflux.geometry.KvCacheParams;
import io.kvflux.geometry.KvConnectorType;
import io.kvflux.geometry.MultiKvCacheParams;
import io.kvflux.geometry.SpeculativeMethod;
import io.kvflux.models.ModelConfigException;
import io.kvflux.models.ModelShape;
import io.kvflux.models.Models;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** From what the command line says of models and devices to the geometry of their caches. */
final class KvCaches {

    /** That of vLLM, and of the block form of traces; a smaller page shares more of a prompt. */
    static final int DEFAULT_PAGE_SIZE = 16;

    private static final double BYTES_PER_GIB = 1L << 30;
    private static final int MAX_DEVICES = 1 << 16;

    private KvCaches() {}

    /** Reads a model; a name that is none is wrong usage, a file that cannot be used is a failure. */
    static ModelShape model(String nameOrFile) {
        try {
            return Models.resolve(nameOrFile);
        } catch (ModelConfigException e) {
            if (nameOrFile.endsWith(".json") || Files.exists(Path.of(nameOrFile))) {
                throw e;
            }
            throw new UsageException(e.getMessage(), e);
        }
    }

    /** The caches of a sequence: the model's, and beside it the draft model's; with so many drafts in a round. */
    static MultiKvCacheParams of(
            List<ModelShape> models,
            int pageSize,
            int tensorParallel,
            int dataParallel,
            boolean prefixCaching,
            @Nullable DataSize hostMemory,
            int draftTokens) {
        List<KvCacheParams> caches = new ArrayList<>();
        for (ModelShape model : models) {
            KvCacheParams.Builder cache = model.cacheParams()
                    .pageSize(pageSize)
                    .devices(DeviceRef.gpus(devices(tensorParallel, dataParallel)))
                    .dataParallelDegree(dataParallel)
                    .enablePrefixCaching(prefixCaching);
            if (hostMemory != null) {
                cache.kvConnector(KvConnectorType.LOCAL).hostKvCacheSwapSpaceGb(hostMemory.bytes() / BYTES_PER_GIB);
            }
            if (draftTokens > 0) {
                cache.speculativeMethod(SpeculativeMethod.EAGLE).numDraftTokens(draftTokens);
            }
            caches.add(cache.build());
        }
        return MultiKvCacheParams.fromParams(caches);
    }

    /** All devices have the same memory. */
    static long totalBytes(DataSize deviceMemory, int tensorParallel, int dataParallel) {
        try {
            return Math.multiplyExact(deviceMemory.bytes(), (long) devices(tensorParallel, dataParallel));
        } catch (ArithmeticException e) {
            throw new UsageException(
                    "the memory of all devices must fit in 64 bits, deviceMemory=" + deviceMemory + ", tensorParallel="
                            + tensorParallel + ", dataParallel=" + dataParallel,
                    e);
        }
    }

    private static int devices(int tensorParallel, int dataParallel) {
        long devices = (long) tensorParallel * dataParallel;
        if (devices > MAX_DEVICES) {
            throw new UsageException("there may be at most " + MAX_DEVICES + " devices, tensorParallel="
                    + tensorParallel + ", dataParallel=" + dataParallel);
        }
        return (int) devices;
    }
}
