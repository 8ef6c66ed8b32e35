package io.kvflux.geometry;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * An amount of memory.
 *
 * @param bytes the amount in bytes, 0 or more
 */
public record DataSize(long bytes) {

    static final long GIB = 1L << 30;

    private static final Pattern SIZE = Pattern.compile("([+-]?[0-9]+(?:\\.[0-9]+)?)\\s*([A-Za-z]*)");
    private static final Map<String, Long> UNITS = Map.of(
            "b", 1L,
            "kib", 1L << 10,
            "mib", 1L << 20,
            "gib", GIB,
            "tib", 1L << 40,
            "kb", 1_000L,
            "mb", 1_000_000L,
            "gb", 1_000_000_000L,
            "tb", 1_000_000_000_000L);
    private static final List<String> BINARY = List.of("B", "KiB", "MiB", "GiB", "TiB");

    /**
     * Checks the values.
     *
     * @param bytes the amount in bytes, 0 or more
     * @throws IllegalArgumentException when it is negative
     */
    public DataSize {
        Check.notNegative("bytes", bytes);
    }

    /**
     * Converts from GiB.
     *
     * @param gib how many GiB (2^30 bytes), 0 or more
     * @return the size
     * @throws IllegalArgumentException when negative or more than 64 bits hold
     */
    public static DataSize ofGiB(long gib) {
        return new DataSize(Check.product("gib * bytesPerGib", gib, GIB));
    }

    /**
     * Reads a size as people write it: a positive number, whole or with a fraction, and one of the units B, KiB, MiB,
     * GiB, TiB (powers of 1024) or KB, MB, GB, TB (powers of 1000), in any case, with or without a space between. A
     * fraction of a byte is dropped.
     *
     * @param text for example {@code 40GiB} or {@code 1.5 GB}
     * @return the size, at least 1 byte
     * @throws IllegalArgumentException in one sentence, when the text is no such size
     */
    public static DataSize parse(String text) {
        Matcher matcher = SIZE.matcher(text.strip());
        if (!matcher.matches()) {
            throw new IllegalArgumentException("size must be a number and a unit such as 40GiB, size='" + text + "'");
        }
        BigDecimal number = new BigDecimal(matcher.group(1));
        if (number.signum() <= 0) {
            throw new IllegalArgumentException("size must be positive, size='" + text + "'");
        }
        BigInteger bytes = number.multiply(unit(matcher.group(2), text)).toBigInteger();
        if (bytes.signum() == 0 || bytes.bitLength() > 63) {
            throw new IllegalArgumentException(
                    "size must be at least 1 B and less than 8388608 TiB, size='" + text + "'");
        }
        return new DataSize(bytes.longValue());
    }

    private static BigDecimal unit(String name, String text) {
        Long unit = UNITS.get(name.toLowerCase(Locale.ROOT));
        if (unit == null) {
            throw new IllegalArgumentException(
                    "size must end in one of the units B, KiB, MiB, GiB, TiB, KB, MB, GB, TB, size='" + text + "'");
        }
        return BigDecimal.valueOf(unit);
    }

    /** {@return the size for people, in the largest binary unit that leaves at least 1, cut to two decimals} */
    @Override
    public String toString() {
        int unit = bytes == 0 ? 0 : Math.min((63 - Long.numberOfLeadingZeros(bytes)) / 10, BINARY.size() - 1);
        BigDecimal value = BigDecimal.valueOf(bytes)
                .divide(BigDecimal.valueOf(1L << (10 * unit)))
                .setScale(2, RoundingMode.DOWN);
        return value.stripTrailingZeros().toPlainString() + " " + BINARY.get(unit);
    }
}
