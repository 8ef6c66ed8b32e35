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
 * longer, every depth is tried; where pages cost, so are sets in which only those who gain most by it open one: all numbers
 * of those with all depths where there are few, ever fewer with the best depth where there are many.
 *
 * <p>The seconds of so many drafts count the prompts that come with them ({@link PromptShare}).
 */
final class AdaptiveDrafts implements DraftPolicy {

    /** The choice changes for a gain of more than this. */
    static final double HYSTERESIS = 0.01;

    /** Who has not drafted for so many rounds drafts once, so that what is known of it, and its drafter, stay fresh. */
    static final int PROBE_AFTER = 64;

    /** Only in one round of so many, since it makes a step longer, and then so large a part of those there are at most. */
    static final int PROBE_EVERY = 8;

    /** As long as it cannot be told what depth costs, one round of so many drafts half as deep. */
    static final int SHALLOW_AFTER = 8;

    /** A step brings the prompts of the next, which is longer by them and brings more: so often that is followed. */
    private static final int SETTLED_AFTER = 8;

    /** Up to so many sequences everything is tried. */
    private static final int FEW = 8;

    private final DraftOrder order = new DraftOrder();
    /** Survivals of the drafts that are not too deep, and their positions, in order. */
    private float[] shallow = new float[64];

    private int[] shallowPositions = new int[64];
    /** Sequences by what they gain by a page, falling, and the place of each in that order. */
    private long[] openers = new long[16];

    private int[] place = new int[16];
    /** The last walk that granted a sequence no further page. */
    private int[] closedIn = new int[16];

    private int walks;
    private int rounds;
    /** What a step takes with so many drafts, whatever its depth. */
    private double[] seconds = new double[65];
    /** What chains of each length bring at most, if pages cost nothing. */
    private double[] bounds = new double[1];

    /** Of the drafts that the round allows: no step is more than twice as large as the largest that was seen. */
    private int mostDrafts;

