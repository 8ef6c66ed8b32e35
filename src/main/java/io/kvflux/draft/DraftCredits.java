package io.kvflux.draft;

/** What a {@link DraftLedger} keeps of one sequence. */
public final class DraftCredits {

    int inFlight;
    private int roundsSinceDraft;

    /** Of a sequence without drafts. */
    public DraftCredits() {}

    /** {@return drafts of this sequence that were granted and are neither verified nor aborted} */
    public int inFlight() {
        return inFlight;
    }

    /** {@return rounds that have passed without a grant since the last one, or since the beginning} */
    public int roundsSinceDraft() {
        return roundsSinceDraft;
    }

    void round(int granted) {
        roundsSinceDraft = granted > 0 ? 0 : roundsSinceDraft + 1;
    }
}
