package io.kvflux.selftest;

/**
 * What broke the claim in a scenario, the first of it.
 *
 * @param kind what went wrong
 * @param sentence where, with the values
 */
record Finding(Kind kind, String sentence) {

    /** Kinds of findings. */
    enum Kind {
        /** A client got another token than the dense model gives. */
        WRONG_TOKEN,
        /** The paged model computed other logits than the dense one, bit by bit. */
        WRONG_LOGITS,
        /** The paged draft model drafted from other logits than the dense one, which costs only speed. */
        WRONG_DRAFT,
        /** The paged model read something that is no number, such as a page that is poisoned. */
        POISON_READ,
        /** A slot that was to be written held something already: it was not emptied, or somebody else wrote it. */
        DIRTY_SLOT,
        /** What a step says contradicts itself, or the steps before it. */
        WRONG_STEP,
        /** Block events tell of another cache than there is. */
        WRONG_EVENTS,
        /** A client got more than it asked for, out of order, after the end, or another end than the right one. */
        WRONG_SIGNAL,
        /** Nothing more happens though sequences are alive. */
        STUCK,
        /** The disk lost or kept what it must not, or gave itself to somebody else. */
        WRONG_DISK,
        /** Not every block, or byte, was given back. */
        LEAK,
        /** Credits of drafts do not add up, or drafts were granted or shown that must not be. */
        WRONG_CREDITS,
        /** Somebody was admitted before one that must not be overtaken, or content was evicted before what was worth less. */
        WRONG_ORDER,
        /** Something threw. */
        EXCEPTION;

        /** Whether the model computed something else. */
        boolean isWrongValue() {
            return this == WRONG_TOKEN || this == WRONG_LOGITS || this == WRONG_DRAFT || this == POISON_READ;
        }
    }

    static Finding of(Throwable thrown) {
        StringBuilder sentence = new StringBuilder(thrown.toString());
        for (Throwable cause = thrown.getCause(); cause != null; cause = cause.getCause()) {
            sentence.append(", caused by ").append(cause);
        }
        return new Finding(Kind.EXCEPTION, sentence.toString().replaceAll("\\s*\\R\\s*", " "));
    }

    @Override
    public String toString() {
        return kind + ": " + sentence;
    }
}
