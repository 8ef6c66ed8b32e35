package io.kvflux.app;

import io.kvflux.block.EvictionPolicy;
import io.kvflux.core.QueuePolicy;
import io.kvflux.core.SchedulerConfig;
import io.kvflux.geometry.DataSize;
import io.kvflux.geometry.MultiKvCacheParams;
import io.kvflux.memory.chronicle.HostSlots;
import io.kvflux.memory.chronicle.MachineMemory;
import io.kvflux.models.ModelShape;
import io.kvflux.sim.CostModel;
import io.kvflux.sim.DeviceProfile;
import io.kvflux.sim.MemoryNeed;
import io.kvflux.sim.ModelWork;
import io.kvflux.sim.RealtimeReplay;
import io.kvflux.sim.ReplayOptions;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;

/**
 * What a replay is run with, and how to tell a person.
 *
 * @param options for the replay
 * @param configuration names and values for the report, in order
 */
record ReplaySetup(ReplayOptions options, Map<String, String> configuration) {

    /** The share of a device's memory that weights and KV may take; vLLM's default too. */
    private static final double USABLE_MEMORY = 0.9;

    static ReplaySetup of(
            WorkloadOptions workload,
            CacheOptions cache,
            TierOptions tiers,
            SchedulingOptions scheduling,
            SpeculationOptions speculation,
            TimeOptions time) {
        SpeculationSetup drafts = SpeculationSetup.of(speculation);
        ModelShape model = KvCaches.model(cache.model);
        List<ModelShape> models = drafts.modelsBeside(model);
        try {
            DeviceProfile profile =
                    DeviceProfile.find(Objects.requireNonNullElse(time.deviceProfile, TimeOptions.DEFAULT_PROFILE));
            MultiKvCacheParams caches = KvCaches.of(
                    models,
                    cache.pageSize,
                    cache.tensorParallel,
                    cache.dataParallel,
                    !cache.noPrefixCache,
                    null,
                    drafts.draftTokens());
            SchedulerConfig.Builder scheduler =
                    scheduler(caches, blocks(caches, models, profile, cache), cache, tiers, scheduling);
            drafts.configure(scheduler);
            ReplayOptions options = new ReplayOptions(
                    scheduler.build(),
                    cost(model, profile, cache, time),
                    tiers.hostBandwidth == null
                            ? ReplayOptions.DEFAULT_HOST_BYTES_PER_SECOND
                            : tiers.hostBandwidth.bytes(),
                    workload.tenantsOrDefault(),
                    workload.seed,
                    cache.cacheOnly,
                    cache.withMemory,
                    tiers.disk(),
                    drafts.speculation(profile, cache, time),
                    cache.replayDevice());
            requireMemory(options);
            if (time.realtime) {
                requireHostMemory(options);
            }
            if (options.disk() != null) {
                options.disk().requireRoom(time.realtime ? RealtimeReplay.caches(options) : caches);
            }
            Map<String, String> rows = describe(model, profile, options, scheduling, drafts, time);
            if (workload.lengthHints != null) {
                rows.put("length hints", "off by " + workload.lengthHints + " in the logarithm");
            }
            return new ReplaySetup(options, rows);
        } catch (IllegalArgumentException e) {
            throw new UsageException(e.getMessage(), e);
        }
    }

    private static void requireMemory(ReplayOptions options) {
        if (!options.withMemory()) {
            return;
        }
        MemoryNeed need = MemoryNeed.of(options);
        MachineMemory machine = MachineMemory.ofThisMachine();
        if (need.ofThisMachine(options) > machine.bytes()) {
            throw new UsageException("the pages of --with-memory must fit the memory of the machine, device="
                    + new DataSize(need.deviceBytes()) + ", host=" + new DataSize(need.hostBytes()) + ", machine="
                    + new DataSize(machine.bytes())
                    + ": lower --device-blocks, --host-blocks or --page-size, or take a smaller --model");
        }
    }

    /** In real time the scheduler has a host tier of its own. */
    private static void requireHostMemory(ReplayOptions options) {
        long slots = options.scheduler().hostBlocks();
        long bytes = slots == 0
                ? 0
                : slots * HostSlots.strideBytes(RealtimeReplay.caches(options).hostBytesPerBlock());
        MachineMemory machine = MachineMemory.ofThisMachine();
        if (bytes > machine.bytes()) {
            throw new UsageException("the host tier of --realtime must fit the memory of the machine, host="
                    + new DataSize(bytes) + ", machine=" + new DataSize(machine.bytes())
                    + ": lower --host-memory or --host-blocks");
        }
    }

