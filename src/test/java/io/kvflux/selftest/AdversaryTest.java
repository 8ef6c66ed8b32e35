package io.kvflux.selftest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvflux.memory.chronicle.Region;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The claim: paged output = dense output, whatever happens to memory. {@link MutantsTest} shows that this can fail. */
class AdversaryTest {

    /** What the build runs; {@code ./kvflux selftest} runs more. */
    private static final int SCENARIOS = 1_000;

    /** A scenario in which prompts are long for their pages, and nothing happens but what pages and chunks do. */
    private static final String PLAIN =
            "seed=5 attention=mha layers=2 heads=4 kvheads=2 dim=4 vocabulary=61 dtype=float32"
                    + " draft=true tp=2 dp=1 overlap=2 page=16 blocks=40 batch=4 tokens=64 chunk=1 policy=fifo victim=least_cost"
                    + " watermark=0.0 caching=true buffer=2 prompt=150 output=12 clients=0,1,2,3 events=turns+fork+cancel verify=true";

    @Test
    void pagedOutputIsDenseOutputWhateverHappensToMemory() {
        long regions = Region.liveRegions();
        SelftestResult result = new Selftest(TestDevice.host(), 1, 2).run(number -> number < SCENARIOS, done -> {});
        System.out.println("AdversaryTest seed=1 scenarios=" + result.scenarios() + " tokens=" + result.tokens() + " "
                + result.coverage());
        assertThat(result.failure()).isNull();
        assertThat(result.scenarios()).isEqualTo(SCENARIOS);
        assertThat(result.coverage().isComplete())
                .as("every condition was tried: %s", result.coverage())
                .isTrue();
        assertThat(Region.liveRegions()).isEqualTo(regions);
    }

    @ParameterizedTest
    @ValueSource(strings = {"mha", "mla"})
    void everyChunkSizeGivesTheSameTokens(String attention) {
        for (int chunk = 1; chunk <= Coverage.MOST_CHUNK; chunk++) {
            int size = chunk;
            ScenarioText text = ScenarioText.parse(PLAIN)
                    .with("attention", attention)
                    .with("kvheads", attention.equals("mla") ? "1" : "2")
                    .with("batch", "1")
                    .with("tokens", "" + size);
            ScenarioRun run = ScenarioRun.of(text.scenario(), TestDevice.host());
            assertThat(run.finding()).as("chunks of %d: %s", size, text).isNull();
            assertThat(run.coverage.sawChunk(size)).as("a chunk of %d", size).isTrue();
        }
    }

    @ParameterizedTest
    @CsvSource({"1,1,1", "2,2,3", "4,1,2"})
    void everyPageSizeInTheSmallestPoolGivesTheSameTokens(int tensorParallel, int dataParallel, int overlap) {
        for (int pageSize = 1; pageSize <= Coverage.MOST_PAGE_SIZE; pageSize++) {
            ScenarioText text = ScenarioText.parse(PLAIN)
                    .with("tp", "" + tensorParallel)
                    .with("kvheads", "4")
                    .with("dp", "" + dataParallel)
                    .with("overlap", "" + overlap)
                    .with("page", "" + pageSize)
                    .with("clients", "0,1,2");
            text = text.with("blocks", "" + text.scenario().blocksOfLongest());
            ScenarioRun run = ScenarioRun.of(text.scenario(), TestDevice.host());
            assertThat(run.coverage.count(Condition.SMALLEST_POOL)).isPositive();
            assertThat(run.finding()).as("pages of %d: %s", pageSize, text).isNull();
        }
    }

    /** The next step was to copy the fork's open page; after the disposal there is none, and two blocks waited for it. */
    @Test
    void aForkThatIsDisposedBeforeItsCopyGivesItsBlocksBack() {
        String line =
                "seed=3957475234228280731 attention=mha layers=1 heads=2 kvheads=2 dim=2 vocabulary=61 dtype=bfloat16"
                        + " draft=false tp=1 dp=1 overlap=1 page=114 blocks=3 batch=8 tokens=53 chunk=1 policy=fifo victim=last_admitted"
                        + " watermark=0.0 caching=true buffer=0 prompt=1 output=3 clients=0,1,2,3 events=pause+fork+turns+keys+entry_fault+dispose verify=false";
        assertThat(Selftest.replay(TestDevice.host(), line).failure()).isNull();
    }

