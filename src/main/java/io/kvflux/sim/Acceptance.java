package io.kvflux.sim;

import java.util.List;

/**
 * Which drafts a simulated model accepts. A draft is right or wrong by the seed, its request and its place in the output
 * alone, whenever and in whichever round it is made, so that all policies have the same luck: the draft at position j of
 * a round is right if the number of its place, uniform in [0, 1), is less than the rate at j.
 */
public final class Acceptance {

    private static final double TWO_TO_53 = 1L << 53;

    private final double[][] rates;

    private Acceptance(double[][] rates) {
        this.rates = rates;
    }

    /**
     * Every draft is accepted at one rate, given that those before it were.
     *
     * @param rate in [0, 1]
     * @return the acceptance
     * @throws IllegalArgumentException if the rate is not in [0, 1]
     */
    public static Acceptance of(double rate) {
        return bySequence(List.of(new double[] {rate}));
    }

    /**
     * Each sequence has its rates.
     *
     * @param rates for each sequence the rates by position in a round, from 0; the last holds for those beyond. Request i of
     *     the workload has those at i modulo their number
     * @return the acceptance
     * @throws IllegalArgumentException if there are none, or one is not in [0, 1]
     */
    public static Acceptance bySequence(List<double[]> rates) {
        double[][] copy = rates.stream().map(double[]::clone).toArray(double[][]::new);
        if (copy.length == 0) {
            throw new IllegalArgumentException("acceptance needs a rate at least, rates=[]");
        }
        for (double[] each : copy) {
            if (each.length == 0) {
                throw new IllegalArgumentException("every sequence needs a rate at least, rates=[]");
            }
            for (double rate : each) {
                if (!(rate >= 0 && rate <= 1)) {
                    throw new IllegalArgumentException(
                            "acceptance must be a probability from 0 to 1, acceptance=" + rate);
                }
            }
        }
        return new Acceptance(copy);
    }

    /** Whether the draft of an output token is right, when it is made at a position of its round. */
    boolean isRight(long seed, long request, int outputPosition, int position) {
        double[] own = rates[(int) (request % rates.length)];
        long bits = Tokens.key(Tokens.key(seed, Tokens.DRAFTS, request), Tokens.DRAFTS, outputPosition);
        return (bits >>> 11) / TWO_TO_53 < own[Math.min(position, own.length - 1)];
    }
}
