package io.kvflux.draft;

/**
 * What a step is expected to take: a curve over its tokens, which never falls, and so much for every draft that the longest
 * chain of the round has. Learned from steps. Beyond the largest that was seen the curve goes on as steeply as its last
 * octave; where steps of some size were never seen it is as low as it can be if it bends upwards only, so that who looks for
 * the best size tries them.
 *
 * <p>A step may take far longer than its work does: a pause, a first of its size. So no step counts for more than {@value
 * #MOST} times what was expected; what is known of a size is forgotten when a step of it or of a larger one takes less than half
 * of that, and when none was seen for some thousand steps.
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

    /** Longer by more than this is not the work of a step. */
    private static final double MOST = 2;
    /** How much of what a bucket weighs stays with every step. */
    private static final double LASTING = 0.9995;
    /** What weighs less is forgotten. */
    private static final double FORGOTTEN = 0.5;

    /** Of the variance of depth: less than one step that is a draft off says nothing. */
    private static final double LITTLE = 0.5;

    private final double[] seconds = new double[BUCKETS];
    private final double[] tokens = new double[BUCKETS];
    private final double[] weight = new double[BUCKETS];
    private final double[] depths = new double[BUCKETS];

    /** The curve: of each bucket that was seen its number, mean tokens and seconds, which never fall. */
    private final int[] knotBucket = new int[BUCKETS];

    private final double[] knotTokens = new double[BUCKETS];
    private final double[] knotSeconds = new double[BUCKETS];
    /** Of each whether nothing between it and the one before was left out. */
    private final boolean[] isNext = new boolean[BUCKETS];
    /** Where runs of buckets begin that have one value, because they would fall otherwise, and what each run weighs. */
    private final int[] runStart = new int[BUCKETS];

    private final double[] runWeight = new double[BUCKETS];
    private int knots;
    /** How steep the curve is beyond the last. */
    private double riseBeyond;
    /** The first knot that is not below what was asked for last: who asks goes up in small steps. */
    private int above;

    // Of steps alike in tokens: how depth and time vary together, and depth alone.
    private double covariance;
    private double variance;
    private double slope;
    private boolean deep;
    private double lastSeconds;

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
        double counted = Math.min(took, MOST * expected(bucket, stepTokens, depth));
        if (weight[bucket] >= SOME) {
            double more = depth - depths[bucket];
            covariance = KEPT * covariance + more * (counted - seconds[bucket]);
            variance = KEPT * variance + more * more;
            slope = variance > 0 ? Math.max(0, covariance / variance) : 0;
        }
        forget(bucket, took);
        lastSeconds = counted;
        double share = Math.max(NEW, 1 / (1 + weight[bucket]));
        seconds[bucket] += share * (counted - seconds[bucket]);
        tokens[bucket] += share * (stepTokens - tokens[bucket]);
        depths[bucket] += share * (depth - depths[bucket]);
        weight[bucket] = Math.min(weight[bucket] + 1, 1 / NEW);
        deep |= depth > 0;
        fit();
    }

    /** What a step of a bucket should take at most; anything where nothing is known. */
    private double expected(int bucket, int stepTokens, int depth) {
        if (weight[bucket] > 0) {
            return seconds[bucket] + slope * Math.max(0, depth - depths[bucket]);
        }
        if (knots == 0) {
            return Double.POSITIVE_INFINITY;
        }
        double beyond = curve(stepTokens);
        if (above < knots) {
            return knotSeconds[above] + slope * depth; // and not what is hoped for below one that was seen
        }
        double inProportion = knotSeconds[knots - 1] * stepTokens / knotTokens[knots - 1];
        return Math.max(beyond, inProportion / MOST) + slope * depth;
    }

    /** A step of a bucket took so long: so without drafts one of it or of a smaller bucket does not take much longer. */
    private void forget(int bucket, double took) {
        for (int i = 0; i < BUCKETS; i++) {
            weight[i] *= LASTING;
            if (weight[i] < FORGOTTEN || (i <= bucket && seconds[i] - slope * depths[i] > MOST * took)) {
                weight[i] = 0;
            }
        }
    }

    /** Buckets of 1, 2, 3 ... 16, 18, 20 ... 32, 36 ... tokens and more. */
    private static int bucket(int n) {
        int octave = 31 - Integer.numberOfLeadingZeros(n);
        return octave * PER_OCTAVE + (int) ((((long) n * PER_OCTAVE) >> octave) - PER_OCTAVE);
    }

    /** The first number of tokens after a bucket. */
    private static int after(int bucket) {
        int eighths = bucket % PER_OCTAVE + PER_OCTAVE + 1;
        return (int) ((((long) eighths << (bucket / PER_OCTAVE)) + PER_OCTAVE - 1) / PER_OCTAVE);
    }

    /** Neighbours that fall get one value (pool adjacent violators). */
    private void fit() {
        knots = 0;
        int runs = 0;
        for (int i = 0; i < BUCKETS; i++) {
            if (weight[i] == 0) {
                continue;
            }
            knotBucket[knots] = i;
            knotTokens[knots] = tokens[i];
            isNext[knots] = knots > 0 && bucket(after(knotBucket[knots - 1])) == i;
            // What was seen first is cleared of its depth too, as soon as it is known what that costs.
            knotSeconds[knots] = Math.max(0, seconds[i] - slope * depths[i]);
            runStart[runs] = knots;
            runWeight[runs] = weight[i] * weight[i]; // so that few steps do not drag what many say
            knots++;
            runs++;
            while (runs > 1 && knotSeconds[runStart[runs - 2]] > knotSeconds[runStart[runs - 1]]) {
                runs--;
                double both = runWeight[runs - 1] + runWeight[runs];
                double pooled = (runWeight[runs - 1] * knotSeconds[runStart[runs - 1]]
                                + runWeight[runs] * knotSeconds[runStart[runs]])
                        / both;
                runWeight[runs - 1] = both;
                for (int knot = runStart[runs - 1]; knot < knots; knot++) {
                    knotSeconds[knot] = pooled;
                }
            }
        }
        riseBeyond = riseBeyond();
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

    /** {@return seconds of the step that was seen last, as far as they count; 0 if none was} */
    double lastSeconds() {
        return lastSeconds;
    }

    /** {@return seconds that every draft of the longest chain adds} */
    double slope() {
        return slope;
    }

    /** Whether there were drafts, but always as many of a step alike: what depth costs cannot be told from what tokens do. */
    boolean hidesDepth() {
        return deep && variance < LITTLE;
    }

    /** {@return tokens up to which a step is worth trying: twice the most that was seen; 0 if none was} */
    double triedTokens() {
        return knots == 0 ? 0 : 2 * knotTokens[knots - 1];
    }

    private double curve(double n) {
        if (knots == 0) {
            return 1;
        }
        above = Math.min(above, knots);
        while (above < knots && knotTokens[above] < n) {
            above++;
        }
        while (above > 0 && knotTokens[above - 1] >= n) {
            above--;
        }
        if (above == knots) {
            return knotSeconds[knots - 1] + (n - knotTokens[knots - 1]) * riseBeyond;
        }
        if (isNext[above]) {
            double share = (n - knotTokens[above - 1]) / (knotTokens[above] - knotTokens[above - 1]);
            return knotSeconds[above - 1] + share * (knotSeconds[above] - knotSeconds[above - 1]);
        }
        double hoped = knotSeconds[above] - rise(above) * (knotTokens[above] - n);
        return Math.max(hoped, above == 0 ? knotSeconds[0] * n / knotTokens[0] : knotSeconds[above - 1]);
    }

    /** How steep the curve is after a knot; after the last one as steep as from nothing to it, which is the most it can be. */
    private double rise(int knot) {
        return knot == knots - 1
                ? knotSeconds[knot] / knotTokens[knot]
                : (knotSeconds[knot + 1] - knotSeconds[knot]) / (knotTokens[knot + 1] - knotTokens[knot]);
    }

    private double riseBeyond() {
        int last = knots - 1;
        int before = last;
        while (before > 0 && knotTokens[before] > knotTokens[last] / 2) {
            before--;
        }
        return before == last ? 0 : (knotSeconds[last] - knotSeconds[before]) / (knotTokens[last] - knotTokens[before]);
    }
}
