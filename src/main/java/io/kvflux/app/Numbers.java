package io.kvflux.app;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Numbers as people read them; {@code -} stands for what does not exist. */
final class Numbers {

    private static final String ABSENT = "-";

    private Numbers() {}

    static String count(@Nullable Number value) {
        return value == null ? ABSENT : format("%,d", value.longValue());
    }

    /** Seconds in the unit that leaves two to four digits before the point or three significant ones. */
    static String seconds(@Nullable Double value) {
        if (value == null) {
            return ABSENT;
        }
        double size = Math.abs(value);
        if (size < 0.001 && size > 0) {
            return format("%.3g us", value * 1e6);
        }
        if (size < 1) {
            return significant(value * 1e3) + " ms";
        }
        return significant(value) + " s";
    }

    static String percent(@Nullable Double fraction) {
        return fraction == null ? ABSENT : format("%.1f %%", fraction * 100);
    }

    /** A part of a whole, {@code -} of nothing. */
    static String percent(long part, long whole) {
        return whole == 0 ? ABSENT : percent((double) part / whole);
    }

    /** A number of any size. */
    static String decimal(@Nullable Double value) {
        return value == null ? ABSENT : significant(value);
    }

    /** So many a second, {@code -} without time. */
    static String rate(@Nullable Number amount, @Nullable Double seconds) {
        return amount == null || seconds == null || seconds == 0 ? ABSENT : significant(amount.doubleValue() / seconds);
    }

    private static String significant(double value) {
        double size = Math.abs(value);
        if (size >= 100) {
            return format("%,.0f", value);
        }
        return format(size >= 10 ? "%.1f" : "%.2f", value);
    }

    private static String format(String pattern, Object value) {
        return String.format(Locale.ROOT, pattern, value);
    }
}
