package io.kvflux.sim;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvflux.geometry.DataSize;
import io.kvflux.tier.HostPolicy;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The cache alone with a disk below its host, in two runs, against the rules of docs/replay.md written down page by page. */
class DiskCacheModelTest {

    private static final int PAGE_SIZE = 10;
    private static final int REQUESTS = 200;

    @TempDir
    Path folder;

    private record Request(int text, int tokens) {}

    /** Pages by name, least recent first. */
    private static final class Model {
        private final HostPolicy policy;
        private final int deviceBlocks;
        private final int hostBlocks;
        private final int diskBlocks;
        private final Set<String> device = new LinkedHashSet<>();
        private final Set<String> host = new LinkedHashSet<>();
        private final Set<String> disk = new LinkedHashSet<>();
        /** In the order of writing, which is all that a later run knows of the order of use. */
        private final Set<String> written = new LinkedHashSet<>();

        long deviceHits;
        long hostHits;
        long diskHits;
        long offloaded;
        long dropped;
        long stored;
        long droppedFromDisk;

        Model(HostPolicy policy, int deviceBlocks, int hostBlocks, int diskBlocks) {
            this.policy = policy;
            this.deviceBlocks = deviceBlocks;
            this.hostBlocks = hostBlocks;
            this.diskBlocks = diskBlocks;
        }

        void look(List<String> pages, int mayHit) {
            int onDevice = 0;
            while (onDevice < pages.size() && device.contains(pages.get(onDevice))) {
                onDevice++;
            }
            int end = Math.max(onDevice, Math.min(onDevice + leadingBelow(pages, onDevice), mayHit));
            if (policy == HostPolicy.EXCLUSIVE && onDevice + leadingBelow(pages, onDevice) > end) {
                host.remove(pages.get(end)); // computed again, because the prompt's last token is in it
            }
            end = bring(pages, onDevice, end);
            deviceHits += Math.min(onDevice, mayHit);
            List<String> missing = new ArrayList<>(pages);
            missing.removeAll(device);
            while (device.size() + missing.size() > deviceBlocks) {
                String victim = device.stream()
                        .filter(page -> !pages.contains(page))
                        .findFirst()
                        .orElseThrow();
                device.remove(victim);
                if (policy != HostPolicy.WRITE_THROUGH) {
                    put(victim);
                }
            }
            if (policy == HostPolicy.EXCLUSIVE) {
                host.removeAll(missing);
            }
            for (int i = end - 1; i >= onDevice; i--) {
                touch(host, pages.get(i));
            }
            for (int i = pages.size() - 1; i >= 0; i--) {
                if (policy == HostPolicy.WRITE_THROUGH && i >= Math.min(onDevice, mayHit) + end - onDevice) {
                    put(pages.get(i));
                }
                device.remove(pages.get(i));
                device.add(pages.get(i));
            }
        }

        private int leadingBelow(List<String> pages, int from) {
            int at = from;
            while (at < pages.size() && (host.contains(pages.get(at)) || disk.contains(pages.get(at)))) {
                at++;
            }
            return at - from;
        }

        /** Where the hits end: with hits on the disk they all become the host's most recent, as far as there is room. */
        private int bring(List<String> pages, int from, int to) {
            List<String> fromHost = new ArrayList<>(pages.subList(from, to));
            fromHost.retainAll(host);
            if (fromHost.size() == to - from) {
                hostHits += fromHost.size();
                if (policy == HostPolicy.EXCLUSIVE) {
                    host.removeAll(fromHost);
                }
                return to;
            }
            host.removeAll(fromHost);
            int room = hostBlocks - fromHost.size();
            int end = from;
            List<String> fromDisk = new ArrayList<>();
            while (end < to && (fromHost.contains(pages.get(end)) || fromDisk.size() < room)) {
                String page = pages.get(end++);
                if (!fromHost.contains(page)) {
                    fromDisk.add(page);
                    if (host.size() + fromHost.size() + fromDisk.size() > hostBlocks) {
                        host.remove(host.iterator().next());
                        dropped++;
                    }
                }
            }
            host.addAll(
                    fromHost.stream().filter(pages.subList(end, to)::contains).toList());
            for (int i = end - 1; i >= from; i--) {
                String page = pages.get(i);
                boolean onDisk = fromDisk.contains(page);
                diskHits += onDisk ? 1 : 0;
                hostHits += onDisk ? 0 : 1;
                if (onDisk) {
                    touch(disk, page);
                }
                if (policy != HostPolicy.EXCLUSIVE) {
                    host.add(page);
                }
            }
            return end;
        }

        private static void touch(Set<String> tier, String page) {
            if (tier.remove(page)) {
                tier.add(page);
            }
        }

        private void put(String page) {
            if (host.contains(page)) {
                touch(host, page);
                return;
            }
            offloaded++;
            if (host.size() == hostBlocks) {
                host.remove(host.iterator().next());
                dropped++;
            }
            host.add(page);
            if (disk.contains(page)) {
                return;
            }
            stored++;
            if (disk.size() == diskBlocks) {
                disk.remove(disk.iterator().next());
                droppedFromDisk++;
            }
            disk.add(page);
            written.remove(page);
            written.add(page);
        }

