package io.kvflux.draft;

/**
 * What a step is expected to take: a curve over its tokens, which never falls, and so much for every draft that the longest
 * chain of the round has. Learned from steps. Beyond the largest that was seen the curve goes on as steeply as its last
 * octave; where steps of some size were never seen it is as low as it can be if it bends upwards only, so that who looks for
 * the best size tries them.
 *
 * <pre>
 *   seconds(tokens, depth) = curve(tokens) + slope · depth
 * </pre>
 */
public final class StepCosts {

    /** Buckets in an octave of tokens. */
    private static final int PER_OCTAVE = 8;

    private static final int BUCKETS = 31 * PER_OCTAVE;
    /** How much a new step counts against what is known of its bucket. */
    private static final double NEW = 0.05;
    /** How much of what is known of the slope stays with every step. */
    private static final double KEPT = 0.998;
    /** Steps of a bucket that are seen before one says something of the slope. */
    private static final int SOME = 4;

    private final double[] seconds = new double[BUCKETS];
    private final double[] tokens = new double[BUCKETS];
    private final double[] weight = new double[BUCKETS];
    private final double[] depths = new double[BUCKETS];

    /** The curve through the buckets that were seen, none below the one before it. */
    private final double[] knotTokens = new double[BUCKETS];

    private final double[] knotSeconds = new double[BUCKETS];
    private final double[] knotWeight = new double[BUCKETS];
    private int knots;

    // Of steps alike in tokens: how depth and time vary together, and depth alone.
    private double covariance;
    private double variance;
    private double slope;

    /** Costs of which nothing is known. */
    public StepCosts() {}

    /** {@return whether a step was seen} */
    public boolean isKnown() {
        return knots > 0;
    }

    /**
     * A step was computed.
     *
     * @param stepTokens its tokens, at least 1
     * @param depth drafts that the longest chain drafted in it had
     * @param took seconds, more than 0
     */
    public void observe(int stepTokens, int depth, double took) {
        if (stepTokens < 1 || !(took > 0)) {
            return;
        }
        int bucket = bucket(stepTokens);
        if (weight[bucket] >= SOME) {
            double more = depth - depths[bucket];
            covariance = KEPT * covariance + more * (took - curve(stepTokens));
            variance = KEPT * variance + more * more;
            slope = variance > 0 ? Math.max(0, covariance / variance) : 0;
        }
        double share = Math.max(NEW, 1 / (1 + weight[bucket]));
        seconds[bucket] += share * (Math.max(0, took - slope * depth) - seconds[bucket]);
        tokens[bucket] += share * (stepTokens - tokens[bucket]);
        depths[bucket] += share * (depth - depths[bucket]);
        weight[bucket] = Math.min(weight[bucket] + 1, 1 / NEW);
        fit();
    }

    /** Buckets of 1, 2, 3 ... 16, 18, 20 ... 32, 36 ... tokens and more. */
    private static int bucket(int n) {
        int octave = 31 - Integer.numberOfLeadingZeros(n);
        return octave * PER_OCTAVE + (int) ((((long) n * PER_OCTAVE) >> octave) - PER_OCTAVE);
    }

    /** Neighbours that fall become one (pool adjacent violators). */
    private void fit() {
        knots = 0;
        for (int i = 0; i < BUCKETS; i++) {
            if (weight[i] == 0) {
                continue;
            }
            knotTokens[knots] = tokens[i];
            knotSeconds[knots] = seconds[i];
            knotWeight[knots] = weight[i];
            knots++;
            while (knots > 1 && knotSeconds[knots - 2] > knotSeconds[knots - 1]) {
                int into = knots - 2;
                double both = knotWeight[into] + knotWeight[into + 1];
                double share = knotWeight[into + 1] / both;
                knotSeconds[into] += share * (knotSeconds[into + 1] - knotSeconds[into]);
                knotTokens[into] += share * (knotTokens[into + 1] - knotTokens[into]);
                knotWeight[into] = both;
                knots--;
            }
        }
    }

    /**
     * What a step is expected to take.
     *
     * @param stepTokens its tokens
     * @param depth drafts of its longest chain
     * @return seconds; 1 if nothing is known
     */
    public double seconds(double stepTokens, int depth) {
        return curve(stepTokens) + slope * depth;
    }

    /** {@return seconds that every draft of the longest chain adds} */
    double slope() {
        return slope;
    }

    /** What steps of so many tokens, and one more each time, take without drafting. */
    void fill(int firstTokens, double[] into, int count) {
        for (int i = 0; i < count; i++) {
            into[i] = curve(firstTokens + i);
        }
    }

    /** {@return tokens up to which a step is worth trying: twice the most that was seen; 0 if none was} */
    double triedTokens() {
        return knots == 0 ? 0 : 2 * knotTokens[knots - 1];
    }

    private double curve(double n) {
        if (knots == 0) {
            return 1;
        }
        int above = 0;
        while (above < knots && knotTokens[above] < n) {
            above++;
        }
        if (above == knots) {
            return beyond(n);
        }
        if (above > 0 && isNext(above)) {
            double share = (n - knotTokens[above - 1]) / (knotTokens[above] - knotTokens[above - 1]);
            return knotSeconds[above - 1] + share * (knotSeconds[above] - knotSeconds[above - 1]);
        }
        double hoped = knotSeconds[above] - rise(above) * (knotTokens[above] - n);
        return above == 0 ? hoped : Math.max(knotSeconds[above - 1], hoped);
    }

    /** Whether nothing between a knot and the one before it was left out. */
    private boolean isNext(int knot) {
        return bucket((int) Math.ceil(knotTokens[knot])) - bucket((int) knotTokens[knot - 1]) <= 2;
    }

    /** How steep the curve is after a knot; after the last one as steep as from nothing to it, which is the most it can be. */
    private double rise(int knot) {
        return knot == knots - 1
                ? knotSeconds[knot] / knotTokens[knot]
                : (knotSeconds[knot + 1] - knotSeconds[knot]) / (knotTokens[knot + 1] - knotTokens[knot]);
    }

    private double beyond(double n) {
        int last = knots - 1;
        int before = last;
        while (before > 0 && knotTokens[before] > knotTokens[last] / 2) {
            before--;
        }
        double rise = before == last
                ? 0
                : (knotSeconds[last] - knotSeconds[before]) / (knotTokens[last] - knotTokens[before]);
        return knotSeconds[last] + (n - knotTokens[last]) * rise;
    }
}
