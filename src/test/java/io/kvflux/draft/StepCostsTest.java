package io.kvflux.draft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class StepCostsTest {

    /** T_verify of the numbers in the docs, in seconds. */
    static double verify(double tokens) {
        return (1 + Math.max(16, 0.05 * tokens)) / 1000;
    }

    @Test
    void aCurveIsLearnedThroughNoise() {
        SplittableRandom random = new SplittableRandom(3);
        StepCosts costs = new StepCosts();
        assertThat(costs.isKnown()).isFalse();
        for (int i = 0; i < 20_000; i++) {
            int tokens = 1 + random.nextInt(1000);
            int depth = random.nextInt(8);
            double noise = 0.95 + 0.1 * random.nextDouble();
            costs.observe(tokens, depth, (verify(tokens) + depth * 0.0005) * noise);
        }
        for (int tokens : new int[] {1, 100, 320, 500, 900}) {
            assertThat(costs.seconds(tokens, 0)).as("%s tokens", tokens).isCloseTo(verify(tokens), within(0.002));
            assertThat(costs.seconds(tokens, 5)).isCloseTo(verify(tokens) + 0.0025, within(0.003));
        }
        assertThat(costs.seconds(2000, 0)).as("beyond what was seen").isCloseTo(verify(2000), within(0.02));
    }

    @Test
    void itNeverFalls() {
        SplittableRandom random = new SplittableRandom(4);
        StepCosts costs = new StepCosts();
        for (int i = 0; i < 500; i++) {
            costs.observe(1 + random.nextInt(300), 0, random.nextDouble());
        }
        for (int tokens = 1; tokens < 600; tokens++) {
            assertThat(costs.seconds(tokens + 1, 0)).isGreaterThanOrEqualTo(costs.seconds(tokens, 0));
        }
    }

    /** What was seen lies on the curve, in every bucket, and between neighbours is a line. */
    @Test
    void everySizeOfStepHasItsPlace() {
        StepCosts costs = new StepCosts();
        for (int tokens = 1; tokens <= 20_000; tokens++) {
            costs.observe(tokens, 0, tokens);
        }
        for (int tokens = 1; tokens <= 19_000; tokens++) {
            assertThat(costs.seconds(tokens, 0)).as("%s tokens", tokens).isCloseTo(tokens, within(0.06 * tokens));
        }
    }

    @Test
    void oneStepIsNoCurve() {
        StepCosts costs = new StepCosts();
        costs.observe(10, 0, 0.02);
        assertThat(costs.seconds(10, 0)).isEqualTo(0.02).isEqualTo(costs.seconds(1000, 3));
        assertThat(costs.seconds(5, 0)).isEqualTo(0.01);
        costs.observe(0, 0, 1);
        costs.observe(1, 0, 0);
        costs.observe(1, 0, Double.NaN);
        assertThat(costs.seconds(10, 0)).isEqualTo(0.02);
    }

    @Test
    void whatWasNeverSeenIsHopedToBeAsLowAsItCanBe() {
        StepCosts costs = new StepCosts();
        for (int i = 0; i < 2; i++) {
            costs.observe(64, 0, 0.017);
            costs.observe(1000, 0, 0.051);
        }
        assertThat(costs.seconds(320, 0)).isCloseTo(0.017, within(1e-9));
        assertThat(costs.seconds(900, 0)).isCloseTo(0.0459, within(1e-9));
        costs.observe(800, 0, 0.041);
        costs.observe(800, 0, 0.041);
        assertThat(costs.seconds(700, 0)).isCloseTo(0.036, within(1e-9));
    }

    /** Always as many drafts as tokens: only a step that is shallower tells them apart, of those seen before too. */
    @Test
    void depthIsHiddenUntilItVaries() {
        StepCosts costs = new StepCosts();
        costs.observe(32, 0, 0.017);
        assertThat(costs.hidesDepth()).as("nobody drafted").isFalse();
        for (int i = 0; i < 10; i++) {
            costs.observe(416, 12, 0.0278);
        }
        assertThat(costs.hidesDepth()).isTrue();
        assertThat(costs.seconds(416, 12)).isCloseTo(0.0278, within(1e-9));
        costs.observe(416, 6, 0.0248);
        assertThat(costs.hidesDepth()).isFalse();
        assertThat(costs.seconds(416, 12) - costs.seconds(416, 6)).isCloseTo(0.003, within(1e-9));
        assertThat(costs.seconds(416, 0)).isCloseTo(0.0218, within(1e-6));
    }

    // ---- steps that take longer than their work

    /** Sizes of a load that decodes in batches of 8 to 71, with a prompt now and then. */
    private static int size(SplittableRandom random) {
        return 8 + random.nextInt(64) + (random.nextInt(10) == 0 ? 64 * (1 + random.nextInt(8)) : 0);
    }

    private static void assertNear(StepCosts costs, double times, double part, int most) {
        for (int tokens = 8; tokens <= most; tokens += 4) {
            assertThat(costs.seconds(tokens, 0) / verify(tokens) / times)
                    .as("%s tokens", tokens)
                    .isBetween(1 - part, 1 + part);
        }
    }

    @ParameterizedTest
    @CsvSource({"8, 2", "16, 1", "64, 2", "500, 2"})
    void aFirstStepThatTookFarLongerIsSoonOutweighed(int first, double longer) {
        StepCosts costs = new StepCosts();
        SplittableRandom random = new SplittableRandom(12);
        costs.observe(first, 0, verify(first) + longer);
        for (int i = 0; i < 100; i++) {
            int tokens = size(random);
            costs.observe(tokens, 0, verify(tokens));
        }
        for (int tokens = 8; tokens < 400; tokens++) {
            assertThat(costs.seconds(tokens, 0)).as("%s tokens", tokens).isLessThan(1.1 * verify(tokens));
        }
    }

    @Test
    void aPauseLeavesNoTrace() {
        StepCosts costs = new StepCosts();
        SplittableRandom random = new SplittableRandom(13);
        for (int i = 0; i < 2000; i++) {
            int tokens = size(random);
            costs.observe(tokens, 0, verify(tokens) + (i == 1000 ? 0.2 : 0));
            if (i >= 500) {
                assertNear(costs, 1, 0.05, 500);
            }
        }
    }

    /** All sizes alike, so that no choice among them changes. */
    @Test
    void stepsThatTakeThreeTimesAsLongRaiseAllAlike() {
        StepCosts costs = new StepCosts();
        SplittableRandom random = new SplittableRandom(14);
        for (int i = 0; i < 5000; i++) {
            int tokens = size(random);
            costs.observe(tokens, 0, verify(tokens) * (random.nextInt(10) == 0 ? 3 : 1));
        }
        assertNear(costs, 1.1, 0.12, 500);
    }

    @ParameterizedTest
    @CsvSource({"3", "0.3", "1.4", "0.7"})
    void aDeviceThatChangesForGoodIsFollowed(double times) {
        StepCosts costs = new StepCosts();
        SplittableRandom random = new SplittableRandom(15);
        for (int i = 0; i < 3000; i++) {
            int tokens = size(random);
            costs.observe(tokens, 0, verify(tokens));
        }
        for (int i = 0; i < 5000; i++) {
            int tokens = size(random);
            costs.observe(tokens, 0, times * verify(tokens));
        }
        assertNear(costs, times, 0.1, 71);
    }

    /** Sizes that nobody computes any more do not stay as they were. */
    @Test
    void whatWasNotSeenForLongIsForgotten() {
        StepCosts costs = new StepCosts();
        for (int i = 0; i < 20; i++) {
            costs.observe(512, 0, 1);
        }
        for (int i = 0; i < 8000; i++) {
            costs.observe(16 + i % 17, 0, 0.017);
        }
        assertThat(costs.triedTokens()).isEqualTo(64);
        assertThat(costs.seconds(512, 0)).isCloseTo(0.017, within(1e-9));
    }
}