        void restart() {
            written.retainAll(disk);
            disk.clear();
            disk.addAll(written);
            device.clear();
            host.clear();
            deviceHits = 0;
            hostHits = 0;
            diskHits = 0;
            offloaded = 0;
            dropped = 0;
            stored = 0;
            droppedFromDisk = 0;
        }
    }

    /** A size for so many slots of pages that are no longer than 4 KiB. */
    static DataSize sizeOf(int slots) {
        return new DataSize(4096 + 1024 * 128 + slots * 4096L);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
    void everyPolicyDoesAsItsRulesSay(long seed) throws IOException {
        SplittableRandom random = new SplittableRandom(seed);
        int deviceBlocks = 12 + random.nextInt(20);
        int hostBlocks = 1 + random.nextInt(30);
        int diskBlocks = 1 + random.nextInt(80);
        List<Request> requests = new ArrayList<>();
        for (int i = 0; i < REQUESTS; i++) {
            requests.add(new Request(random.nextInt(8), 1 + random.nextInt(12 * PAGE_SIZE)));
        }
        System.out.println("DiskCacheModelTest seed=" + seed + " deviceBlocks=" + deviceBlocks + " hostBlocks="
                + hostBlocks + " diskBlocks=" + diskBlocks);
        for (HostPolicy policy : HostPolicy.values()) {
            Model model = new Model(policy, deviceBlocks, hostBlocks, diskBlocks);
            Path directory = Files.createDirectory(folder.resolve(policy.name()));
            long recovered = 0;
            for (int run = 0; run < 2; run++) {
                requests.forEach(request -> model.look(pages(request), (request.tokens - 1) / PAGE_SIZE));
                ReplayResult result = run(requests, deviceBlocks, hostBlocks, diskBlocks, policy, directory);
                ReplaySummary.Tiers tiers = result.summary().tiers();
                assertThat(result.summary().hitBlocks()).as("%s", policy).isEqualTo(model.deviceHits);
                assertThat(tiers.disk())
                        .as("%s", policy)
                        .isEqualTo(new ReplaySummary.Disk(
                                model.diskHits,
                                model.stored,
                                model.diskHits,
                                model.droppedFromDisk,
                                0,
                                0,
                                recovered,
                                diskBlocks));
                assertThat(tiers.host())
                        .as("%s", policy)
                        .isEqualTo(new ReplaySummary.Tier(
                                model.hostHits, model.offloaded, model.hostHits + model.diskHits, model.dropped));
                assertThat(result.checkedBlocks()).isEqualTo(model.deviceHits + model.hostHits + model.diskHits);
                recovered += model.stored - model.droppedFromDisk;
                model.restart();
            }
        }
    }

    @ParameterizedTest
    @EnumSource(HostPolicy.class)
    void withRoomForAllTheTiersHitWhatOneCacheWithoutALimitHits(HostPolicy policy) {
        SplittableRandom random = new SplittableRandom(policy.ordinal());
        List<Request> requests = new ArrayList<>();
        for (int i = 0; i < REQUESTS; i++) {
            requests.add(new Request(random.nextInt(20), 1 + random.nextInt(12 * PAGE_SIZE)));
        }
        Model unlimited = new Model(policy, 20 * 12, 1, 1);
        requests.forEach(request -> unlimited.look(pages(request), (request.tokens - 1) / PAGE_SIZE));
        ReplaySummary summary = run(requests, 15, 20, 20 * 12, policy, folder).summary();
        assertThat(summary.hitBlocks()
                        + summary.tiers().host().hitBlocks()
                        + summary.tiers().disk().hitBlocks())
                .isEqualTo(unlimited.deviceHits)
                .isGreaterThan(summary.hitBlocks());
    }

    private static List<String> pages(Request request) {
        List<String> pages = new ArrayList<>();
        for (int i = 0; i < request.tokens / PAGE_SIZE; i++) {
            pages.add(request.text + "/" + i);
        }
        return pages;
    }

    private static ReplayResult run(
            List<Request> requests,
            int deviceBlocks,
            int hostBlocks,
            int diskBlocks,
            HostPolicy policy,
            Path directory) {
        HandmadeWorkload workload = new HandmadeWorkload();
        requests.forEach(request -> workload.add(0, request.text, request.tokens, 1));
        ReplayOptions options = new ReplayOptions(
                TimedReplayTest.config(deviceBlocks, 1)
                        .hostBlocks(hostBlocks)
                        .hostPolicy(policy)
                        .build(),
                CostModel.linear(1, 0, 0),
                ReplayOptions.DEFAULT_HOST_BYTES_PER_SECOND,
                1,
                0,
                true,
                true,
                new ReplayDisk(directory, sizeOf(diskBlocks), ReplayDisk.DEFAULT_BYTES_PER_SECOND));
        return new Replay(workload, options, new ReplayListener() {}).run();
    }
}
