package io.kvflux.sim;

import static io.kvflux.sim.TraceFiles.mooncake;
import static io.kvflux.sim.TraceFiles.readAll;
import static io.kvflux.sim.TraceFiles.shared;
import static io.kvflux.sim.TraceFiles.write;
import static io.kvflux.sim.TraceFiles.writeGzip;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TracesTest {

    private static final long ALL = Long.MAX_VALUE;
    private static final String AZURE_HEADER = "TIMESTAMP,ContextTokens,GeneratedTokens\r\n";
    private static final String OUT_OF_ORDER =
            mooncake(20, 1, "0") + mooncake(10, 2, "0") + mooncake(20, 3, "0") + mooncake(10, 4, "0");

    @TempDir
    Path folder;

    @Test
    void mooncakeRowBecomesRequest() throws IOException {
        Path file = write(folder, mooncake(27482, 1025, "7, 8, 9"));

        SimRequest request = only(file, TraceFormat.MOONCAKE);

        assertThat(request.index()).isZero();
        assertThat(request.arrivalNanos()).isEqualTo(27_482_000_000L);
        assertThat(request.inputLength()).isEqualTo(1025);
        assertThat(request.outputLength()).isEqualTo(3);
        assertThat(request.promptTokens()).hasSize(1025);
    }

    /** As some editors begin every file. */
    @Test
    void aByteOrderMarkIsSkippedOnce() throws IOException {
        Path azure = write(folder, "\uFEFF" + AZURE_HEADER + "2024-05-10 00:00:00,5,1\r\n");
        assertThat(only(azure, TraceFormat.AUTO).inputLength()).isEqualTo(5);
        // One that is sorted goes back to its first line by its place in the file.
        Path sorted = write(folder, "\uFEFF" + OUT_OF_ORDER);
        assertThat(all(sorted, TraceFormat.AUTO))
                .extracting(SimRequest::inputLength)
                .containsExactly(2, 4, 1, 3);
        Path nothing = write(folder, "\uFEFF");
        assertThatThrownBy(() -> all(nothing, TraceFormat.MOONCAKE)).hasMessageContaining("found the end of the file");
        Path second = write(folder, AZURE_HEADER + "\uFEFF2024-05-10 00:00:00,5,1\r\n");
        assertThatThrownBy(() -> all(second, TraceFormat.AZURE)).hasMessageContaining(":2: expected");
    }

    @Test
    void fractionsOfMillisecondsAreKept() throws IOException {
        Path file = write(folder, "{\"t\":1.5,\"in\":3,\"out\":1,\"h\":[]}");

        assertThat(only(file, TraceFormat.BLOCKS).arrivalNanos()).isEqualTo(1_500_000);
    }

    @Test
    void unknownKeysAreIgnoredAndOutputBlocksMayBeAbsent() throws IOException {
        Path file = write(folder, "{\"x\":{\"t\":[1]},\"h\":[5],\"out\":2,\"in\":17,\"t\":4,\"tns\":9}\n");

        assertThat(only(file, TraceFormat.BLOCKS).inputLength()).isEqualTo(17);
    }

    @Test
    void azureTimesHaveAnyFractionAndOffset() throws IOException {
        Path file = write(
                folder,
                AZURE_HEADER
                        + "2024-05-10 00:00:00,1,1\r\n"
                        + "2024-05-10 00:00:00.009930+00:00,2,1\r\n"
                        + "2024-05-10 02:00:01.1234567891+02:00,3,1\r\n"
                        + "2024-05-10T00:00:02.5Z,4,1");

        List<SimRequest> requests = all(file, TraceFormat.AZURE);

        long first = requests.get(0).arrivalNanos();
        assertThat(requests)
                .extracting(request -> request.arrivalNanos() - first)
                .containsExactly(0L, 9_930_000L, 1_123_456_789L, 2_500_000_000L);
    }

    @Test
    void outputOfNoTokensIsRunAsOne() throws IOException {
        Path file = write(folder, AZURE_HEADER + "2024-05-10 00:00:00,5,0");

        SimRequest request = only(file, TraceFormat.AZURE);

        assertThat(request.outputLength()).isEqualTo(1);
        assertThat(request.outputToken(0)).isEqualTo(SimRequest.STOP_TOKEN);
    }

    @Test
    void autoFindsEachForm() throws IOException {
        assertThat(only(write(folder, mooncake(0, 512, "3")), TraceFormat.AUTO).inputLength())
                .isEqualTo(512);
        assertThat(only(write(folder, AZURE_HEADER + "2024-05-10 00:00:00,6,2"), TraceFormat.AUTO)
                        .inputLength())
                .isEqualTo(6);
        assertThat(only(writeGzip(folder, "{\"t\":0,\"in\":8,\"out\":1,\"h\":[]}"), TraceFormat.AUTO)
                        .inputLength())
                .isEqualTo(8);
    }

    @Test
    void rowsOutOfOrderAreSortedStablyAndSaidOnce() throws IOException {
        Path file = write(folder, OUT_OF_ORDER);

        try (Workload workload = Traces.open(file, TraceFormat.AUTO, ALL, 0)) {
            assertThat(workload.notices())
                    .containsExactly(file + ":2: the rows are not in order of time from here on; they were sorted, and"
                            + " rows of equal time keep the order of the file.");
            assertThat(readAll(workload)).extracting(SimRequest::index).containsExactly(1L, 3L, 0L, 2L);
        }
    }

    @Test
    void unsortedKeepsTheOrderOfTheFile() throws IOException {
        try (Workload workload = Traces.openUnsorted(write(folder, OUT_OF_ORDER), TraceFormat.AUTO, ALL, 0)) {
            assertThat(workload.notices()).isEmpty();
            assertThat(readAll(workload)).extracting(SimRequest::index).containsExactly(0L, 1L, 2L, 3L);
        }
    }

    @Test
    void azureRowsOutOfOrderAreSorted() throws IOException {
        Path file = write(folder, AZURE_HEADER + "2024-05-10 00:00:09,5,1\r\n2024-05-10 00:00:08,6,1");

        assertThat(all(file, TraceFormat.AUTO))
                .extracting(SimRequest::inputLength)
                .containsExactly(6, 5);
    }

    @Test
    void gzipOutOfOrderGivesTheSameRequestsAsPlain() throws IOException {
        List<SimRequest> plain = all(write(folder, OUT_OF_ORDER), TraceFormat.AUTO);

        List<SimRequest> packed = all(writeGzip(folder, OUT_OF_ORDER), TraceFormat.AUTO);

        assertThat(packed).usingRecursiveComparison().isEqualTo(plain);
    }

    @Test
    void unpackedFileIsDeletedOnClose() throws IOException {
        TraceFile file = TraceFile.of(writeGzip(folder, OUT_OF_ORDER));
        Path unpacked = file.unpack();
        assertThat(unpacked).hasContent(OUT_OF_ORDER.stripTrailing());

        file.close();

        assertThat(unpacked).doesNotExist();
    }

    @Test
    void limitCountsRowsInFileOrder() throws IOException {
        try (Workload workload = Traces.open(write(folder, OUT_OF_ORDER), TraceFormat.AUTO, 3, 0)) {
            assertThat(workload.size()).isEqualTo(3);
            assertThat(readAll(workload)).extracting(SimRequest::index).containsExactly(1L, 0L, 2L);
        }
    }

    @Test
    void limitHidesDamageBehindIt() throws IOException {
        try (Workload workload = Traces.open(write(folder, mooncake(0, 1, "0") + "damage"), TraceFormat.AUTO, 1, 0)) {
            assertThat(readAll(workload)).hasSize(1);
        }
    }

    @Test
    void limitMustBePositive() {
        assertThatThrownBy(() -> Traces.open(folder, TraceFormat.AUTO, 0, 0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("limit must be positive, limit=0");
    }

    @Test
    void emptyLinesAtTheEndAreNoRows() throws IOException {
        try (Workload workload =
                Traces.open(write(folder, mooncake(0, 1, "0") + "\n \r\n"), TraceFormat.AUTO, ALL, 0)) {
            assertThat(workload.size()).isEqualTo(1);
        }
    }

    @Test
    void nameIsTheFileName() throws IOException {
        try (Workload workload = Traces.open(write(folder, OUT_OF_ORDER), TraceFormat.AUTO, ALL, 0)) {
            assertThat(workload.name()).isEqualTo("trace");
        }
    }

    @Test
    void mooncakeConversationIsReadWhole() {
        try (Workload workload = Traces.open(shared("mooncake-conversation.jsonl"), TraceFormat.AUTO, ALL, 0)) {
            assertThat(workload.size()).isEqualTo(12_031);
            assertThat(workload.notices()).isEmpty();
            List<SimRequest> requests = readAll(workload);
            assertSorted(requests);
            assertThat(requests.stream().mapToLong(SimRequest::inputLength).sum())
                    .isEqualTo(144_793_823);
            int[] first = requests.get(0).promptTokens();
            assertThat(requests)
                    .allSatisfy(request -> assertThat(firstBlock(request)).isEqualTo(firstBlock(first)));
        }
    }

    @Test
    void azureConversationIsReadWhole() {
        try (Workload workload = Traces.open(shared("azure-2023-conv.csv"), TraceFormat.AUTO, ALL, 0)) {
            assertThat(workload.size()).isEqualTo(19_366);
            List<SimRequest> requests = readAll(workload);
            assertSorted(requests);
            assertThat(requests.get(19_365).inputLength()).isEqualTo(197);
        }
    }

    @Test
    void measuredVllmWorkloadIsReadWhole() {
        try (Workload workload = Traces.open(shared("vllm-rtx4090/workload.jsonl.gz"), TraceFormat.AUTO, ALL, 0)) {
            assertThat(workload.size()).isEqualTo(300);
            assertSorted(readAll(workload));
        }
    }

    private static int[] firstBlock(SimRequest request) {
        return firstBlock(request.promptTokens());
    }

    private static int[] firstBlock(int[] tokens) {
        return Arrays.copyOf(tokens, 512);
    }

    private static void assertSorted(List<SimRequest> requests) {
        assertThat(requests.stream().map(SimRequest::arrivalNanos).toList()).isSorted();
    }

    private static SimRequest only(Path file, TraceFormat format) {
        List<SimRequest> requests = all(file, format);
        assertThat(requests).hasSize(1);
        return requests.get(0);
    }

    private static List<SimRequest> all(Path file, TraceFormat format) {
        assertThat(Files.exists(file)).isTrue();
        try (Workload workload = Traces.open(file, format, ALL, 0)) {
            return readAll(workload);
        }
    }
}
