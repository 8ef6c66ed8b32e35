package io.kvflux.soak;

import io.kvflux.api.SchedulerRecorder;
import java.util.LinkedHashMap;
import java.util.Map;

/** Times of steps and tokens, of the second that is now and of all. */
final class SoakRecorder implements SchedulerRecorder {

    final Latency steps = new Latency();
    final Latency first = new Latency();
    final Latency next = new Latency();
    final Latency allSteps = new Latency();
    final Latency allFirst = new Latency();
    final Latency allNext = new Latency();

    @Override
    public void stepCompleted(int entries, int tokens, long durationNs, boolean failed) {
        steps.add(durationNs);
    }

    @Override
    public void firstToken(long sinceSubmitNs) {
        first.add(sinceSubmitNs);
    }

    @Override
    public void nextToken(long sincePreviousNs) {
        next.add(sincePreviousNs);
    }

    /** A second is over. */
    void turn() {
        allSteps.takeAll(steps);
        allFirst.takeAll(first);
        allNext.takeAll(next);
    }

    /** Quantiles of all, in seconds by name. */
    Map<String, Double> times() {
        Map<String, Double> times = new LinkedHashMap<>();
        put(times, "step", allSteps);
        put(times, "time to first token", allFirst);
        put(times, "time to next token", allNext);
        return times;
    }

    private static void put(Map<String, Double> times, String name, Latency of) {
        times.put(name + ", p50", of.quantile(0.5));
        times.put(name + ", p99", of.quantile(0.99));
        times.put(name + ", p99.99", of.quantile(0.9999));
    }
}
