package io.kvflux.api;

/** A sequence was refused because as many as allowed wait already. Nothing of it remains; it may be submitted again. */
public final class QueueFullException extends RuntimeException {

    private final int pending;
    private final int maxPending;

    /**
     * A refusal with its numbers.
     *
     * @param pending sequences that wait for their first admission
     * @param maxPending how many may
     */
    public QueueFullException(int pending, int maxPending) {
        super("no more than maxPending sequences may wait for admission, pending=" + pending + ", maxPending="
                + maxPending + "; submit again later, or set whenFull(DELAY)");
        this.pending = pending;
        this.maxPending = maxPending;
    }

    /** {@return sequences that waited for their first admission} */
    public int pending() {
        return pending;
    }

    /** {@return how many may} */
    public int maxPending() {
        return maxPending;
    }
}
