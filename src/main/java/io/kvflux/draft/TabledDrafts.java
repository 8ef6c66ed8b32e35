package io.kvflux.draft;

import java.util.Arrays;

/** So many drafts for each sequence, by how many sequences there are. */
final class TabledDrafts implements DraftPolicy {

    static final DraftPolicy OFF = new TabledDrafts(new int[] {1}, new int[] {0});

    private final int[] batchSizes;
    private final int[] drafts;

    TabledDrafts(int[] batchSizes, int[] drafts) {
        boolean rising = batchSizes.length == drafts.length && batchSizes.length > 0 && batchSizes[0] >= 1;
        for (int i = 0; i < drafts.length && rising; i++) {
            rising = drafts[i] >= 0 && (i == 0 || batchSizes[i] > batchSizes[i - 1]);
        }
        if (!rising) {
            throw new IllegalArgumentException(
                    "a table has rising batch sizes from 1 on, and drafts from 0 on for each," + " batchSizes="
                            + Arrays.toString(batchSizes) + ", drafts=" + Arrays.toString(drafts));
        }
        this.batchSizes = batchSizes;
        this.drafts = drafts;
    }

    @Override
    public void decide(DraftRound round, StepCosts costs) {
        int each = 0;
        for (int i = 0; i < batchSizes.length && batchSizes[i] <= round.size(); i++) {
            each = drafts[i];
        }
        int mayOpen = round.mayOpen();
        int left = round.budget();
        for (int i = 0; i < round.size(); i++) {
            int most = Math.min(left, Math.min(each, round.limit(i)));
            int given = 0;
            while (given < most && (mayOpen > 0 || !round.opensPage(i, given))) {
                mayOpen -= round.opensPage(i, given) ? 1 : 0;
                given++;
            }
            round.grants[i] = given;
            left -= given;
        }
    }
}
