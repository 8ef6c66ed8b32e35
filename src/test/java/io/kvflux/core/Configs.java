package io.kvflux.core;

import io.kvflux.block.EvictionPolicy;
import io.kvflux.draft.DraftPolicy;
import io.kvflux.geometry.DType;
import io.kvflux.geometry.DeviceRef;
import io.kvflux.geometry.KvCacheParams;
import io.kvflux.geometry.MultiKvCacheParams;
import io.kvflux.geometry.SpeculativeMethod;
import io.kvflux.tier.HashIndex;
import io.kvflux.tier.HostPolicy;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Supplier;

/** Configurations for tests of the core. */
public final class Configs {

    private Configs() {}

    public static MultiKvCacheParams caches(int pageSize, int replicas) {
        return caches(pageSize, replicas, 0);
    }

    /** Caches with room for drafts, if there are to be any. */
    public static MultiKvCacheParams caches(int pageSize, int replicas, int drafts) {
        List<DeviceRef> devices = new ArrayList<>();
        for (int i = 0; i < replicas; i++) {
            devices.add(DeviceRef.gpu(i));
        }
        return MultiKvCacheParams.fromParams(KvCacheParams.builder()
                .dtype(DType.BFLOAT16)
                .numLayers(1)
                .numKvHeads(1)
                .headDim(2)
                .pageSize(pageSize)
                .devices(devices)
                .dataParallelDegree(replicas)
                .speculativeMethod(drafts == 0 ? null : SpeculativeMethod.EAGLE)
                .numDraftTokens(drafts)
                .build());
    }

    static SchedulerConfig random(SplittableRandom random) {
        int replicas = 1 + random.nextInt(2);
        int pageSize = 1 + random.nextInt(5);
        int blocks = 8 + random.nextInt(60 / pageSize);
        int batch = 1 + random.nextInt(8);
        int drafts = random.nextInt(3) == 0 ? 0 : 1 + random.nextInt(6);
        SchedulerConfig.Builder builder = SchedulerConfig.builder(caches(pageSize, replicas, drafts), blocks)
                .maxBatchSize(batch)
                .maxBatchTokens(batch + random.nextInt(30))
                .maxStepsInFlight(1 + random.nextInt(3))
                .policy(QueuePolicy.values()[random.nextInt(3)])
                .victimRule(VictimRule.values()[random.nextInt(2)])
                .watermark(random.nextInt(3) * 0.1)
                .reservePrefills(random.nextBoolean())
                .admitAfterPreemption(random.nextBoolean())
                .maxSkips(random.nextInt(4))
                .prefixCaching(random.nextInt(8) > 0)
                .verifyInvariants(true);
        if (random.nextInt(2) == 0) {
            double low = random.nextInt(3) * 0.1;
            builder.prefixCaching(true)
                    .hostBlocks(1 + random.nextInt(40))
                    .hostPolicy(HostPolicy.values()[random.nextInt(3)])
                    .preemption(PreemptionMode.values()[random.nextInt(3)])
                    .offloadWatermarks(low, low + random.nextInt(3) * 0.1);
            if (random.nextBoolean()) {
                builder.disk(new HashIndex(1 + random.nextInt(60)));
            }
        }
        if (random.nextInt(3) == 0) {
            builder.policy(QueuePolicy.SHORTEST).ageing(random.nextInt(40)).levelling(random.nextBoolean());
        }
        if (random.nextInt(3) == 0) {
            builder.victimRule(VictimRule.values()[2 + random.nextInt(2)]);
        }
        if (random.nextInt(3) == 0) {
            builder.growthMargin(random.nextInt(3) * 0.5);
        }
        if (random.nextInt(4) == 0) {
            builder.maxBatchContextTokens(1 + random.nextInt(100));
        }
        if (random.nextInt(5) == 0) {
            builder.engineVllm();
        }
        if (random.nextInt(3) == 0) {
            builder.eviction(EvictionPolicy::adaptive);
        }
        if (drafts > 0) {
            builder.draftPolicy(policy(random));
            if (random.nextInt(3) == 0) {
                builder.maxInFlightDraftTokens(random.nextInt(12));
            }
        }
        return builder.build();
    }

    private static Supplier<DraftPolicy> policy(SplittableRandom random) {
        int some = random.nextInt(7);
        return switch (random.nextInt(8)) {
            case 0 -> DraftPolicy::off;
            case 1, 2 -> () -> DraftPolicy.table(new int[] {1, 3}, new int[] {some, some / 2});
            case 3, 4 -> DraftPolicy::adaptive;
            default -> () -> DraftPolicy.fixed(some);
        };
    }
}
