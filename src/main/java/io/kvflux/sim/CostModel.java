package io.kvflux.sim;

/** How long a simulated device takes for one step. Pure and thread-safe. */
@FunctionalInterface
public interface CostModel {

    /**
     * {@return the duration of one step of one replica in seconds, positive and finite}
     *
     * @param sequences sequences in the step
     * @param prefillTokens tokens of prefill chunks, recomputed ones too; a decode's token is not one
     * @param decodeTokens tokens computed for sequences that decode, one each
     * @param contextTokens sum over the step's sequences of the tokens whose KV exists after it
     */
    double stepSeconds(int sequences, long prefillTokens, long decodeTokens, long contextTokens);

    /**
     * The linear model {@code a + b * prefillTokens + c * contextTokens}.
     *
     * @param a seconds every step costs
     * @param b seconds a prefill token costs
     * @param c seconds a context token costs
     * @return the model
     * @throws IllegalArgumentException if a is not positive, or b or c is negative, or any is not finite
     */
    static CostModel linear(double a, double b, double c) {
        if (!(a > 0) || !(b >= 0) || !(c >= 0) || Double.isInfinite(a + b + c)) {
            throw new IllegalArgumentException(
                    "step cost needs a > 0, b >= 0 and c >= 0 seconds, all finite, a=" + a + ", b=" + b + ", c=" + c);
        }
        return (sequences, prefillTokens, decodeTokens, contextTokens) -> a + b * prefillTokens + c * contextTokens;
    }
}
