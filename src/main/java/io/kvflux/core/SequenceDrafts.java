package io.kvflux.core;

import io.kvflux.draft.AcceptanceRates;
import io.kvflux.draft.DraftCredits;
import org.jspecify.annotations.Nullable;

/** The drafts of one sequence. Those granted and not yet taken back are either ahead, or being verified by issued entries. */
final class SequenceDrafts {

    final DraftCredits credits = new DraftCredits();
    final AcceptanceRates rates;
    /** What its newest result brought, for its next entry to verify. */
    final int[] ids;

    int made;
    /** Drafts that were granted and that no issued entry verifies; their slots are in the table. */
    int ahead;
    /** Drafts that issued entries verify. */
    int verifying;

    /** Whether it drafts by a stream, and not in steps. */
    boolean streams;
    /** From the first time it drafts by one. */
    @Nullable
    DraftStream stream;
    /** Whether its drafter failed, and is not asked any more. */
    boolean muted;

    SequenceDrafts(AcceptanceRates rates) {
        this.rates = rates;
        ids = new int[rates.positions()];
    }
}
