package io.kvflux.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvflux.api.SchedulerSnapshot.SequenceState;
import io.kvflux.api.SequenceId;
import io.kvflux.api.SequenceSpec;
import io.kvflux.api.Step;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Rules that go by how long outputs become. Nothing is known of them at first, so what differs is prompts and limits. */
class LengthRulesTest {

    private static final Pattern ADMITTED = Pattern.compile("(.*) admitted on replica (\\d+), hit \\d+");

    private static SchedulerConfig.Builder shortest(int blocks) {
        return Driver.config(10, blocks).policy(QueuePolicy.SHORTEST).maxSkips(0);
    }

    private static SequenceId submit(Driver driver, int prompt, int output) {
        return driver.submit(driver.prompt(prompt).maxTokens(output));
    }

    @Test
    void theLeastPredictedWorkIsAdmittedFirst() {
        Driver driver = new Driver(shortest(20).maxBatchSize(1).maxBatchTokens(200));
        SequenceId large = submit(driver, 100, 50);
        SequenceId small = submit(driver, 20, 50);
        SequenceId longer = submit(driver, 20, 60);
        assertThat(Driver.ids(driver.plan())).containsExactly(small);
        driver.complete();
        driver.core.cancel(small);
        assertThat(Driver.ids(driver.plan())).containsExactly(longer);
        driver.complete();
        driver.core.cancel(longer);
        assertThat(Driver.ids(driver.plan())).containsExactly(large);
    }

    @Test
    void whatAClientExpectsIsBelievedUntilItIsExceeded() {
        Driver driver = new Driver(shortest(40).maxBatchSize(1).maxBatchTokens(200));
        SequenceId unknown = driver.submit(driver.prompt(30).maxTokens(300));
        SequenceId brief = driver.submit(driver.prompt(30).maxTokens(300).expectedTokens(3));
        SequenceId lasting = driver.submit(driver.prompt(30).maxTokens(300).expectedTokens(290));
        assertThat(Driver.ids(driver.plan())).containsExactly(brief);
        driver.complete();
        driver.steps(4);
        SequenceId next = driver.submit(driver.prompt(30).maxTokens(300).expectedTokens(100));
        driver.core.pause(brief);
        assertThat(Driver.ids(driver.plan())).containsExactly(next);
        driver.complete();
        driver.core.cancel(next);
        driver.core.resume(brief);
        assertThat(Driver.ids(driver.plan()))
                .as("of the %s nobody knows more than of %s, which has more tokens by now", brief, unknown)
                .containsExactly(lasting);
    }

    @Test
    void roomForGrowthIsWhatIsExpected() {
        for (int expected : new int[] {5, 60}) {
            Driver driver = new Driver(Driver.config(10, 12).growthMargin(0));
            SequenceId first = driver.submit(driver.prompt(40).maxTokens(60).expectedTokens(expected));
            SequenceId second = driver.submit(driver.prompt(40).maxTokens(60).expectedTokens(expected));
            assertThat(Driver.ids(driver.plan()))
                    .as("each is expected to need %d blocks", (40 + expected + 9) / 10)
                    .isEqualTo(expected == 60 ? List.of(first) : List.of(first, second));
        }
    }

    @Test
    void nobodyOvertakesWhoIsSubmittedMoreThanAgeingStepsLater() {
        Driver driver =
                new Driver(shortest(20).maxBatchSize(1).maxBatchTokens(200).ageing(10));
        SequenceId running = submit(driver, 10, 90);
        driver.step();
        SequenceId large = submit(driver, 100, 50);
        driver.steps(11);
        SequenceId small = submit(driver, 10, 10);
        driver.plan();
        driver.complete();
        driver.core.cancel(running);
        assertThat(Driver.ids(driver.plan())).containsExactly(large);
        driver.complete();
        driver.core.cancel(large);
        assertThat(Driver.ids(driver.plan())).containsExactly(small);
    }

