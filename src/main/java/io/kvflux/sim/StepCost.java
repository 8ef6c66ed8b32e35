package io.kvflux.sim;

import io.kvflux.api.Step;

/** What a cost model says of a step: replicas run their part together, so it takes as long as its slowest replica. */
final class StepCost {

    private StepCost() {}

    static double seconds(Step step, CostModel cost) {
        double slowest = 0;
        for (int replica = 0; replica < step.replicas(); replica++) {
            int first = step.firstEntry(replica);
            int last = step.firstEntry(replica + 1);
            long prefill = 0;
            long decode = 0;
            long context = 0;
            for (int i = first; i < last; i++) {
                prefill += step.isPrefill(i) ? step.tokenCount(i) : 0;
                decode += step.isPrefill(i) ? 0 : 1;
                context += step.cacheLength(i) + step.tokenCount(i);
            }
            slowest = Math.max(slowest, cost.stepSeconds(last - first, prefill, decode, context));
        }
        return slowest;
    }
}
