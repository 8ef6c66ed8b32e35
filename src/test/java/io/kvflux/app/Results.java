package io.kvflux.app;

import io.kvflux.sim.ReplayResult;
import io.kvflux.sim.ReplaySummary;
import io.kvflux.sim.ReplaySummary.Distribution;
import java.util.stream.IntStream;

/** Results made by hand. */
final class Results {

    private Results() {}

    static ReplayResult of(String trace, boolean partial) {
        double[] seconds =
                IntStream.rangeClosed(1, 1000).mapToDouble(i -> i / 100.0).toArray();
        Distribution distribution = Distribution.ofSorted(seconds);
        ReplaySummary summary = new ReplaySummary(
                trace,
                1000,
                1000,
                0,
                0,
                16_000,
                5000L,
                1000,
                250,
                4000,
                750,
                10,
                0,
                42L,
                new ReplaySummary.Preemptions(3, 0),
                distribution,
                distribution,
                distribution,
                100.0,
                50.0,
                new ReplaySummary.Blocks(1000, 900L, 0.5, 0.25),
                new ReplaySummary.Tiers(new ReplaySummary.Tier(30, 20, 30, 5), null),
                new ReplaySummary.Drafts(100, 60, 30, 10, 8, 1.5),
                0.125);
        return new ReplayResult(summary, seconds, seconds, seconds, null, partial);
    }

    static ReplaySetup setup() {
        return ReplaySetup.of(
                new WorkloadOptions(),
                new CacheOptions(),
                new TierOptions(),
                new SchedulingOptions(),
                new SpeculationOptions(),
                new TimeOptions());
    }
}
