package io.kvflux.sim;

import java.util.Random;

/**
 * A log-normal distribution by its median and the standard deviation of its logarithm; its mean is
 * {@code median * exp(sigma * sigma / 2)}.
 */
record LogNormal(double median, double sigma) {

    /** No single message, document or output of the synthetic workload is longer, in tokens. */
    static final int MAX_TOKENS = 8_192;

    double draw(Random random) {
        return median * StrictMath.exp(sigma * random.nextGaussian());
    }

    /** A number of tokens: the draw, rounded and kept in [1, MAX_TOKENS]. */
    int tokens(Random random) {
        return (int) Math.max(1, Math.min(MAX_TOKENS, Math.round(draw(random))));
    }
}
