package io.kvflux.app;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kvflux.app.Cli.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReplayCommandTest {

    private static final List<String> KEYS = List.of(
            "trace",
            "requests",
            "completed",
            "rejected",
            "failed",
            "promptTokens",
            "outputTokens",
            "promptBlocks",
            "hitBlocks",
            "hitTokens",
            "insertedBlocks",
            "evictedBlocks",
            "leakedBlocks",
            "steps",
            "preemptions",
            "ttftSeconds",
            "tpotSeconds",
            "latencySeconds",
            "makespanSeconds",
            "outputTokensPerSecond",
            "blocks",
            "tiers",
            "drafts",
            "wallSeconds");

    @TempDir
    Path folder;

    @Test
    void aReplayInRealTimeEndsWithTheCountsOfTheVirtualClock() throws IOException {
        Outcome outcome = Cli.run("replay", "--realtime", "--limit", "40", "--speed", "1000000", "--json");
        assertThat(outcome.code()).as(outcome.err()).isZero();
        JsonNode json = new ObjectMapper().readTree(outcome.out());
        assertThat(json.get("agreesWithVirtualClock").asBoolean()).isTrue();
        assertThat(json.get("completed").asInt()).isEqualTo(40);
        assertThat(json.get("wrongTokens").asInt()).isZero();
        assertThat(json.get("leakedBlocks").asInt()).isZero();
    }

    @Test
    void adaptiveEvictionIsOneOption() throws IOException {
        long lru = hits("lru");
        assertThat(hits("adaptive")).isGreaterThan(lru);
    }

    private static long hits(String eviction) throws IOException {
        Outcome outcome = Cli.run(
                "replay",
                "--cache-only",
                "--limit",
                "1000",
                "--device-blocks",
                "1000",
                "--eviction",
                eviction,
                "--json");
        assertThat(outcome.code()).as(outcome.err()).isZero();
        return new ObjectMapper().readTree(outcome.out()).get("hitBlocks").asLong();
    }

    @Test
    void aReplayInRealTimePrintsBothReplays() {
        Outcome outcome = Cli.run("replay", "--realtime", "--limit", "20", "--speed", "1000000");
        assertThat(outcome.code()).as(outcome.err()).isZero();
        assertThat(outcome.out())
                .contains("real time", "virtual clock", "tokens read back from pages")
                .contains("The token counts are those of the virtual clock, and every token was right.");
    }

    @Test
    void noCommandPrintsTheHelp() {
        Outcome outcome = Cli.run();
        assertThat(outcome.code()).isZero();
        assertThat(outcome.out()).contains("replay", "plan", "KVFLUX_JAVA_OPTS");
    }

    @Test
    void helpListsOurDefaults() {
        Outcome outcome = Cli.run("replay", "--help");
        assertThat(outcome.code()).isZero();
        assertThat(outcome.out().replaceAll("\\s+", " "))
                .contains("per replica. Default: 256.", "per replica. Default: 8192.", "Default: llama-3.1-8b.")
                .contains(
                        "Default: " + TimeOptions.DEFAULT_PROFILE + ".",
                        "Default: 16.",
                        "a watermark of 0.01 of the blocks");
    }

    @Test
    void versionIsToldByEveryCommand() {
        for (String[] args : new String[][] {{"--version"}, {"replay", "--version"}, {"plan", "-V"}}) {
            assertThat(Cli.run(args).out()).startsWith("kvflux ");
        }
    }

    @Test
    void jsonHasTheKeysOfTheContractInOrder() throws IOException {
        Outcome outcome = Cli.run("replay", "--limit", "20", "--json");
        assertThat(outcome.code()).isZero();
        assertThat(outcome.err()).isEmpty();
        JsonNode json = json(outcome);
        assertThat(names(json)).isEqualTo(KEYS);
        assertThat(names(json.get("preemptions"))).containsExactly("recompute", "offload");
        for (String distribution : List.of("ttftSeconds", "tpotSeconds", "latencySeconds")) {
            assertThat(names(json.get(distribution))).containsExactly("mean", "p50", "p90", "p99");
        }
        assertThat(names(json.get("blocks")))
                .containsExactly("total", "peakHeld", "meanUsedFraction", "wastedSlotFraction");
        assertThat(json.get("requests").asLong()).isEqualTo(20);
    }

    @Test
    void aHostTierIsInTheJsonWhenThereIsOne() throws IOException {
        assertThat(json(Cli.run("replay", "--limit", "20", "--json"))
                        .get("tiers")
                        .isNull())
                .isTrue();
        for (String mode : List.of("--cache-only", "--quiet")) {
            Outcome outcome = Cli.run(
                    "replay", "--limit", "60", "--device-blocks", "1500", "--host-memory", "8GiB", mode, "--json");
            assertThat(outcome.code()).as(outcome.err()).isZero();
            JsonNode tiers = json(outcome).get("tiers");
            assertThat(names(tiers)).containsExactly("host", "disk");
            assertThat(tiers.get("disk").isNull()).isTrue();
            assertThat(names(tiers.get("host")))
                    .containsExactly("hitBlocks", "offloadedBlocks", "onloadedBlocks", "droppedBlocks");
            assertThat(tiers.at("/host/offloadedBlocks").asLong()).isPositive();
        }
    }

    private String smallModel() throws IOException {
        return Files.writeString(
                        folder.resolve("config.json"),
                        "{\"model_type\": \"llama\", \"num_hidden_layers\": 2, \"num_attention_heads\": 1,"
                                + " \"num_key_value_heads\": 1, \"head_dim\": 4, \"torch_dtype\": \"bfloat16\"}")
                .toString();
    }

    @Test
    void withADiskTheSecondRunIsWarm() throws IOException {
        String line =
                "replay --limit 60 --device-blocks 1500 --host-blocks 3000 --host-policy write-through --with-memory"
                        + " --disk-size 64MiB --model " + smallModel() + " --disk " + folder.resolve("pages");
        for (String mode : List.of(" --cache-only", " --step-cost 0.01,1e-5,1e-8 --disk-bandwidth 2GiB/s")) {
            String[] args = (line + mode.charAt(3) + mode + " --json").split(" ");
            JsonNode first = json(Cli.run(args));
            JsonNode second = json(Cli.run(args));
            assertThat(names(second.at("/tiers/disk")))
                    .containsExactly(
                            "hitBlocks",
                            "storedBlocks",
                            "fetchedBlocks",
                            "droppedBlocks",
                            "noRoomBlocks",
                            "corruptBlocks",
                            "recoveredBlocks",
                            "totalBlocks");
            assertThat(first.at("/tiers/disk/recoveredBlocks").asLong()).isZero();
            assertThat(first.at("/tiers/disk/storedBlocks").asLong())
                    .isEqualTo(second.at("/tiers/disk/recoveredBlocks").asLong())
                    .isPositive();
            assertThat(second.at("/tiers/disk/hitBlocks").asLong())
                    .isEqualTo(second.at("/tiers/disk/fetchedBlocks").asLong())
                    .isPositive();
            assertThat(second.get("checkedBlocks").asLong())
                    .isGreaterThanOrEqualTo(second.at("/tiers/disk/hitBlocks").asLong());
        }
        assertThat(Cli.run((line + "c --cache-only").split(" ")).out())
                .contains("\nDisk\n", "there from earlier runs", "found beyond the host's");
    }

    @Test
    void aReplayInRealTimeHasADiskToo() throws IOException {
        String[] args =
                ("replay --realtime --limit 40 --speed 1000000 --host-blocks 500 --host-policy write-through --json"
                                + " --disk-size 64MiB --disk " + folder.resolve("pages"))
                        .split(" ");
        assertThat(json(Cli.run(args)).get("diskStoredBlocks").asLong()).isPositive();
        JsonNode second = json(Cli.run(args));
        assertThat(second.get("diskFetchedBlocks").asLong()).isPositive();
        assertThat(second.get("wrongTokens").asLong()).isZero();
        assertThat(second.get("agreesWithVirtualClock").asBoolean()).isTrue();
        assertThat(json(Cli.run("replay", "--realtime", "--limit", "5", "--speed", "1000000", "--json"))
                        .get("diskStoredBlocks")
                        .isNull())
                .isTrue();
    }

    @Test
    void withMemoryTheNumbersAreTheSameAndTheCheckedPagesAreTold() throws IOException {
        String config = smallModel();
        String line = "replay --limit 60 --device-blocks 1500 --host-blocks 3000 --json --model " + config;
        for (String mode : List.of(" --cache-only", " --step-cost 0.01,1e-5,1e-8")) {
            Outcome outcome = Cli.run((line + mode + " --with-memory").split(" "));
            assertThat(outcome.code()).as(outcome.err()).isZero();
            ObjectNode with = (ObjectNode) json(outcome);
            assertThat(names(with)).startsWith(KEYS.toArray(String[]::new)).endsWith("checkedBlocks");
            assertThat(with.remove("checkedBlocks").asLong()).isPositive();
            ObjectNode without = (ObjectNode) json(Cli.run((line + mode).split(" ")));
            assertThat(withoutTime(with)).isEqualTo(withoutTime(without));
        }
        assertThat(Cli.run((line.replace(" --json", "") + " --cache-only --with-memory").split(" "))
                        .out())
                .contains("checked byte by byte, all right");
    }

    @Test
    void cacheOnlyHasNoTime() throws IOException {
        JsonNode json = json(Cli.run("replay", "--limit", "20", "--cache-only", "--json"));
        assertThat(names(json)).isEqualTo(KEYS);
        for (String absent : List.of("steps", "ttftSeconds", "tpotSeconds", "latencySeconds", "makespanSeconds")) {
            assertThat(json.get(absent).isNull()).as(absent).isTrue();
        }
    }

    @Test
    void tableShowsEverySection() {
        Outcome outcome = Cli.run("replay", "--limit", "20", "--quiet");
        assertThat(outcome.code()).isZero();
        assertThat(outcome.err()).isEmpty();
        assertThat(outcome.out()).startsWith("synthetic (seed 0) on llama-3.1-8b\n");
        assertThat(outcome.out().lines().filter(line -> line.matches("[A-Z].*")).map(line -> line.split(" ", 2)[0]))
                .containsExactly("Workload", "Cache", "Steps", "Latency", "Blocks");
    }

    @Test
    void devicesMultiplyTheMemory() throws IOException {
        JsonNode json = json(Cli.run(
                "replay",
                "--limit",
                "5",
                "--json",
                "--device-memory",
                "1GiB",
                "--tensor-parallel",
                "2",
                "--data-parallel",
                "2"));
        // A block of 16 tokens has 2 MiB, over both devices of a replica.
        assertThat(json.get("blocks").get("total").asLong()).isEqualTo(2 * 1024);
    }

    @Test
    void perRequestHasARowForEachRequest() throws IOException {
        Path file = folder.resolve("requests.csv");
        assertThat(Cli.run("replay", "--limit", "20", "--per-request", file.toString())
                        .code())
                .isZero();
        List<String> lines = Files.readAllLines(file);
        assertThat(lines.get(0))
                .isEqualTo("index,tenant,inputTokens,outputTokens,hitTokens,preemptions,arrivalSeconds,"
                        + "admittedSeconds,firstTokenSeconds,finishedSeconds,outcome");
        assertThat(lines).hasSize(21);
        assertThat(lines.subList(1, 21)).allMatch(line -> line.split(",", -1).length == 11);
    }

    @Test
    void ticksHaveARowForEachSecond() throws IOException {
        Path file = folder.resolve("ticks.csv");
        assertThat(Cli.run("replay", "--limit", "20", "--ticks", file.toString())
                        .code())
                .isZero();
        List<String> lines = Files.readAllLines(file);
        assertThat(lines.get(0))
                .isEqualTo(
                        "seconds,running,waiting,heldBlocks,cachedBlocks,totalBlocks,promptTokens,outputTokens,"
                                + "promptBlocks,hitBlocks,preemptions,availableBlocks,grantedDrafts,acceptedDrafts,rejectedDrafts");
        List<Double> seconds = lines.stream()
                .skip(1)
                .map(line -> Double.valueOf(line.split(",", 2)[0]))
                .toList();
        assertThat(seconds).isNotEmpty().isSorted();
    }

    @Test
    void filesReplaceOldOnesAndLeaveNothingBeside() throws IOException {
        Path report = Files.writeString(folder.resolve("r.html"), "old");
        assertThat(Cli.run("replay", "--limit", "5", "--report", report.toString())
                        .code())
                .isZero();
        assertThat(report).content().startsWith("<!DOCTYPE html>");
        try (Stream<Path> files = Files.list(folder)) {
            assertThat(files.toList()).containsExactly(report);
        }
    }

    @Test
    void linkToAnOutputStaysALink() throws IOException {
        Path target = Files.writeString(folder.resolve("target.csv"), "old");
        Path link = Files.createSymbolicLink(folder.resolve("link.csv"), target);
        assertThat(Cli.run("replay", "--limit", "5", "--per-request", link.toString())
                        .code())
                .isZero();
        assertThat(link).isSymbolicLink();
        assertThat(Files.readAllLines(target)).hasSize(6);
    }

    @Test
    void outOfOrderTraceIsToldOnceUnlessQuiet() throws IOException {
        String row = "{\"timestamp\": %d, \"input_length\": 5, \"output_length\": 2, \"hash_ids\": [1]}\n";
        String trace = Files.writeString(
                        folder.resolve("t.jsonl"), row.formatted(5) + row.formatted(3) + row.formatted(1))
                .toString();
        assertThat(Cli.run("replay", "--trace", trace, "--json").err().lines())
                .singleElement()
                .asString()
                .contains("t.jsonl:2: the rows are not in order of time");
        assertThat(Cli.run("replay", "--trace", trace, "--json", "--quiet").err())
                .isEmpty();
    }

    private static String withoutTime(ObjectNode json) {
        json.remove("wallSeconds");
        return json.toString();
    }

    private static JsonNode json(Outcome outcome) throws IOException {
        return new ObjectMapper().readTree(outcome.out());
    }

    private static List<String> names(JsonNode object) {
        return object.properties().stream().map(entry -> entry.getKey()).toList();
    }
}
