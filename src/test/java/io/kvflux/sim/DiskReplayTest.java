package io.kvflux.sim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvflux.api.BlockHash;
import io.kvflux.core.Configs;
import io.kvflux.core.PreemptionMode;
import io.kvflux.core.SchedulerConfig;
import io.kvflux.geometry.DataSize;
import io.kvflux.memory.chronicle.MappedRegion;
import io.kvflux.memory.chronicle.Region;
import io.kvflux.tier.HostPolicy;
import io.kvflux.tier.disk.DiskException;
import io.kvflux.tier.disk.DiskLayout;
import io.kvflux.tier.disk.DiskStore;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Replays whose pages outlive them; pages of 10 tokens. Every page that hits is compared, so a run that ends has right ones. */
class DiskReplayTest {

    private static final int PAGE_SIZE = 10;
    private static final DataSize ENOUGH = new DataSize(16L << 20);

    private final long before = Region.liveBytes();
    private final long mappedBefore = MappedRegion.liveBytes();

    @TempDir
    Path folder;

    @AfterEach
    void everythingIsGivenBack() {
        assertThat(Region.liveBytes()).isEqualTo(before);
        assertThat(MappedRegion.liveBytes()).isEqualTo(mappedBefore);
    }

    private Path pages() {
        return folder.resolve("pages");
    }

    private ReplayOptions options(SchedulerConfig.Builder config, boolean cacheOnly, DataSize size) {
        return new ReplayOptions(
                config.build(),
                CostModel.linear(1, 0.01, 0),
                20_000,
                2,
                1,
                cacheOnly,
                true,
                new ReplayDisk(pages(), size, 5_000));
    }

    private static ReplayResult run(Workload workload, ReplayOptions options) {
        return new Replay(workload, options, new ReplayListener() {}).run();
    }

    private static ReplaySummary.Disk disk(ReplayResult result) {
        return result.summary().tiers().disk();
    }

    private static long hits(ReplayResult result) {
        ReplaySummary.Tiers tiers = result.summary().tiers();
        return result.summary().hitBlocks()
                + tiers.host().hitBlocks()
                + tiers.disk().hitBlocks();
    }

    /** Two texts of nine pages take turns on blocks for one, so the last one is always gone from the device. */
    private static HandmadeWorkload turns() {
        HandmadeWorkload workload = new HandmadeWorkload();
        for (int i = 0; i < 8; i++) {
            workload.add(100 * i, i % 2, 95, 1);
        }
        return workload;
    }

    /** With time a sequence has one block more, for its output; a quarter of the host may wait for the disk. */
    private static SchedulerConfig.Builder turnsConfig(HostPolicy policy, boolean cacheOnly) {
        return TimedReplayTest.config(cacheOnly ? 9 : 10, 1)
                .hostBlocks(40)
                .hostPolicy(policy)
                .preemption(PreemptionMode.OFFLOAD);
    }

