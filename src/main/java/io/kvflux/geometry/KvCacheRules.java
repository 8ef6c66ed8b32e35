package io.kvflux.geometry;

import java.util.HashSet;

/** What a {@link KvCacheParams} must satisfy; each breach has its own sentence. */
final class KvCacheRules {

    private KvCacheRules() {}

    static void check(KvCacheParams params) {
        checkFields(params);
        checkDevices(params);
        checkHeads(params);
        checkHost(params);
        checkQuantization(params);
        checkDrafts(params);
    }

    private static void checkFields(KvCacheParams params) {
        if (!params.dtype().holdsKv()) {
            throw new IllegalArgumentException("dtype must be able to hold keys and values, dtype=" + params.dtype());
        }
        Check.positive("pageSize", params.pageSize());
        Check.positive("numLayers", params.numLayers());
        Check.positive("numKvHeads", params.numKvHeads());
        Check.positive("headDim", params.headDim());
        Check.budget("hostKvCacheSwapSpaceGb", params.hostKvCacheSwapSpaceGb());
        Check.budget("diskOffloadMaxGb", params.diskOffloadMaxGb());
        Check.notNegative("numDraftTokens", params.numDraftTokens());
        Integer queryHeads = params.numQueryHeads();
        if (queryHeads != null) {
            Check.positive("numQueryHeads", queryHeads);
        }
    }

    private static void checkDevices(KvCacheParams params) {
        int devices = params.numDevices();
        int degree = params.dataParallelDegree();
        String operands = ", dataParallelDegree=" + degree + ", numDevices=" + devices;
        if (degree < 1 || devices < degree) {
            throw new IllegalArgumentException("Data parallelism degree (" + degree
                    + ") cannot be greater than the number of devices (" + devices + ") nor less than 1" + operands);
        }
        if (devices % degree != 0) {
            throw new IllegalArgumentException("Number of devices (" + devices
                    + ") must be divisible by data parallelism degree (" + degree + ")" + operands);
        }
        if (new HashSet<>(params.devices()).size() != devices) {
            throw new IllegalArgumentException("devices must differ from each other, devices=" + params.devices());
        }
    }

    private static void checkHeads(KvCacheParams params) {
        int shards = params.tensorParallelDegree();
        if (params.attention() == AttentionKind.MHA) {
            if (params.numKvHeads() % shards != 0) {
                throw new IllegalArgumentException("Number of KV heads (" + params.numKvHeads()
                        + ") must be divisible by the number of devices (" + shards + ") of a replica, numKvHeads="
                        + params.numKvHeads() + ", tensorParallelDegree=" + shards);
            }
            return;
        }
        Integer queryHeads = params.numQueryHeads();
        if (queryHeads == null) {
            throw new IllegalArgumentException(
                    "num_q_heads is required for latent attention, attention=MLA, numQueryHeads=absent");
        }
        if (queryHeads % shards != 0) {
            throw new IllegalArgumentException("Number of query heads (" + queryHeads
                    + ") must be divisible by the number of devices (" + shards + ") of a replica, numQueryHeads="
                    + queryHeads + ", tensorParallelDegree=" + shards);
        }
    }

    private static void checkHost(KvCacheParams params) {
        KvConnectorType connector = params.kvConnector();
        if (!connector.needsHostMemory()) {
            return;
        }
        if (!params.enablePrefixCaching()) {
            throw new IllegalArgumentException("A host tier requires prefix caching to be enabled, kvConnector="
                    + connector + ", enablePrefixCaching=false");
        }
        if (params.hostKvCacheSwapSpaceGb() == null) {
            throw new IllegalArgumentException("host_kvcache_swap_space_gb is required for a host tier, kvConnector="
                    + connector + ", hostKvCacheSwapSpaceGb=absent");
        }
    }

    private static void checkQuantization(KvCacheParams params) {
        KvCacheQuantization quantization = params.quantization();
        if (quantization != null && params.headDim() % quantization.granularity() != 0) {
            throw new IllegalArgumentException(
                    "Quantisation granularity must evenly divide the head dimension, granularity="
                            + quantization.granularity() + ", headDim=" + params.headDim());
        }
    }

    private static void checkDrafts(KvCacheParams params) {
        if (params.numDraftTokens() > 0 && params.speculativeMethod() == null) {
            throw new IllegalArgumentException("Draft tokens need a speculative method, numDraftTokens="
                    + params.numDraftTokens() + ", speculativeMethod=absent");
        }
    }
}
