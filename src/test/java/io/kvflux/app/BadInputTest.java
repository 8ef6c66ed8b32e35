package io.kvflux.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import io.kvflux.app.Cli.Outcome;
import io.kvflux.tier.disk.ChildJvm;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class BadInputTest {

    @TempDir
    Path folder;

    static Stream<Arguments> wrongUsage() {
        return Stream.of(
                arguments("replay --polcy fifo", "unknown option '--polcy', did you mean --policy?"),
                arguments("rplay", "unexpected argument 'rplay', did you mean replay?"),
                arguments("replay trace.jsonl", "unexpected argument 'trace.jsonl'"),
                arguments("replay --device-memory 0", "size must be positive, size='0'"),
                arguments("replay --device-memory -1", "size must be positive, size='-1'"),
                arguments("replay --device-memory 10XB", "size must end in one of the units"),
                arguments("replay --device-memory 1B", "Insufficient cache memory"),
                arguments("replay --device-blocks 0", "from 1 to 2147483646, found '0'"),
                arguments("replay --device-blocks 2147483647", "from 1 to 2147483646, found '2147483647'"),
                arguments("replay --limit 3 --seed 1 --limit=5", "--limit is given 2 times, give it once"),
                arguments("replay --model llama-3.1-8b --model qwen3-8b", "--model is given 2 times"),
                arguments("replay --json --quiet --json", "--json is given 2 times"),
                arguments("replay --page-size -16", "from 1 to 2147483647, found '-16'"),
                arguments("replay --limit 0", "expected a whole number of at least 1, found '0'"),
                arguments("replay --limit", "Missing required parameter for option '--limit'"),
                arguments("replay --seed x", "'x' is not a long"),
                arguments("replay --tenants 1.5", "found '1.5'"),
                arguments("replay --length-hints 1e999", "finite and 0 or more, --length-hints=Infinity"),
                arguments("replay --length-hints -0.1", "finite and 0 or more, --length-hints=-0.1"),
                arguments("compare --variants default --length-hints 1e999", "must be finite and 0 or more"),
                arguments("replay --step-cost 1,2", "step cost must be three numbers"),
                arguments("replay --step-cost 0,0,0", "step cost needs a > 0"),
                arguments("replay --device-profile abacus", "device profile must be one of"),
                arguments("replay --policy lifo", "expected one of fifo, priority, fair, shortest, found 'lifo'"),
                arguments("replay --eviction mru", "expected one of lru, adaptive, found 'mru'"),
                arguments("replay --engine other", "expected one of vllm, found 'other'"),
                arguments("replay --trace x --format xml", "expected one of auto, mooncake, azure, blocks"),
                arguments("replay --format azure", "there is no --trace"),
                arguments("replay --model llama-3.1-9b", "did you mean llama-3.1-8b?"),
                arguments("replay --model llama-3.1-70b", "leave no memory for KV on " + TimeOptions.DEFAULT_PROFILE),
                arguments("replay --tensor-parallel 3", "Number of KV heads (8) must be divisible"),
                arguments(
                        "replay --max-batch-tokens 10",
                        "--max-batch-tokens must be at least --max-batch-size, so that all sequences of a step can decode,"
                                + " --max-batch-tokens=10, --max-batch-size=256 (the default)"),
                arguments("replay --max-steps-in-flight 65", "maxStepsInFlight must be in [1, 64]"),
                arguments("replay --device-memory 4000000TiB --page-size 1", "a replica may have at most"),
                arguments("replay --data-parallel 70000", "there may be at most 65536 devices"),
                arguments("replay --device-blocks 9 --device-memory 1GiB", "contradict each other"),
                arguments("replay --step-cost 1,0,0 --device-profile l4", "contradict each other"),
                arguments("replay --engine vllm --policy fair", "there is --policy fair"),
                arguments("replay --engine vllm --max-steps-in-flight 2", "there is --max-steps-in-flight 2"),
                arguments("replay --cache-only --policy fifo", "--policy has no meaning with it"),
                arguments("replay --cache-only --ticks t.csv", "--ticks has no meaning with it"),
                arguments("replay --cache-only --per-request r.csv", "--per-request has no meaning with it"),
                arguments("replay --cache-only --step-cost 1,0,0", "--step-cost has no meaning with it"),
                arguments("replay --cache-only --engine vllm", "--engine has no meaning with it"),
                arguments("replay --cache-only --no-prefix-cache", "contradict each other"),
                arguments("replay --cache-only --realtime", "contradict each other"),
                arguments("replay --host-memory 1GiB --host-blocks 3", "contradict each other"),
                arguments("replay --host-memory 1KiB", "the host must have room for 1 to 2147483646 blocks"),
                arguments("replay --host-blocks 0", "from 1 to 2147483646, found '0'"),
                arguments("replay --host-policy exclusive", "--host-policy needs a host tier: give --host-memory"),
                arguments("replay --host-bandwidth 1GiB/s", "--host-bandwidth needs a host tier"),
                arguments("replay --preemption offload", "--preemption offload needs a host tier"),
                arguments(
                        "replay --host-blocks 3 --host-policy most",
                        "expected one of exclusive, inclusive, write-through, found 'most'"),
                arguments(
                        "replay --host-blocks 3 --host-bandwidth 20GiB",
                        "expected a size a second such as 24GiB/s, found '20GiB'"),
                arguments("replay --host-blocks 3 --host-bandwidth 0/s", "such as 24GiB/s, found '0/s'"),
                arguments(
                        "replay --host-blocks 3 --preemption swap",
                        "expected one of auto, recompute, offload, found 'swap'"),
                arguments("replay --host-blocks 3 --no-prefix-cache", "which --no-prefix-cache switches off"),
                arguments(
                        "replay --cache-only --host-blocks 3 --preemption auto", "--preemption has no meaning with it"),
                arguments(
                        "replay --cache-only --host-blocks 3 --host-bandwidth 1GiB/s",
                        "--host-bandwidth has no meaning with it"),
                arguments(
                        "replay --disk d --host-blocks 3 --cache-only --with-memory",
                        "--disk needs to know how much it may hold: give --disk-size"),
                arguments("replay --disk-size 1GiB", "--disk-size needs a disk: give --disk"),
                arguments("replay --disk-bandwidth 1GiB/s", "--disk-bandwidth needs a disk: give --disk"),
                arguments("replay --disk d --disk-size 0", "size must be positive, size='0'"),
                arguments(
                        "replay --realtime --host-blocks 2000000000",
                        "the host tier of --realtime must fit the memory of the machine, host="),
                arguments(
                        "replay --realtime --host-memory 100TiB",
                        "the host tier of --realtime must fit the memory of the machine, host="),
                arguments(
                        "replay --disk d --disk-size 1GiB --with-memory",
                        "--disk needs a host tier: give --host-memory or --host-blocks"),
                arguments(
                        "replay --disk d --disk-size 1GiB --host-blocks 3",
                        "--disk keeps real bytes, so it needs --with-memory, or --realtime"),
                arguments(
                        "replay --disk d --disk-size 1GiB --host-blocks 3 --cache-only",
                        "--disk keeps real bytes, so it needs --with-memory, or --realtime"),
                arguments(
                        "replay --disk d --disk-size 1GiB --host-blocks 3 --cache-only --with-memory"
                                + " --disk-bandwidth 1GiB/s",
                        "--disk-bandwidth has no meaning with it"),
                arguments(
                        "replay --disk d --disk-size 1GiB --host-blocks 3 --realtime --disk-bandwidth 1GiB/s",
                        "--disk-bandwidth is of simulated time"),
                arguments(
                        "replay --disk d --disk-size 1MiB --host-blocks 3 --device-blocks 9 --with-memory",
                        "a disk store must have room for a slot, size=1048576, needed="),
                arguments(
                        "replay --disk d --disk-size 4KiB --host-blocks 3 --realtime",
                        "a disk store must have room for a slot, size=4096, needed="),
                arguments("replay --speed 3", "but there is no --realtime"),
                arguments("replay --realtime --speed 0", "--speed must be positive, --speed=0.0"),
                arguments("replay --realtime --speed x", "expected a decimal number, found 'x'"),
                arguments("replay --realtime --speed 20d", "expected a decimal number, found '20d'"),
                arguments("replay --realtime --ticks t.csv", "--ticks shows simulated time"),
                arguments("replay --realtime --report r.html", "--report shows simulated time"),
                arguments("replay --device cuda", "--device is where real pages are, so it needs --with-memory"),
                arguments("replay --with-memory --device cuda:x", "--device: expected host, cuda, cuda:N or cuda:N,N,"),
                arguments("replay --with-memory --realtime", "--realtime has pages of its own"),
                arguments("replay --with-memory --limit 5 --with-memory", "--with-memory is given 2 times"),
                arguments(
                        "replay --with-memory --device-blocks 2147483646",
                        "the pages of --with-memory must fit the memory of the machine, device=4095.99 TiB, host=0 B,"),
                arguments(
                        "replay --with-memory --cache-only --device-blocks 9 --host-blocks 2147483646",
                        "lower --device-blocks, --host-blocks or --page-size, or take a smaller --model"),
                arguments("replay --cache-only --data-parallel 2", "there is --data-parallel 2"),
                arguments("bench eviction", "Missing required option: '--device-blocks=N,...'"),
                arguments("bench eviction --device-blocks 0", "from 1 to 2147483646, found '0'"),
                arguments("bench eviction --device-blocks 1000,0", "from 1 to 2147483646, found '0'"),
                arguments("bench eviction --device-blocks 1000,,2000", "from 1 to 2147483646, found ''"),
                arguments("bench eviction --device-blocks ,", "from 1 to 2147483646, found ''"),
                arguments("bench eviction --device-blocks 100,", "from 1 to 2147483646, found ''"),
                arguments("bench eviction --device-blocks 10 --length-hints 0", "leave out --length-hints"),
                arguments(
                        "bench eviction --device-blocks 3000,1000",
                        "--device-blocks are sizes, each larger than the one before, found 1000 after 3000"),
                arguments(
                        "bench eviction --device-blocks 10,20,20",
                        "--device-blocks are sizes, each larger than the one before, found 20 after 20"),
                arguments("bench eviction --device-blocks 10 --page-size 0", "from 1 to 2147483647, found '0'"),
                arguments("bench eviction --device-blocks 10 --format azure", "there is no --trace"),
                arguments("bench eviction --device-blocks 10 --tenants 2", "leave out --tenants"),
                arguments("bench eviction --device-blocks 10 --device-blocks 20", "should be specified only once"),
                arguments("bench eviction --device-blocks 10 --limit 2 --limit 3", "--limit is given 2 times"),
                arguments("serve --port 65536", "expected a port from 0 to 65535, found '65536'"),
                arguments("serve --port x", "expected a port from 0 to 65535, found 'x'"),
                arguments("serve --port 0 --port 1", "should be specified only once"),
                arguments("serve --page-size 0", "from 1 to 2147483647, found '0'"),
                arguments("serve --max-batch-size 0", "from 1 to 2147483647, found '0'"),
                arguments("serve --seed x", "'x' is not a long"),
                arguments("serve --device-blocks 9 --device-memory 1MiB", "contradict each other"),
                arguments("serve --device-memory 1KiB", "must hold the null block and one more"),
                arguments("serve now", "unexpected argument 'now'"),
                arguments("plan", "Missing required options"),
                arguments("plan --model llama-3.1-8b", "Missing required option: '--device-memory=SIZE'"),
                arguments("plan --model llama-3.1-8b --device-memory 10XB", "size must end in one of the units"),
                arguments("plan --model llama-3.1-8b --device-memory 1KiB", "Insufficient cache memory"),
                arguments("plan --model llama-3.1-8b --device-memory 1GiB --host-memory 1KiB", "on host"));
    }

    @Test
    void morePoolThanMemoryIsOneSentence() {
        assertThat(failsInOneLine(1, "replay", "--device-blocks", "2147483646")).contains("not enough memory");
        assertThat(failsInOneLine(1, "bench", "eviction", "--device-blocks", "9,2147483646"))
                .contains("not enough memory");
    }

    @Test
    void anOutputThatCannotBeWrittenKeepsTheOthersFromTheirPlace() throws IOException {
        assumeTrue(Files.exists(Path.of("/dev/full")), "skipped: there is no /dev/full here");
        Path report = folder.resolve("report.html");
        Files.writeString(report, "old");
        assertThat(failsInOneLine(1, "replay", "--limit", "5", "--report", report.toString(), "--ticks", "/dev/full"))
                .contains("cannot write /dev/full");
        assertThat(report).hasContent("old");
        try (Stream<Path> files = Files.list(folder)) {
            assertThat(files).containsExactly(report);
        }
    }

    @ParameterizedTest
    @MethodSource
    void wrongUsage(String line, String sentence) {
        assertThat(failsInOneLine(2, line.split(" "))).contains(sentence).contains("--help)");
    }

    private String[] withDisk(Path directory, int pageSize) {
        return ("replay --limit 30 --cache-only --with-memory --device-blocks 1500 --host-blocks 100 --host-policy"
                        + " write-through --json --disk-size 16MiB --model " + smallModel() + " --page-size " + pageSize
                        + " --disk " + directory)
                .split(" ");
    }

    private Path smallModel() {
        try {
            return Files.writeString(
                    folder.resolve("config.json"),
                    "{\"model_type\": \"llama\", \"num_hidden_layers\": 1, \"num_attention_heads\": 1,"
                            + " \"num_key_value_heads\": 1, \"head_dim\": 4, \"torch_dtype\": \"bfloat16\"}");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void aDiskNeedsADirectoryOfItsOwn() throws IOException {
        Path file = Files.writeString(folder.resolve("file"), "text");
        assertThat(failsInOneLine(1, withDisk(file, 16)))
                .contains("a disk store needs a directory, directory=" + file)
                .contains("choose another");
        assertThat(file).hasContent("text");
        // No permission stops the superuser, so this one cannot be written to for another reason.
        Path closed =
                Files.createDirectories(folder.resolve("closed/store.lock")).getParent();
        Outcome outcome = Cli.run(withDisk(closed, 16));
        assertThat(outcome.code()).isEqualTo(1);
        assertThat(outcome.err().lines())
                .singleElement()
                .asString()
                .contains("make the directory writable, or choose another");
    }

    @Test
    void aDiskBelongsToOneProcess() throws Exception {
        Path directory = folder.resolve("pages");
        assertThat(Cli.run(withDisk(directory, 16)).code()).isZero();
        Process other = ChildJvm.start(Holder.class, directory.toString());
        try {
            assertThat(other.getInputStream().read()).isEqualTo('!');
            assertThat(failsInOneLine(1, withDisk(directory, 16)))
                    .contains("a disk store belongs to one process at a time")
                    .contains("heldBy=process " + other.pid());
        } finally {
            other.destroyForcibly().waitFor();
        }
        assertThat(Cli.run(withDisk(directory, 16)).code()).isZero();
    }

    /** What the other process runs. */
    static final class Holder {

        private Holder() {}

        public static void main(String[] args) throws IOException {
            Path lock = Path.of(args[0], "store.lock");
            try (FileChannel channel = FileChannel.open(lock, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
                channel.lock();
                channel.truncate(0);
                channel.write(ByteBuffer.wrap(
                        Long.toString(ProcessHandle.current().pid()).getBytes(StandardCharsets.US_ASCII)));
                System.out.print('!');
                System.out.flush();
                System.in.read();
            }
        }
    }

    /** As an unset variable of a script gives it. */
    @Test
    void aDiskHasAName() {
        for (String name : new String[] {"", " "}) {
            assertThat(failsInOneLine(
                            2,
                            "replay",
                            "--disk",
                            name,
                            "--disk-size",
                            "1GiB",
                            "--host-blocks",
                            "3",
                            "--cache-only",
                            "--with-memory"))
                    .contains("--disk needs the name of a directory, --disk='" + name + "'");
        }
    }

    @Test
    void aDiskHasOneGeometry() {
        Path directory = folder.resolve("pages");
        assertThat(Cli.run(withDisk(directory, 16)).code()).isZero();
        assertThat(failsInOneLine(1, withDisk(directory, 32)))
                .contains("a disk store keeps pages of one layout")
                .contains("pageSize=16", "pageSize=32")
                .contains("choose another directory, or delete the segments in this one");
    }

    @Test
    void missingTraceIsNamed() {
        assertThat(failsInOneLine(1, "bench", "eviction", "--device-blocks", "9", "--trace", "no-such-file"))
                .contains("no-such-file: expected a trace file, found that it does not exist");
        assertThat(failsInOneLine(1, "replay", "--trace", "no-such-file")).contains("no-such-file");
    }

    @Test
    void malformedTraceIsToldWithItsLine() throws IOException {
        Path trace = Files.writeString(
                folder.resolve("t.jsonl"),
                "{\"timestamp\": 1, \"input_length\": 5, \"output_length\": 2, \"hash_ids\": [1]}\n{\"timest\n");
        assertThat(failsInOneLine(1, "replay", "--trace", trace.toString())).contains(trace + ":2: expected");
        assertThat(failsInOneLine(1, "bench", "eviction", "--device-blocks", "9", "--trace", trace.toString()))
                .contains(trace + ":2: expected");
    }

    @Test
    void emptyTraceIsRefused() throws IOException {
        Path trace = Files.createFile(folder.resolve("t.jsonl"));
        assertThat(failsInOneLine(1, "replay", "--trace", trace.toString())).contains("empty");
    }

    @Test
    void configWithoutTheNeededKeysIsAFailure() throws IOException {
        Path config = Files.writeString(folder.resolve("config.json"), "{\"model_type\": \"x\"}");
        assertThat(failsInOneLine(1, "replay", "--model", config.toString())).contains("num_hidden_layers");
    }

    @Test
    void missingConfigIsAFailure() {
        assertThat(failsInOneLine(1, "plan", "--model", "none.json", "--device-memory", "1GiB"))
                .contains("none.json");
    }

    @Test
    void modelOfUnknownSizeNeedsMemoryAndCost() throws IOException {
        String config = Files.writeString(
                        folder.resolve("config.json"),
                        "{\"model_type\": \"llama\", \"num_hidden_layers\": 2, \"num_attention_heads\": 4,"
                                + " \"num_key_value_heads\": 2, \"head_dim\": 64, \"torch_dtype\": \"bfloat16\"}")
                .toString();
        assertThat(failsInOneLine(2, "replay", "--model", config)).contains("give --device-memory or --device-blocks");
        assertThat(failsInOneLine(2, "replay", "--model", config, "--device-blocks", "9"))
                .contains("give --step-cost a,b,c");
    }

    @Test
    void reportInAMissingFolderIsFoundBeforeTheTraceIsLookedAt() {
        String report = folder.resolve("none").resolve("r.html").toString();
        assertThat(failsInOneLine(1, "replay", "--trace", "no-such-file", "--report", report))
                .contains("cannot write --report")
                .contains("there is no folder");
    }

    @Test
    void folderIsNoReport() {
        assertThat(failsInOneLine(1, "replay", "--report", folder.toString())).contains("it is a folder");
    }

    @Test
    void twoOutputsMayNotShareAFile() {
        String file = folder.resolve("x").toString();
        String same = folder.resolve(".").resolve("x").toString();
        assertThat(failsInOneLine(2, "replay", "--ticks", file, "--per-request", same))
                .contains("--per-request and --ticks name the same file");
    }

    @Test
    void outputMayNotOverwriteTheTrace() throws IOException {
        String trace = Files.writeString(folder.resolve("t"), "x").toString();
        assertThat(failsInOneLine(2, "replay", "--trace", trace, "--ticks", trace))
                .contains("--trace and --ticks name the same file");
        assertThat(folder.resolve("t")).hasContent("x");
    }

    @Test
    void failedRunLeavesOldFilesAndNoNewOnes() throws IOException {
        Path report = Files.writeString(folder.resolve("r.html"), "old");
        failsInOneLine(1, "replay", "--trace", "no-such-file", "--report", report.toString());
        assertThat(report).hasContent("old");
        try (Stream<Path> files = Files.list(folder)) {
            assertThat(files.toList()).containsExactly(report);
        }
    }

    @Test
    void stackTraceIsShownToWhoAsks() {
        Outcome outcome = Cli.run("replay", "--trace", "no-such-file", "--stacktrace");
        assertThat(outcome.code()).isEqualTo(1);
        assertThat(outcome.err()).contains("\tat io.kvflux");
    }

    private static String failsInOneLine(int code, String... args) {
        Outcome outcome = Cli.run(args);
        assertThat(outcome.code()).as(outcome.err()).isEqualTo(code);
        assertThat(outcome.out()).isEmpty();
        assertThat(outcome.err()).startsWith("kvflux: ").endsWith("\n").doesNotContain("Exception", "\tat ");
        assertThat(outcome.err().lines()).hasSize(1);
        return outcome.err();
    }
}
