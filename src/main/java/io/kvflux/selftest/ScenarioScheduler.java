package io.kvflux.selftest;

import io.kvflux.BlockScheduler;
import io.kvflux.BlockSchedulerBuilder;
import io.kvflux.geometry.MultiKvCacheParams;
import io.kvflux.memory.BlockArenas;
import io.kvflux.memory.DeviceMemory;
import io.kvflux.memory.PageArena;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import reactor.core.scheduler.Schedulers;

/** Opens the scheduler of a scenario, set as its line says. */
final class ScenarioScheduler {

    private static final int ANY_NUMBER_OF_FAILURES = Integer.MAX_VALUE;

    private ScenarioScheduler() {}

    static BlockScheduler open(
            Scenario scenario,
            DeviceMemory device,
            VirtualTime time,
            LateWorkers workers,
            @Nullable ScenarioDisk disk,
            Coverage coverage) {
        BlockSchedulerBuilder builder = BlockScheduler.builder(scenario.caches());
        if (scenario.hostBlocks() > 0) {
            builder.hostSwapBlocks(scenario.hostBlocks())
                    .hostPolicy(scenario.hostPolicy())
                    .preemption(scenario.preemption())
                    .copyOn(disk == null ? Schedulers.immediate() : workers);
        }
        if (disk != null) {
            disk.giveTo(builder);
        }
        scenario.letDraft(builder);
        builder.scheduling(scenario::setLengths);
        if (scenario.adaptive() || scenario.has(Event.RETAIN)) {
            builder.scheduling(core -> core.eviction(() -> new WatchedEviction(scenario, coverage)));
        }
        BlockScheduler scheduler = builder.device(device)
                .clock(time::nowNs)
                .deviceBlocks(scenario.blocks())
                .poisonOnRelease(scenario.poison())
                .tokenBuffer(scenario.tokenBuffer())
                .maxPending(scenario.maxPending())
                .vocabularySize(scenario.shape().vocabulary())
                .maxExecutorFailures(ANY_NUMBER_OF_FAILURES)
                .loopOn(time)
                .deliverOn(Schedulers.immediate())
                .scheduling(core -> core.maxBatchSize(scenario.maxBatchSize())
                        .maxBatchTokens(scenario.maxBatchTokens())
                        .minChunkTokens(scenario.minChunkTokens())
                        .maxStepsInFlight(scenario.overlap())
                        .policy(scenario.policy())
                        .victimRule(scenario.victim())
                        .watermark(scenario.watermark())
                        .prefixCaching(scenario.caching())
                        .reservePrefills(scenario.reservePrefills())
                        .admitAfterPreemption(scenario.admitAfterPreemption())
                        .maxSkips(scenario.maxSkips())
                        .offloadWatermarks(scenario.ahead(), scenario.ahead())
                        .verifyInvariants(scenario.verify()))
                .build();
        poisonByHand(scenario, scheduler.memory());
        return scheduler;
    }

    /**
     * Unused cells of a lookup table name the null block: whoever reads it is found out as well. The scheduler fills the
     * other blocks, if it is told to.
     */
    private static void poisonByHand(Scenario scenario, BlockArenas memory) {
        MultiKvCacheParams caches = scenario.caches();
        for (int replica = 0; replica < caches.dataParallelDegree(); replica++) {
            for (int cache = 0; cache < caches.params().size(); cache++) {
                for (int shard = 0; shard < caches.tensorParallelDegree(); shard++) {
                    PageArena arena = memory.arena(cache, replica, shard);
                    byte[] poison = new byte[(int) arena.spec().pageBytes()];
                    Arrays.fill(poison, PagedCache.POISON);
                    for (int block = 0; block <= (scenario.poison() ? 0 : scenario.blocks()); block++) {
                        arena.write(block, 0, poison);
                    }
                }
            }
        }
    }
}
