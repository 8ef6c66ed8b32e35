package io.kvflux.draft;

import org.jspecify.annotations.Nullable;

/**
 * How often a draft at each position of a round is accepted, given that all before it were: of one sequence, which begins
 * with what is known of its tenant, which begins with what is known of all.
 *
 * <p>Only positions that were examined count: what follows a rejection was not, and says nothing. The estimate is the prior,
 * weighing some drafts, and the examined drafts, of which the last {@value #MEMORY} or so count.
 *
 * <p>How much the prior weighs is learned: parts that are alike say more of each other than each of itself, and what looks
 * better of one of them is luck. Of the weights there are, that one holds for all parts whose estimates, made before each
 * draft was examined, were the closest lately by the mean of their squared errors.
 *
 * <pre>
 *   rate(j)     = (weight · prior(j) + accepted(j)) / (weight + examined(j))
 *   survival(j) = rate(0) · rate(1) · ... · rate(j)
 * </pre>
 */
public final class AcceptanceRates {

    /** What is assumed where nothing is known. */
    public static final double INITIAL = 0.7;

    /** Drafts that the prior may weigh; the first until something is known. */
    private static final double[] WEIGHTS = {4, 16, 64, 256};
    /** How much of what is known of the weights stays with every draft. */
    private static final double KEPT = 1 - 1.0 / 2048;

    /** Drafts at a position that are remembered. */
    static final double MEMORY = 64;

    private final @Nullable AcceptanceRates prior;
    private final float[] accepted;
    private final float[] examined;
    /** Squared errors of the estimates of all parts, for each weight, and the weight that has the smallest. */
    private final double[] errors = new double[WEIGHTS.length];

    private int best;

    /**
     * Rates of which nothing is known.
     *
     * @param positions drafts of a round at most
     */
    public AcceptanceRates(int positions) {
        this(positions, null);
    }

    private AcceptanceRates(int positions, @Nullable AcceptanceRates prior) {
        this.prior = prior;
        accepted = new float[positions];
        examined = new float[positions];
    }

    /** {@return rates of a part of what these are of; what is learned of it is learned of the whole too} */
    public AcceptanceRates part() {
        return new AcceptanceRates(accepted.length, this);
    }

    /** {@return drafts of a round at most} */
    public int positions() {
        return accepted.length;
    }

    /**
     * A round was verified.
     *
     * @param drafts its drafts
     * @param good those that were accepted, the first ones
     */
    public void examined(int drafts, int good) {
        if (good < 0 || good > drafts || drafts > accepted.length) {
            throw new IllegalArgumentException("of a round's drafts the first are accepted, drafts=" + drafts
                    + ", accepted=" + good + ", positions=" + accepted.length);
        }
        for (int position = 0; prior != null && position < Math.min(drafts, good + 1); position++) {
            prior.compare(prior.rate(position), accepted[position], examined[position], position < good ? 1 : 0);
        }
        count(drafts, good);
        if (prior != null) {
            prior.examined(drafts, good);
        }
    }

    /** A part estimated what became of a draft: how far off it would have been with each weight. */
    private void compare(double expected, float good, float all, int outcome) {
        for (int i = 0; i < WEIGHTS.length; i++) {
            double error = estimate(WEIGHTS[i], expected, good, all) - outcome;
            errors[i] = KEPT * errors[i] + error * error;
        }
        for (int i = 0; i < WEIGHTS.length; i++) {
            best = errors[i] < errors[best] ? i : best;
        }
    }

    private static double estimate(double weight, double expected, float good, float all) {
        return (weight * expected + good) / (weight + all);
    }

    /** A draft came too late to help: so much as a wrong one, but of these alone, since it says nothing of what it is part of. */
    public void late() {
        count(1, 0);
    }

    private void count(int drafts, int good) {
        for (int position = 0; position < Math.min(drafts, good + 1); position++) {
            float keep = examined[position] < MEMORY ? 1 : (float) (1 - 1 / MEMORY);
            examined[position] = examined[position] * keep + 1;
            accepted[position] = accepted[position] * keep + (position < good ? 1 : 0);
        }
    }

    /**
     * How often a draft is accepted when all before it were.
     *
     * @param position in [0, positions)
     * @return in (0, 1)
     */
    public double rate(int position) {
        return prior == null
                ? estimate(WEIGHTS[0], INITIAL, accepted[position], examined[position])
                : estimate(WEIGHTS[prior.best], prior.rate(position), accepted[position], examined[position]);
    }

    /**
     * How often a draft is accepted at all.
     *
     * @param position in [0, positions)
     * @return in (0, 1), not growing with the position
     */
    public double survival(int position) {
        double survival = 1;
        for (int i = 0; i <= position; i++) {
            survival *= rate(i);
        }
        return survival;
    }

    /**
     * Tokens that a round is expected to give, the one that is sampled after the last accepted draft included.
     *
     * @param rate how often each draft is accepted when all before it were, in [0, 1]
     * @param drafts of the round, at least 0
     * @return (1 − rate^(drafts + 1)) / (1 − rate), and drafts + 1 at a rate of 1
     */
    public static double expectedTokens(double rate, int drafts) {
        double tokens = 0;
        double survival = 1;
        for (int i = 0; i <= drafts; i++) {
            tokens += survival;
            survival *= rate;
        }
        return tokens;
    }
}
