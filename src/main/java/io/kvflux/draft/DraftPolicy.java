package io.kvflux.draft;

/**
 * Decides how many drafts each sequence of a round gets. The same rounds, one after another, get the same answers. There are
 * those made here and no others.
 */
public sealed interface DraftPolicy permits AdaptiveDrafts, TabledDrafts {

    /**
     * Grants drafts. What is granted is no more, and opens no more pages, than the round allows.
     *
     * @param round its sequences, whose grants are 0 before
     * @param costs what steps take
     */
    void decide(DraftRound round, StepCosts costs);

    /** {@return nobody drafts; always the same object} */
    static DraftPolicy off() {
        return TabledDrafts.OFF;
    }

    /**
     * Everybody drafts as much.
     *
     * @param drafts of each sequence, at least 0
     * @return the policy
     */
    static DraftPolicy fixed(int drafts) {
        return new TabledDrafts(new int[] {1}, new int[] {drafts});
    }

    /**
     * Everybody drafts as much, by how many there are.
     *
     * @param batchSizes the least number of sequences that a row is for, rising; below the first nobody drafts
     * @param drafts of each sequence, a number a row
     * @return the policy
     */
    static DraftPolicy table(int[] batchSizes, int[] drafts) {
        return new TabledDrafts(batchSizes.clone(), drafts.clone());
    }

    /** {@return as many as bring the most tokens a second} */
    static DraftPolicy adaptive() {
        return new AdaptiveDrafts();
    }
}
