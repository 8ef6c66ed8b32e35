package io.kvflux.draft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class PromptShareTest {

    private final PromptShare prompts = new PromptShare();
    private final StepCosts costs = new StepCosts();

    /** A step of n tokens takes n ms. */
    @BeforeEach
    void linear() {
        for (int tokens = 1; tokens <= 1000; tokens++) {
            costs.observe(tokens, 0, tokens / 1000.0);
        }
    }

    @Test
    void promptsComeInProportionToWhatIsGeneratedOrToTime() {
        assertThat(prompts.tokensFor(10)).isZero();
        assertThat(prompts.tokensASecond()).isZero();
        assertThat(prompts.areKnown()).isFalse();
        for (int i = 0; i < 5000; i++) {
            boolean some = i % 4 == 0;
            prompts.step(some ? 200 : 0, some ? 2 : 0, 0.1);
            prompts.generated(100);
        }
        assertThat(prompts.areKnown()).isTrue();
        assertThat(prompts.tokensFor(100)).isCloseTo(50, within(1.0));
        assertThat(prompts.tokensFor(200)).isCloseTo(100, within(2.0));
        assertThat(prompts.tokensASecond()).isCloseTo(500, within(15.0));
    }

    @Test
    void whatWasNotSeenForLongIsForgotten() {
        prompts.step(200, 1, 0.1);
        for (int i = 0; i < 1000; i++) {
            prompts.step(0, 0, 0.1);
        }
        assertThat(prompts.areKnown()).isTrue();
        assertThat(prompts.seconds(costs, 0.01, 10, prompts.tokensASecond() * 0.1))
                .isBetween(0.01, 0.0101);
        for (int i = 0; i < 1000; i++) {
            prompts.step(0, 0, 0.1);
        }
        assertThat(prompts.areKnown()).isFalse();
    }

    @Test
    void theFirstPromptIsNoMeasure() {
        prompts.step(2560, 1, 0.5);
        assertThat(prompts.tokensFor(1)).isEqualTo(40);
        assertThat(prompts.tokensASecond()).isEqualTo(1024);
    }

    /** One in four steps with two prompts of 100 tokens: where a step is as long as its tokens only the mean matters. */
    @Test
    void aStepHasAWholePromptOrNone() {
        for (int i = 0; i < 2000; i++) {
            prompts.step(i % 4 == 0 ? 200 : 0, i % 4 == 0 ? 2 : 0, 0.1);
        }
        assertThat(prompts.seconds(costs, 0.01, 10, 50)).isCloseTo(0.060, within(0.001));
        assertThat(prompts.seconds(costs, 0.01, 10, 400)).isCloseTo(0.410, within(0.004));
        StepCosts steep = new StepCosts();
        for (int tokens = 1; tokens <= 1000; tokens++) {
            steep.observe(tokens, 0, tokens <= 64 ? 0.01 : 0.01 + tokens / 1000.0);
        }
        assertThat(prompts.seconds(steep, 0.01, 10, 50)).as("and not 60 tokens").isGreaterThan(0.05);
    }
}
