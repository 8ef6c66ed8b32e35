package io.kvflux.soak;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** What was measured at quiet points, where all lives are in the same state, and what grew. */
final class Timeline {

    private record Quiet(double seconds, int life, double[] values) {}

    /** Growth that is no leak: so much, and this share of what there was in the beginning. */
    private record Allowance(double amount, double share) {}

    private static final int MOST = 8_000;
    private static final double MIB = 1 << 20;

    private static final Map<Gauge, Allowance> TESTED = new EnumMap<>(Map.of(
            Gauge.HEAP_AFTER_GC, new Allowance(2 * MIB, 0.05),
            Gauge.BUFFERS, new Allowance(MIB, 0),
            Gauge.NATIVE, new Allowance(0, 0),
            Gauge.RESIDENT, new Allowance(96 * MIB, 0.1),
            Gauge.FILES, new Allowance(2, 0),
            Gauge.THREADS, new Allowance(2, 0),
            Gauge.CLIENTS_KEPT, new Allowance(Life.MOST_KEPT, 0)));

    private final List<Quiet> points = new ArrayList<>();
    private final Samples samples = new Samples();
    private int count;

    void add(double seconds, int life, double[] values) {
        if (points.size() == MOST) {
            List<Quiet> half = new ArrayList<>();
            for (int i = 1; i < MOST; i += 2) {
                half.add(points.get(i));
            }
            points.clear();
            points.addAll(half);
        }
        points.add(new Quiet(seconds, life, values.clone()));
        samples.add(seconds, values);
        count++;
    }

    /** How many quiet points there were. */
    int count() {
        return count;
    }

    /** All of them, as many as fit. */
    Samples samples() {
        return samples;
    }

    /** Every tested gauge over the run, and those that grew within a life. */
    List<TrendLine> trends() {
        List<TrendLine> lines = new ArrayList<>();
        for (Gauge gauge : TESTED.keySet()) {
            lines.add(line(gauge, "the run", afterWarmUp(points)));
        }
        int lives = points.isEmpty() ? 0 : points.get(points.size() - 1).life() + 1;
        for (int life = 0; life < lives; life++) {
            int number = life;
            List<Quiet> own = afterWarmUp(
                    points.stream().filter(point -> point.life() == number).toList());
            for (Gauge gauge : TESTED.keySet()) {
                TrendLine line = line(gauge, "life " + (number + 1), own);
                if (line.grows()) {
                    lines.add(line);
                }
            }
        }
        return lines;
    }

    private static List<Quiet> afterWarmUp(List<Quiet> all) {
        return all.subList((all.size() + 3) / 4, all.size());
    }

    private static TrendLine line(Gauge gauge, String where, List<Quiet> of) {
        double[] times = of.stream().mapToDouble(Quiet::seconds).toArray();
        double[] values = of.stream()
                .mapToDouble(point -> point.values()[gauge.ordinal()])
                .toArray();
        int quarter = (values.length + 3) / 4;
        double first = median(Arrays.copyOf(values, quarter));
        double last = median(Arrays.copyOfRange(values, values.length - quarter, values.length));
        Allowance allowance = TESTED.get(gauge);
        double allowed = allowance.amount() + allowance.share() * first;
        Trend trend = Trend.of(times, values);
        return new TrendLine(
                gauge,
                where,
                values.length,
                first,
                last,
                trend.growth(),
                allowed,
                trend.sureness(),
                trend.grows(allowed));
    }

    private static double median(double[] values) {
        Arrays.sort(values);
        int n = values.length;
        return n == 0 ? 0 : (values[(n - 1) / 2] + values[n / 2]) / 2;
    }
}
