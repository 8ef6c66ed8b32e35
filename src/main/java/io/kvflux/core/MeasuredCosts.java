package io.kvflux.core;

import io.kvflux.tier.Transfer;

/**
 * What copying and computing were seen to take. The first ten of each are its calibration and count alike; after that the
 * averages move: each new value counts a tenth.
 *
 * <p>A prefill token costs what steps with prefill take beyond those without, divided by their prefill tokens: the averages
 * of both are, because a small chunk alone says little.
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
    private final Average prefillSeconds = new Average();
    private final Average prefillTokens = new Average();

    void copied(Transfer.Direction direction, int blocks, double seconds) {
        switch (direction) {
            case OFFLOAD -> offloadSecondsPerBlock.add(seconds / blocks);
            case ONLOAD -> onloadSecondsPerBlock.add(seconds / blocks);
            case FETCH -> fetchSecondsPerBlock.add(seconds / blocks);
            case STORE -> {} // nobody waits for it
        }
    }

    void computed(long tokens, double seconds) {
        if (tokens == 0) {
            decodeStepSeconds.add(seconds);
        } else {
            double base = decodeStepSeconds.isKnown() ? decodeStepSeconds.value : 0;
            prefillSeconds.add(seconds - base);
            prefillTokens.add((double) tokens);
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
        double tokens = seconds * prefillTokens.value / prefillSeconds.value;
        return tokens >= 0 && prefillSeconds.value > 0 ? tokens : 0;
    }
}
