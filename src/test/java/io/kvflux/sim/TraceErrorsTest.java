package io.kvflux.sim;

import static io.kvflux.sim.TraceFiles.mooncake;
import static io.kvflux.sim.TraceFiles.readAll;
import static io.kvflux.sim.TraceFiles.write;
import static io.kvflux.sim.TraceFiles.writeGzip;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Every bad input gives one sentence that names file, line, what was expected and what was found. */
class TraceErrorsTest {

    private static final String AZURE = "TIMESTAMP,ContextTokens,GeneratedTokens\n";
    private static final String GOOD = mooncake(0, 1, "0");

    @TempDir
    Path folder;

    static Stream<Arguments> malformed() {
        return Stream.of(
                // Forms that are none.
                arguments(
                        "\n\n",
                        ":1: expected a Mooncake row {\"timestamp\": ..., a block row {\"t\": ... or the header "
                                + "TIMESTAMP,ContextTokens,GeneratedTokens, found nothing"),
                arguments("hello world\n", "found 'hello world'"),
                arguments("\u0001\u0002\u0000\u0003", "found bytes that are not text"),
                arguments("{\"a\":1}\n", "found '{\"a\":1}'"),
                arguments("[1, 2]\n", "found '[1, 2]'"),
                // JSON rows.
                arguments(
                        GOOD + "{\"timestamp\": 5, \"input_le",
                        ":2: expected a complete JSON object, found the end of " + "the line inside it"),
                arguments(
                        GOOD + "{\"timestamp\": }\n",
                        ":2: expected a JSON object, found malformed JSON (Unexpected " + "character ('}' (code 125))"),
                arguments(GOOD + "[]\n", ":2: expected a JSON object, found '[]'"),
                arguments(GOOD + "\n" + GOOD, ":2: expected a row, found an empty line"),
                arguments(GOOD + "\u0001\u0002", ":2: expected a JSON object, found malformed JSON (Illegal character"),
                arguments(GOOD.strip() + " {}\n", ":1: expected one JSON object on the line, found more after it"),
                arguments(
                        "{\"input_length\": 1, \"output_length\": 1, \"hash_ids\": [0]}\n",
                        ":1: expected the key " + "timestamp, found an object without it"),
                arguments(
                        "{\"timestamp\": 1, \"output_length\": 1, \"hash_ids\": [0]}\n",
                        "expected the key " + "input_length, found an object without it"),
                arguments(
                        "{\"timestamp\": 1, \"input_length\": 1, \"hash_ids\": [0]}\n",
                        "expected the key " + "output_length, found an object without it"),
                arguments(
                        "{\"timestamp\": 1, \"input_length\": 1, \"output_length\": 1}\n",
                        "expected the key " + "hash_ids, found an object without it"),
                arguments(
                        "{\"timestamp\": \"x\", \"input_length\": 1}\n",
                        "expected timestamp to be a number of " + "milliseconds, at least 0, found 'x'"),
                arguments(
                        GOOD.replace(": 0,", ": -1,"),
                        "expected timestamp to be a number of milliseconds, at least 0, " + "found '-1'"),
                arguments(GOOD.replace(": 0,", ": 1e99,"), "found '1e99'"),
                arguments(GOOD.replace(": 0,", ": NaN,"), "found malformed JSON (Non-standard token 'NaN'"),
                arguments(
                        mooncake(0, 0, ""), "expected input_length to be a whole number from 1 to 16777216, found '0'"),
                arguments(mooncake(0, -5, ""), "found '-5'"),
                arguments(mooncake(0, 16_777_217, ""), "found '16777217'"),
                arguments(
                        GOOD.replace("\"output_length\": 3", "\"output_length\": -1"),
                        "expected output_length to be a " + "whole number from 0 to 16777216, found '-1'"),
                arguments(GOOD.replace("\"output_length\": 3", "\"output_length\": 2.5"), "found '2.5'"),
                arguments(
                        GOOD.replace("\"output_length\": 3", "\"output_length\": 99999999999999999999"),
                        "found " + "'99999999999999999999'"),
                arguments(GOOD.replace("[0]", "{}"), "expected hash_ids to be an array of block ids, found an object"),
                arguments(
                        mooncake(0, 1, "-1"),
                        "expected each id in hash_ids to be a whole number from 0 to "
                                + "9223372036854775807, found '-1'"),
                arguments(mooncake(0, 1, "[]"), "found an array"),
                arguments(
                        mooncake(0, 513, "1"),
                        "expected exactly 2 ids of 512-token blocks in hash_ids for "
                                + "input_length=513, output_length=3, found 1"),
                arguments(mooncake(0, 512, "1, 2"), "expected exactly 1 ids"),
                arguments(
                        "{\"t\":0,\"in\":31,\"out\":1,\"h\":[1,2]}\n",
                        "expected at most 1 ids of 16-token blocks in h " + "for in=31, out=1, found 2"),
                arguments(
                        "{\"t\":0,\"in\":31,\"out\":1,\"h\":[1],\"ho\":[2,3]}\n",
                        "expected at most 1 ids of 16-token " + "blocks in ho for in=31, out=1, found 2"),
                // CSV rows.
                arguments(AZURE, ":2: expected a row, found the end of the file"),
                arguments(
                        "TIMESTAMP,Tokens\n",
                        ":1: expected the header TIMESTAMP,ContextTokens,GeneratedTokens, found "
                                + "'TIMESTAMP,Tokens'"),
                arguments(
                        AZURE + "2024-05-10 00:00:00,5\n",
                        ":2: expected the 3 fields TIMESTAMP,ContextTokens,"
                                + "GeneratedTokens, found 2 in '2024-05-10 00:00:00,5'"),
                arguments(
                        AZURE + "2024-05-10 00:00:00,5,",
                        "expected GeneratedTokens to be a whole number from 0 to " + "16777216, found nothing"),
                arguments(
                        AZURE + "2024-05-10 00:00:00,0,5\n",
                        "expected ContextTokens to be a whole number from 1 to " + "16777216, found '0'"),
                arguments(AZURE + "2024-05-10 00:00:00,x,5\n", "found 'x'"),
                arguments(
                        AZURE + "2024-05-10,1,5\n",
                        "expected TIMESTAMP to be a time such as 2023-11-16 " + "18:15:46.6805900, found '2024-05-10'"),
                arguments(AZURE + "2024-02-30 00:00:00,1,5\n", "found '2024-02-30 00:00:00'"),
                arguments(AZURE + "2024-05-10 00:00:00+99,1,5\n", "found '2024-05-10 00:00:00+99'"),
                arguments(AZURE + "9999-05-10 00:00:00,1,5\n", "found '9999-05-10 00:00:00'"),
                arguments(AZURE + "NaN,1,5\n", "found 'NaN'"));
    }

