package io.kvflux.draft;

import java.util.Arrays;

/**
 * All drafts that the sequences of a round can use, by falling survival; of those alike the ones of the earlier sequence, and
 * of a sequence the earlier ones, come first.
 */
final class DraftOrder {

    /** Ranges of survival that drafts are put into before each range is sorted: 128 an octave, the last one is open. */
    private static final int RANGES = 2048;

    private static final int ONE = Float.floatToIntBits(1);

    /** The bits of a survival, negated, above its draft: the sequence above the position. */
    private long[] keys = new long[64];

    private final int[] ends = new int[RANGES + 1];

    int size;
    /** Of the drafts those that open a page. */
    int openings;

    int[] sequences = new int[64];
    int[] positions = new int[64];
    float[] survivals = new float[64];
    boolean[] opens = new boolean[64];

    void sort(DraftRound round) {
        reserve(round.size() * round.positions());
        int positionBits = Integer.SIZE - Integer.numberOfLeadingZeros(round.positions());
        place(round, positionBits);
        openings = 0;
        for (int i = 0; i < size; i++) {
            int draft = (int) keys[i];
            sequences[i] = draft >>> positionBits;
            positions[i] = draft & (1 << positionBits) - 1;
            survivals[i] = Float.intBitsToFloat(~(int) (keys[i] >> Integer.SIZE));
            opens[i] = round.opensPage(sequences[i], positions[i]);
            openings += opens[i] ? 1 : 0;
        }
    }

    private void reserve(int most) {
        if (keys.length < most) {
            keys = new long[most];
            sequences = new int[most];
            positions = new int[most];
            survivals = new float[most];
            opens = new boolean[most];
        }
    }

    private void place(DraftRound round, int positionBits) {
        Arrays.fill(ends, 0);
        for (int i = 0; i < round.size(); i++) {
            for (int j = 0; j < round.limit(i); j++) {
                ends[range(round.survival(i, j)) + 1]++;
            }
        }
        for (int range = 0; range < RANGES; range++) {
            ends[range + 1] += ends[range];
        }
        size = ends[RANGES];
        // Until now the end of the range before; it moves to its own as drafts are put there.
        for (int i = 0; i < round.size(); i++) {
            for (int j = 0; j < round.limit(i); j++) {
                float survival = round.survival(i, j);
                keys[ends[range(survival)]++] = falling(survival, i << positionBits | j);
            }
        }
        int from = 0;
        for (int range = 0; range < RANGES; range++) {
            if (ends[range] - from > 1) {
                Arrays.sort(keys, from, ends[range]);
            }
            from = ends[range];
        }
    }

    private static int range(float survival) {
        return Math.min(RANGES - 1, Math.max(0, ONE - Float.floatToIntBits(survival)) >> 16);
    }

    /** Sorts by a number that is not negative, the greatest first, and then by an index. */
    static long falling(float number, int index) {
        return (long) ~Float.floatToIntBits(number) << Integer.SIZE | index;
    }
}
