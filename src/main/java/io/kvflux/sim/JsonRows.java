package io.kvflux.sim;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.io.JsonEOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Traces of one JSON object per line that differ in their keys and in how blocks are counted. */
final class JsonRows implements RowFormat {

    /** About 285 years: the most milliseconds whose nanoseconds fit a long. */
    private static final double MAX_MILLIS = 9e12;

    private static final long NANOS_PER_MILLI = 1_000_000;
    private static final long[] NO_IDS = {};

    private final JsonFactory json = new JsonFactory();
    private final Keys keys;
    private final int blockTokens;
    private long[] scratch = new long[256];

    private JsonRows(Keys keys, int blockTokens) {
        this.keys = keys;
        this.blockTokens = blockTokens;
    }

    /** One id per started block of 512 prompt tokens. */
    static JsonRows mooncake() {
        return new JsonRows(new Keys("timestamp", "input_length", "output_length", "hash_ids", null), 512);
    }

    /** One id per full block of 16 tokens, of the prompt and of what follows it. */
    static JsonRows blocks() {
        return new JsonRows(new Keys("t", "in", "out", "h", "ho"), 16);
    }

    @Override
    public String header() {
        return "";
    }

    /** Whether a line looks like this form by its keys. A damaged one may: what is wrong with it is told later. */
    boolean recognises(String line) {
        return line.stripLeading().startsWith("{")
                && (line.contains('"' + keys.time + '"') || line.contains('"' + keys.input + '"'));
    }

    @Override
    public long arrivalNanos(LineReader line) {
        try (JsonParser parser = parser(line)) {
            beginObject(parser, line);
            for (String key = nextKey(parser); key != null; key = nextKey(parser)) {
                if (key.equals(keys.time)) {
                    return nanos(parser, line);
                }
                parser.skipChildren();
            }
            throw missing(keys.time, line);
        } catch (IOException e) {
            throw malformed(e, line);
        }
    }

    @Override
    public TraceRequest request(LineReader line, long index, long seed) {
        Row row = new Row();
        try (JsonParser parser = parser(line)) {
            beginObject(parser, line);
            for (String key = nextKey(parser); key != null; key = nextKey(parser)) {
                readValue(parser, key, row, line);
            }
            if (parser.nextToken() != null) {
                throw line.fault("expected one JSON object on the line, found more after it");
            }
        } catch (IOException e) {
            throw malformed(e, line);
        }
        checkComplete(row, line);
        checkIds(row, line);
        int output = RowFormat.outputLength(row.output);
        return new TraceRequest(seed, index, row.nanos, row.input, output, blockTokens, row.ids, row.tailIds);
    }

    private JsonParser parser(LineReader line) throws IOException {
        return json.createParser(line.bytes(), line.start(), line.length());
    }

    private static void beginObject(JsonParser parser, LineReader line) throws IOException {
        if (parser.nextToken() != JsonToken.START_OBJECT) {
            throw line.fault("expected a JSON object, found " + line.excerpt());
        }
    }

    /** The next key, with the parser on its value; null after the last. */
    private static @Nullable String nextKey(JsonParser parser) throws IOException {
        String key = parser.nextFieldName();
        if (key != null) {
            parser.nextToken();
        }
        return key;
    }

    private void readValue(JsonParser parser, String key, Row row, LineReader line) throws IOException {
        if (key.equals(keys.time)) {
            row.nanos = nanos(parser, line);
        } else if (key.equals(keys.input)) {
            row.input = (int) wholeNumber(parser, key, 1, MAX_LENGTH, line);
        } else if (key.equals(keys.output)) {
            row.output = (int) wholeNumber(parser, key, 0, MAX_LENGTH, line);
        } else if (key.equals(keys.ids)) {
            row.ids = ids(parser, key, line);
        } else if (key.equals(keys.tailIds)) {
            row.tailIds = ids(parser, key, line);
        } else {
            parser.skipChildren();
        }
    }

