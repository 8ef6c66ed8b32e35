package io.kvflux.api;

/**
 * A guess of a sequence's next token.
 *
 * @param token the token id, not negative
 */
public record DraftToken(int token) {

    /**
     * A draft.
     *
     * @param token the token id, not negative
     */
    public DraftToken {
        if (token < 0) {
            throw new IllegalArgumentException("a draft must not be negative, token=" + token);
        }
    }
}
