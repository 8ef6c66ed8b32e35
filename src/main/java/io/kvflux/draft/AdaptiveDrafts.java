package io.kvflux.draft;

import java.util.Arrays;

/**
 * The drafts that bring the most tokens a second, less the price of the pages they open:
 *
 * <pre>
 *   value = (sequences + sum of the survivals of the drafts granted) / seconds(tokens, depth) - price · pages opened
 * </pre>
 *
 * <p>A sequence's survivals fall with the position, so for a given longest chain and without a price the best set of any
 * size is the head of all drafts sorted by survival, and one pass over them finds the best size. Where a longer chain takes
 * longer, every depth is tried; where pages cost, so are sets in which only those who gain most by it open one.
 *
 * <p>The seconds of so many drafts count the prompts that come with the tokens of the best so many ({@link PromptShare}).
 */
final class AdaptiveDrafts implements DraftPolicy {

    /** The choice changes for a gain of more than this. */
    static final double HYSTERESIS = 0.01;

    /** Who has not drafted for so many rounds drafts once, so that what is known of it, and its drafter, stay fresh. */
    static final int PROBE_AFTER = 64;

    /** As long as it cannot be told what depth costs, one round of so many drafts half as deep. */
    static final int SHALLOW_AFTER = 8;

    /** Drafts by falling survival: its bits, negated, above the index of the draft. */
    private long[] sorted = new long[64];

    private int candidates;
    /** Sequences by what they gain by a page, falling, and the place of each in that order. */
    private long[] openers = new long[16];

    private int[] place = new int[16];
    /** The last walk that granted a sequence no further page. */
    private int[] closedIn = new int[16];

    private int walks;
    private int rounds;
    /** What a step takes with so many drafts, whatever its depth. */
    private double[] seconds = new double[65];

    /** No step is more than twice as large as the largest that was seen. */
    private int mostDrafts;

    private double slope;
    private double price;

    private final PromptShare prompts = new PromptShare();
    /** Tokens that the last walk came to. */
    private double given;

    // The best that was found.
    private double bestValue;
    private int bestDrafts;
    private int bestDepth;
    private int bestOpeners;

    // What was chosen last: depth, and drafts of a sequence.
    private int keptDepth;
    private double keptDrafts;

    @Override
    public void decide(DraftRound round, StepCosts costs) {
        if (round.size() == 0) {
            return;
        }
        prompts.step(round.otherTokens());
        sort(round);
        prepare(round, costs);
        search(round);
        int drafts = (int) Math.min(mostDrafts, Math.round(keptDrafts * round.size()));
        double kept = walk(round, keptDepth, bestOpeners, drafts, false);
        if (bestValue > kept + HYSTERESIS * Math.abs(kept)) {
            keptDepth = bestDepth;
            drafts = bestDrafts;
            keptDrafts = drafts / (double) round.size();
        }
        boolean shallow = ++rounds % SHALLOW_AFTER == 0 && costs.hidesDepth();
        walk(round, shallow ? keptDepth / 2 : keptDepth, bestOpeners, drafts, true);
        prompts.generated(given);
        probe(round);
    }

    private void sort(DraftRound round) {
        int most = round.size() * round.positions();
        if (sorted.length < most) {
            sorted = new long[most];
        }
        if (place.length < round.size()) {
            openers = new long[round.size()];
            place = new int[round.size()];
            closedIn = new int[round.size()];
        }
        candidates = 0;
        for (int i = 0; i < round.size(); i++) {
            float gain = 0;
            for (int j = 0; j < round.limit(i); j++) {
                float survival = round.survival(i, j);
                gain += j >= round.openSlots(i) && j < round.openSlots(i) + round.pageSize() ? survival : 0;
                sorted[candidates++] = falling(survival, i * round.positions() + j);
            }
            openers[i] = falling(gain, i);
        }
        Arrays.sort(sorted, 0, candidates);
        Arrays.sort(openers, 0, round.size());
        for (int i = 0; i < round.size(); i++) {
            place[(int) openers[i]] = i;
        }
    }

    /** Sorts by a number that is not negative, the greatest first, and then by an index. */
    private static long falling(float number, int index) {
        return (long) ~Float.floatToIntBits(number) << Integer.SIZE | index;
    }

    private void prepare(DraftRound round, StepCosts costs) {
        if (seconds.length <= candidates) {
            seconds = new double[candidates + 1];
        }
        double survivors = round.size();
        for (int i = 0; i <= candidates; i++) {
            seconds[i] = seconds(costs, round.size() + i, survivors);
            if (i < candidates) {
                int draft = (int) sorted[i];
                survivors += round.survival(draft / round.positions(), draft % round.positions());
            }
        }
        int tokens = round.otherTokens() + round.size();
        mostDrafts = (int) Math.max(0, Math.min(candidates, costs.triedTokens() - tokens));
        slope = costs.slope();
        price = price(round);
    }

