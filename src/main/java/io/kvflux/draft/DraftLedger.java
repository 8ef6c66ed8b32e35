package io.kvflux.draft;

/**
 * Who may draft how much. A credit is granted, and comes back when its draft was verified, accepted or not, or was aborted:
 * never drafted, or no longer wanted. At every instant
 *
 * <pre>
 *   granted = accepted + rejected + aborted + inFlight,   inFlight &lt;= maxInFlight
 * </pre>
 */
public final class DraftLedger {

    private final int maxPerRound;
    private final int maxInFlight;
    private int inFlight;
    private int mostInFlight;
    private long granted;
    private long accepted;
    private long rejected;
    private long aborted;

    /**
     * A ledger without entries.
     *
     * @param maxPerRound drafts of one sequence in one round at most, at least 0
     * @param maxInFlight drafts of all sequences at most, at least 0
     */
    public DraftLedger(int maxPerRound, int maxInFlight) {
        if (maxPerRound < 0 || maxInFlight < 0) {
            throw new IllegalArgumentException(
                    "drafts are counted from 0, maxPerRound=" + maxPerRound + ", maxInFlight=" + maxInFlight);
        }
        this.maxPerRound = maxPerRound;
        this.maxInFlight = maxInFlight;
    }

    /**
     * Grants drafts of the next round of a sequence.
     *
     * @param credits the sequence's
     * @param wanted how many, at least 0
     * @return how many it gets: fewer where a bound says so
     */
    public int grant(DraftCredits credits, int wanted) {
        if (wanted < 0) {
            throw new IllegalArgumentException("drafts are counted from 0, wanted=" + wanted);
        }
        int given = Math.min(Math.min(wanted, maxPerRound), room());
        credits.round(given);
        add(credits, given);
        return given;
    }

    /**
     * Grants a sequence the drafts that its drafter has to make before those of a round: steps in flight sample these
     * positions themselves.
     *
     * @param credits the sequence's
     * @param drafts how many, at most the {@linkplain #room room}
     */
    public void catchUp(DraftCredits credits, int drafts) {
        if (drafts < 0 || drafts > room()) {
            throw new IllegalArgumentException("no more drafts than there is room for, drafts=" + drafts + ", " + this);
        }
        add(credits, drafts);
    }

    private void add(DraftCredits credits, int drafts) {
        credits.inFlight += drafts;
        inFlight += drafts;
        mostInFlight = Math.max(mostInFlight, inFlight);
        granted += drafts;
    }

    /**
     * Drafts of a sequence were verified.
     *
     * @param credits the sequence's
     * @param good those that were accepted
     * @param bad those that were not, the ones after a rejected one included
     */
    public void verified(DraftCredits credits, int good, int bad) {
        giveBack(credits, good, bad);
        accepted += good;
        rejected += bad;
    }

    /**
     * Drafts of a sequence will not be verified.
     *
     * @param credits the sequence's
     * @param drafts how many
     */
    public void aborted(DraftCredits credits, int drafts) {
        giveBack(credits, drafts, 0);
        aborted += drafts;
    }

    private void giveBack(DraftCredits credits, int some, int others) {
        if (some < 0 || others < 0 || (long) some + others > credits.inFlight) {
            throw new IllegalStateException("a credit comes back once, inFlight of the sequence=" + credits.inFlight
                    + ", given back=" + some + " + " + others);
        }
        credits.inFlight -= some + others;
        inFlight -= some + others;
    }

    /** {@return drafts of one sequence in one round at most} */
    public int maxPerRound() {
        return maxPerRound;
    }

    /** {@return drafts of all sequences at most} */
    public int maxInFlight() {
        return maxInFlight;
    }

    /** {@return drafts that may be granted now} */
    public int room() {
        return maxInFlight - inFlight;
    }

    /** {@return drafts that were granted and are neither verified nor aborted} */
    public int inFlight() {
        return inFlight;
    }

    /** {@return the most that were ever in flight at a time} */
    public int mostInFlight() {
        return mostInFlight;
    }

    /** {@return drafts granted so far} */
    public long granted() {
        return granted;
    }

    /** {@return drafts that were verified and accepted so far} */
    public long accepted() {
        return accepted;
    }

    /** {@return drafts that were verified and not accepted so far} */
    public long rejected() {
        return rejected;
    }

    /** {@return drafts that were not verified so far and will not be} */
    public long aborted() {
        return aborted;
    }

    /**
     * Checks the identity and the bound.
     *
     * @throws IllegalStateException if one does not hold
     */
    public void verify() {
        if (granted != accepted + rejected + aborted + inFlight || inFlight < 0 || inFlight > maxInFlight) {
            throw new IllegalStateException(
                    "granted = accepted + rejected + aborted + inFlight <= maxInFlight, " + this);
        }
    }

    @Override
    public String toString() {
        return "drafts[granted=" + granted + ", accepted=" + accepted + ", rejected=" + rejected + ", aborted="
                + aborted + ", inFlight=" + inFlight + ", maxInFlight=" + maxInFlight + "]";
    }
}
