package io.kvflux.soak;

import java.util.ArrayList;
import java.util.List;

/**
 * All gauges over time in at most {@link #MAX_POINTS} points: when there are more, neighbours are joined, and from then on a
 * point covers twice as many samples. A point has the mean of what is a rate, and the largest of everything else.
 */
public final class Samples {

    /** Points that are kept. */
    public static final int MAX_POINTS = 2_000;

    private static final int GAUGES = Gauge.values().length;

    private record Point(double seconds, double[] values) {}

    private final List<Point> points = new ArrayList<>();
    private int perPoint = 1;
    private int inLast;

    /** With no points. */
    public Samples() {}

    /** Adds a sample of all gauges, by ordinal. */
    void add(double seconds, double[] values) {
        if (inLast > 0 && inLast < perPoint) {
            Point open = points.get(points.size() - 1);
            points.set(points.size() - 1, join(open, inLast, new Point(seconds, values), 1));
            inLast++;
            return;
        }
        if (points.size() == MAX_POINTS) {
            for (int i = 0; i < MAX_POINTS / 2; i++) {
                points.set(i, join(points.get(2 * i), 1, points.get(2 * i + 1), 1));
            }
            points.subList(MAX_POINTS / 2, MAX_POINTS).clear();
            perPoint *= 2;
        }
        points.add(new Point(seconds, values.clone()));
        inLast = 1;
    }

    private static Point join(Point a, int weightOfA, Point b, int weightOfB) {
        double[] joined = new double[GAUGES];
        for (Gauge gauge : Gauge.values()) {
            int i = gauge.ordinal();
            joined[i] = gauge.unit() == Gauge.Unit.RATE
                    ? (a.values[i] * weightOfA + b.values[i] * weightOfB) / (weightOfA + weightOfB)
                    : Math.max(a.values[i], b.values[i]);
        }
        return new Point(b.seconds, joined);
    }

    /** {@return how many points there are} */
    public int size() {
        return points.size();
    }

    /** {@return when each point was, in seconds since the beginning} */
    public double[] seconds() {
        return points.stream().mapToDouble(Point::seconds).toArray();
    }

    /**
     * A gauge over time.
     *
     * @param gauge which
     * @return a value for each point
     */
    public double[] values(Gauge gauge) {
        return points.stream()
                .mapToDouble(point -> point.values[gauge.ordinal()])
                .toArray();
    }
}
