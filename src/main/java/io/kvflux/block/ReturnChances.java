package io.kvflux.block;

/**
 * How likely content comes back, learned as it does: a life table by class of uses and bucket of age. Of what entered a
 * cell (one bucket of one class) it knows which part returned there, so it can tell for each cell what keeping a page is
 * worth from now on: over all spans of time that one might go on keeping it, the best ratio of the chance of a return to the
 * time for which a page is taken. Content that returns late but surely is then worth more than content that could only have
 * returned soon.
 *
 * <p>Time is counted in pages that were let go, so it stands still with the traffic. Old observations fade: all counts are
 * halved each time so many new ones have come. A cell of which little is known borrows from all classes.
 */
final class ReturnChances {

    /** Uses 1, 2, 3, 4, up to 6, 9, 14, 30, 100, and more. */
    static final int CLASSES = 10;

    /** Ages from a part of the pool to many times the pool, each bucket ending half as late again as the one before. */
    private static final int YOUNGEST = 32;

    private static final int OLDEST = 64;
    private static final double RATIO = 1.5;

    /** Halved after so many returns, or four times as many uses. */
    private static final int MEMORY = 4_096;

    /** Weight of all classes together in what is assumed of one. */
    private static final double BORROWED = 2;

    /** Of the pool. */
    final int blocks;

    final int buckets;
    final int cells;
    /** Age at which a bucket ends; the last one never does. */
    private final long[] ends;

    private final double[] widths;
    private final double[] entered;
    private final double[] returned;
    private final double[] worth;
    private final double[] chance;
    /** Cells, those worth least first; of equal ones the older first. */
    private final int[] order;
    /** The place of a cell in that order. */
    private final int[] rank;

    private long allReturns;
    private int returns;
    private int uses;

    ReturnChances(int blocks) {
        this.blocks = blocks;
        int count = 1;
        for (double end = youngest(blocks); end < (double) blocks * OLDEST; end *= RATIO) {
            count++;
        }
        buckets = count;
        cells = CLASSES * buckets;
        ends = new long[buckets];
        widths = new double[buckets];
        double end = youngest(blocks);
        for (int bucket = 0; bucket < buckets - 1; bucket++, end *= RATIO) {
            ends[bucket] = (long) Math.ceil(end);
            widths[bucket] = ends[bucket] - (bucket == 0 ? 0 : ends[bucket - 1]);
        }
        ends[buckets - 1] = Long.MAX_VALUE;
        widths[buckets - 1] = ends[buckets - 2];
        entered = new double[cells];
        returned = new double[cells];
        worth = new double[cells];
        chance = new double[buckets];
        order = new int[cells];
        rank = new int[cells];
        for (int i = 0; i < cells; i++) {
            order[i] = cell(i % CLASSES, buckets - 1 - i / CLASSES);
            rank[order[i]] = i;
        }
        rescore();
    }

    /** Begins with what another has learned, and learns on from there. */
    ReturnChances(ReturnChances other) {
        this(other.blocks);
        System.arraycopy(other.entered, 0, entered, 0, cells);
        System.arraycopy(other.returned, 0, returned, 0, cells);
        returns = other.returns;
        uses = other.uses;
        rescore();
    }

    private static double youngest(int blocks) {
        return Math.max(1, (double) blocks / YOUNGEST);
    }

    static int classOf(int uses) {
        if (uses <= 4) {
            return uses - 1;
        }
        if (uses <= 9) {
            return uses <= 6 ? 4 : 5;
        }
        if (uses <= 30) {
            return uses <= 14 ? 6 : 7;
        }
        return uses <= 100 ? 8 : 9;
    }

    int cell(int usesClass, int bucket) {
        return usesClass * buckets + bucket;
    }

    int bucket(int cell) {
        return cell % buckets;
    }

    /** Age at which the bucket of this number ends. */
    long end(int bucket) {
        return ends[bucket];
    }

    int rank(int cell) {
        return rank[cell];
    }

    int cellOfRank(int place) {
        return order[place];
    }

    void entered(int cell) {
        entered[cell]++;
        if (bucket(cell) == 0 && ++uses >= 4 * MEMORY) {
            fade();
        }
    }

    void returned(int cell) {
        allReturns++;
        returned[cell]++;
        if (++returns >= MEMORY) {
            fade();
        }
    }

    /** {@return returns seen so far} */
    long returns() {
        return allReturns;
    }

    private void fade() {
        returns = 0;
        uses = 0;
        for (int cell = 0; cell < cells; cell++) {
            entered[cell] /= 2;
            returned[cell] /= 2;
        }
    }

    /** Takes what was learned into the order of the cells. */
    void rescore() {
        for (int usesClass = 0; usesClass < CLASSES; usesClass++) {
            rescore(usesClass);
        }
        for (int i = 1; i < cells; i++) {
            int cell = order[i];
            int at = i;
            while (at > 0 && goesBefore(cell, order[at - 1])) {
                order[at] = order[at - 1];
                at--;
            }
            order[at] = cell;
        }
        for (int i = 0; i < cells; i++) {
            rank[order[i]] = i;
        }
    }

    private void rescore(int usesClass) {
        for (int bucket = 0; bucket < buckets; bucket++) {
            double in = 0;
            double back = 0;
            for (int other = 0; other < CLASSES; other++) {
                in += entered[cell(other, bucket)];
                back += returned[cell(other, bucket)];
            }
            int cell = cell(usesClass, bucket);
            double all = (back + 0.01) / (in + 1);
            chance[bucket] = Math.min(1, (returned[cell] + BORROWED * all) / (entered[cell] + BORROWED));
        }
        for (int bucket = 0; bucket < buckets; bucket++) {
            double left = 1;
            double back = 0;
            double time = 0;
            double bestBack = 0;
            double bestTime = 1;
            for (int until = bucket; until < buckets; until++) {
                back += left * chance[until];
                time += left * widths[until] * (1 - chance[until] / 2);
                left *= 1 - chance[until];
                if (back * bestTime > bestBack * time) {
                    bestBack = back;
                    bestTime = time;
                }
            }
            worth[cell(usesClass, bucket)] = bestBack / bestTime;
        }
    }

    private boolean goesBefore(int cell, int other) {
        return worth[cell] < worth[other]
                || (worth[cell] == worth[other]
                        && (bucket(cell) > bucket(other) || (bucket(cell) == bucket(other) && cell < other)));
    }
}
