package io.kvflux.app;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.kvflux.app.Cli.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code kvflux replay} with drafts. */
class SpeculationCommandTest {

    @TempDir
    Path folder;

    private static JsonNode json(String line) throws IOException {
        Outcome outcome = Cli.run((line + " --json").split(" "));
        assertThat(outcome.code()).as(outcome.err()).isZero();
        return new ObjectMapper().readTree(outcome.out());
    }

    private String file(String text) throws IOException {
        return Files.writeString(folder.resolve("f.txt"), text).toString();
    }

    private static void assertSound(JsonNode json, long outputTokens) {
        assertThat(json.get("outputTokens").asLong()).isEqualTo(outputTokens);
        assertThat(json.get("leakedBlocks").asLong()).isZero();
        JsonNode drafts = json.get("drafts");
        assertThat(drafts.get("granted").asLong())
                .isPositive()
                .isEqualTo(drafts.get("accepted").asLong()
                        + drafts.get("rejected").asLong()
                        + drafts.get("aborted").asLong());
        assertThat(drafts.get("maxInFlight").asInt()).isPositive();
    }

    @Test
    void everyPolicyDeliversTheSameTokens() throws IOException {
        String table = file("# batch drafts\n1 5\n8, 2  # more\n\n64 0\n");
        String line = "replay --limit 40 --verify-invariants --device-blocks 900";
        long tokens = json(line).get("outputTokens").asLong();
        assertThat(json(line + " --speculation off").get("drafts").isNull()).isTrue();
        for (String policy : List.of("fixed:3", "table:" + table, "adaptive")) {
            for (String more : List.of(
                    "",
                    " --max-steps-in-flight 2",
                    " --host-blocks 2000 --preemption offload --data-parallel 2",
                    " --engine vllm",
                    " --draft-model llama-3.2-1b")) {
                assertSound(json(line + " --speculation " + policy + more), tokens);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " --max-steps-in-flight 2", " --max-steps-in-flight 3 --host-blocks 900"})
    void rejectedDraftsCorruptNoPage(String more) throws IOException {
        String model = file("{\"model_type\": \"llama\", \"num_hidden_layers\": 2, \"num_attention_heads\": 1,"
                + " \"num_key_value_heads\": 1, \"head_dim\": 4, \"torch_dtype\": \"bfloat16\"}");
        Path config = Files.move(Path.of(model), folder.resolve("config.json"));
        JsonNode json = json("replay --limit 60 --device-blocks 900 --with-memory --step-cost 0.01,1e-5,1e-8"
                + " --speculation fixed:5 --acceptance 0.6 --model " + config + " --draft-model " + config + more);
        assertThat(json.get("checkedBlocks").asLong()).isPositive();
        assertThat(json.at("/drafts/rejected").asLong()).isPositive();
    }

    @ParameterizedTest
    @ValueSource(strings = {"fixed:4", "adaptive"})
    void inRealTimeTheTokensAreThose(String policy) throws IOException {
        JsonNode json = json("replay --realtime --limit 30 --speed 1000000 --device-blocks 900 --max-steps-in-flight 2"
                + " --speculation " + policy);
        assertThat(json.get("agreesWithVirtualClock").asBoolean()).isTrue();
        assertThat(json.get("wrongTokens").asInt()).isZero();
        assertThat(json.get("leakedBlocks").asInt()).isZero();
        assertThat(json.at("/drafts/granted").asLong())
                .isPositive()
                .isEqualTo(json.at("/drafts/accepted").asLong()
                        + json.at("/drafts/rejected").asLong()
                        + json.at("/drafts/aborted").asLong());
    }

    /** With a closed form: E(0.8, 3) - 1 drafts of a round are accepted. */
    @Test
    void acceptanceIsWhatWasAskedFor() throws IOException {
        double mean = json("replay --limit 150 --speculation fixed:3 --acceptance 0.8")
                .at("/drafts/meanAccepted")
                .asDouble();
        assertThat(mean).isBetween(1.93, 1.97);
        assertThat(json("replay --limit 20 --speculation fixed:3 --acceptance 1")
                        .at("/drafts/rejected")
                        .asLong())
                .isZero();
        assertThat(json("replay --limit 20 --speculation fixed:3 --acceptance 0")
                        .at("/drafts/accepted")
                        .asLong())
                .isZero();
    }

    /** As some editors begin every file. */
    @Test
    void filesMayBeginWithAByteOrderMark() throws IOException {
        String mark = "\uFEFF";
        String rates = file(mark + "by-position\n1, 0\n");
        Path table = Files.writeString(folder.resolve("table.txt"), mark + "1 2\n");
        Path trace = Files.writeString(
                folder.resolve("t.jsonl"),
                mark + "{\"timestamp\": 1, \"input_length\": 5, \"output_length\": 9, \"hash_ids\": [1]}\n");
        Path model = Files.writeString(
                folder.resolve("config.json"),
                mark
                        + "{\"model_type\": \"llama\", \"num_hidden_layers\": 2, \"num_attention_heads\": 1,"
                        + " \"num_key_value_heads\": 1, \"head_dim\": 4, \"torch_dtype\": \"bfloat16\"}");
        JsonNode json = json("replay --device-blocks 900 --step-cost 0.01,0,0 --trace " + trace + " --model " + model
                + " --speculation table:" + table + " --acceptance " + rates);
        assertThat(json.get("outputTokens").asInt()).isEqualTo(9);
        assertThat(json.at("/drafts/accepted").asInt()).isPositive();
        assertThat(json.at("/drafts/rejected").asInt()).isPositive();
    }

    @Test
    void acceptanceByPositionAndBySequence() throws IOException {
        String byPosition = file("by-position\n1, 1, 0 # never the third\n");
        assertThat(json("replay --limit 20 --speculation fixed:5 --acceptance " + byPosition)
                        .at("/drafts/meanAccepted")
                        .asDouble())
                .isBetween(1.99, 2.0);
        String bySequence = file("# in turn\nby-sequence\n1\n0\n");
        double half = json("replay --limit 100 --speculation fixed:1 --acceptance " + bySequence)
                .at("/drafts/meanAccepted")
                .asDouble();
        assertThat(half).isBetween(0.2, 0.8);
    }

    @ParameterizedTest
    @CsvSource({"--num-draft-tokens 3", "--draft-model llama-3.2-1b", "--speculation adaptive"})
    void whoSaysAnythingOfDraftsHasThem(String options) throws IOException {
        assertThat(json("replay --limit 10 " + options).at("/drafts/granted").asLong())
                .isPositive();
    }

    @Test
    void aDraftModelTakesMemoryAndABlockCostsBoth() throws IOException {
        long alone = json("replay --limit 5").at("/blocks/total").asLong();
        long both = json("replay --limit 5 --draft-model llama-3.2-1b")
                .at("/blocks/total")
                .asLong();
        assertThat(both).isLessThan(alone);
        String plan = "plan --device-memory 4GiB --model llama-3.1-8b";
        assertThat(json(plan + " --draft-model llama-3.2-1b")).isEqualTo(json(plan + " --model llama-3.2-1b"));
    }

    @Test
    void costOfDraftingIsCounted() throws IOException {
        String line = "replay --limit 20 --speculation fixed:3 --draft-cost ";
        double cheap = json(line + "0,0").get("makespanSeconds").asDouble();
        double dear = json(line + "0.5,0").get("makespanSeconds").asDouble();
        assertThat(dear).isGreaterThan(2 * cheap);
    }

    @Test
    void tableTicksAndReportShowDrafts() throws IOException {
        Path ticks = folder.resolve("t.csv");
        Path report = folder.resolve("r.html");
        Outcome outcome = Cli.run(
                "replay",
                "--limit",
                "60",
                "--speculation",
                "adaptive",
                "--ticks",
                ticks.toString(),
                "--report",
                report.toString());
        assertThat(outcome.out()).contains("\nDrafts\n", "accepted a round");
        long granted = Files.readAllLines(ticks).stream()
                .skip(1)
                .mapToLong(row -> Long.parseLong(row.split(",", -1)[12]))
                .sum();
        assertThat(granted).isPositive();
        assertThat(report)
                .content()
                .contains("Drafts accepted a round", "\"grantedRate\":[", "\"drafts\":true", "draft cost");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "--speculation maybe | 2 | --speculation must be off, fixed:K, table:FILE or adaptive, --speculation='maybe'",
                "--speculation fixed:0 | 2 | expected a whole number from 1 to 256, found '0'",
                "--speculation fixed:x | 2 | expected a whole number from 1 to 256, found 'x'",
                "--speculation table: | 2 | --speculation must be off",
                "--speculation table:nowhere.txt | 1 | cannot read nowhere.txt: there is no such file",
                "--num-draft-tokens 0 | 2 | expected a whole number from 1 to 256, found '0'",
                "--num-draft-tokens 257 | 2 | expected a whole number from 1 to 256, found '257'",
                "--speculation fixed:5 --num-draft-tokens 3 | 2 | drafts more than --num-draft-tokens allows, drafts=5,",
                "--speculation adaptive --acceptance 1.5 | 2 | --acceptance must be a probability from 0 to 1",
                "--speculation adaptive --acceptance NaN | 1 | --acceptance must be a probability from 0 to 1",
                "--speculation adaptive --acceptance nofile | 1 | or an existing file, --acceptance='nofile'",
                "--speculation adaptive --acceptance 0.8f | 1 | --acceptance must be a probability from 0 to 1",
                "--speculation adaptive --acceptance 0.8d | 1 | --acceptance must be a probability from 0 to 1",
                "--speculation adaptive --acceptance 0x1p-1 | 1 | --acceptance must be a probability from 0 to 1",
                "--speculation adaptive --draft-cost 1f,0 | 2 | draft cost must be two numbers of seconds a,b, text=1f,0",
                "--speculation adaptive --draft-cost 1e9,0 | 1 | a step takes more than an hour by the costs given",
                "--speculation fixed:3 --draft-cost 0,1e9 | 1 | a step takes more than an hour by the costs given",
                "--step-cost 1e9,0,0 | 1 | a step takes more than an hour by the costs given, seconds=1.0E9, sequences=1",
                "--acceptance 0.5 | 2 | --acceptance is about drafts, but nobody drafts: give --speculation",
                "--draft-cost 1,1 | 2 | --draft-cost is about drafts, but nobody drafts: give --speculation",
                "--speculation adaptive --draft-cost 1 | 2 | draft cost must be two numbers of seconds a,b, text=1",
                "--speculation adaptive --draft-cost a,b | 2 | draft cost must be two numbers of seconds a,b, text=a,b",
                "--speculation adaptive --draft-cost -1,0 | 2 | draft cost needs a >= 0 and b >= 0 seconds",
                "--draft-model gpt-9 | 2 | gpt-9",
                "--cache-only --speculation off | 2 | has no steps and no time, so --speculation has no meaning with it",
                "--cache-only --num-draft-tokens 2 | 2 | so --num-draft-tokens has no meaning with it",
                "--cache-only --draft-model llama-3.2-1b | 2 | so --draft-model has no meaning with it",
                "--speculation off --speculation adaptive | 2 | --speculation is given 2 times"
            })
    void wrongOptionsAreOneSentence(String options, int code, String sentence) {
        Outcome outcome = Cli.run(("replay --limit 5 --quiet " + options.strip()).split(" "));
        assertThat(outcome.code()).isEqualTo(code);
        assertThat(outcome.err().lines()).singleElement().asString().contains(sentence.strip());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "acceptance | 0.8 | f.txt:1: expected the line 'by-position' or 'by-sequence' before the rates, found '0.8'",
                "acceptance | # only | f.txt: expected the line 'by-position' or 'by-sequence' before the rates, found ''",
                "acceptance | by-sequence | f.txt: expected a row of rates after 'by-sequence', found none",
                "acceptance | by-position;0.5;0.6 | f.txt:3: expected one row of rates after 'by-position', found '0.6'",
                "acceptance | by-position;0.5 2 | f.txt:2: expected a probability from 0 to 1, not '2', found '0.5 2'",
                "acceptance | by-position;0.5f | f.txt:2: expected a probability from 0 to 1, not '0.5f', found '0.5f'",
                "acceptance | by-sequence;;x | f.txt:3: expected a probability from 0 to 1, not 'x', found 'x'",
                "table | 1 2;1 3 | f.txt:2: expected rising batch sizes, here at least 2, found '1 3'",
                "table | 1 | f.txt:1: expected a batch size and a number of drafts, found '1'",
                "table | 1 999 | f.txt:1: expected from 0 to 256 drafts, found '1 999'",
                "table | # none | f.txt: expected a row of a batch size and a number of drafts, found none"
            })
    void wrongFilesAreNamedWithTheirLine(String what, String text, String sentence) throws IOException {
        String file = file(text.strip().replace(';', '\n'));
        String options = what.strip().equals("table")
                ? "--speculation table:" + file
                : "--speculation adaptive --acceptance " + file;
        Outcome outcome = Cli.run(("replay --limit 5 --quiet " + options).split(" "));
        assertThat(outcome.code()).isEqualTo(1);
        assertThat(outcome.err().lines()).singleElement().asString().endsWith(sentence.strip());
    }
}
