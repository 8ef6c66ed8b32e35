package io.kvflux.selftest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvflux.geometry.DataSize;
import io.kvflux.geometry.DeviceRef;
import io.kvflux.memory.ArenaSpec;
import io.kvflux.memory.DeviceMemory;
import io.kvflux.memory.OutOfDeviceMemoryException;
import io.kvflux.memory.chronicle.Region;
import io.kvflux.memory.host.HostMemoryDevice;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CountDownLatch;
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
                    + " watermark=0.0 caching=true buffer=2 prompt=150 output=12 clients=0,1,2,3 events=turns+fork+cancel reserve=true readmit=true skips=64 pending=1024 host=0 hostpolicy=inclusive preemption=auto ahead=0.0 disk=0 drafts=0 drafting=off distance=0.0 credits=0 ageing=4500 growth=none levelling=false eviction=lru poison=true verify=true";

    @Test
    void pagedOutputIsDenseOutputWhateverHappensToMemory() {
        long regions = Region.liveRegions();
        SelftestResult result = new Selftest(TestDevice.host(), 1, 2).run(number -> number < SCENARIOS, done -> {});
        System.out.println("AdversaryTest seed=1 scenarios=" + result.scenarios() + " tokens=" + result.tokens() + " "
                + result.coverage());
        assertThat(result.failure()).isNull();
        assertThat(result.scenarios()).isEqualTo(SCENARIOS);
        assertThat(result.coverage().isComplete())
                .as("not tried: %s", result.coverage().missing())
                .isTrue();
        assertThat(Region.liveRegions()).isLessThanOrEqualTo(regions); // what earlier tests left may go meanwhile
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

    @ParameterizedTest
    @CsvSource({"fixed,1", "fixed,2", "fixed,3", "table,2", "adaptive,1", "adaptive,3"})
    void everyNumberOfDraftsGivesTheSameTokens(String drafting, int overlap) {
        for (int drafts = 1; drafts <= 12; drafts++) {
            ScenarioText text = ScenarioText.parse(PLAIN)
                    .with("overlap", "" + overlap)
                    .with("page", "" + (1 + drafts * 5 % 7))
                    .with("blocks", "400")
                    .with("output", "40")
                    .with("drafts", "" + drafts)
                    .with("drafting", drafting)
                    .with("distance", "0.05");
            ScenarioRun run = ScenarioRun.of(text.scenario(), TestDevice.host());
            assertThat(run.finding()).as("%d drafts: %s", drafts, text).isNull();
            assertThat(run.coverage.count(Condition.DRAFTS_ACCEPTED)).isPositive();
        }
    }

    /** The next step was to copy the fork's open page; after the disposal there is none, and two blocks waited for it. */
    @Test
    void aForkThatIsDisposedBeforeItsCopyGivesItsBlocksBack() {
        String line =
                "seed=3957475234228280731 attention=mha layers=1 heads=2 kvheads=2 dim=2 vocabulary=61 dtype=bfloat16"
                        + " draft=false tp=1 dp=1 overlap=1 page=114 blocks=3 batch=8 tokens=53 chunk=1 policy=fifo victim=last_admitted"
                        + " watermark=0.0 caching=true buffer=0 prompt=1 output=3 clients=0,1,2,3 events=pause+fork+turns+keys+entry_fault+dispose reserve=true readmit=true skips=64 pending=1024 host=0 hostpolicy=inclusive preemption=auto ahead=0.0 disk=0 drafts=0 drafting=off distance=0.0 credits=0 ageing=4500 growth=none levelling=false eviction=lru poison=true verify=false";
        assertThat(Selftest.replay(TestDevice.host(), line).failure()).isNull();
    }

    /** The step that copied a fork's page, and preempted that fork, failed: the fork ended with it. */
    @Test
    void aForkThatIsPreemptedDoesNotEndByTheStepThatCopiedForIt() {
        String line =
                "seed=1051296842389316902 attention=mha layers=1 heads=4 kvheads=2 dim=2 vocabulary=61 dtype=bfloat16"
                        + " draft=true tp=2 dp=2 overlap=3 page=8 blocks=8 batch=4 tokens=8 chunk=1 policy=fifo victim=least_cost watermark=0.0"
                        + " caching=true buffer=0 prompt=34 output=35 clients=0,1,2,3,4,5 events=cancel+pause+stall+fork+turns+keys+reenter+rerun+block_events+clear+late+entry_fault+step_fault"
                        + " reserve=false readmit=true skips=64 pending=1024 host=0 hostpolicy=inclusive preemption=auto ahead=0.0 disk=0 drafts=0 drafting=off distance=0.0 credits=0 ageing=4500 growth=none levelling=false eviction=lru poison=true verify=true";
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
        assertThat(shrunk.maxBatchSize())
                .as("a fork, and its parent")
                .isEqualTo(2)
                .isLessThan(original.maxBatchSize());
        assertThat(shrunk.maxBatchTokens()).isLessThan(original.maxBatchTokens());
        assertThat(shrunk.pageSize()).isLessThan(original.pageSize());
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
            SelftestResult.Failure failure = new Selftest(TestDevice.host(), 2, 1)
                    .run(number -> number < 100, done -> {})
                    .failure();
            SelftestResult.Shrunk shrunk = Selftest.shrink(TestDevice.host(), failure, () -> true);
            SelftestResult again = Selftest.replay(TestDevice.host(), shrunk.scenario());
            return failure.scenario() + "\n" + shrunk.scenario() + "\n"
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
                "policy=lifo | malformed: policy=lifo, expected one of fifo+priority+fair+shortest",
                "draft=yes | malformed: draft=yes, expected true or false",
                "events=rain | malformed: events=rain, expected one of cancel+",
                "clients=1,,2 | malformed: clients=, expected a whole number",
                "pending=0 | out of range: pending=0",
                "blocks=1048576 | must not take more memory than limit=1073741824 bytes, about weights=",
                "disk=1 | out of range: disk (needs host)=1",
                "drafts=65 | out of range: drafts=65",
                "drafting=often | malformed: drafting=often, expected one of off+fixed+table+adaptive",
                "distance=-1 | out of range: distance=-1.0",
                "growth=-1 | out of range: growth=-1.0",
                "levelling=true | out of range: levelling (needs policy=shortest)=true",
                "eviction=fifo | malformed: eviction=fifo, expected one of lru+adaptive",
                "watermark=2 | out of range: watermark=2.0",
                "watermark=0.5f | malformed: watermark=0.5f, expected a decimal number",
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

    /** Every way of being too large is refused before anything is taken. */
    @ParameterizedTest
    @CsvSource({"dim,2147483646", "layers,2147483647", "vocabulary,2147483647", "blocks,1048576", "heads,2147483646"})
    void aScenarioThatAsksForAbsurdMemoryIsRefused(String field, String value) {
        ScenarioText text = ScenarioText.parse(PLAIN).with(field, value).with("page", "4096");
        assertThatThrownBy(text::scenario)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageMatching("a scenario must not take more memory than limit=1073741824 bytes,"
                        + " about weights=\\d+, pages=\\d+, dense=\\d+");
    }

    @Test
    void aScenarioThatDoesNotEndIsAFindingAndIsNotShrunk() {
        CountDownLatch end = new CountDownLatch(1);
        TestDevice hangs = new TestDevice() {
            @Override
            public String name() {
                return "a device that hangs";
            }

            @Override
            public DeviceMemory open(DataSize budget) {
                try {
                    end.await();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
                return TestDevice.host().open(budget);
            }
        };
        Scenario scenario = new Scenarios(1).scenario(0);
        SelftestResult.Failure failure = new Selftest(hangs, number -> scenario, 1, 2, Duration.ofMillis(1))
                .run(number -> true, done -> {})
                .failure();
        end.countDown();
        assertThat(failure.scenario()).isEqualTo(scenario.toString());
        assertThat(failure.finding()).startsWith("STUCK: it has not ended after");
        assertThat(failure.hangs()).isTrue();
        assertThat(Selftest.shrink(TestDevice.host(), failure, () -> true)).isNull();
    }

    @Test
    void aScenarioThatCannotBeginGivesItsDeviceBack() {
        List<DeviceMemory> opened = new ArrayList<>();
        TestDevice small = new TestDevice() {
            @Override
            public String name() {
                return "a device with too little memory";
            }

            @Override
            public DeviceMemory open(DataSize budget) {
                opened.add(HostMemoryDevice.withBudget(new DataSize(1)));
                return opened.get(0);
            }
        };
        assertThatThrownBy(() -> ScenarioRun.of(new Scenarios(1).scenario(0), small))
                .isInstanceOf(OutOfDeviceMemoryException.class);
        assertThatThrownBy(() -> opened.get(0).allocate(new ArenaSpec(0, 0, 0, DeviceRef.gpu(0), 1, 1)))
                .hasMessageContaining("the device is closed");
    }

    @Test
    void aLineMayAskForMoreThanIsCounted() {
        String line = ScenarioText.parse(PLAIN)
                .with("heads", "3")
                .with("kvheads", "3")
                .with("tp", "3")
                .with("dp", "3")
                .with("overlap", "5")
                .with("batch", "2147483647")
                .with("tokens", "2147483647")
                .toString();
        assertThat(Selftest.replay(TestDevice.host(), line).failure()).isNull();
    }

    /** Turns of asking are no pauses, and preemptions that lose nothing recompute nothing. */
    @Test
    void onlyRealPausesAndRealRecomputationsAreCounted() {
        ScenarioText plenty = ScenarioText.parse(PLAIN).with("events", "none");
        Coverage none = ScenarioRun.of(plenty.scenario(), TestDevice.host()).coverage;
        assertThat(none.count(Condition.PAUSE)).isZero();
        assertThat(none.count(Condition.RECOMPUTE)).isZero();
        ScenarioRun pauses = ScenarioRun.of(
                plenty.with("events", "pause")
                        .with("buffer", "0")
                        .with("clients", "0,1,2,3,4,5,6,7,8,9")
                        .scenario(),
                TestDevice.host());
        assertThat(pauses.coverage.count(Condition.PAUSE)).isBetween(1L, pauses.comparedTokens() + 10);
        Coverage tight = new Coverage();
        for (int number = 2; number < 40; number += 4) {
            tight.add(ScenarioRun.of(new Scenarios(1).scenario(number), TestDevice.host()).coverage);
        }
        assertThat(tight.count(Condition.RECOMPUTE)).isPositive();
    }

    @Test
    void whatWasNotTriedIsToldInShort() {
        Coverage coverage = new Coverage();
        for (Condition condition : Condition.values()) {
            for (int i = 0; i < Coverage.FLOOR; i++) {
                coverage.see(condition != Condition.FORK && (condition != Condition.STALL || i < 3), condition);
            }
        }
        for (int tokens = 1; tokens <= Coverage.MOST_PAGE_SIZE; tokens++) {
            coverage.pageSize(tokens < 5 || tokens == 7 || tokens > 100 ? 1 : tokens);
            coverage.chunk(tokens);
        }
        assertThat(coverage.missing()).containsExactly("forks", "stalls (only 3)", "page sizes 2-4 7 101-128");
        assertThat(coverage.isComplete()).isFalse();
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
