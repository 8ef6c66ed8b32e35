package io.kvflux.serve;

import org.jspecify.annotations.Nullable;

/**
 * A piece of the text of one choice.
 *
 * @param choice index of the choice
 * @param text what comes next; may be empty in the last piece
 * @param end how the choice ended, if this is its last piece; else null
 * @param failure why the whole answer ends here, or null
 */
record Piece(
        int choice,
        String text,
        @Nullable End end,
        @Nullable ApiException failure) {

    /**
     * How a choice ended.
     *
     * @param reason as the API names it
     * @param generatedTokens tokens generated for it
     * @param cachedTokens prompt tokens found in the cache; null if a stop string ended it, for then nobody told
     */
    record End(String reason, int generatedTokens, @Nullable Integer cachedTokens) {}

    static Piece text(int choice, String text) {
        return new Piece(choice, text, null, null);
    }

    static Piece last(int choice, String text, End end) {
        return new Piece(choice, text, end, null);
    }

    static Piece failed(int choice, ApiException failure) {
        return new Piece(choice, "", null, failure);
    }

    boolean isLast() {
        return end != null;
    }

    boolean isFailure() {
        return failure != null;
    }
}
