package io.kvflux.soak;

/**
 * Whether a gauge grew from quiet point to quiet point, after a warm-up.
 *
 * @param gauge which
 * @param where in the whole run, or in one life
 * @param points quiet points that were looked at
 * @param first median of the first quarter of them
 * @param last median of the last quarter
 * @param growth by the Theil-Sen slope, from the first to the last
 * @param allowed growth that is no leak, however sure
 * @param sureness of the Mann-Kendall test, in standard deviations of a series without a trend
 * @param grows whether that is a leak: it is sure, and more than is allowed
 */
public record TrendLine(
        Gauge gauge,
        String where,
        int points,
        double first,
        double last,
        double growth,
        double allowed,
        double sureness,
        boolean grows) {}
