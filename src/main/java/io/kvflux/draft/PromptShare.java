package io.kvflux.draft;

/**
 * Prompt tokens that come with the tokens generated. In the long run both are in proportion, whatever is drafted: who
 * generates faster is given new prompts sooner. So the time of prompts must not make drafts look cheap, as if it were lost
 * anyway, nor dear, only because a prompt is in this step; the drafts of this decision are verified in another.
 */
final class PromptShare {

    /** How much of what is known stays with every step. */
    private static final double KEPT = 1 - 1.0 / 256;
    /** Tokens that are taken to have been generated without a prompt, so that the first prompt is no measure. */
    private static final double PRIOR = 64;

    private double prompt;
    private double generated;
    private double promptSteps;

    /** A step computes so many tokens of prompts. */
    void step(int promptTokens) {
        prompt = KEPT * prompt + promptTokens;
        promptSteps = KEPT * promptSteps + (promptTokens > 0 ? 1 : 0);
    }

    /** A step is expected to generate so many tokens. */
    void generated(double tokens) {
        generated = KEPT * generated + tokens;
    }

    /** Prompt tokens that come with so many generated ones. */
    double tokensFor(double generate) {
        return prompt / (PRIOR + generated) * generate;
    }

    /** Prompt tokens of a step that has some. */
    double atATime() {
        return prompt / promptSteps;
    }
}
