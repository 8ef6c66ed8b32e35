package io.kvflux.core;

import io.kvflux.api.FinishReason;
import io.kvflux.api.SequenceId;
import java.util.Arrays;

/** What the model knows of one sequence: its tokens, and how it must end. */
final class ModelSequence {

    final SequenceId id;
    final String salt;
    final int promptLength;
    final int maxTokens;
    final boolean stops;
    int[] tokens;
    int length;
    long granted;
    boolean admittedOnce;

    ModelSequence(SequenceId id, String salt, int[] prompt, int maxTokens, boolean stops, long granted) {
        this.id = id;
        this.salt = salt;
        this.maxTokens = maxTokens;
        this.stops = stops;
        this.granted = granted;
        promptLength = prompt.length;
        tokens = prompt.clone();
        length = prompt.length;
    }

    ModelSequence(SequenceId id, ModelSequence parent, long granted) {
        this.id = id;
        salt = parent.salt;
        maxTokens = parent.maxTokens;
        stops = parent.stops;
        this.granted = granted;
        promptLength = parent.promptLength;
        tokens = parent.tokens.clone();
        length = parent.length;
        admittedOnce = true;
    }

    /** The only token that may come next. */
    int expected() {
        long chain = ModelDevice.root(salt);
        for (int i = 0; i < length; i++) {
            chain = ModelDevice.chain(chain, tokens[i]);
        }
        return ModelDevice.sample(chain, id);
    }

    void append(int token) {
        if (length == tokens.length) {
            tokens = Arrays.copyOf(tokens, 2 * length);
        }
        tokens[length++] = token;
    }

    int generated() {
        return length - promptLength;
    }

    /** How the sequence must have ended by its tokens, or null if it goes on. */
    FinishReason ending() {
        if (generated() > 0 && stops && tokens[length - 1] == ModelDevice.STOP) {
            return FinishReason.STOP;
        }
        return generated() == maxTokens ? FinishReason.LENGTH : null;
    }
}
