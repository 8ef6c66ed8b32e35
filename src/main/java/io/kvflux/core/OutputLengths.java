package io.kvflux.core;

import java.util.HashMap;
import java.util.Map;

/**
 * How long outputs become, learned while they are generated: by tenant, with what is known of all as a prior.
 *
 * <p>Lengths are divided into ranges, sixteen to a doubling. Of each is counted how many tokens were generated in it and how
 * many outputs ended in it, by themselves and not by their token limit; the quotient is the rate of ending there, and lengths
 * are exponential within a range (the piecewise exponential model: M. Friedman, "Piecewise exponential models for survival data
 * with covariates", 1982). So a long output counts for what it has shown so far, and lengths are not underestimated while only
 * short ones have ended, or have been cut. The price of the model is that it never says surely: where all outputs end in one
 * range, up to e^-1 of them are taken to go on. Old outputs are forgotten: a count loses 1/512 with every output of its tenant
 * that ends.
 *
 * <p>Until something is known, an output is taken to end with half a percent in each range below 512 tokens and then, as lengths
 * are heavy-tailed, to double with half a chance. That counts as much as one output; what is known of all tenants counts for each as much as sixteen.
 */
final class OutputLengths {

    private static final int OCTAVE_BITS = 4;
    private static final int PER_OCTAVE = 1 << OCTAVE_BITS;
    /** Ranges end at this many tokens; longer ones are not told apart. */
    private static final int LONGEST = 1 << 20;

    private static final int RANGES = range(LONGEST) + 1;
    private static final double FORGOTTEN = 1.0 / 512;
    private static final int LIKELY = 512;
    private static final double CHANCE_BEFORE = 0.005;
    private static final double CHANCE_AFTER = 1 - Math.pow(2, -1.0 / PER_OCTAVE);
    private static final double SHARED_OUTPUTS = 16;
    private static final int MAX_TENANTS = 256;
    /** After so many steps what was generated meanwhile is taken into account. */
    private static final int REFRESH_STEPS = 16;

    private static final double LARGEST_WEIGHT = 1e9;

    /** The lengths of one tenant, or of all. */
    final class Account {
        private final double[] generated = new double[RANGES];
        private final double[] ended = new double[RANGES];
        /** Endings for every time that all of a range is generated, as of {@link #seen}. */
        private final double[] rate = new double[RANGES];
        /** The chance to reach a range, as of then. */
        private final double[] survival = new double[RANGES + 1];
        /** What an output counts that is generated now; those before count less. */
        private double weight = 1;

        private long endings;
        private long seen = -1;

        /** The chance that an output has more than so many tokens. */
        double survival(double tokens) {
            refresh();
            if (tokens >= LONGEST) {
                return survival[RANGES];
            }
            int range = range((int) tokens);
            int from = from(range);
            double part = (tokens - from) / (from(range + 1) - from);
            return survival[range] + (survival[range + 1] - survival[range]) * part;
        }

        /** The tokens still to come, of which as many outputs have more as have fewer, when so many have come. */
        int remaining(int tokens) {
            double half = survival(tokens) / 2;
            int range = Math.min(range(tokens), RANGES - 1);
            while (range < RANGES - 1 && survival[range + 1] > half) {
                range++;
            }
            double most = Math.max(survival[range], half);
            double part = most > survival[range + 1] ? (most - half) / (most - survival[range + 1]) : 1;
            int at = from(range) + (int) (Math.min(part, 1) * (from(range + 1) - from(range)));
            return Math.max(1, at - tokens);
        }

        private void refresh() {
            long now = endings + step / REFRESH_STEPS;
            if (seen == now) {
                return;
            }
            seen = now;
            boolean isShared = this == all;
            if (!isShared) {
                all.refresh();
            }
            double prior = weight * (isShared ? 1 : SHARED_OUTPUTS);
            survival[0] = 1;
            for (int i = 0; i < RANGES; i++) {
                double width = from(i + 1) - from(i);
                double before = isShared ? from(i) < LIKELY ? CHANCE_BEFORE : CHANCE_AFTER : all.rate[i];
                rate[i] = (ended[i] + prior * before) / (generated[i] / width + prior);
                survival[i + 1] = survival[i] * Math.exp(-rate[i]);
            }
        }

        private void ended(int range) {
            ended[range] += weight;
            endings++;
            weight *= 1 + FORGOTTEN;
            if (weight > LARGEST_WEIGHT) {
                for (int i = 0; i < RANGES; i++) {
                    generated[i] /= weight;
                    ended[i] /= weight;
                }
                weight = 1;
            }
        }
    }

    private final Account all = new Account();
    private final Map<String, Account> tenants = new HashMap<>();
    private double prompts;
    private double promptTokens;
    private long step;

    /** Another step is planned. */
    void begin(long number) {
        step = number;
    }

    /** A new sequence: from now on it is told of its tokens and its end. */
    void enter(Sequence sequence) {
        sequence.lengths = account(sequence.tenant);
        prompts += 1 - prompts * FORGOTTEN;
        promptTokens += sequence.promptLength - promptTokens * FORGOTTEN;
    }

    /** What is known of a tenant; of all, if there are so many that nothing is kept of this one. */
    private Account account(String tenant) {
        Account account = tenants.get(tenant);
        if (account == null && tenants.size() < MAX_TENANTS) {
            account = new Account();
            tenants.put(tenant, account);
        }
        return account == null ? all : account;
    }

    /** What is known of all. */
    Account all() {
        return all;
    }

    /** The {@linkplain Sequence#work work} of a sequence with a prompt and an output as usual. */
    double usualWork() {
        double output = all.remaining(0);
        return output * ((prompts > 0 ? promptTokens / prompts : 0) + output / 2);
    }

    /** A sequence has one more token. */
    void generated(Sequence sequence) {
        int tokens = sequence.generated();
        if (tokens >= sequence.rangeEnd) {
            sequence.range = Math.min(range(tokens), RANGES - 1);
            sequence.rangeEnd = from(sequence.range + 1);
        }
        Account own = sequence.lengths;
        own.generated[sequence.range] += own.weight;
        if (own != all) {
            all.generated[sequence.range] += all.weight;
        }
    }

    /** A sequence has come to its own end: not to that of its token limit, which says that it would have been longer. */
    void ended(Sequence sequence) {
        Account own = sequence.lengths;
        own.ended(sequence.range);
        if (own != all) {
            all.ended(sequence.range);
        }
    }

    /** The range of outputs with so many tokens. */
    static int range(int tokens) {
        if (tokens < PER_OCTAVE) {
            return 0;
        }
        int octave = 31 - Integer.numberOfLeadingZeros(tokens);
        int part = (tokens >> (octave - OCTAVE_BITS)) - PER_OCTAVE;
        return (octave - OCTAVE_BITS) * PER_OCTAVE + part + 1;
    }

    /** The least tokens of a range. */
    static int from(int range) {
        int octave = (range - 1) / PER_OCTAVE;
        return range == 0 ? 0 : (PER_OCTAVE + (range - 1) % PER_OCTAVE) << octave;
    }
}