    private static int blocks(
            MultiKvCacheParams caches, List<ModelShape> models, DeviceProfile profile, CacheOptions options) {
        if (options.deviceBlocks != null) {
            return options.deviceBlocks;
        }
        DataSize memory = options.deviceMemory != null ? options.deviceMemory : memoryLeft(models, profile, options);
        long available = KvCaches.totalBytes(memory, options.tensorParallel, options.dataParallel);
        long blocks = caches.deviceBlocksPerReplica(available);
        if (blocks >= Integer.MAX_VALUE) {
            throw new UsageException("a replica may have at most " + (Integer.MAX_VALUE - 1) + " blocks, deviceMemory="
                    + memory + ", bytesPerBlock=" + caches.bytesPerBlock() + ", blocks=" + blocks);
        }
        return (int) blocks;
    }

    private static DataSize memoryLeft(List<ModelShape> models, DeviceProfile profile, CacheOptions options) {
        long usable = (long) (profile.memoryBytes() * USABLE_MEMORY);
        long weights = 0;
        for (ModelShape model : models) {
            if (model.weightBytes() == 0) {
                throw new UsageException("the number of parameters of " + model.name()
                        + " is unknown, so give --device-memory or --device-blocks");
            }
            weights += model.weightBytes() / options.tensorParallel;
        }
        if (weights >= usable) {
            String names = models.stream().map(ModelShape::name).collect(Collectors.joining(" and "));
            throw new UsageException("the weights of " + names + " leave no memory for KV on " + profile.name()
                    + ", so give more --tensor-parallel, another --device-profile, --device-memory or --device-blocks,"
                    + " weights a device=" + new DataSize(weights) + ", usable=" + new DataSize(usable));
        }
        return new DataSize(usable - weights);
    }

    private static void checkBatch(SchedulingOptions options) {
        int size = Objects.requireNonNullElse(options.maxBatchSize, SchedulerConfig.Builder.DEFAULT_MAX_BATCH_SIZE);
        int tokens =
                Objects.requireNonNullElse(options.maxBatchTokens, SchedulerConfig.Builder.DEFAULT_MAX_BATCH_TOKENS);
        if (tokens < size) {
            throw new UsageException("--max-batch-tokens must be at least --max-batch-size, so that all sequences of a"
                    + " step can decode, --max-batch-tokens=" + tokens
                    + (options.maxBatchTokens == null ? " (the default)" : "") + ", --max-batch-size=" + size
                    + (options.maxBatchSize == null ? " (the default)" : ""));
        }
    }

    private static SchedulerConfig.Builder scheduler(
            MultiKvCacheParams caches, int blocks, CacheOptions cache, TierOptions tiers, SchedulingOptions options) {
        checkBatch(options);
        SchedulerConfig.Builder builder = SchedulerConfig.builder(caches, blocks)
                .prefixCaching(!cache.noPrefixCache)
                .verifyInvariants(options.verifyInvariants);
        if (options.engine == Engine.VLLM) {
            builder.engineVllm();
        }
        if (options.policy != null) {
            builder.policy(options.policy);
        }
        if (options.victim != null) {
            builder.victimRule(options.victim);
        }
        if (options.ageing != null) {
            builder.ageing(options.ageing);
        }
        if (options.growthMargin != null) {
            builder.growthMargin(options.growthMargin);
        }
        builder.levelling(options.levelling);
        if (tiers.hasHost()) {
            builder.hostBlocks(hostBlocks(caches, tiers));
        }
        if (tiers.hostPolicy != null) {
            builder.hostPolicy(tiers.hostPolicy);
        }
        if (tiers.preemption != null) {
            builder.preemption(tiers.preemption);
        }
        if (options.maxBatchSize != null) {
            builder.maxBatchSize(options.maxBatchSize);
        }
        if (options.maxBatchTokens != null) {
            builder.maxBatchTokens(options.maxBatchTokens);
        }
        if (options.maxStepsInFlight != null) {
            builder.maxStepsInFlight(options.maxStepsInFlight);
        }
        return switch (options.eviction) {
            case LRU -> builder.eviction(EvictionPolicy::lru);
            case ADAPTIVE -> builder.eviction(EvictionPolicy::adaptive);
        };
    }

