package io.kvflux.geometry;

import java.util.Arrays;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Argument rules and exact arithmetic of this package: a breach names the rule and every operand. */
final class Check {

    private Check() {}

    static void positive(String name, long value) {
        if (value <= 0) {
            throw new IllegalArgumentException(name + " must be positive, " + name + "=" + value);
        }
    }

    static void notNegative(String name, long value) {
        if (value < 0) {
            throw new IllegalArgumentException(name + " must not be negative, " + name + "=" + value);
        }
    }

    /** A budget in GiB, or absent; it must also count in 64-bit bytes, so that later arithmetic cannot overflow. */
    static void budget(String name, @Nullable Double gib) {
        if (gib != null && !(gib > 0 && gib * DataSize.GIB < 0x1p63)) {
            throw new IllegalArgumentException(
                    name + " must be a positive number of GiB below 2^33, " + name + "=" + gib);
        }
    }

    /** The product of the values; {@code formula} is what the message calls them, such as "pages * pageSize". */
    static long product(String formula, long... values) {
        try {
            return Arrays.stream(values).reduce(1, Math::multiplyExact);
        } catch (ArithmeticException e) {
            throw overflow(formula, " * ", values, e);
        }
    }

    static long sum(String formula, long... values) {
        try {
            return Arrays.stream(values).reduce(0, Math::addExact);
        } catch (ArithmeticException e) {
            throw overflow(formula, " + ", values, e);
        }
    }

    private static IllegalArgumentException overflow(
            String formula, String operator, long[] values, ArithmeticException cause) {
        String operands = Arrays.stream(values).mapToObj(Long::toString).collect(Collectors.joining(operator));
        return new IllegalArgumentException(formula + " must fit in 64 bits: " + operands, cause);
    }
}