    private long nanos(JsonParser parser, LineReader line) throws IOException {
        double millis = parser.currentToken().isNumeric() ? parser.getDoubleValue() : Double.NaN;
        if (!(millis >= 0 && millis <= MAX_MILLIS)) {
            throw line.fault(
                    "expected " + keys.time + " to be a number of milliseconds, at least 0, found " + describe(parser));
        }
        return parser.currentToken() == JsonToken.VALUE_NUMBER_INT
                ? parser.getLongValue() * NANOS_PER_MILLI
                : Math.round(millis * NANOS_PER_MILLI);
    }

    private static long wholeNumber(JsonParser parser, String key, long min, long max, LineReader line)
            throws IOException {
        boolean fitsLong = parser.currentToken() == JsonToken.VALUE_NUMBER_INT
                && parser.getNumberType() != JsonParser.NumberType.BIG_INTEGER;
        if (!fitsLong || parser.getLongValue() < min || parser.getLongValue() > max) {
            throw line.fault("expected " + key + " to be a whole number from " + min + " to " + max + ", found "
                    + describe(parser));
        }
        return parser.getLongValue();
    }

    private long[] ids(JsonParser parser, String key, LineReader line) throws IOException {
        if (parser.currentToken() != JsonToken.START_ARRAY) {
            throw line.fault("expected " + key + " to be an array of block ids, found " + describe(parser));
        }
        int count = 0;
        while (parser.nextToken() != JsonToken.END_ARRAY) {
            if (count == scratch.length) {
                scratch = Arrays.copyOf(scratch, 2 * count);
            }
            scratch[count++] = wholeNumber(parser, "each id in " + key, 0, Long.MAX_VALUE, line);
        }
        return Arrays.copyOf(scratch, count);
    }

    private void checkComplete(Row row, LineReader line) {
        if (row.nanos < 0) {
            throw missing(keys.time, line);
        }
        if (row.input < 0) {
            throw missing(keys.input, line);
        }
        if (row.output < 0) {
            throw missing(keys.output, line);
        }
        if (row.ids == NO_IDS) {
            throw missing(keys.ids, line);
        }
    }

    private void checkIds(Row row, LineReader line) {
        int fullBlocks = row.input / blockTokens;
        if (keys.tailIds == null) {
            int started = (row.input + blockTokens - 1) / blockTokens;
            checkCount(row.ids.length == started, "exactly " + started, keys.ids, row.ids, row, line);
        } else {
            int after = (row.input + row.output) / blockTokens - fullBlocks;
            checkCount(row.ids.length <= fullBlocks, "at most " + fullBlocks, keys.ids, row.ids, row, line);
            checkCount(row.tailIds.length <= after, "at most " + after, keys.tailIds, row.tailIds, row, line);
        }
    }

    private void checkCount(boolean fits, String count, String key, long[] ids, Row row, LineReader line) {
        if (!fits) {
            throw line.fault("expected " + count + " ids of " + blockTokens + "-token blocks in " + key + " for "
                    + keys.input + "=" + row.input + ", " + keys.output + "=" + row.output + ", found " + ids.length);
        }
    }

    private static TraceException missing(String key, LineReader line) {
        return line.fault("expected the key " + key + ", found an object without it");
    }

    private static TraceException malformed(IOException e, LineReader line) {
        if (e instanceof JsonEOFException) {
            return line.fault("expected a complete JSON object, found the end of the line inside it");
        }
        if (e instanceof JsonProcessingException fault) {
            return line.fault("expected a JSON object, found malformed JSON (" + fault.getOriginalMessage() + ")");
        }
        throw new UncheckedIOException(e);
    }

    private static String describe(JsonParser parser) throws IOException {
        return switch (parser.currentToken()) {
            case START_OBJECT -> "an object";
            case START_ARRAY -> "an array";
            default -> LineReader.excerpt(parser.getText());
        };
    }

    /** What a row's parts are called; {@code tailIds} is null where the form has none. */
    private record Keys(
            String time,
            String input,
            String output,
            String ids,
            @Nullable String tailIds) {}

    /** What has been read of a row so far. */
    private static final class Row {
        long nanos = -1;
        int input = -1;
        int output = -1;
        long[] ids = NO_IDS;
        long[] tailIds = NO_IDS;
    }
}
