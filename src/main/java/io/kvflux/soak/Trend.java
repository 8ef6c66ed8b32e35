package io.kvflux.soak;

import java.util.Arrays;

/**
 * Whether a series grows: how much by the Theil-Sen slope, the median of the slopes of all pairs, which outliers do not
 * move; and how surely by the Mann-Kendall test, which counts the pairs that rise and those that fall.
 *
 * @param growth by that slope, from the first point to the last
 * @param sureness of the test, in standard deviations of a series without a trend; positive if it grows
 * @param points how many there were
 */
record Trend(double growth, double sureness, int points) {

    /** A series without a trend is as sure as this once in two thousand times; with less than 8 points none can be. */
    static final double SURE = 3.29;

    /** Even if each is higher than the one before, fewer are not sure. */
    static final int LEAST_POINTS = 8;

    private static final int MOST_POINTS = 600;

    /** Of values at times that rise. */
    static Trend of(double[] times, double[] values) {
        int stride = (values.length + MOST_POINTS - 1) / MOST_POINTS;
        return stride <= 1 ? ofAll(times, values) : ofAll(every(times, stride), every(values, stride));
    }

    private static double[] every(double[] values, int stride) {
        double[] some = new double[(values.length + stride - 1) / stride];
        for (int i = 0; i < some.length; i++) {
            some[i] = values[i * stride];
        }
        return some;
    }

    private static Trend ofAll(double[] times, double[] values) {
        int n = values.length;
        if (n < 2) {
            return new Trend(0, 0, n);
        }
        double[] slopes = new double[n * (n - 1) / 2];
        int pairs = 0;
        long rising = 0;
        for (int i = 0; i < n; i++) {
            for (int j = i + 1; j < n; j++) {
                rising += (long) Math.signum(values[j] - values[i]);
                slopes[pairs++] = (values[j] - values[i]) / (times[j] - times[i]);
            }
        }
        Arrays.sort(slopes);
        double slope = (slopes[(pairs - 1) / 2] + slopes[pairs / 2]) / 2;
        double deviation = Math.sqrt(variance(values));
        double sureness = deviation == 0 ? 0 : (rising - Long.signum(rising)) / deviation;
        return new Trend(slope * (times[n - 1] - times[0]), sureness, n);
    }

    /** Of the count of rising less falling pairs, when all orders are as likely; ties make it smaller. */
    private static double variance(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        double variance = weight(sorted.length);
        for (int i = 0; i < sorted.length; ) {
            int j = i;
            while (j < sorted.length && sorted[j] == sorted[i]) {
                j++;
            }
            variance -= weight(j - i);
            i = j;
        }
        return variance / 18;
    }

    private static double weight(double n) {
        return n * (n - 1) * (2 * n + 5);
    }

    /** Whether it grows for certain, and by more than an allowance. */
    boolean grows(double allowance) {
        return sureness >= SURE && growth > allowance;
    }
}
