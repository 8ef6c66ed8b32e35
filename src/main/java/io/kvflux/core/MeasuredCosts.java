package io.kvflux.core;

import io.kvflux.tier.Transfer;

/**
 * What copying and computing were seen to take. The first ten of each are its calibration and count alike; after that the
 * averages move: each new value counts a tenth.
 *
 * <p>A prefill token costs what a step takes beyond one without prefill, divided by its prefill tokens.
 */
final class MeasuredCosts {

    private static final class Average {

        private static final int CALIBRATION = 10;

        private double value = Double.NaN;
        private int count;

        void add(double next) {
            count = Math.min(count + 1, CALIBRATION);
            value = count == 1 ? next : value + (next - value) / count;
        }

        boolean isKnown() {
            return count > 0;
        }
    }

    private final Average offloadSecondsPerBlock = new Average();
    private final Average onloadSecondsPerBlock = new Average();
    private final Average fetchSecondsPerBlock = new Average();
    private final Average decodeStepSeconds = new Average();
    private final Average prefillTokenSeconds = new Average();

    void copied(Transfer.Direction direction, int blocks, double seconds) {
        switch (direction) {
            case OFFLOAD -> offloadSecondsPerBlock.add(seconds / blocks);
            case ONLOAD -> onloadSecondsPerBlock.add(seconds / blocks);
            case FETCH -> fetchSecondsPerBlock.add(seconds / blocks);
            case STORE -> {} // nobody waits for it
        }
    }

    void computed(long prefillTokens, double seconds) {
        if (prefillTokens == 0) {
            decodeStepSeconds.add(seconds);
        } else {
            double base = decodeStepSeconds.isKnown() ? decodeStepSeconds.value : 0;
            prefillTokenSeconds.add(Math.max(0, seconds - base) / prefillTokens);
        }
    }

    /**
     * The tokens that could be computed while a block is copied down and back up again: below this many, a block's content
     * had better be computed again. 0 until all of it has been measured, and a link that was not used is taken for one as
     * fast as the other.
     */
    double tokensPerBlockCopied() {
        double down = (offloadSecondsPerBlock.isKnown() ? offloadSecondsPerBlock : onloadSecondsPerBlock).value;
        return tokens(down + upSeconds());
    }

    /** The same for a block that is read from the disk and brought up. */
    double tokensPerBlockFetched() {
        return tokens(fetchSecondsPerBlock.value + upSeconds());
    }

    private double upSeconds() {
        return (onloadSecondsPerBlock.isKnown() ? onloadSecondsPerBlock : offloadSecondsPerBlock).value;
    }

    private double tokens(double seconds) {
        double tokens = seconds / prefillTokenSeconds.value;
        return tokens >= 0 && prefillTokenSeconds.value > 0 ? tokens : 0;
    }
}
