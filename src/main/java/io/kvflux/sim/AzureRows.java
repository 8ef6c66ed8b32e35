package io.kvflux.sim;

import java.time.DateTimeException;
import java.time.LocalDateTime;
import java.time.ZoneOffset;

/** The Azure LLM inference trace: a time of day and two lengths per row. It records no content, so none is shared. */
final class AzureRows implements RowFormat {

    static final String HEADER = "TIMESTAMP,ContextTokens,GeneratedTokens";

    private static final String TIME_SHAPE = "0000-00-00 00:00:00";
    private static final int NANO_DIGITS = 9;
    private static final int BLOCK_TOKENS = 16;
    private static final long[] NO_IDS = {};

    @Override
    public String header() {
        return HEADER;
    }

    @Override
    public long arrivalNanos(LineReader line) {
        return nanos(fields(line)[0], line);
    }

    @Override
    public TraceRequest request(LineReader line, long index, long seed) {
        String[] fields = fields(line);
        int input = length("ContextTokens", fields[1], 1, line);
        int output = RowFormat.outputLength(length("GeneratedTokens", fields[2], 0, line));
        return new TraceRequest(seed, index, nanos(fields[0], line), input, output, BLOCK_TOKENS, NO_IDS, NO_IDS);
    }

    private static String[] fields(LineReader line) {
        String[] fields = line.text().split(",", -1);
        if (fields.length != 3) {
            throw line.fault("expected the 3 fields " + HEADER + ", found " + fields.length + " in " + line.excerpt());
        }
        return fields;
    }

    private static int length(String key, String text, int min, LineReader line) {
        try {
            int value = Integer.parseInt(text.strip());
            if (value >= min && value <= MAX_LENGTH) {
                return value;
            }
        } catch (NumberFormatException e) {
            // Told below, in the same words as a number out of range.
        }
        throw line.fault("expected " + key + " to be a whole number from " + min + " to " + MAX_LENGTH + ", found "
                + LineReader.excerpt(text));
    }

    /** Nanoseconds since 1970, UTC unless the time says otherwise. */
    private static long nanos(String text, LineReader line) {
        String time = text.strip();
        try {
            checkShape(time);
            int zone = zoneStart(time);
            LocalDateTime moment = LocalDateTime.of(
                    digits(time, 0, 4),
                    digits(time, 5, 7),
                    digits(time, 8, 10),
                    digits(time, 11, 13),
                    digits(time, 14, 16),
                    digits(time, 17, 19));
            ZoneOffset offset = zone == time.length() ? ZoneOffset.UTC : ZoneOffset.of(time.substring(zone));
            long nanos = Math.multiplyExact(moment.toEpochSecond(offset), 1_000_000_000L);
            return Math.addExact(nanos, fractionNanos(time, zone));
        } catch (DateTimeException | ArithmeticException e) {
            throw line.fault("expected TIMESTAMP to be a time such as 2023-11-16 18:15:46.6805900, found "
                    + LineReader.excerpt(text));
        }
    }

    private static void checkShape(String time) {
        boolean fits = time.length() >= TIME_SHAPE.length();
        for (int i = 0; fits && i < TIME_SHAPE.length(); i++) {
            char expected = TIME_SHAPE.charAt(i);
            char found = time.charAt(i);
            fits = expected == '0' ? isDigit(found) : found == expected || (expected == ' ' && found == 'T');
        }
        if (!fits) {
            throw new DateTimeException(time);
        }
    }

    /** Where the offset from UTC starts, behind the seconds and their fraction; the end when there is none. */
    private static int zoneStart(String time) {
        int at = TIME_SHAPE.length();
        if (at < time.length() && time.charAt(at) == '.') {
            at++;
            while (at < time.length() && isDigit(time.charAt(at))) {
                at++;
            }
        }
        return at;
    }

    /** The fraction of a second in nanoseconds, whatever its number of digits; finer ones are cut off. */
    private static int fractionNanos(String time, int end) {
        int nanos = 0;
        for (int digit = 0; digit < NANO_DIGITS; digit++) {
            int at = TIME_SHAPE.length() + 1 + digit;
            nanos = 10 * nanos + (at < end ? time.charAt(at) - '0' : 0);
        }
        return nanos;
    }

    private static int digits(String text, int from, int to) {
        return Integer.parseInt(text, from, to, 10);
    }

    private static boolean isDigit(char c) {
        return c >= '0' && c <= '9';
    }
}