    private static int hostBlocks(MultiKvCacheParams caches, TierOptions tiers) {
        if (tiers.hostBlocks != null) {
            return tiers.hostBlocks;
        }
        DataSize memory = Objects.requireNonNull(tiers.hostMemory);
        long blocks = memory.bytes() / caches.hostBytesPerBlock();
        if (blocks < 1 || blocks >= Integer.MAX_VALUE) {
            throw new UsageException("the host must have room for 1 to " + (Integer.MAX_VALUE - 1)
                    + " blocks, --host-memory=" + memory + ", bytes of a block on host=" + caches.hostBytesPerBlock());
        }
        return (int) blocks;
    }

    private static CostModel cost(ModelShape model, DeviceProfile profile, CacheOptions cache, TimeOptions time) {
        if (time.stepCost != null) {
            return CostModel.parse(time.stepCost);
        }
        if (cache.cacheOnly) {
            return CostModel.linear(1, 0, 0);
        }
        if (model.activeParameters() == 0) {
            throw new UsageException(
                    "the number of parameters of " + model.name() + " is unknown, so give --step-cost a,b,c");
        }
        return CostModel.roofline(profile, work(model), cache.tensorParallel);
    }

    /** A multiplication and an addition for each weight that a token uses. */
    static ModelWork work(ModelShape model) {
        return new ModelWork(
                model.weightBytes(),
                (double) model.activeParameters() / model.parameters(),
                2.0 * model.activeParameters(),
                model.kvBytesPerToken());
    }

    private static Map<String, String> describe(
            ModelShape model,
            DeviceProfile profile,
            ReplayOptions options,
            SchedulingOptions scheduling,
            SpeculationSetup drafts,
            TimeOptions time) {
        SchedulerConfig config = options.scheduler();
        MultiKvCacheParams caches = config.caches();
        Map<String, String> rows = new LinkedHashMap<>();
        rows.put("model", model.name());
        rows.put("page size", config.pageSize() + " tokens");
        rows.put("blocks a replica", Numbers.count(config.blocksPerReplica()));
        rows.put("block", new DataSize(caches.bytesPerBlock()).toString());
        rows.put("KV memory", new DataSize(caches.estimatedMemoryBytes(config.blocksPerReplica())).toString());
        rows.put("tensor parallel", Integer.toString(caches.tensorParallelDegree()));
        rows.put("replicas", Integer.toString(config.replicas()));
        rows.put("eviction", Converters.name(scheduling.eviction));
        describeTiers(rows, options);
        rows.put("seed", Long.toString(options.seed()));
        if (options.withMemory()) {
            rows.put(
                    "memory",
                    (options.device() == null
                                    ? "real"
                                    : "on " + options.device().name()) + ", checked at every hit");
        }
        if (options.cacheOnly()) {
            rows.put("mode", "cache only");
            return rows;
        }
        if (config.hostBlocks() > 0) {
            rows.put("host bandwidth", new DataSize((long) options.hostBytesPerSecond()) + "/s");
            if (options.disk() != null && !time.realtime) {
                rows.put("disk bandwidth", new DataSize((long) options.disk().bytesPerSecond()) + "/s");
            }
            rows.put("preemption", Converters.name(config.preemption()));
        }
        rows.put("prefix cache", config.prefixCaching() ? "on" : "off");
        rows.put("step time", time.stepCost != null ? time.stepCost + " s" : "roofline of " + profile.name());
        rows.put("engine", scheduling.engine == null ? "kvflux" : Converters.name(scheduling.engine));
        rows.put("policy", Converters.name(config.policy()));
        if (config.policy() == QueuePolicy.SHORTEST) {
            rows.put("ageing", Numbers.count(config.ageing()) + " steps");
            rows.put("levelling", config.levelling() ? "on" : "off");
        }
        rows.put("victim", Converters.name(config.victimRule()));
        if (config.growthMargin() != null) {
            rows.put("growth margin", config.growthMargin() + " deviations");
        }
        rows.put("most sequences a step", Numbers.count(config.maxBatchSize()));
        rows.put("most tokens a step", Numbers.count(config.maxBatchTokens()));
        rows.put("steps in flight", Integer.toString(config.maxStepsInFlight()));
        rows.put("watermark", Double.toString(config.watermark()));
        drafts.describe(rows);
        rows.put("tenants", Integer.toString(options.tenants()));
        return rows;
    }

    private static void describeTiers(Map<String, String> rows, ReplayOptions options) {
        SchedulerConfig config = options.scheduler();
        if (config.hostBlocks() > 0) {
            rows.put("host blocks", Numbers.count(config.hostBlocks()));
            rows.put("host policy", Converters.name(config.hostPolicy()));
        }
        if (options.disk() != null) {
            rows.put("disk", options.disk().directory().toString());
            rows.put("disk size", options.disk().size().toString());
        }
    }
}