    private double slope;
    private double price;
    private boolean pagesMatter;

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
        prompts.step(round.promptTokens(), round.prompts(), costs.lastSeconds());
        if (round.size() == 0) {
            return;
        }
        order.sort(round);
        prepare(round, costs);
        search(round);
        int drafts = (int) Math.min(mostDrafts, Math.round(keptDrafts * round.size()));
        double kept = walk(round, keptDepth, bestOpeners, drafts, false);
        if (bestValue > kept + HYSTERESIS * Math.abs(kept)) {
            keptDepth = bestDepth;
            drafts = bestDrafts;
            keptDrafts = drafts / (double) round.size();
        }
        rounds++;
        boolean half = rounds % SHALLOW_AFTER == 0 && costs.hidesDepth();
        walk(round, half ? keptDepth / 2 : keptDepth, bestOpeners, drafts, true);
        prompts.generated(given);
        if (rounds % PROBE_EVERY == 0) {
            probe(round);
        }
    }

    private void prepare(DraftRound round, StepCosts costs) {
        int tokens = round.promptTokens() + round.size();
        double tried = Math.max(0, costs.triedTokens() - tokens);
        mostDrafts = (int) Math.min(Math.min(order.size, round.budget()), tried);
        if (seconds.length <= mostDrafts) {
            seconds = new double[Math.max(order.size, mostDrafts) + 1];
        }
        for (int i = 0; i <= mostDrafts; i++) {
            seconds[i] = costs.seconds(round.size() + i, 0);
        }
        if (prompts.areKnown()) {
            if (round.isWaiting() || prompts.tokensASecond() == 0) {
                addPromptsByTokens(round, costs);
            } else {
                addPromptsByTime(round, costs);
            }
        }
        slope = costs.slope();
        price = price(round);
        pagesMatter = order.openings > 0 && (price > 0 || round.mayOpen() < order.openings);
        if (pagesMatter) {
            sortOpeners(round);
        }
    }

    /** What steps take on average that generate so many tokens, if that is what brings the next prompts. */
    private void addPromptsByTokens(DraftRound round, StepCosts costs) {
        double each = prompts.tokensFor(1);
        double survivors = round.size();
        for (int i = 0; i <= mostDrafts; i++) {
            seconds[i] = prompts.seconds(costs, seconds[i], round.size() + i, each * survivors);
            survivors += i < order.size ? order.survivals[i] : 0;
        }
    }

    /** What steps take on average if prompts come all the time: the longer the step, the more of them. */
    private void addPromptsByTime(DraftRound round, StepCosts costs) {
        double aSecond = prompts.tokensASecond();
        double step = seconds[0];
        for (int i = 0; i < SETTLED_AFTER; i++) {
            step = prompts.seconds(costs, seconds[0], round.size(), aSecond * step);
        }
        for (int i = 0; i <= mostDrafts; i++) {
            step = prompts.seconds(costs, seconds[i], round.size() + i, aSecond * step);
            seconds[i] = step;
        }
    }

    /**
     * What a block must bring, in tokens a second: nothing as long as twice the watermark are free, and a token of one sequence
     * when none is.
     */
    double price(DraftRound round) {
        int plenty = 2 * round.watermarkBlocks();
        return round.freeBlocks() >= plenty ? 0 : (1 - round.freeBlocks() / (double) plenty) / seconds[0];
    }

    private void sortOpeners(DraftRound round) {
        if (place.length < round.size()) {
            openers = new long[2 * round.size()];
            place = new int[2 * round.size()];
            closedIn = new int[2 * round.size()];
        }
        for (int i = 0; i < round.size(); i++) {
            float gain = 0;
            int first = Math.max(0, round.openSlots(i));
            for (int j = first; j < Math.min(round.limit(i), first + round.pageSize()); j++) {
                gain += round.survival(i, j);
            }
            openers[i] = DraftOrder.falling(gain, i);
        }
        Arrays.sort(openers, 0, round.size());
        for (int i = 0; i < round.size(); i++) {
            place[(int) openers[i]] = i;
        }
    }

    private void search(DraftRound round) {
        bestValue = Double.NEGATIVE_INFINITY;
        bestOpeners = round.size();
        searchSizes(round);
        if (!pagesMatter) {
            return;
        }
        bestValue = Double.NEGATIVE_INFINITY;
        searchDepths(round, round.size());
        if (round.size() <= FEW) {
            for (int some = round.size() - 1; some >= 0; some--) {
                searchDepths(round, some);
            }
            return;
        }
        int depth = bestDepth;
        for (int some = round.size() / 2; some > 0; some /= 2) {
            walk(round, depth, some, mostDrafts, false);
        }
        searchDepths(round, 0);
        searchDepths(round, bestOpeners);
    }

    /** The best size for each depth if pages cost nothing. */
    private void searchSizes(DraftRound round) {
        int positions = round.positions();
        if (shallow.length < order.size) {
            shallow = new float[order.survivals.length];
            shallowPositions = new int[order.survivals.length];
        }
        if (bounds.length <= positions) {
            bounds = new double[positions + 1];
        }
        System.arraycopy(order.survivals, 0, shallow, 0, order.size);
        System.arraycopy(order.positions, 0, shallowPositions, 0, order.size);
        int left = order.size;
        for (int depth = positions; depth >= 0; depth = shallower(depth)) {
            left = leaveOut(depth, left);
            double most = slope * depth;
            double survivors = round.size();
            double best = survivors / (seconds[0] + most);
            int drafts = 0;
            int end = Math.min(left, mostDrafts);
            for (int i = 0; i < end; i++) {
                survivors += shallow[i];
                double value = survivors / (seconds[i + 1] + most);
                if (value > best) {
                    best = value;
                    drafts = i + 1;
                }
            }
            bounds[depth] = Math.max(best, round.size() / seconds[0]);
            take(bounds[depth], drafts, depth, round.size());
        }
    }

    /** Leaves out what is deeper. */
    private int leaveOut(int depth, int size) {
        int left = 0;
        for (int i = 0; i < size; i++) {
            shallow[left] = shallow[i];
            shallowPositions[left] = shallowPositions[i];
            left += shallowPositions[i] < depth ? 1 : 0;
        }
        return left;
    }

    /** All depths if a longer chain takes longer. */
    private int shallower(int depth) {
        return slope > 0 ? depth - 1 : -1;
    }

    private void searchDepths(DraftRound round, int mostOpeners) {
        for (int depth = round.positions(); depth >= 0; depth = shallower(depth)) {
            if (bounds[depth] > bestValue) {
                walk(round, depth, mostOpeners, mostDrafts, false);
            }
        }
    }

    private void take(double value, int drafts, int depth, int mostOpeners) {
        if (value > bestValue) {
            bestValue = value;
            bestDrafts = drafts;
            bestDepth = drafts == 0 ? 0 : depth;
            bestOpeners = mostOpeners;
        }
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
        int mayOpen = round.mayOpen();
        double survivors = round.size();
        int taken = 0;
        int opened = 0;
        double value = survivors / seconds[0];
        if (!grant) {
            take(value, 0, 0, mostOpeners);
        }
        for (int i = 0; i < order.size && taken < drafts; i++) {
            int sequence = order.sequences[i];
            if (order.positions[i] >= depth || (pagesMatter && closedIn[sequence] == walks)) {
                continue;
            }
            if (pagesMatter && order.opens[i]) {
                if (place[sequence] >= mostOpeners || opened >= mayOpen) {
                    closedIn[sequence] = walks;
                    continue;
                }
                opened++;
            }
            taken++;
            survivors += order.survivals[i];
            if (grant) {
                round.grants[sequence] = order.positions[i] + 1;
                continue;
            }
            value = survivors / (seconds[taken] + slope * depth) - price * opened;
            take(value, taken, depth, mostOpeners);
        }
        given = survivors;
        return value;
    }

    /** Those who have waited longest draft once. */
    private void probe(DraftRound round) {
        int left = round.budget();
        int mayOpen = round.mayOpen();
        for (int i = 0; i < round.size(); i++) {
            left -= round.grants[i];
            for (int j = 0; j < round.grants[i]; j++) {
                mayOpen -= round.opensPage(i, j) ? 1 : 0;
            }
        }
        left = Math.min(left, (round.size() + PROBE_EVERY - 1) / PROBE_EVERY);
        for (; left > 0; left--) {
            int next = longestWaiting(round, mayOpen > 0);
            if (next < 0) {
                return;
            }
            mayOpen -= round.opensPage(next, 0) ? 1 : 0;
            round.grants[next] = 1;
        }
    }

    private static int longestWaiting(DraftRound round, boolean mayOpen) {
        int longest = -1;
        for (int i = 0; i < round.size(); i++) {
            int since = round.sinceDraft(i);
            if (round.grants[i] == 0
                    && round.limit(i) > 0
                    && since >= (longest < 0 ? PROBE_AFTER : round.sinceDraft(longest) + 1)
                    && (mayOpen || !round.opensPage(i, 0))) {
                longest = i;
            }
        }
        return longest;
    }
}
