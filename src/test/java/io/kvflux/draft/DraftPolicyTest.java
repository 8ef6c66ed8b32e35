package io.kvflux.draft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.SplittableRandom;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DraftPolicyTest {

    private static final int PAGE = 16;
    private static final int PLENTY = 1_000_000;

    private static StepCosts costs(double perDepth) {
        StepCosts costs = new StepCosts();
        SplittableRandom random = new SplittableRandom(11);
        for (int i = 0; i < 20_000; i++) {
            int depth = random.nextInt(13);
            int tokens = 1 + random.nextInt(2000);
            costs.observe(tokens, depth, StepCostsTest.verify(tokens) + depth * perDepth);
        }
        return costs;
    }

    private static AcceptanceRates rates(int positions, double rate) {
        AcceptanceRates rates = new AcceptanceRates(positions);
        SplittableRandom random = new SplittableRandom(5);
        for (int i = 0; i < 1000; i++) {
            rates.examined(positions, AcceptanceRatesTest.accepted(random, rate, positions));
        }
        return rates;
    }

    private static DraftRound round(int positions, int blocks, int watermark) {
        DraftRound round = new DraftRound(positions);
        round.reset(PAGE, PLENTY, blocks, blocks, watermark);
        return round;
    }

    private static int granted(DraftRound round) {
        int sum = 0;
        for (int i = 0; i < round.size(); i++) {
            sum += round.grant(i);
        }
        return sum;
    }

    private static int opened(DraftRound round) {
        int opened = 0;
        for (int i = 0; i < round.size(); i++) {
            for (int j = 0; j < round.grant(i); j++) {
                opened += round.opensPage(i, j) ? 1 : 0;
            }
        }
        return opened;
    }

    /** Tokens a second of a batch whose every sequence drafts k, by the costs of the docs. */
    private static double goodput(int batch, double rate, int k) {
        return batch * AcceptanceRates.expectedTokens(rate, k) / (StepCostsTest.verify(batch * (k + 1)) + 0.0005 * k);
    }

    @ParameterizedTest
    @CsvSource({"1, 10", "8, 10", "32, 9", "64, 4", "128, 2", "256, 1"})
    void theBestFixedNumberIsKnown(int batch, int best) {
        int found = 0;
        for (int k = 1; k <= 12; k++) {
            found = goodput(batch, 0.8, k) > goodput(batch, 0.8, found) ? k : found;
        }
        assertThat(found).isEqualTo(best);
    }

    /** Learning the costs as it goes, all estimates alike. More is possible than with one number for all. */
    @ParameterizedTest
    @CsvSource({"1, 10", "8, 10", "32, 9", "64, 4", "128, 2", "256, 1"})
    void adaptiveComesToWhatTheBestFixedNumberBrings(int batch, int best) {
        StepCosts costs = new StepCosts();
        DraftPolicy policy = DraftPolicy.adaptive();
        AcceptanceRates even = even(0.8);
        double tokens = 0;
        double seconds = 0;
        for (int step = 0; step < 600; step++) {
            DraftRound round = round(12, PLENTY, 0);
            for (int i = 0; i < batch; i++) {
                round.add(12, 100, even, 0);
            }
            policy.decide(round, costs);
            int depth = 0;
            double given = batch;
            for (int i = 0; i < batch; i++) {
                given += AcceptanceRates.expectedTokens(0.8, round.grant(i)) - 1;
                depth = Math.max(depth, round.grant(i));
            }
            double took = StepCostsTest.verify(batch + granted(round)) + 0.0005 * depth;
            costs.observe(batch + granted(round), depth, took);
            if (step >= 100) {
                tokens += given;
                seconds += took;
            }
        }
        System.out.printf(
                "batch %d: %.3f of the best fixed number%n", batch, tokens / seconds / goodput(batch, 0.8, best));
        assertThat(tokens / seconds).isGreaterThan(0.97 * goodput(batch, 0.8, best));
    }

    /** As good as certain that each position is accepted at this rate. */
    private static AcceptanceRates even(double rate) {
        AcceptanceRates rates = new AcceptanceRates(12);
        SplittableRandom random = new SplittableRandom(6);
        double best = 1;
        AcceptanceRates closest = rates;
        for (int round = 0; round < 200; round++) {
            AcceptanceRates some = new AcceptanceRates(12);
            for (int i = 0; i < 3000; i++) {
                some.examined(12, AcceptanceRatesTest.accepted(random, rate, 12));
            }
            double off = 0;
            for (int j = 0; j < 12; j++) {
                off = Math.max(off, Math.abs(some.rate(j) - rate));
            }
            if (off < best) {
                best = off;
                closest = some;
            }
        }
        return closest;
    }

    // ---- against brute force

    /** Without hysteresis' part: a first decision starts from nothing, which it leaves for a gain of more than 1 %. */
    @Test
    void withoutAPriceTheBestSetIsFound() {
        SplittableRandom random = new SplittableRandom(7);
        for (int i = 0; i < 3000; i++) {
            DraftRound round = AdaptiveGap.round(random, PLENTY, 0);
            StepCosts costs = AdaptiveGap.costs(random, i % 2 == 0);
            DraftPolicy.adaptive().decide(round, costs);
            double best = AdaptiveGap.best(round, costs, 0);
            double found = AdaptiveGap.value(round, costs, AdaptiveGap.grants(round), 0);
            double nothing = AdaptiveGap.value(round, costs, new int[round.size()], 0);
            if (best > nothing * (1 + 1.001 * AdaptiveDrafts.HYSTERESIS)) {
                assertThat(found).as("round %s", i).isCloseTo(best, within(best * 1e-9));
            } else {
                assertThat(found).isGreaterThanOrEqualTo(nothing);
            }
        }
    }

    @Test
    void withAPriceTheGapToBruteForceIsSmall() {
        assertThat(AdaptiveGap.measure(8, 3000, true).mean()).isBetween(0.0, 0.01);
    }

    // ---- pages

    @ParameterizedTest
    @CsvSource({"adaptive", "fixed", "table"})
    void belowTheWatermarkNobodyOpensAPage(String name) {
        SplittableRandom random = new SplittableRandom(9);
        StepCosts costs = costs(0);
        DraftPolicy policy = switch (name) {
            case "adaptive" -> DraftPolicy.adaptive();
            case "fixed" -> DraftPolicy.fixed(4);
            default -> DraftPolicy.table(new int[] {1, 3}, new int[] {4, 3});
        };
        int drafts = 0;
        for (int i = 0; i < 2000; i++) {
            int available = random.nextInt(10);
            DraftRound round = new DraftRound(4);
            round.reset(2, PLENTY, random.nextInt(available + 1), available, 5);
            int size = 1 + random.nextInt(20);
            for (int j = 0; j < size; j++) {
                round.add(4, random.nextInt(4), rates(4, 0.9), random.nextInt(200));
            }
            policy.decide(round, costs);
            assertThat(opened(round)).isLessThanOrEqualTo(Math.max(0, available - 5));
            drafts += granted(round);
        }
        assertThat(drafts).isPositive();
    }

    @Test
    void aDraftInAnOpenPageCostsNothing() {
        DraftRound round = new DraftRound(4);
        round.reset(PAGE, PLENTY, 0, 10, 10);
        AcceptanceRates rates = rates(4, 0.9);
        round.add(4, 4, rates, 0);
        round.add(4, 2, rates, 0);
        round.add(4, 0, rates, 0);
        DraftPolicy.adaptive().decide(round, costs(0));
        assertThat(AdaptiveGap.grants(round)).containsExactly(4, 2, 0);
    }

    // ---- steps that were never seen

    /** However good it looks, and then it has been seen. */
    @Test
    void noStepIsMoreThanTwiceAsLargeAsTheLargestThatWasSeen() {
        StepCosts costs = new StepCosts();
        DraftPolicy policy = DraftPolicy.adaptive();
        for (int largest : new int[] {0, 10, 20, 40}) {
            if (largest > 0) {
                costs.observe(largest, 0, 0.02);
            }
            DraftRound round = round(12, PLENTY, 0);
            for (int i = 0; i < 5; i++) {
                round.add(12, 100, rates(12, 0.99), 0);
            }
            policy.decide(round, costs);
            assertThat(granted(round)).isEqualTo(Math.max(0, Math.min(5 * 12, 2 * largest - 5)));
        }
    }

    // ---- habits

    private static StepCosts steep() {
        StepCosts steep = new StepCosts();
        for (int i = 1; i < 400; i++) {
            steep.observe(i, 0, i);
        }
        return steep;
    }

    /** One that nobody drafts in by choice, in the round of so many in which there are probes. */
    private static DraftRound probes(Consumer<DraftRound> begin) {
        DraftPolicy policy = DraftPolicy.adaptive();
        DraftRound round = new DraftRound(4);
        for (int i = 1; i <= AdaptiveDrafts.PROBE_EVERY; i++) {
            begin.accept(round);
            policy.decide(round, steep());
            assertThat(i == AdaptiveDrafts.PROBE_EVERY ? 0 : granted(round)).isZero();
        }
        return round;
    }

    @Test
    void whoHasNotDraftedForLongDraftsOnce() {
        AcceptanceRates hopeless = rates(4, 0);
        DraftRound round = probes(begun -> {
            begun.reset(PAGE, PLENTY, PLENTY, PLENTY, 0);
            begun.add(4, 10, hopeless, AdaptiveDrafts.PROBE_AFTER - 1);
            begun.add(4, 10, hopeless, AdaptiveDrafts.PROBE_AFTER);
            begun.add(0, 10, hopeless, AdaptiveDrafts.PROBE_AFTER);
        });
        assertThat(AdaptiveGap.grants(round)).containsExactly(0, 1, 0);
    }

    /** All have waited, and every tenth would open a page below the watermark. */
    @ParameterizedTest
    @CsvSource({"1000000, 8", "3, 3", "0, 0"})
    void thoseDraftFirstWhoHaveWaitedLongest(int budget, int probes) {
        AcceptanceRates hopeless = rates(4, 0);
        DraftRound round = probes(begun -> {
            begun.reset(PAGE, budget, 10, 10, 10);
            for (int i = 0; i < 64; i++) {
                begun.add(4, i % 10 == 0 ? 0 : 5, hopeless, 200 - i);
            }
        });
        assertThat(granted(round)).isEqualTo(probes);
        for (int i = 0; i < 64; i++) {
            boolean among = i % 10 != 0 && i - i / 10 <= probes;
            assertThat(round.grant(i)).as("sequence %s", i).isEqualTo(among ? 1 : 0);
        }
    }

    @Test
    void aChoiceIsKeptForAGainThatIsNoise() {
        DraftPolicy policy = DraftPolicy.adaptive();
        int changes = 0;
        int last = -1;
        SplittableRandom random = new SplittableRandom(10);
        for (int i = 0; i < 200; i++) {
            StepCosts costs = new StepCosts();
            for (int tokens = 1; tokens < 400; tokens++) {
                costs.observe(tokens, 0, StepCostsTest.verify(tokens * 4) * (1 + 0.004 * random.nextDouble()));
            }
            DraftRound round = round(8, PLENTY, 0);
            for (int j = 0; j < 20; j++) {
                round.add(8, 100, rates(8, 0.8), 0);
            }
            policy.decide(round, costs);
            changes += granted(round) == last ? 0 : 1;
            last = granted(round);
        }
        assertThat(changes).isLessThan(10);
    }

    @Test
    void oneRoundInEightIsShallowWhileNobodyKnowsWhatDepthCosts() {
        StepCosts hiding = new StepCosts();
        for (int i = 0; i < 10; i++) {
            hiding.observe(9, 8, 0.02);
        }
        hiding.observe(1, 8, 0.02);
        DraftPolicy policy = DraftPolicy.adaptive();
        for (int i = 1; i <= 3 * AdaptiveDrafts.SHALLOW_AFTER; i++) {
            DraftRound round = round(8, PLENTY, 0);
            round.add(8, 100, rates(8, 0.9), 0);
            policy.decide(round, hiding);
            assertThat(round.grant(0)).as("round %s", i).isEqualTo(i % AdaptiveDrafts.SHALLOW_AFTER == 0 ? 4 : 8);
        }
    }

    /** Four sequences whose next draft opens a page, and is accepted once in five times; a watermark of 100 blocks. */
    @ParameterizedTest
    @CsvSource({"200, 4", "180, 4", "150, 0", "101, 0"})
    void aPageIsOpenedForWhatItIsWorthAsBlocksGetScarce(int blocks, int granted) {
        DraftRound round = round(1, blocks, 100);
        AcceptanceRates seldom = new AcceptanceRates(1);
        for (int i = 0; i < 500; i++) {
            seldom.examined(1, i % 5 == 0 ? 1 : 0);
        }
        for (int i = 0; i < 4; i++) {
            round.add(1, 0, seldom, 0);
        }
        DraftPolicy.adaptive().decide(round, costs(0));
        assertThat(granted(round)).isEqualTo(granted);
    }

    /**
     * One page may be opened: the most likely draft of all needs it, and so does a chain that is worth more. Among many too,
     * where not everything is tried.
     */
    @ParameterizedTest
    @CsvSource({"0", "7", "30"})
    void whoGainsMostByAPageOpensIt(int others) {
        DraftRound round = round(3, 2, 1);
        AcceptanceRates single = new AcceptanceRates(3);
        AcceptanceRates chain = new AcceptanceRates(3);
        for (int i = 0; i < 500; i++) {
            single.examined(3, i % 10 < 7 ? 1 : 0);
            chain.examined(3, i % 10 < 6 ? 3 : 0);
        }
        round.add(3, 0, single, 0);
        round.add(3, 0, chain, 0);
        for (int i = 0; i < others; i++) {
            round.add(0, 0, single, 0);
        }
        DraftPolicy.adaptive().decide(round, costs(0));
        assertThat(round.grant(0)).isZero();
        assertThat(round.grant(1)).isEqualTo(3);
    }

    @Test
    void aChoiceStaysWhereAnotherIsHardlyBetter() {
        StepCosts costs = costs(0.0005);
        DraftPolicy policy = DraftPolicy.adaptive();
        int before = decided(policy, costs, even(0.8));
        int fresh = decided(DraftPolicy.adaptive(), costs, even(0.78));
        assertThat(fresh).isNotEqualTo(before);
        assertThat(decided(policy, costs, even(0.78))).isEqualTo(before);
    }

    private static int decided(DraftPolicy policy, StepCosts costs, AcceptanceRates rates) {
        DraftRound round = round(12, PLENTY, 0);
        round.add(12, 100, rates, 0);
        policy.decide(round, costs);
        return round.grant(0);
    }

    /** Prompts in half of the steps, in proportion to what is generated, make long steps and cheap-looking drafts. */
    @Test
    void promptsDoNotMakeDraftsLookCheap() {
        StepCosts linear = new StepCosts();
        for (int tokens = 1; tokens <= 4000; tokens++) {
            linear.observe(tokens, 0, 0.001 + 1e-4 * tokens);
        }
        int[] drafts = new int[2];
        for (int with = 0; with < 2; with++) {
            DraftPolicy policy = DraftPolicy.adaptive();
            for (int i = 0; i < 200; i++) {
                DraftRound round = new DraftRound(8);
                round.reset(PAGE, PLENTY, PLENTY, PLENTY, 0);
                boolean prompt = with == 1 && i % 2 == 0;
                round.prompts(prompt ? 1500 : 0, prompt ? 1 : 0, with == 1);
                for (int j = 0; j < 50; j++) {
                    round.add(8, 100, rates(8, 0.6), 0);
                }
                policy.decide(round, linear);
                drafts[with] = granted(round);
            }
        }
        assertThat(drafts[1]).isEqualTo(drafts[0]);
    }

    /**
     * Three prompts of 64 tokens in each step of 17 ms, and drafts that are accepted every other time: for long of 60 sequences,
     * then of 100. If prompts come by the clock there are as many as before, and drafts fill what they leave of the tokens that
     * a step computes in no more time. If they come with the tokens generated, hardly any are left.
     */
    @Test
    void whereNobodyWaitsPromptsComeWhateverIsDrafted() {
        StepCosts costs = costs(0);
        AcceptanceRates even = rates(4, 0.5);
        int[] drafts = new int[2];
        for (int waiting = 0; waiting < 2; waiting++) {
            DraftPolicy policy = DraftPolicy.adaptive();
            for (int i = 0; i < 300; i++) {
                costs.observe(292, 0, 0.017);
                DraftRound round = round(4, PLENTY, 0);
                round.prompts(192, 3, waiting == 1);
                for (int j = 0; j < (i < 299 ? 60 : 100); j++) {
                    round.add(4, 100, even, 0);
                }
                policy.decide(round, costs);
                drafts[waiting] = granted(round);
            }
        }
        assertThat(drafts[0]).isBetween(20, 50);
        assertThat(drafts[1]).isLessThan(drafts[0] / 2);
    }

    @Test
    void theSameRoundsGetTheSameAnswers() {
        DraftPolicy one = DraftPolicy.adaptive();
        DraftPolicy other = DraftPolicy.adaptive();
        for (int i = 0; i < 300; i++) {
            DraftRound first = AdaptiveGap.round(new SplittableRandom(i), 3, 2);
            DraftRound second = AdaptiveGap.round(new SplittableRandom(i), 3, 2);
            one.decide(first, AdaptiveGap.costs(new SplittableRandom(i), true));
            other.decide(second, AdaptiveGap.costs(new SplittableRandom(i), true));
            assertThat(AdaptiveGap.grants(first)).isEqualTo(AdaptiveGap.grants(second));
        }
    }

    @Test
    void tablesAreByBatchSize() {
        DraftPolicy table = DraftPolicy.table(new int[] {2, 4}, new int[] {5, 1});
        for (int size = 1; size < 6; size++) {
            DraftRound round = round(8, PLENTY, 0);
            for (int i = 0; i < size; i++) {
                round.add(8, 0, rates(8, 0.5), 0);
            }
            table.decide(round, new StepCosts());
            assertThat(round.grant(0)).isEqualTo(size < 2 ? 0 : size < 4 ? 5 : 1);
        }
        assertThatThrownBy(() -> DraftPolicy.table(new int[] {4, 4}, new int[] {1, 1}))
                .hasMessage("a table has rising batch sizes from 1 on, and drafts from 0 on for each,"
                        + " batchSizes=[4, 4], drafts=[1, 1]");
        assertThatThrownBy(() -> DraftPolicy.fixed(-1)).isInstanceOf(IllegalArgumentException.class);
    }
}
