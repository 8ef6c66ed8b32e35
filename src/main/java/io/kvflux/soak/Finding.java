package io.kvflux.soak;

/**
 * What a soak found to be wrong.
 *
 * @param kind of what kind
 * @param sentence what, and where
 */
public record Finding(Kind kind, String sentence) {

    /** The kinds. */
    public enum Kind {
        /** A client got what it should not have got, or a page did not hold what was written. */
        WRONG_TOKEN,
        /** The scheduler's own check of its structure failed, or it stopped. */
        INVARIANT,
        /** With nobody there, something was still held, or the counts did not add up. */
        ACCOUNT,
        /** Something grew and grew. */
        LEAK,
        /** Somebody who wanted tokens got none. */
        STUCK,
        /** A sequence ended by a failure that nobody had injected, or a failure was told to nobody. */
        UNEXPECTED_FAILURE
    }

    @Override
    public String toString() {
        return kind + ": " + sentence;
    }
}