    @ParameterizedTest
    @MethodSource("malformed")
    void malformedInputIsOneSentence(String content, String sentence) throws IOException {
        Path file = write(folder, content);

        assertThatThrownBy(() -> readWhole(file))
                .isInstanceOf(TraceException.class)
                .hasMessageStartingWith(file + ":")
                .hasMessageContaining(sentence)
                .message()
                .doesNotContain("\n", "Source:");
    }

    @Test
    void firstRowAndATruncatedLastOneAreRefusedAtOpening() throws IOException {
        assertRefusedAtOpening(write(folder, mooncake(0, -1, "0") + GOOD));
        assertRefusedAtOpening(write(folder, GOOD + "{\"timestamp\": 0, \"input_length\": 1"));
    }

    @Test
    void missingFileIsRefused() {
        Path file = folder.resolve("none");
        assertThatThrownBy(() -> readWhole(file))
                .isInstanceOf(TraceException.class)
                .hasMessage(file + ": expected a trace file, found that it does not exist");
    }

    @Test
    void directoryIsRefused() {
        assertThatThrownBy(() -> readWhole(folder))
                .isInstanceOf(TraceException.class)
                .hasMessage(folder + ": expected a trace file, found a directory or device");
    }

    @Test
    void emptyFileIsRefused() throws IOException {
        Path file = write(folder, "");
        assertThatThrownBy(() -> readWhole(file))
                .isInstanceOf(TraceException.class)
                .hasMessage(file + ": expected a trace, found an empty file");
    }

    @Test
    void truncatedGzipIsRefusedWhereItEnds() throws IOException {
        StringBuilder rows = new StringBuilder();
        for (int row = 0; row < 20_000; row++) {
            rows.append(mooncake(row, 1, Integer.toString(row * 7919)));
        }
        Path file = cut(writeGzip(folder, rows.toString()), 50_000);

        assertThatThrownBy(() -> readWhole(file))
                .isInstanceOf(TraceException.class)
                .hasMessageMatching(
                        ".*trace.jsonl:\\d+: expected more gzip data, found the end of the file: it is truncated");
    }

    @Test
    void gzipCutInItsHeadIsRefused() throws IOException {
        Path file = cut(writeGzip(folder, GOOD), 5);

        assertThatThrownBy(() -> readWhole(file))
                .isInstanceOf(TraceException.class)
                .hasMessage(file + ": expected a readable trace, found truncated gzip data");
    }

    @Test
    void damagedGzipIsRefused() throws IOException {
        Path file = writeGzip(folder, GOOD);
        byte[] bytes = Files.readAllBytes(file);
        Arrays.fill(bytes, 10, 30, (byte) 0xff);
        Files.write(file, bytes);

        assertThatThrownBy(() -> readWhole(file))
                .isInstanceOf(TraceException.class)
                .hasMessageContaining(":1: expected intact gzip data, found damage");
    }

    @Test
    void overlongLineIsRefusedInBoundedMemory() throws IOException {
        Path file = folder.resolve("long.gz");
        byte[] zeros = new byte[1 << 20];
        try (GZIPOutputStream out = new GZIPOutputStream(Files.newOutputStream(file))) {
            for (int i = 0; i <= LineReader.MAX_LINE_BYTES; i += zeros.length) {
                out.write(zeros);
            }
        }

        assertThatThrownBy(() -> readWhole(file))
                .isInstanceOf(TraceException.class)
                .hasMessage(file + ":1: expected a line of at most 67108864 bytes, found a longer one");
    }

    @Test
    void fileThatShrankSinceOpeningIsRefused() throws IOException {
        Path file = write(folder, GOOD.repeat(5_000));
        try (Workload workload = Traces.open(file, TraceFormat.AUTO, Long.MAX_VALUE, 0)) {
            write(folder, GOOD);
            assertThatThrownBy(() -> readAll(workload))
                    .isInstanceOf(TraceException.class)
                    .hasMessage(file + ":2: expected 5000 rows as when the file was opened, found its end");
        }
    }

    private static void readWhole(Path file) {
        try (Workload workload = Traces.open(file, TraceFormat.AUTO, Long.MAX_VALUE, 0)) {
            assertThat(readAll(workload)).isNotEmpty();
        }
    }

    private static void assertRefusedAtOpening(Path file) {
        assertThatThrownBy(() ->
                        Traces.open(file, TraceFormat.AUTO, Long.MAX_VALUE, 0).close())
                .isInstanceOf(TraceException.class);
    }

    private static Path cut(Path file, int bytes) throws IOException {
        return Files.write(file, Arrays.copyOf(Files.readAllBytes(file), bytes));
    }
}