    /** Long runs of random traffic that never lets up, so that without a bound the large ones would wait for ever. */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 199})
    void theBoundHoldsWhateverArrives(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        int ageing = 1 + random.nextInt(40);
        SchedulerConfig.Builder config = shortest(40)
                .maxBatchSize(6)
                .maxBatchTokens(400)
                .ageing(ageing)
                .levelling(random.nextInt(4) > 0)
                .victimRule(VictimRule.values()[random.nextInt(4)]);
        if (random.nextBoolean()) {
            config.growthMargin(0.5);
        }
        Driver driver = new Driver(config);
        Map<SequenceId, Integer> submitted = new HashMap<>();
        Map<String, SequenceId> waiting = new HashMap<>();
        for (int step = 0; step < 1500; step++) {
            if (random.nextInt(4) == 0) {
                boolean large = random.nextInt(10) == 0;
                SequenceId id = submit(driver, large ? 250 : 5 + random.nextInt(30), 5 + random.nextInt(60));
                submitted.put(id, step);
                waiting.put(id.toString(), id);
            }
            int told = driver.log.size();
            if (driver.plan() == null) {
                continue;
            }
            for (String line : driver.log.subList(told, driver.log.size())) {
                String name = line.substring(0, line.indexOf(' ', "sequence ".length()));
                if (line.endsWith(" preempted")) {
                    waiting.put(name, new SequenceId(Long.parseLong(name.substring("sequence ".length()))));
                } else if (line.contains(" admitted ")) {
                    SequenceId id = waiting.remove(name);
                    assertThat(waiting.values())
                            .as("seed %d: nobody waits who came more than %d steps before %s", seed, ageing, id)
                            .noneMatch(other -> submitted.get(id) - submitted.get(other) > ageing + 1);
                }
            }
            driver.complete();
        }
        driver.drain();
        assertThat(driver.endings.keySet()).isEqualTo(submitted.keySet());
    }

    @Test
    void aPreemptedSequenceTakesItsPlaceByWhatIsLeftOfIt() {
        Driver driver = new Driver(shortest(8).victimRule(VictimRule.MOST_WORK));
        SequenceId large = submit(driver, 39, 40);
        SequenceId small = submit(driver, 39, 20);
        driver.steps(2);
        SequenceId waiting = submit(driver, 31, 30);
        assertThat(Driver.ids(driver.plan()))
                .as("both would need a fifth block")
                .containsExactly(small);
        assertThat(driver.core.preemptions()).isEqualTo(1);
        driver.complete();
        driver.core.cancel(small);
        assertThat(Driver.ids(driver.plan())).as("it has less to do").containsExactly(waiting);
        driver.core.cancel(waiting);
        driver.complete();
        assertThat(Driver.ids(driver.plan())).containsExactly(large);
    }

    /** The older one has more work left and holds as much: without ageing it would be preempted by both rules. */
    @ParameterizedTest
    @EnumSource(names = {"MOST_WORK", "CHEAPEST_ROOM"})
    void whoIsOlderThanAgeingIsPreemptedAfterWhoIsNot(VictimRule rule) {
        for (int ageing : new int[] {4500, 5}) {
            Driver driver = new Driver(shortest(8).victimRule(rule).ageing(ageing));
            SequenceId large = submit(driver, 30, 60);
            driver.steps(9);
            SequenceId small = submit(driver, 39, 20);
            driver.steps(2);
            assertThat(Driver.ids(driver.plan()))
                    .as("both need a fifth block, ageing=%d", ageing)
                    .containsExactly(ageing == 5 ? large : small);
        }
    }

    /** Where all are older the last submitted goes first. */
    @Test
    void ofThoseOlderThanAgeingTheFirstSubmittedStays() {
        Driver driver = new Driver(
                shortest(8).victimRule(VictimRule.MOST_WORK).ageing(5).admitAfterPreemption(false));
        SequenceId first = submit(driver, 30, 60);
        driver.steps(2);
        SequenceId second = submit(driver, 32, 20);
        driver.steps(9);
        assertThat(Driver.ids(driver.plan())).as("both need a fifth block").containsExactly(first);
        driver.complete();
        driver.drain();
        assertThat(driver.endings).containsOnlyKeys(first, second);
    }

    /** Each of two that share all their blocks would free none by itself; still both go before the eldest. */
    @Test
    void theEldestDoesNotGiveWayToWhatOthersShare() {
        Driver driver =
                new Driver(Driver.config(10, 7).victimRule(VictimRule.MOST_WORK).ageing(2));
        SequenceId eldest = submit(driver, 25, 40);
        driver.step();
        SequenceId parent = driver.core.submit(driver.prompt(40).maxTokens(20), 1);
        driver.step();
        SequenceId fork = driver.fork(parent, 1);
        driver.steps(10);
        assertThat(driver.log)
                .contains(parent + " preempted", fork + " preempted")
                .doesNotContain(eldest + " preempted");
    }

    @Test
    void whoFreesRoomForLongestIsTheCheapestRoom() {
        Driver driver = new Driver(Driver.config(10, 12).victimRule(VictimRule.CHEAPEST_ROOM));
        SequenceId first = submit(driver, 40, 60);
        SequenceId brief = submit(driver, 40, 12);
        SequenceId lasting = submit(driver, 40, 50);
        driver.step();
        assertThat(Driver.ids(driver.plan()))
                .as("all three need a fourth block")
                .hasSize(2);
        assertThat(driver.core.snapshot().sequences())
                .filteredOn(state -> !state.running())
                .extracting(state -> state.id())
                .isSubsetOf(first, lasting)
                .doesNotContain(brief);
    }

    @Test
    void admissionLeavesRoomForWhatRunsToGrow() {
        for (boolean growth : new boolean[] {false, true}) {
            SchedulerConfig.Builder config = Driver.config(10, 12);
            Driver driver = new Driver(growth ? config.growthMargin(0) : config);
            SequenceId first = submit(driver, 40, 60);
            SequenceId second = submit(driver, 40, 60);
            assertThat(Driver.ids(driver.plan()))
                    .as("both grow to 10 blocks each")
                    .isEqualTo(growth ? List.of(first) : List.of(first, second));
        }
    }

    /** Nine deviations of one large sequence are more than twice what both can ever hold, which is 106 blocks. */
    @Test
    void noMoreRoomIsLeftThanAllNeedIfNobodyEnds() {
        for (int blocks : new int[] {101, 106}) {
            Driver driver = new Driver(Driver.config(10, blocks).growthMargin(9));
            SequenceId large = submit(driver, 900, 30);
            SequenceId small = submit(driver, 90, 30);
            assertThat(Driver.ids(driver.plan()))
                    .as("their prompts take 99 blocks, blocks=%d", blocks)
                    .isEqualTo(blocks == 106 ? List.of(large, small) : List.of(large));
        }
    }

    @Test
    void roomForWhatSeveralHoldIsLeftOnce() {
        for (boolean alike : new boolean[] {true, false}) {
            Driver driver = new Driver(Driver.config(10, 53).growthMargin(1));
            for (int i = 0; i < 3; i++) {
                int first = alike ? 0 : 1000 * i;
                driver.submit(SequenceSpec.of(Driver.tokens(first, 400)).maxTokens(30));
                driver.step();
            }
            assertThat(driver.core.running())
                    .as("39 blocks that all have and at most 4 more of each, alike=%s", alike)
                    .isEqualTo(alike ? 3 : 1);
        }
    }

    @Test
    void aSequenceAloneIsAdmittedWhateverItMayNeed() {
        Driver driver = new Driver(Driver.config(10, 12).growthMargin(3));
        SequenceId only = submit(driver, 100, 1000);
        assertThat(Driver.ids(driver.plan())).containsExactly(only);
    }

    /** The last one would run for 50 steps when the others have ended; the one with least to do gives way. */
    @Test
    void whoTakesLongestIsStartedInTheirPlaceWhoHaveLittleLeft() {
        for (boolean levelling : new boolean[] {false, true}) {
            Driver driver = new Driver(shortest(10).levelling(levelling));
            SequenceId first = submit(driver, 31, 12);
            SequenceId second = submit(driver, 31, 14);
            driver.step();
            SequenceId last = submit(driver, 31, 55);
            Step step = driver.plan();
            assertThat(Driver.ids(step).contains(last)).isEqualTo(levelling);
            assertThat(driver.core.preemptions()).isEqualTo(levelling ? 1 : 0);
            driver.complete();
            driver.drain();
            assertThat(driver.endings).containsOnlyKeys(first, second, last);
        }
    }

    @Test
    void whoIsStartedInOthersPlaceNeedsNoRoomForGrowthBesides() {
        Driver driver = new Driver(shortest(10).levelling(true).growthMargin(3));
        submit(driver, 31, 12);
        submit(driver, 31, 14);
        driver.step();
        driver.core.cancel(submit(driver, 31, 1));
        SequenceId last = submit(driver, 31, 55);
        int before = driver.core.running();
        for (int i = 0; i < 11; i++) {
            driver.step();
        }
        assertThat(before).isBetween(1, 2);
        assertThat(driver.core.preemptions()).isLessThanOrEqualTo(1);
        assertThat(driver.hits).containsKey(last);
        driver.drain();
        assertThat(driver.endings).hasSize(4);
    }

    @Test
    void onlyOneReplicaMakesRoomForWhoTakesLongest() {
        Driver driver = new Driver(Driver.config(10, 10, 2)
                .policy(QueuePolicy.SHORTEST)
                .maxSkips(0)
                .levelling(true));
        for (int output : new int[] {10, 11, 10, 11}) {
            submit(driver, 31, output);
        }
        driver.step();
        SequenceId last = submit(driver, 31, 69);
        assertThat(Driver.ids(driver.plan())).contains(last);
        assertThat(driver.core.preemptions()).isEqualTo(1);
        driver.complete();
        driver.drain();
        assertThat(driver.endings).hasSize(5);
    }

    @Test
    void anOutputThatItsLimitCutsDoesNotTellHowLongOutputsBecome() {
        Driver driver = new Driver(shortest(200).maxBatchSize(1).maxBatchTokens(200));
        for (int i = 0; i < 100; i++) {
            submit(driver, 30, 5);
        }
        driver.drain();
        SequenceId unknown = driver.submit(driver.prompt(30));
        SequenceId expected = driver.submit(driver.prompt(30).expectedTokens(400));
        assertThat(Driver.ids(driver.plan()))
                .as("of %s as much is known as at first, some hundred tokens", unknown)
                .containsExactly(expected);
    }

    /** Twelve clients, each of whom comes again at once, one in six with a prompt that most others overtake. */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void everybodyEndsUnderTrafficThatNeverLetsUp(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        SchedulerConfig.Builder config = Driver.config(10, 40)
                .policy(QueuePolicy.SHORTEST)
                .maxBatchSize(6)
                .maxBatchTokens(60)
                .maxSkips(random.nextInt(4))
                .ageing(100)
                .levelling(random.nextBoolean())
                .victimRule(VictimRule.values()[random.nextInt(4)]);
        if (random.nextBoolean()) {
            config.growthMargin(0.5);
        }
        Driver driver = new Driver(config);
        Map<SequenceId, Integer> submitted = new HashMap<>();
        int longest = 0;
        for (int step = 0; step < 4000; step++) {
            while (submitted.size() < 12) {
                boolean large = random.nextInt(6) == 0;
                submitted.put(submit(driver, large ? 250 : 5 + random.nextInt(30), 5 + random.nextInt(60)), step);
            }
            driver.step();
            for (SequenceId ended : driver.endings.keySet()) {
                Integer from = submitted.remove(ended);
                longest = from == null ? longest : Math.max(longest, step - from);
            }
            driver.endings.clear();
            int now = step;
            assertThat(submitted.values())
                    .as("seed %d: nobody is there for 600 steps", seed)
                    .allMatch(from -> now - from < 600);
        }
        assertThat(longest).as("some are held up").isGreaterThan(100);
    }

    /**
     * Prompts of many chunks among short ones that always come again and decode before them, in a memory that is too small, on
     * one replica or two, with consumers that pause: whoever was submitted first of those that run on a replica and do not pause
     * is not preempted once it is overdue.
     */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
    void theEldestGivesWayToNobodyOnceItIsOverdue(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        int replicas = 1 + random.nextInt(2);
        SchedulerConfig.Builder config = Driver.config(10, 40, replicas)
                .policy(random.nextBoolean() ? QueuePolicy.SHORTEST : QueuePolicy.FIFO)
                .maxBatchSize(6)
                .maxBatchTokens(12)
                .ageing(20)
                .victimRule(random.nextBoolean() ? VictimRule.MOST_WORK : VictimRule.CHEAPEST_ROOM);
        if (random.nextBoolean()) {
            config.maxBatchContextTokens(300);
        }
        Driver driver = new Driver(config);
        Map<SequenceId, Integer> submitted = new LinkedHashMap<>();
        Map<SequenceId, Integer> replicaOf = new HashMap<>();
        boolean pauses = random.nextBoolean();
        int preempted = 0;
        for (int step = 0; step < 3000; step++) {
            while (submitted.size() < 9 * replicas) {
                boolean large = random.nextInt(4) == 0;
                submitted.put(submit(driver, large ? 250 : 5 + random.nextInt(10), 60 + random.nextInt(60)), step);
            }
            if (pauses && step % 20 == 0) {
                submitted.keySet().forEach(driver.core::resume);
                submitted.keySet().stream().filter(id -> random.nextInt(6) == 0).forEach(driver.core::pause);
            }
            List<SequenceId> eldest = new ArrayList<>();
            for (int replica = 0; replica < replicas; replica++) {
                eldest.addAll(eldest(driver, submitted, replicaOf, replica, step - 25));
            }
            driver.log.clear();
            driver.step();
            for (String line : driver.log) {
                Matcher admitted = ADMITTED.matcher(line);
                if (admitted.matches()) {
                    submitted.keySet().stream()
                            .filter(id -> id.toString().equals(admitted.group(1)))
                            .forEach(id -> replicaOf.put(id, Integer.valueOf(admitted.group(2))));
                }
                preempted += line.endsWith(" preempted") ? 1 : 0;
            }
            for (SequenceId id : eldest) {
                assertThat(driver.log).as("seed %d, step %d", seed, step).doesNotContain(id + " preempted");
            }
            driver.endings.keySet().forEach(submitted::remove);
            driver.endings.clear();
        }
        assertThat(preempted).as("preempted in all").isPositive();
    }

    /** Who was submitted first of those that run on a replica and do not pause, if that was early enough and one alone. */
    private static List<SequenceId> eldest(
            Driver driver,
            Map<SequenceId, Integer> submitted,
            Map<SequenceId, Integer> replicaOf,
            int replica,
            int by) {
        List<SequenceId> running = driver.core.snapshot().sequences().stream()
                .filter(state -> state.running() && !state.paused())
                .map(SequenceState::id)
                .filter(id -> Objects.equals(replicaOf.get(id), replica))
                .sorted(Comparator.comparing(submitted::get))
                .toList();
        boolean isAlone = running.size() == 1
                || (running.size() > 1 && submitted.get(running.get(0)) < submitted.get(running.get(1)));
        return isAlone && submitted.get(running.get(0)) < by ? running.subList(0, 1) : List.of();
    }

    @Test
    void levellingNeedsThePolicyThatGoesByWork() {
        assertThatThrownBy(() -> Driver.config(10, 10)
                        .levelling(true)
                        .ageing(-1)
                        .growthMargin(-1)
                        .build())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("ageing must not be negative, ageing=-1; growthMargin must be finite and not negative,"
                        + " growthMargin=-1.0; levelling needs the policy that goes by work, levelling=true,"
                        + " policy=FIFO");
    }
}
