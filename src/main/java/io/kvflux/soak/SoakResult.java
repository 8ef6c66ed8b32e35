package io.kvflux.soak;

import java.util.List;
import java.util.Map;

/**
 * What a soak measured and found.
 *
 * @param seed of its load
 * @param seconds that it took
 * @param lives schedulers that were opened
 * @param quietPoints how often all sequences ended and everything was counted
 * @param sequences that ended, forks included
 * @param tokens that clients got, each compared with what the model gives
 * @param counts what was tried, by name
 * @param times seconds by name: of steps and tokens, over the whole run
 * @param trends what was tested for growth
 * @param samples all gauges over time
 * @param quiet all gauges that mean something at quiet points, at these; heap is what a full collection left
 * @param findings what is wrong, the first ones; none if it passed
 */
public record SoakResult(
        long seed,
        double seconds,
        int lives,
        int quietPoints,
        long sequences,
        long tokens,
        Map<String, Long> counts,
        Map<String, Double> times,
        List<TrendLine> trends,
        Samples samples,
        Samples quiet,
        List<Finding> findings) {

    /** {@return whether there were quiet points enough to tell growth from noise} */
    public boolean growthWasTested() {
        return trends.stream().anyMatch(line -> line.points() >= Trend.LEAST_POINTS);
    }

    /** {@return whether nothing is wrong} */
    public boolean passed() {
        return findings.isEmpty();
    }
}
