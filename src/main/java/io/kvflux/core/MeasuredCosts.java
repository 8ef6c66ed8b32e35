package io.kvflux.core;

import io.kvflux.tier.Transfer;

/**
 * What copying and computing were seen to take, as moving averages: each new value counts a tenth.
 *
 * <p>A prefill token costs what a step takes beyond one without prefill, divided by its prefill tokens.
 */
final class MeasuredCosts {

    private static final double NEW = 0.1;
    private static final double UNKNOWN = Double.NaN;

    private double offloadSecondsPerBlock = UNKNOWN;
    private double onloadSecondsPerBlock = UNKNOWN;
    private double decodeStepSeconds = UNKNOWN;
    private double prefillTokenSeconds = UNKNOWN;

    void copied(Transfer.Direction direction, int blocks, double seconds) {
        if (direction == Transfer.Direction.OFFLOAD) {
            offloadSecondsPerBlock = average(offloadSecondsPerBlock, seconds / blocks);
        } else {
            onloadSecondsPerBlock = average(onloadSecondsPerBlock, seconds / blocks);
        }
    }

    void computed(long prefillTokens, double seconds) {
        if (prefillTokens == 0) {
            decodeStepSeconds = average(decodeStepSeconds, seconds);
        } else {
            double base = Double.isNaN(decodeStepSeconds) ? 0 : decodeStepSeconds;
            prefillTokenSeconds = average(prefillTokenSeconds, Math.max(0, seconds - base) / prefillTokens);
        }
    }

    /**
     * The tokens that could be computed while a block is copied down and back up again: below this many, a block's content
     * had better be computed again. 0 until all of it has been measured, and a link that was not used is taken for one as
     * fast as the other.
     */
    double tokensPerBlockCopied() {
        double down = Double.isNaN(offloadSecondsPerBlock) ? onloadSecondsPerBlock : offloadSecondsPerBlock;
        double up = Double.isNaN(onloadSecondsPerBlock) ? offloadSecondsPerBlock : onloadSecondsPerBlock;
        double tokens = (down + up) / prefillTokenSeconds;
        return tokens >= 0 && prefillTokenSeconds > 0 ? tokens : 0;
    }

    private static double average(double old, double value) {
        return Double.isNaN(old) ? value : old + NEW * (value - old);
    }
}
