package io.kvflux.soak;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** How findings are told. */
final class Sentences {

    private static final int MOST_CAUSES = 4;

    private Sentences() {}

    /** A failure with what caused it. */
    static String causes(Throwable failure) {
        StringBuilder text = new StringBuilder(failure.toString());
        Throwable cause = next(failure);
        for (int i = 0; i < MOST_CAUSES && cause != null; i++) {
            text.append(", caused by ").append(cause);
            cause = next(cause);
        }
        return text.toString();
    }

    private static @Nullable Throwable next(Throwable failure) {
        return failure.getCause() == failure ? null : failure.getCause();
    }

    static String leak(TrendLine line) {
        return String.format(
                Locale.ROOT,
                "%s: %s grows, from %s to %s at %d quiet points, by %s where %s is allowed (Theil-Sen; Mann-Kendall z = %.1f)",
                line.where(),
                line.gauge().label(),
                amount(line.gauge(), line.first()),
                amount(line.gauge(), line.last()),
                line.points(),
                amount(line.gauge(), line.growth()),
                amount(line.gauge(), line.allowed()),
                line.sureness());
    }

    private static String amount(Gauge gauge, double value) {
        return gauge.unit() == Gauge.Unit.BYTES
                ? String.format(Locale.ROOT, "%.2f MiB", value / (1 << 20))
                : String.format(Locale.ROOT, "%.1f", value);
    }
}
