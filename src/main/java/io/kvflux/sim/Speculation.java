package io.kvflux.sim;

/**
 * How drafts fare in a replay, and what they cost. Who gets how many is the scheduler's to say.
 *
 * @param acceptance which are accepted
 * @param draftCost how long a pass of the drafter takes, which makes one draft for each sequence that has still to get one:
 *     its sequences and decode tokens are theirs. A step has as many passes as its longest chain has drafts; they come after
 *     its own computing. What the drafter does of a prompt is not counted
 */
public record Speculation(Acceptance acceptance, CostModel draftCost) {

    /** Seconds of a pass, whatever its drafts, where nothing else is said. */
    public static final double DEFAULT_PASS_SECONDS = 0.0005;

    /**
     * A pass that takes {@code a + b * drafts} seconds.
     *
     * @param a seconds of a pass, at least 0
     * @param b seconds of each draft, at least 0
     * @return the cost
     * @throws IllegalArgumentException if one is negative or not finite
     */
    public static CostModel linearCost(double a, double b) {
        if (!(a >= 0) || !(b >= 0) || Double.isInfinite(a + b)) {
            throw new IllegalArgumentException(
                    "draft cost needs a >= 0 and b >= 0 seconds, both finite, a=" + a + ", b=" + b);
        }
        return (sequences, prefillTokens, decodeTokens, contextTokens) -> a + b * decodeTokens;
    }

    /**
     * Reads the cost from its two numbers, as in {@code 0.0005,1e-6}.
     *
     * @param text {@code a,b}, in seconds as in {@link #linearCost}
     * @return the cost
     * @throws IllegalArgumentException if these are not two numbers, or not such as {@link #linearCost} takes
     */
    public static CostModel parseCost(String text) {
        String[] parts = text.split(",", -1);
        if (parts.length != 2) {
            throw new IllegalArgumentException("draft cost must be two numbers of seconds a,b, text=" + text);
        }
        try {
            return linearCost(InputText.decimal(parts[0]), InputText.decimal(parts[1]));
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("draft cost must be two numbers of seconds a,b, text=" + text, e);
        }
    }
}
