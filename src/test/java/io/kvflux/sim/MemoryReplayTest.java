package io.kvflux.sim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvflux.core.PreemptionMode;
import io.kvflux.core.SchedulerConfig;
import io.kvflux.geometry.AttentionKind;
import io.kvflux.geometry.DType;
import io.kvflux.geometry.DeviceRef;
import io.kvflux.geometry.KvCacheParams;
import io.kvflux.geometry.MultiKvCacheParams;
import io.kvflux.memory.PageArena;
import io.kvflux.memory.chronicle.HostSlots;
import io.kvflux.memory.chronicle.Region;
import io.kvflux.tier.HostPolicy;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Replays with memory behind the blocks: two caches on two shards, the second the same on both; pages of 10 tokens. */
class MemoryReplayTest {

    private static final int PAGE_SIZE = 10;

    private final long before = Region.liveBytes();

    @AfterEach
    void allMemoryIsGivenBack() {
        assertThat(Region.liveBytes()).isEqualTo(before);
    }

    private static SchedulerConfig.Builder config(int blocks, int replicas, int layers) {
        KvCacheParams.Builder params = KvCacheParams.builder()
                .dtype(DType.BFLOAT16)
                .numLayers(layers)
                .numKvHeads(2)
                .headDim(3)
                .pageSize(PAGE_SIZE)
                .devices(DeviceRef.gpus(2 * replicas))
                .dataParallelDegree(replicas);
        return SchedulerConfig.builder(
                        MultiKvCacheParams.fromParams(
                                params.build(),
                                params.attention(AttentionKind.MLA)
                                        .numQueryHeads(2)
                                        .build()),
                        blocks)
                .watermark(0)
                .verifyInvariants(true);
    }

    private static ReplayOptions options(SchedulerConfig.Builder config, boolean cacheOnly, boolean withMemory) {
        return new ReplayOptions(
                config.build(), CostModel.linear(1, 0.01, 0), 20_000, 2, 1, cacheOnly, withMemory, null);
    }

    private static HandmadeWorkload random(long seed, int requests) {
        SplittableRandom random = new SplittableRandom(seed);
        HandmadeWorkload workload = new HandmadeWorkload();
        double arrival = 0;
        for (int i = 0; i < requests; i++) {
            arrival += random.nextInt(4);
            workload.add(arrival, random.nextInt(6), 1 + random.nextInt(9 * PAGE_SIZE), 1 + random.nextInt(25));
        }
        return workload;
    }

    private static void assertSameNumbers(ReplayResult with, ReplayResult without) {
        assertThat(with.summary())
                .usingRecursiveComparison()
                .ignoringFields("wallSeconds")
                .isEqualTo(without.summary());
        assertThat(with.latencySeconds()).isEqualTo(without.latencySeconds());
        assertThat(without.checkedBlocks()).isNull();
    }

