package io.kvflux.selftest;

/**
 * How the next token is chosen from logits: the largest one, or drawn. A draw depends on the seed and the position alone,
 * so it comes out the same however often a token is computed again.
 *
 * @param temperature 0 takes the most likely token (of equals the lowest id); else what logits are divided by before a draw
 * @param seed of the draws
 * @param first lowest token id that may be chosen
 * @param last highest token id that may be chosen
 */
public record Sampling(double temperature, long seed, int first, int last) {

    /**
     * Checks the numbers.
     *
     * @param temperature at least 0
     * @param seed any
     * @param first at least 0
     * @param last at least first
     * @throws IllegalArgumentException if one is out of range
     */
    public Sampling {
        if (!(temperature >= 0) || Double.isInfinite(temperature) || first < 0 || last < first) {
            throw new IllegalArgumentException("sampling needs a temperature of at least 0 and 0 <= first <= last,"
                    + " temperature=" + temperature + ", first=" + first + ", last=" + last);
        }
    }

    /**
     * Takes the most likely token.
     *
     * @param vocabulary token ids there are
     * @return the sampling
     */
    public static Sampling greedy(int vocabulary) {
        return new Sampling(0, 0, 0, vocabulary - 1);
    }

    /** The token after {@code position - 1}, from the logits there. */
    int choose(float[] logits, int position) {
        int best = first;
        for (int token = first + 1; token <= last; token++) {
            best = logits[token] > logits[best] ? token : best;
        }
        return temperature == 0 ? best : draw(logits, logits[best], position);
    }

    private int draw(float[] logits, float largest, int position) {
        double total = 0;
        for (int token = first; token <= last; token++) {
            total += weight(logits[token], largest);
        }
        double left = Seeds.unit(Seeds.mix(seed, position)) * total;
        for (int token = first; token < last; token++) {
            left -= weight(logits[token], largest);
            if (left < 0) {
                return token;
            }
        }
        return last;
    }

    private double weight(float logit, float largest) {
        return StrictMath.exp((logit - largest) / temperature);
    }
}