    /**
     * What steps take on average that generate so many tokens. Prompts come in proportion to what is generated, whoever
     * drafts, and all at a time: so in a share of the steps.
     */
    private double seconds(StepCosts costs, int tokens, double generate) {
        double prompt = prompts.tokensFor(generate);
        double atATime = prompts.atATime();
        if (prompt == 0) {
            return costs.seconds(tokens, 0);
        }
        double share = Math.min(1, prompt / atATime);
        return (1 - share) * costs.seconds(tokens, 0) + share * costs.seconds(tokens + Math.max(prompt, atATime), 0);
    }

    /**
     * What a block must bring, in tokens a second: nothing as long as twice the watermark are free, and a token of one sequence
     * when none is.
     */
    double price(DraftRound round) {
        int plenty = 2 * round.watermarkBlocks();
        return round.freeBlocks() >= plenty ? 0 : (1 - round.freeBlocks() / (double) plenty) / seconds[0];
    }

    private void search(DraftRound round) {
        bestValue = Double.NEGATIVE_INFINITY;
        boolean pagesMatter = price > 0 || round.mayOpen() < round.size();
        for (int depth = round.positions(); depth >= 0; depth = slope > 0 ? depth - 1 : -1) {
            walk(round, depth, round.size(), mostDrafts, false);
            for (int some = pagesMatter ? round.size() - 1 : -1; some >= 0; some = fewer(some)) {
                walk(round, depth, some, mostDrafts, false);
            }
        }
    }

    /** All numbers of a few openers, and ever fewer of many. */
    private static int fewer(int some) {
        return some <= 8 ? some - 1 : some / 2;
    }

    /**
     * Grants one draft after another by falling survival, none of them deeper, and none to open a page but by the first of
     * those who gain by it, and looks after each whether that is the best so far.
     *
     * @param grant whether to grant them, and not to look for the best
     * @return the value of so many drafts
     */
    private double walk(DraftRound round, int depth, int mostOpeners, int drafts, boolean grant) {
        walks++;
        double survivors = round.size();
        int taken = 0;
        int opened = 0;
        double value = value(survivors, 0, 0, 0);
        for (int i = 0; ; i++) {
            if (!grant && value > bestValue) {
                bestValue = value;
                bestDrafts = taken;
                bestDepth = taken == 0 ? 0 : depth;
                bestOpeners = mostOpeners;
            }
            int next = next(round, i, depth, mostOpeners, opened);
            if (taken == drafts || next == candidates) {
                given = survivors;
                return value;
            }
            i = next;
            int draft = (int) sorted[i];
            int sequence = draft / round.positions();
            int position = draft % round.positions();
            opened += round.opensPage(sequence, position) ? 1 : 0;
            taken++;
            survivors += round.survival(sequence, position);
            value = value(survivors, taken, depth, opened);
            if (grant) {
                round.grants[sequence] = position + 1;
            }
        }
    }

    /** The first draft from an index on that may be granted; all if there is none. */
    private int next(DraftRound round, int from, int depth, int mostOpeners, int opened) {
        for (int i = from; i < candidates; i++) {
            int draft = (int) sorted[i];
            int sequence = draft / round.positions();
            int position = draft % round.positions();
            if (position >= depth || closedIn[sequence] == walks) {
                continue;
            }
            boolean may = place[sequence] < mostOpeners && opened < round.mayOpen();
            if (may || !round.opensPage(sequence, position)) {
                return i;
            }
            closedIn[sequence] = walks;
        }
        return candidates;
    }

    private double value(double survivors, int drafts, int depth, int opened) {
        return survivors / (seconds[drafts] + slope * depth) - price * opened;
    }

    private void probe(DraftRound round) {
        int opened = 0;
        for (int i = 0; i < round.size(); i++) {
            for (int j = 0; j < round.grants[i]; j++) {
                opened += round.opensPage(i, j) ? 1 : 0;
            }
        }
        for (int i = 0; i < round.size(); i++) {
            if (round.grants[i] > 0 || round.limit(i) == 0 || round.sinceDraft(i) < PROBE_AFTER) {
                continue;
            }
            boolean opens = round.opensPage(i, 0);
            if (!opens || opened < round.mayOpen()) {
                opened += opens ? 1 : 0;
                round.grants[i] = 1;
            }
        }
    }
}