    private static ReplayResult run(Workload workload, ReplayOptions options) {
        return new Replay(workload, options, new ReplayListener() {}).run();
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
    void aLookAtTheCacheFindsItsBytesOnBothTiers(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        int deviceBlocks = 6 + random.nextInt(20);
        int hostBlocks = seed == 1 ? 0 : 1 + random.nextInt(30);
        int layers = seed % 3 == 0 ? 400 : 1; // the pages of many layers are written in pieces
        System.out.println(
                "MemoryReplayTest seed=" + seed + " deviceBlocks=" + deviceBlocks + " hostBlocks=" + hostBlocks);
        for (HostPolicy policy : HostPolicy.values()) {
            SchedulerConfig.Builder config =
                    config(deviceBlocks, 1, layers).hostBlocks(hostBlocks).hostPolicy(policy);
            ReplayResult with = run(random(seed, 200), options(config, true, true));
            assertSameNumbers(with, run(random(seed, 200), options(config, true, false)));
            ReplaySummary.Tiers tiers = with.summary().tiers();
            long hits = with.summary().hitBlocks()
                    + (tiers == null ? 0 : tiers.host().hitBlocks());
            assertThat(with.checkedBlocks()).isEqualTo(hits).isPositive();
        }
    }

    @Test
    void aReplayWithTimeFindsItsBytesWhateverIsPreemptedAndCopied() {
        long onloaded = 0;
        long preemptedByOffload = 0;
        for (long seed = 1; seed <= 12; seed++) {
            for (HostPolicy policy : HostPolicy.values()) {
                SchedulerConfig.Builder config = random(new SplittableRandom(seed), policy);
                ReplayResult with = run(random(seed, 120), options(config, false, true));
                assertSameNumbers(with, run(random(seed, 120), options(config, false, false)));
                assertThat(with.checkedBlocks()).isPositive();
                onloaded += with.summary().tiers().host().onloadedBlocks();
                preemptedByOffload += with.summary().preemptions().offload();
            }
        }
        assertThat(onloaded).isGreaterThan(1000);
        assertThat(preemptedByOffload).isGreaterThan(20);
    }

    private static SchedulerConfig.Builder random(SplittableRandom random, HostPolicy policy) {
        SchedulerConfig.Builder config = config(12 + random.nextInt(15), 1 + random.nextInt(2), 1)
                .maxBatchSize(8)
                .maxBatchTokens(8 + random.nextInt(100))
                .maxStepsInFlight(1 + random.nextInt(3))
                .hostBlocks(1 + random.nextInt(50))
                .hostPolicy(policy)
                .preemption(PreemptionMode.values()[random.nextInt(3)])
                .offloadWatermarks(0.1, 0.2);
        return config;
    }

    private static ReplayListener after(long requests, Runnable then) {
        return new ReplayListener() {
            @Override
            public void onProgress(long ended, long total) {
                if (ended == requests) {
                    then.run();
                }
            }
        };
    }

    /** Changes a byte of the second cache in every block, on its second shard. */
    private static void spoilDevice(PatternPages pages) {
        PageArena arena = pages.arenas().arena(1, 0, 1);
        byte[] one = new byte[1];
        for (int block = 1; block < arena.spec().pages(); block++) {
            arena.read(block, 7, one);
            one[0] ^= 1;
            arena.write(block, 7, one);
        }
    }

    /** Changes the sixth byte of every slot, which is in the first cache, on the first shard. */
    private static void spoilHost(PatternPages pages) {
        HostSlots slots = pages.slots();
        byte[] one = new byte[1];
        for (int slot = 0; slot < slots.slots(); slot++) {
            slots.read(slot, 5, one);
            one[0] ^= (byte) 0x80;
            slots.write(slot, 5, one);
        }
    }

    @Test
    void aByteThatChangedOnTheDeviceIsFoundAtTheHit() {
        CacheReplay[] replay = new CacheReplay[1];
        replay[0] = new CacheReplay(
                new HandmadeWorkload().add(0, 1, 35, 1).add(0, 1, 45, 1),
                options(config(10, 1, 1), true, true),
                after(1, () -> spoilDevice(replay[0].memory().pages())),
                () -> false);
        assertThatThrownBy(replay[0]::run)
                .isInstanceOf(PageMismatchException.class)
                .hasMessageMatching("a page that hits must hold what was computed for its tokens, request=1, page=0,"
                        + " tier=device, block=\\d+, cache=1, shard=1, byte=7, expected=\\d+, found=\\d+; report this"
                        + " as a bug, if the machine's memory is sound");
    }

    @ParameterizedTest
    @EnumSource(HostPolicy.class)
    void aByteThatChangedOnTheHostIsFoundAtTheHit(HostPolicy policy) {
        CacheReplay[] replay = new CacheReplay[1];
        replay[0] = new CacheReplay(
                new HandmadeWorkload().add(0, 1, 39, 1).add(0, 2, 39, 1).add(0, 1, 39, 1),
                options(config(4, 1, 1).hostBlocks(8).hostPolicy(policy), true, true),
                after(2, () -> spoilHost(replay[0].memory().pages())),
                () -> false);
        assertThatThrownBy(replay[0]::run)
                .isInstanceOf(PageMismatchException.class)
                .hasMessageMatching(".*, request=2, page=1, tier=host, slot=\\d+, cache=0, shard=0, byte=5, .*");
    }

    @Test
    void aByteThatChangedOnTheDeviceIsFoundWithTime() {
        TimedReplay[] replay = new TimedReplay[1];
        replay[0] = new TimedReplay(
                new HandmadeWorkload().add(0, 1, 35, 2).add(100, 1, 45, 2),
                options(config(10, 1, 1), false, true),
                after(1, () -> spoilDevice(replay[0].memory().pages())),
                () -> false);
        assertThatThrownBy(replay[0]::run)
                .isInstanceOf(PageMismatchException.class)
                .hasMessageMatching("a page must hold what was computed for its tokens, request=1, page=0,"
                        + " tier=device, block=\\d+, replica=0, cache=1, shard=1, byte=7, .*");
    }

    @Test
    void aByteThatChangedOnTheHostIsFoundWithTime() {
        TimedReplay[] replay = new TimedReplay[1];
        replay[0] = new TimedReplay(
                new HandmadeWorkload().add(0, 1, 39, 1).add(100, 2, 39, 1).add(200, 1, 39, 1),
                options(
                        config(4, 1, 1)
                                .hostBlocks(8)
                                .hostPolicy(HostPolicy.WRITE_THROUGH)
                                .preemption(PreemptionMode.OFFLOAD),
                        false,
                        true),
                after(2, () -> spoilHost(replay[0].memory().pages())),
                () -> false);
        assertThatThrownBy(replay[0]::run)
                .isInstanceOf(PageMismatchException.class)
                .hasMessageMatching(".*, request=2, page=\\d+, tier=host, brought to block=\\d+, replica=0, cache=0,"
                        + " shard=0, byte=5, .*");
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aReplayThatIsStoppedGivesItsMemoryBack(boolean cacheOnly) {
        Replay[] replay = new Replay[1];
        replay[0] = new Replay(
                random(1, 50),
                options(config(20, 1, 1).hostBlocks(20), cacheOnly, true),
                after(20, () -> replay[0].stop()));
        ReplayResult result = replay[0].run();
        assertThat(result.partial()).isTrue();
        assertThat(result.checkedBlocks()).isPositive();
        assertThat(result.summary().leakedBlocks()).isZero();
    }

    @Test
    void moreThanTheMachineHasIsRefused() {
        ReplayOptions options = options(config(1 << 20, 1, 1 << 20).hostBlocks(1 << 20), true, true);
        assertThatThrownBy(() -> new CacheMemory(options))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("the pages of a replay must fit the memory of the machine, budgetBytes=");
    }

    @Test
    void theNeedCountsSpareSlotsForALookAtTheCacheAlone() {
        // A page has 2 * 3 * 2 * 10 = 120 bytes, the latent one 60; each is rounded up to 64, a slot to 4096.
        SchedulerConfig.Builder config = config(9, 1, 1).hostBlocks(7);
        MemoryNeed need = MemoryNeed.of(options(config, true, true));
        assertThat(need).isEqualTo(new MemoryNeed(10 * 2 * (128 + 64), 14 * 4096));
        assertThat(need.bytes()).isEqualTo(3840 + 57344);
        assertThat(MemoryNeed.of(options(config, false, true)).hostBytes()).isEqualTo(7 * 4096);
        assertThat(new MemoryNeed(Long.MAX_VALUE, 5).bytes()).isEqualTo(Long.MAX_VALUE);
        assertThat(MemoryNeed.of(options(config(9, 1, 1), true, true)).hostBytes())
                .isZero();
    }
}
