package io.kvflux.sim;

import io.kvflux.api.Step;

/**
 * What the cost models say of a step: replicas run their part together, so it takes as long as its slowest replica. A replica
 * computes its part, and then makes the drafts that were granted, one pass after another.
 */
final class StepCost {

    /** A device that takes longer is none: whoever waited a second at a time would wait for ever. */
    private static final double MOST_SECONDS = 3600;

    private StepCost() {}

    static double seconds(Step step, ReplayOptions options) {
        double slowest = 0;
        for (int replica = 0; replica < step.replicas(); replica++) {
            int first = step.firstEntry(replica);
            int last = step.firstEntry(replica + 1);
            double drafting = options.speculation() == null
                    ? 0
                    : drafting(step, first, last, options.speculation().draftCost());
            slowest = Math.max(slowest, computing(step, first, last, options.cost()) + drafting);
        }
        if (slowest > MOST_SECONDS) {
            throw new LongStepException("a step takes more than an hour by the costs given, seconds=" + slowest
                    + ", sequences=" + step.size() + ": give smaller costs");
        }
        return slowest;
    }

    private static double computing(Step step, int first, int last, CostModel cost) {
        long beside = 0;
        long decode = 0;
        long context = 0;
        for (int i = first; i < last; i++) {
            beside += step.isPrefill(i) ? step.tokenCount(i) : step.drafts(i);
            decode += step.isPrefill(i) ? 0 : 1;
            context += step.cacheLength(i) + step.tokenCount(i);
        }
        return cost.stepSeconds(last - first, beside, decode, context);
    }

    private static double drafting(Step step, int first, int last, CostModel cost) {
        double seconds = 0;
        for (int pass = 1; ; pass++) {
            int sequences = 0;
            long context = 0;
            for (int i = first; i < last; i++) {
                if (step.granted(i) >= pass) {
                    sequences++;
                    context += step.cacheLength(i) + step.tokenCount(i) + pass;
                }
            }
            if (sequences == 0) {
                return seconds;
            }
            seconds += cost.stepSeconds(sequences, 0, sequences, context);
        }
    }
}