    @Test
    void aScenarioIsTheSameWheneverItRunsAndItsLineReplaysIt() {
        for (int number = 0; number < 40; number++) {
            Scenario scenario = new Scenarios(9).scenario(number);
            ScenarioRun first = ScenarioRun.of(scenario, TestDevice.host());
            ScenarioRun again =
                    ScenarioRun.of(ScenarioText.parse(scenario.toString()).scenario(), TestDevice.host());
            assertThat(again.comparedTokens()).isEqualTo(first.comparedTokens());
            assertThat(again.coverage).hasToString(first.coverage.toString());
        }
    }

    @Test
    void aFailureIsShrunkToAShorterScenarioThatFailsToo() throws Exception {
        Mutant bug = Mutant.all().stream()
                .filter(mutant -> mutant.toString().equals("a shared page is written without a copy"))
                .findFirst()
                .orElseThrow();
        Supplier<?> shrink = (Supplier<?>)
                bug.load().loadClass(Shrink.class.getName()).getConstructor().newInstance();
        List<String> lines = ((String) shrink.get()).lines().toList();
        Scenario original = ScenarioText.parse(lines.get(0)).scenario();
        Scenario shrunk = ScenarioText.parse(lines.get(1)).scenario();
        assertThat(shrunk.clients()).hasSizeLessThanOrEqualTo(2);
        assertThat(shrunk.events())
                .contains(Event.FORK)
                .hasSizeLessThanOrEqualTo(original.events().size());
        assertThat(shrunk.promptTokens()).isLessThan(original.promptTokens());
        assertThat(lines.get(2))
                .as("the line of the shorter one fails by itself")
                .containsAnyOf("POISON_READ", "WRONG_LOGITS", "WRONG_TOKEN");
        assertThat(ScenarioRun.of(shrunk, TestDevice.host()).finding())
                .as("without the bug")
                .isNull();
    }

    /** Finds and shrinks; loaded by the loader of a {@link Mutant}. Public for that. */
    public static final class Shrink implements Supplier<String> {

        /** Public for the loader. */
        public Shrink() {}

        @Override
        public String get() {
            SelftestResult.Failure failure = new Selftest(TestDevice.host(), 1, 1)
                    .run(number -> number < 100, done -> {})
                    .failure();
            SelftestResult again = Selftest.replay(TestDevice.host(), failure.shrunk());
            return failure.scenario() + "\n" + failure.shrunk() + "\n"
                    + again.failure().finding();
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "page=0 | out of range: page=0",
                "page=x | malformed: page=x, expected a whole number from 0 to 2147483647",
                "page=16 page=16 | stands once, but this one twice: page",
                "policy=lifo | malformed: policy=lifo, expected one of fifo+priority+fair",
                "draft=yes | malformed: draft=yes, expected true or false",
                "events=rain | malformed: events=rain, expected one of cancel+",
                "clients=1,,2 | malformed: clients=, expected a whole number",
                "watermark=2 | out of range: watermark=2.0",
                "tokens=2 | out of range: tokens (at least batch)=2",
                "weather=fine | no such field: weather",
                "sunny | a line of field=value, found 'sunny'"
            })
    void aMalformedLineIsRefusedWithItsField(String change, String message) {
        String field = change.contains("=") ? change.substring(0, change.indexOf('=') + 1) : "";
        List<String> words = new ArrayList<>(List.of(PLAIN.split(" ", -1)));
        words.removeIf(word -> !field.isEmpty() && word.startsWith(field));
        String line = String.join(" ", words) + " " + change;
        assertThatThrownBy(() -> ScenarioText.parse(line).scenario())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(message);
    }

    @Test
    void aLineNeedsEveryField() {
        for (String word : PLAIN.split(" ", -1)) {
            String field = word.substring(0, word.indexOf('='));
            assertThatThrownBy(() -> ScenarioText.parse(
                                    PLAIN.replace(word + " ", "").replace(" " + word, ""))
                            .scenario())
                    .hasMessage("a scenario needs every field, missing: " + field);
        }
    }

    @Test
    void aMultiHeadModelCannotBeSplitOverMoreDevicesThanItHasHeads() {
        assertThatThrownBy(() -> ScenarioText.parse(PLAIN).with("tp", "4").scenario())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("Number of KV heads (2) must be divisible");
    }

    @Test
    void conditionsHaveLabelsOfTheirOwn() {
        List<String> labels = new ArrayList<>();
        for (Condition condition : Condition.values()) {
            assertThat(condition.label()).isEqualTo(condition.label().toLowerCase(Locale.ROOT));
            labels.add(condition.label());
        }
        assertThat(labels).doesNotHaveDuplicates();
    }
}
