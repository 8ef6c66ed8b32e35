package io.kvflux.draft;

import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * How far the adaptive choice is behind the best there is, found by trying every set of drafts: over random rounds of one to
 * four sequences with their own rates, slots and limits, and random costs of steps.
 */
public final class AdaptiveGap {

    private static final int POSITIONS = 4;

    /**
     * What came out.
     *
     * @param rounds rounds looked at
     * @param mean mean of (best − chosen) / best
     * @param most the largest of them
     * @param improvable rounds in which the choice was not the best
     */
    public record Gap(int rounds, double mean, double most, int improvable) {}

    private AdaptiveGap() {}

    /**
     * Measures the gap.
     *
     * @param seed of the rounds
     * @param rounds how many
     * @param priced whether blocks are short, and so have a price
     * @return the gap
     */
    public static Gap measure(long seed, int rounds, boolean priced) {
        SplittableRandom random = new SplittableRandom(seed);
        double sum = 0;
        double most = 0;
        int improvable = 0;
        for (int i = 0; i < rounds; i++) {
            int watermark = priced ? 1 + random.nextInt(8) : 0;
            DraftRound round = round(random, priced ? random.nextInt(2 * watermark) : Integer.MAX_VALUE / 2, watermark);
            StepCosts costs = costs(random, i % 2 == 0);
            AdaptiveDrafts policy = new AdaptiveDrafts();
            policy.decide(round, costs);
            double price = policy.price(round);
            double best = best(round, costs, price);
            double gap = (best - value(round, costs, grants(round), price)) / best;
            sum += gap;
            most = Math.max(most, gap);
            improvable += gap > 1e-9 ? 1 : 0;
        }
        return new Gap(rounds, sum / rounds, most, improvable);
    }

    static DraftRound round(SplittableRandom random, int free, int watermark) {
        DraftRound round = new DraftRound(POSITIONS);
        int budget = random.nextBoolean() ? POSITIONS * 4 : random.nextInt(POSITIONS * 4);
        round.reset(2 + random.nextInt(3), budget, free, free + random.nextInt(3), watermark);
        int size = 1 + random.nextInt(4);
        for (int i = 0; i < size; i++) {
            AcceptanceRates rates = new AcceptanceRates(POSITIONS);
            double rate = random.nextDouble();
            for (int j = 0; j < 50; j++) {
                int accepted = 0;
                while (accepted < POSITIONS && random.nextDouble() < rate) {
                    accepted++;
                }
                rates.examined(POSITIONS, accepted);
            }
            round.add(random.nextInt(5), random.nextInt(5), rates, 0);
        }
        return round;
    }

    static StepCosts costs(SplittableRandom random, boolean deep) {
        StepCosts costs = new StepCosts();
        double base = 0.001 + random.nextDouble() * 0.01;
        double knee = random.nextInt(120);
        double slope = random.nextDouble() * 0.002;
        double depthCost = deep ? random.nextDouble() * 0.002 : 0;
        for (int i = 0; i < 2000; i++) {
            int tokens = 1 + random.nextInt(150);
            int depth = deep ? random.nextInt(5) : 0;
            costs.observe(tokens, depth, base + Math.max(0, tokens - knee) * slope + depth * depthCost);
        }
        return costs;
    }

    /** The value that {@link AdaptiveDrafts} maximizes; nothing is worse than what the round does not allow. */
    static double value(DraftRound round, StepCosts costs, int[] grants, double price) {
        double tokens = round.size();
        int drafts = 0;
        int depth = 0;
        int opened = 0;
        for (int i = 0; i < round.size(); i++) {
            for (int j = 0; j < grants[i]; j++) {
                tokens += round.survival(i, j);
                opened += round.opensPage(i, j) ? 1 : 0;
            }
            drafts += grants[i];
            depth = Math.max(depth, grants[i]);
        }
        if (opened > round.mayOpen() || drafts > round.budget()) {
            return Double.NEGATIVE_INFINITY;
        }
        return tokens / costs.seconds(round.size() + drafts, depth) - price * opened;
    }

    static double best(DraftRound round, StepCosts costs, double price) {
        int[] grants = new int[round.size()];
        double best = Double.NEGATIVE_INFINITY;
        while (true) {
            best = Math.max(best, value(round, costs, grants, price));
            int i = 0;
            while (i < grants.length && grants[i] == round.limit(i)) {
                grants[i++] = 0;
            }
            if (i == grants.length) {
                return best;
            }
            grants[i]++;
        }
    }

    static int[] grants(DraftRound round) {
        return Arrays.copyOf(round.grants, round.size());
    }
}
