package io.kvflux.core;

/**
 * What a drafter was asked for of one sequence, by position in the sequence, and what it has brought.
 *
 * <pre>
 *   |-- resolved --|-- brought --|-- asked for --|
 *              length         arrived          wanted
 * </pre>
 *
 * Resolved are the positions whose tokens are known; the drafter may be behind, and arrived less than length.
 */
final class DraftStream {

    /** Of the drafts brought, by position modulo its length. */
    private final int[] ids;

    /** Changes when a stream ends for good, so that entries know whose drafts they verify. */
    int number = 1;
    /** Whether the drafter is subscribed. */
    boolean open;

    int arrived;
    int wanted;
    /** Credits that entries in flight have. */
    int verifying;
    /** Credits of the others that are not resolved. */
    int unissued;

    DraftStream(int positions) {
        ids = new int[positions];
    }

    /** Whether there is nothing that it was asked for or has brought. */
    boolean isGone() {
        return wanted == 0;
    }

    void bring(int id) {
        ids[arrived++ % ids.length] = id;
    }

    int id(int position) {
        return ids[position % ids.length];
    }
}
