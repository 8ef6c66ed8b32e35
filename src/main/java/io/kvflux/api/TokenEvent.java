package io.kvflux.api;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A generated token, as its client gets it. The last event of a sequence that ended by itself carries the reason and the
 * usage. Immutable.
 */
public final class TokenEvent {

    /** What {@link #token} gives when the event carries no token. */
    public static final int NO_TOKEN = -1;

    private final SequenceSpec spec;
    private final @Nullable SequenceId sequence;
    private final int index;
    private final int token;
    private final @Nullable FinishReason finishReason;
    private final @Nullable Usage usage;
    private final @Nullable Throwable cause;

    private TokenEvent(
            SequenceSpec spec,
            @Nullable SequenceId sequence,
            int index,
            int token,
            @Nullable FinishReason finishReason,
            @Nullable Usage usage,
            @Nullable Throwable cause) {
        this.spec = spec;
        this.sequence = sequence;
        this.index = index;
        this.token = token;
        this.finishReason = finishReason;
        this.usage = usage;
        this.cause = cause;
    }

    /**
     * A token after which others may follow.
     *
     * @param spec what was asked for
     * @param sequence the sequence
     * @param index position among the sequence's events, from 0
     * @param token the token id
     * @return the event
     */
    public static TokenEvent of(SequenceSpec spec, SequenceId sequence, int index, int token) {
        return new TokenEvent(spec, sequence, index, token, null, null, null);
    }

    /**
     * The last token of a sequence.
     *
     * @param spec what was asked for
     * @param sequence the sequence
     * @param index position among the sequence's events, from 0
     * @param token the token id
     * @param reason {@link FinishReason#STOP} or {@link FinishReason#LENGTH}
     * @param usage what the sequence used
     * @return the event
     */
    public static TokenEvent last(
            SequenceSpec spec, SequenceId sequence, int index, int token, FinishReason reason, Usage usage) {
        return new TokenEvent(
                spec, sequence, index, token, Objects.requireNonNull(reason), Objects.requireNonNull(usage), null);
    }

    /**
     * The failure of a sequence in a merged stream, where an error would end the other sequences too.
     *
     * @param spec what was asked for
     * @param sequence the sequence, or null if it was refused before it had a name
     * @param index number of events before this one
     * @param cause why
     * @return an event without a token, with the reason {@link FinishReason#FAILED}
     */
    public static TokenEvent failed(SequenceSpec spec, @Nullable SequenceId sequence, int index, Throwable cause) {
        return new TokenEvent(
                spec, sequence, index, NO_TOKEN, FinishReason.FAILED, null, Objects.requireNonNull(cause));
    }

    /** {@return what was asked for: the very object that was handed in; for a fork, the parent's} */
    public SequenceSpec spec() {
        return spec;
    }

    /** {@return the sequence; null only in a failure before it had a name} */
    public @Nullable SequenceId sequence() {
        return sequence;
    }

    /** {@return position among the sequence's events, from 0 without a gap} */
    public int index() {
        return index;
    }

    /** {@return the token id, or {@link #NO_TOKEN} in a failure} */
    public int token() {
        return token;
    }

    /** {@return how the sequence ended, if this is its last event; else null} */
    public @Nullable FinishReason finishReason() {
        return finishReason;
    }

    /** {@return what the sequence used, if it ended with this token; else null} */
    public @Nullable Usage usage() {
        return usage;
    }

    /** {@return why the sequence failed, in a failure; else null} */
    public @Nullable Throwable cause() {
        return cause;
    }

    @Override
    public String toString() {
        return "TokenEvent[" + (sequence == null ? "unnamed sequence" : sequence) + ", index=" + index + ", token="
                + token + (finishReason == null ? "" : ", finishReason=" + finishReason)
                + (usage == null ? "" : ", " + usage) + (cause == null ? "" : ", cause=" + cause) + "]";
    }
}
