package io.kvflux.sim;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvflux.tier.HostPolicy;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The cache alone with a host tier, on random workloads, against the rules of docs/replay.md written down page by page. */
class HostCacheModelTest {

    private static final int PAGE_SIZE = 10;
    private static final int REQUESTS = 300;

    private record Request(int text, int tokens) {}

    /** Pages by name, least recent first. */
    private static final class Model {
        private final HostPolicy policy;
        private final int deviceBlocks;
        private final int hostBlocks;
        private final Set<String> device = new LinkedHashSet<>();
        private final Set<String> host = new LinkedHashSet<>();
        long deviceHits;
        long hostHits;
        long offloaded;
        long dropped;

        Model(HostPolicy policy, int deviceBlocks, int hostBlocks) {
            this.policy = policy;
            this.deviceBlocks = deviceBlocks;
            this.hostBlocks = hostBlocks;
        }

        void look(List<String> pages, int mayHit) {
            int onDevice = leading(device, pages, 0, mayHit);
            int onHost = leading(host, pages, onDevice, mayHit);
            deviceHits += onDevice;
            hostHits += onHost;
            List<String> hits = pages.subList(onDevice, onDevice + onHost);
            if (policy == HostPolicy.EXCLUSIVE) {
                host.removeAll(pages); // the last one too, which is computed again if the prompt's last token is in it
            }
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
            for (int i = hits.size() - 1; policy != HostPolicy.EXCLUSIVE && i >= 0; i--) {
                if (host.remove(hits.get(i))) {
                    host.add(hits.get(i));
                }
            }
            for (int i = pages.size() - 1; i >= 0; i--) {
                if (policy == HostPolicy.WRITE_THROUGH && i >= onDevice + onHost) {
                    put(pages.get(i));
                }
                device.remove(pages.get(i));
                device.add(pages.get(i));
            }
        }

        private void put(String page) {
            if (!host.remove(page)) {
                offloaded++;
                if (host.size() == hostBlocks) {
                    host.remove(host.iterator().next());
                    dropped++;
                }
            }
            host.add(page);
        }

        private static int leading(Set<String> tier, List<String> pages, int from, int to) {
            int at = from;
            while (at < to && tier.contains(pages.get(at))) {
                at++;
            }
            return at - from;
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20})
    void everyPolicyDoesAsItsRulesSay(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        int deviceBlocks = 12 + random.nextInt(20);
        int hostBlocks = 1 + random.nextInt(60);
        List<Request> requests = new ArrayList<>();
        for (int i = 0; i < REQUESTS; i++) {
            requests.add(new Request(random.nextInt(8), 1 + random.nextInt(12 * PAGE_SIZE)));
        }
        long deviceHits =
                summary(requests, deviceBlocks, 0, HostPolicy.INCLUSIVE).hitBlocks();
        System.out.println(
                "HostCacheModelTest seed=" + seed + " deviceBlocks=" + deviceBlocks + " hostBlocks=" + hostBlocks);
        for (HostPolicy policy : HostPolicy.values()) {
            Model model = new Model(policy, deviceBlocks, hostBlocks);
            requests.forEach(request -> model.look(pages(request), (request.tokens - 1) / PAGE_SIZE));
            ReplaySummary summary = summary(requests, deviceBlocks, hostBlocks, policy);
            ReplaySummary.Tier host = summary.tiers().host();
            assertThat(summary.hitBlocks())
                    .as("%s: the device does not know of the host", policy)
                    .isEqualTo(deviceHits)
                    .isEqualTo(model.deviceHits);
            assertThat(host)
                    .as("%s", policy)
                    .isEqualTo(new ReplaySummary.Tier(model.hostHits, model.offloaded, model.hostHits, model.dropped));
            if (policy == HostPolicy.EXCLUSIVE) {
                assertThat(deviceHits + host.hitBlocks())
                        .as("two exclusive tiers hit what one cache of their summed size hits")
                        .isEqualTo(summary(requests, deviceBlocks + hostBlocks, 0, policy)
                                .hitBlocks());
            }
        }
    }

    private static List<String> pages(Request request) {
        List<String> pages = new ArrayList<>();
        for (int i = 0; i < request.tokens / PAGE_SIZE; i++) {
            pages.add(request.text + "/" + i);
        }
        return pages;
    }

    private static ReplaySummary summary(List<Request> requests, int deviceBlocks, int hostBlocks, HostPolicy policy) {
        HandmadeWorkload workload = new HandmadeWorkload();
        requests.forEach(request -> workload.add(0, request.text, request.tokens, 1));
        ReplayOptions options = new ReplayOptions(
                TimedReplayTest.config(deviceBlocks, 1)
                        .hostBlocks(hostBlocks)
                        .hostPolicy(policy)
                        .verifyInvariants(true)
                        .build(),
                CostModel.linear(1, 0, 0),
                ReplayOptions.DEFAULT_HOST_BYTES_PER_SECOND,
                1,
                0,
                true);
        return new Replay(workload, options, new ReplayListener() {}).run().summary();
    }
}