    @ParameterizedTest
    @EnumSource(HostPolicy.class)
    void aSecondRunHitsWhatTheFirstStored(HostPolicy policy) throws IOException {
        for (boolean cacheOnly : new boolean[] {true, false}) {
            ReplayOptions options = options(turnsConfig(policy, cacheOnly), cacheOnly, ENOUGH);
            ReplayResult first = run(turns(), options);
            assertThat(disk(first).recoveredBlocks()).isZero();
            assertThat(disk(first).hitBlocks()).isZero();
            assertThat(disk(first).storedBlocks()).isGreaterThanOrEqualTo(9);
            ReplayResult second = run(turns(), options);
            ReplaySummary.Disk warm = disk(second);
            assertThat(warm.recoveredBlocks()).isGreaterThanOrEqualTo(9);
            assertThat(warm.hitBlocks()).isGreaterThanOrEqualTo(9);
            assertThat(warm.fetchedBlocks()).isEqualTo(warm.hitBlocks());
            assertThat(warm.corruptBlocks() + warm.droppedBlocks() + warm.noRoomBlocks())
                    .isZero();
            assertThat(hits(second)).isGreaterThan(hits(first));
            assertThat(second.checkedBlocks()).isGreaterThanOrEqualTo(hits(second));
            assertThat(second.summary().leakedBlocks()).isZero();
            delete();
        }
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

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void aReplayWithTimeFindsItsBytesWhateverIsPreemptedAndCopied(long seed) throws IOException {
        System.out.println("DiskReplayTest seed=" + seed);
        for (HostPolicy policy : HostPolicy.values()) {
            SplittableRandom random = new SplittableRandom(seed);
            SchedulerConfig.Builder config = TimedReplayTest.config(12 + random.nextInt(15), 1 + random.nextInt(2))
                    .maxBatchSize(8)
                    .maxBatchTokens(8 + random.nextInt(100))
                    .maxStepsInFlight(1 + random.nextInt(3))
                    .hostBlocks(1 + random.nextInt(30))
                    .hostPolicy(policy)
                    .preemption(PreemptionMode.OFFLOAD);
            ReplayOptions options = options(config, false, sizeOf(20));
            ReplayResult first = run(random(seed, 100), options);
            ReplayResult second = run(random(seed, 100), options);
            assertThat(disk(first).storedBlocks()).isPositive();
            assertThat(disk(first).storedBlocks())
                    .isLessThanOrEqualTo(first.summary().tiers().host().offloadedBlocks());
            assertThat(disk(second).recoveredBlocks()).isBetween(1L, 20L);
            assertThat(disk(second).fetchedBlocks()).isPositive();
            assertThat(second.summary().completed()).isEqualTo(100);
            assertThat(second.summary().leakedBlocks()).isZero();
            delete();
            ReplayResult again = run(random(seed, 100), options);
            assertThat(again.summary())
                    .usingRecursiveComparison()
                    .ignoringFields("wallSeconds")
                    .isEqualTo(first.summary());
            delete();
        }
    }

    private static DataSize sizeOf(int slots) {
        return DiskCacheModelTest.sizeOf(slots);
    }

    private void delete() throws IOException {
        for (Path file : files()) {
            Files.delete(file);
        }
    }

    private List<Path> files() throws IOException {
        try (Stream<Path> files = Files.list(pages())) {
            return files.filter(Files::isRegularFile).toList();
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void damagedPagesAreCountedAndComputedAgain(boolean cacheOnly) throws IOException {
        ReplayOptions options = options(turnsConfig(HostPolicy.WRITE_THROUGH, cacheOnly), cacheOnly, ENOUGH);
        run(turns(), options);
        long payloads = 4096 + 1024 * 128;
        for (Path file : files()) {
            try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
                for (long at = payloads; at < channel.size(); at += 3 * 4096) {
                    ByteBuffer one = ByteBuffer.allocate(1);
                    channel.read(one, at);
                    channel.write(one.put(0, (byte) (one.get(0) ^ 1)).flip(), at);
                }
            }
        }
        assertThat(corruptOfARun(options)).isPositive();
        int runs = 1;
        while (corruptOfARun(options) > 0) {
            assertThat(runs++)
                    .as("every run finds one at least, of the eighteen pages of two texts")
                    .isLessThan(18);
        }
    }

    private static long corruptOfARun(ReplayOptions options) {
        ReplaySummary.Disk disk = disk(run(turns(), options));
        assertThat(disk.storedBlocks()).as("what was given up is stored again").isEqualTo(disk.corruptBlocks());
        return disk.corruptBlocks();
    }

    /** With the right name and the right checksum, as if the wrong bytes had been written. */
    @Test
    void aPageOfTheDiskThatHoldsSomethingElseIsFoundAtTheHit() {
        ReplayOptions options = options(turnsConfig(HostPolicy.WRITE_THROUGH, true), true, ENOUGH);
        run(turns(), options);
        DiskLayout layout = DiskLayout.of(options.scheduler().caches());
        try (DiskStore store = DiskStore.open(pages(), layout, ENOUGH);
                Region page = Region.allocate(4096, 4096)) {
            Map<Integer, BlockHash> found = new HashMap<>();
            store.forEachRecovered(found::put);
            found.forEach((slot, hash) -> {
                store.read(slot, hash, page, 0);
                page.write(7, new byte[] {1, 2, 3});
                store.write(slot, hash, page, 0);
            });
        }
        assertThatThrownBy(() -> run(turns(), options))
                .isInstanceOf(PageMismatchException.class)
                .hasMessageMatching("a page that hits must hold what was computed for its tokens, request=0, page=0,"
                        + " tier=disk, slot=\\d+, cache=0, shard=0, byte=[789], expected=\\d+, found=\\d+; report this"
                        + " as a bug, if the machine's memory is sound");
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aReplayThatIsStoppedLeavesItsPages(boolean cacheOnly) {
        ReplayOptions options = options(turnsConfig(HostPolicy.WRITE_THROUGH, cacheOnly), cacheOnly, ENOUGH);
        Replay[] replay = new Replay[1];
        replay[0] = new Replay(turns(), options, new ReplayListener() {
            @Override
            public void onProgress(long ended, long total) {
                if (ended == 3) {
                    replay[0].stop();
                }
            }
        });
        ReplayResult first = replay[0].run();
        assertThat(first.partial()).isTrue();
        assertThat(disk(first).storedBlocks()).isPositive();
        ReplayResult second = run(turns(), options);
        assertThat(disk(second).recoveredBlocks()).isEqualTo(disk(first).storedBlocks());
        assertThat(disk(second).hitBlocks()).isPositive();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void pagesForWhichThereIsNoRoomAreCountedAndNothingElseHappens(boolean cacheOnly) throws IOException {
        ReplayOptions options = options(turnsConfig(HostPolicy.INCLUSIVE, cacheOnly), cacheOnly, ENOUGH);
        Files.createDirectories(pages());
        for (int segment = 0; segment < 9; segment++) {
            Files.writeString(pages().resolve("segment-00000" + segment + ".kvflux"), "somebody else's");
        }
        ReplayResult full = run(turns(), options);
        assertThat(disk(full).noRoomBlocks()).isPositive();
        assertThat(disk(full).storedBlocks()).isZero();
        ReplayResult without = run(turns(), options.withoutDisk());
        assertThat(full.summary().hitBlocks()).isEqualTo(without.summary().hitBlocks());
        assertThat(full.summary().tiers().host())
                .isEqualTo(without.summary().tiers().host());
        assertThat(full.checkedBlocks()).isEqualTo(without.checkedBlocks());
        assertThat(without.summary().tiers().disk()).isNull();
    }

    @Test
    void aReplayInRealTimeIsWarmTheSecondTimeToo() {
        SchedulerConfig.Builder config = TimedReplayTest.config(40, 1)
                .verifyInvariants(false)
                .hostBlocks(40)
                .hostPolicy(HostPolicy.WRITE_THROUGH);
        ReplayOptions options = options(config, false, ENOUGH);
        RealtimeResult first = new RealtimeReplay(turns(), options, 1e6, new ReplayListener() {}).run();
        RealtimeResult second = new RealtimeReplay(turns(), options, 1e6, new ReplayListener() {}).run();
        assertThat(first.diskFetchedBlocks()).isZero();
        assertThat(first.diskStoredBlocks()).isPositive();
        assertThat(second.diskFetchedBlocks()).isPositive();
        assertThat(second.wrongTokens() + second.leakedBlocks()).isZero();
        assertThat(second.completed()).isEqualTo(8);
    }

    @Test
    void pagesOfOneKindAreNotFoundByAnother() {
        assertThat(ReplayDisk.PATTERNS)
                .isNotEqualTo(ReplayDisk.TOKENS)
                .isNotEqualTo(TimedReplayTest.config(1, 1).build().caches().hashSeed());
    }

    @Test
    void whatCannotBeUsedIsRefused() throws IOException {
        SchedulerConfig.Builder config = turnsConfig(HostPolicy.INCLUSIVE, true);
        ReplayOptions options = options(config, true, ENOUGH);
        run(turns(), options);
        ReplayOptions wider =
                options(SchedulerConfig.builder(Configs.caches(20, 1), 10).hostBlocks(5), true, ENOUGH);
        assertThatThrownBy(() -> run(turns(), wider))
                .isInstanceOf(DiskException.class)
                .hasMessageContaining("pageSize=10")
                .hasMessageContaining("pageSize=20");
        try (DiskStore other =
                DiskStore.open(pages(), DiskLayout.of(options.scheduler().caches()), ENOUGH)) {
            assertThatThrownBy(() -> run(turns(), options))
                    .isInstanceOf(DiskException.class)
                    .hasMessageContaining("heldBy=this process");
            assertThat(other.recovery().recovered()).isPositive();
        }
        assertThatThrownBy(() -> run(turns(), options(config, true, new DataSize(5000))))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("a disk store must have room for a slot, size=5000, needed=");
        assertThatThrownBy(() -> new RealtimeReplay(
                        turns(), options(config, false, new DataSize(5000)), 1, new ReplayListener() {}))
                .hasMessageContaining("a disk store must have room for a slot");
        assertThatThrownBy(() -> options(TimedReplayTest.config(10, 1), true, ENOUGH))
                .hasMessageContaining("a disk needs a host tier");
        ReplayOptions hollow = new ReplayOptions(config.build(), options.cost(), 1, 1, 1, true, false, options.disk());
        assertThatThrownBy(() -> run(turns(), hollow)).hasMessageContaining("its replay needs memory");
        assertThatThrownBy(() -> new ReplayDisk(pages(), ENOUGH, 0)).hasMessageContaining("bytesPerSecond=0.0");
    }
}
