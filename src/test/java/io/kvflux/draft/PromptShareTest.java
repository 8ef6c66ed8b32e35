package io.kvflux.draft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class PromptShareTest {

    @Test
    void promptsComeInProportionToWhatIsGenerated() {
        PromptShare prompts = new PromptShare();
        assertThat(prompts.tokensFor(10)).isZero();
        for (int i = 0; i < 5000; i++) {
            prompts.step(i % 4 == 0 ? 200 : 0);
            prompts.generated(100);
        }
        assertThat(prompts.tokensFor(100)).isCloseTo(50, within(1.0));
        assertThat(prompts.tokensFor(200)).isCloseTo(100, within(2.0));
        assertThat(prompts.atATime()).isCloseTo(200, within(1e-6));
    }

    @Test
    void theFirstPromptIsNoMeasure() {
        PromptShare prompts = new PromptShare();
        prompts.step(2560);
        assertThat(prompts.tokensFor(1)).isEqualTo(40);
        assertThat(prompts.atATime()).isEqualTo(2560);
    }
}
