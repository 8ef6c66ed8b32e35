package io.kvflux.app;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.kvflux.sim.ReplayResult;
import io.kvflux.sim.Tick;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/** What the charts draw, as the JSON that is put into the page. Absent charts are null. */
record ReportData(
        boolean cacheOnly,
        boolean drafts,
        @Nullable Series series,
        @Nullable Cdf ttft,
        @Nullable Cdf tpot,
        @Nullable Cdf latency) {

    private static final ObjectMapper MAPPER = new ObjectMapper();
    private static final MathContext DIGITS = new MathContext(5);

    /** The window of the windowed hit ratio is a multiple of this, in seconds or requests. */
    private static final double MIN_WINDOW = 10;

    private static final double WINDOWS_PER_RUN = 50;

    static String json(ReplayResult result, List<Tick> points, boolean cacheOnly) {
        ReportData data = new ReportData(
                cacheOnly,
                result.summary().drafts() != null,
                points.isEmpty() ? null : Series.of(points),
                Cdf.of(result.ttftSeconds()),
                Cdf.of(result.tpotSeconds()),
                Cdf.of(result.latencySeconds()));
        try {
            // Escaped, so that no name in the data can end the script element it lies in.
            return MAPPER.writeValueAsString(data).replace("<", "\\u003c");
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("the report's data cannot be written as JSON", e);
        }
    }

    /** One value per point and line; rates are per second, ratios in percent. */
    record Series(
            List<Double> x,
            List<Double> running,
            List<Double> waiting,
            List<Double> held,
            List<Double> cached,
            long total,
            List<Double> promptRate,
            List<Double> outputRate,
            double window,
            List<@Nullable Double> hitsSoFar,
            List<@Nullable Double> hitsInWindow,
            List<Double> preemptions,
            List<Double> available,
            List<Double> grantedRate,
            List<Double> acceptedRate,
            List<@Nullable Double> acceptance) {

        static Series of(List<Tick> points) {
            double last = points.get(points.size() - 1).seconds();
            double window = MIN_WINDOW * Math.ceil(Math.max(last, 1) / WINDOWS_PER_RUN / MIN_WINDOW);
            return new Series(
                    each(points, Tick::seconds),
                    each(points, Tick::running),
                    each(points, Tick::waiting),
                    each(points, Tick::heldBlocks),
                    each(points, Tick::cachedBlocks),
                    points.get(0).totalBlocks(),
                    rate(points, Tick::promptTokens),
                    rate(points, Tick::outputTokens),
                    window,
                    hits(points, Double.POSITIVE_INFINITY),
                    hits(points, window),
                    each(points, Tick::preemptions),
                    each(points, Tick::availableBlocks),
                    rate(points, Tick::grantedDrafts),
                    rate(points, Tick::acceptedDrafts),
                    acceptance(points));
        }

        private static List<Double> each(List<Tick> points, ToDoubleFunction<Tick> value) {
            return points.stream()
                    .map(point -> rounded(value.applyAsDouble(point)))
                    .toList();
        }

        private static List<Double> rate(List<Tick> points, ToDoubleFunction<Tick> amount) {
            List<Double> rates = new ArrayList<>();
            double before = 0;
            for (Tick point : points) {
                double seconds = point.seconds() - before;
                rates.add(seconds > 0 ? rounded(amount.applyAsDouble(point) / seconds) : 0);
                before = point.seconds();
            }
            return rates;
        }

        /** Accepted drafts in percent of those verified since the point before; null where none were. */
        private static List<@Nullable Double> acceptance(List<Tick> points) {
            List<@Nullable Double> ratios = new ArrayList<>();
            for (Tick point : points) {
                long verified = point.acceptedDrafts() + point.rejectedDrafts();
                ratios.add(verified == 0 ? null : rounded(100.0 * point.acceptedDrafts() / verified));
            }
            return ratios;
        }

        /** Hits in percent of the pages asked for within the window before each point; null where none were. */
        private static List<@Nullable Double> hits(List<Tick> points, double window) {
            List<@Nullable Double> ratios = new ArrayList<>();
            int start = -1;
            for (Tick point : points) {
                while (points.get(start + 1).seconds() <= point.seconds() - window) {
                    start++;
                }
                long asked = point.promptBlocks()
                        - (start < 0 ? 0 : points.get(start).promptBlocks());
                long found =
                        point.hitBlocks() - (start < 0 ? 0 : points.get(start).hitBlocks());
                ratios.add(asked == 0 ? null : rounded(100.0 * found / asked));
            }
            return ratios;
        }
    }

    /** A distribution: {@code y} percent of the values are at most {@code x} seconds. */
    record Cdf(List<Double> x, List<Double> y, double p50, double p90, double p99) {

        private static final int POINTS = 400;

        static @Nullable Cdf of(double[] sorted) {
            int n = sorted.length;
            if (n == 0) {
                return null;
            }
            List<Double> x = new ArrayList<>(List.of(rounded(sorted[0])));
            List<Double> y = new ArrayList<>(List.of(0.0));
            int points = Math.min(n, POINTS);
            for (int i = 1; i <= points; i++) {
                int rank = (int) ((long) n * i / points);
                x.add(rounded(sorted[rank - 1]));
                y.add(rounded(100.0 * rank / n));
            }
            return new Cdf(x, y, at(sorted, 0.5), at(sorted, 0.9), at(sorted, 0.99));
        }

        private static double at(double[] sorted, double p) {
            return rounded(sorted[(int) Math.floor(p * sorted.length)]);
        }
    }

    private static double rounded(double value) {
        return BigDecimal.valueOf(value).round(DIGITS).doubleValue();
    }
}
