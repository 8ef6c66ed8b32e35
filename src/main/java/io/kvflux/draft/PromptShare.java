package io.kvflux.draft;

/**
 * Prompts that come beside what is generated. Which of two things they keep pace with depends on whether somebody waits:
 *
 * <ul>
 *   <li>Where somebody does, prompts are in proportion to tokens generated: who generates faster is given new ones sooner. So
 *       the time of prompts must not make drafts look cheap, as if it were lost anyway.
 *   <li>Where nobody does they come by the clock, whatever is generated. So they must not make drafts look dear: a longer step
 *       has more of them, but more tokens have not.
 * </ul>
 *
 * The drafts of a decision are verified in another step than the prompts that it sees, so all of this is about steps on
 * average.
 */
final class PromptShare {

    /** How much of what is known stays with every step. */
    private static final double KEPT = 1 - 1.0 / 256;
    /** Tokens that are taken to have been generated without a prompt, so that the first prompt is no measure. */
    private static final double PRIOR = 64;
    /** Steps that are taken to have been without one. */
    private static final double PRIOR_STEPS = 4;

    /** What is left of the number of prompts when there were none for some thousand steps. */
    private static final double FORGOTTEN = 1e-3;

    private double tokens;
    private double prompts;
    private double generated;
    private double seconds;
    private double lastSeconds;

    /**
     * A step computes so many tokens of so many prompts, or chunks of them.
     *
     * @param took seconds of the step before it
     */
    void step(int promptTokens, int promptCount, double took) {
        tokens = KEPT * tokens + promptTokens;
        prompts = KEPT * prompts + promptCount;
        seconds = KEPT * seconds + took;
        lastSeconds = took;
    }

    /** A step is expected to generate so many tokens. */
    void generated(double expected) {
        generated = KEPT * generated + expected;
    }

    /** Whether there were any lately. */
    boolean areKnown() {
        return prompts > FORGOTTEN;
    }

    /** Prompt tokens that come with so many generated ones, where others wait. */
    double tokensFor(double generate) {
        return tokens / (PRIOR + generated) * generate;
    }

    /** Prompt tokens that come in a second, where nobody waits; 0 as long as no step was seen. */
    double tokensASecond() {
        return seconds == 0 ? 0 : tokens / (PRIOR_STEPS * lastSeconds + seconds);
    }

    /**
     * What steps take on average that come with so many prompt tokens on average: a whole prompt or more at random times, so
     * that some steps have none.
     *
     * @param without seconds of a step without a prompt
     * @param others tokens of a step that are of no prompt
     * @param expected prompt tokens, more than 0
     */
    double seconds(StepCosts costs, double without, double others, double expected) {
        double mean = expected * prompts / tokens;
        // 1 - e^-mean, of whose power series these terms are enough: it is asked for every number of drafts.
        double share = 1 - 1 / (1 + mean * (1 + mean / 2 * (1 + mean / 3 * (1 + mean / 4))));
        return (1 - share) * without + share * costs.seconds(others + expected / share, 0);
    }
}
