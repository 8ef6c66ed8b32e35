package io.kvflux.api;

import java.util.Arrays;
import java.util.Objects;

/**
 * Where drafts begin: a sequence and the tokens known of it, its prompt and what the model gave. The first draft is for the
 * position {@link #length}. Immutable.
 */
public final class DraftContext {

    private final SequenceId sequence;
    private final SequenceSpec spec;
    private final int[] tokens;
    private final int length;

    /**
     * A context over the first tokens of an array.
     *
     * @param sequence the sequence
     * @param spec what was asked for with it
     * @param tokens its tokens; the first {@code length} of them must not change any more
     * @param length how many are known
     */
    public DraftContext(SequenceId sequence, SequenceSpec spec, int[] tokens, int length) {
        this.sequence = Objects.requireNonNull(sequence, "sequence");
        this.spec = Objects.requireNonNull(spec, "spec");
        this.tokens = tokens;
        Objects.checkFromToIndex(0, length, tokens.length);
        this.length = length;
    }

    /** {@return the sequence} */
    public SequenceId sequence() {
        return sequence;
    }

    /** {@return the very object that was submitted; for a fork, the one of the sequence it was forked from} */
    public SequenceSpec spec() {
        return spec;
    }

    /** {@return tokens that are known, and the position of the first draft} */
    public int length() {
        return length;
    }

    /**
     * A known token.
     *
     * @param position in [0, {@link #length})
     * @return the token id
     */
    public int token(int position) {
        return tokens[Objects.checkIndex(position, length)];
    }

    /** {@return a copy of the known tokens} */
    public int[] tokens() {
        return Arrays.copyOf(tokens, length);
    }

    @Override
    public String toString() {
        return "DraftContext[sequence=" + sequence + ", length=" + length + "]";
    }
}
