package io.kvflux.selftest;

import io.kvflux.api.SequenceSpec;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * What a sequence must generate: the model over a {@link DenseCache}, one sequence, one token after another, without
 * anything of the scheduler. Grows as it is asked. For one thread.
 */
final class DenseSequence {

    private final SequenceSpec spec;
    private final Sampling sampling;
    private final ForwardPass[] passes;
    private final DenseCache[] caches;
    private final int firstSampled;
    private final int[] one = new int[1];
    private int[] tokens;
    private int length;
    private int computed;
    /** Of each model, of the logits that the token at a position was chosen from. */
    private long[][] fingerprints;

    /** What the draft model would draft; null until somebody asks. */
    private @Nullable DenseDrafts drafts;

    /**
     * A sequence that nothing is computed of.
     *
     * @param passes the models: the first chooses the tokens, all others read along
     * @param known tokens it begins with
     */
    DenseSequence(ForwardPass[] passes, SequenceSpec spec, int[] known, Sampling sampling) {
        this.passes = passes;
        this.spec = spec;
        this.sampling = sampling;
        caches = new DenseCache[passes.length];
        for (int i = 0; i < caches.length; i++) {
            caches[i] = new DenseCache(passes[i].shape());
        }
        firstSampled = known.length;
        tokens = Arrays.copyOf(known, known.length + 64);
        length = known.length;
        fingerprints = new long[passes.length][tokens.length];
    }

    /** {@return position of the first token that is generated} */
    int firstSampled() {
        return firstSampled;
    }

    /** The token at a position, of the prompt or generated. */
    int token(int position) {
        extend(position);
        return tokens[position];
    }

    /** The first tokens. */
    int[] tokens(int count) {
        extend(count - 1);
        return Arrays.copyOf(tokens, count);
    }

    /** Of a model's logits that the generated token at a position was chosen from. */
    long fingerprint(int model, int position) {
        extend(position);
        return fingerprints[model][position];
    }

    /** Of the draft model's logits for the draft of an index from 0 after the token at a position. */
    long draftFingerprint(int position, int index) {
        return drafts(position).fingerprint(tokens, position, index);
    }

    /** What the draft model drafts, at an index from 0 after the token at a position. */
    int draft(int position, int index) {
        return drafts(position).draft(tokens, position, index);
    }

    private DenseDrafts drafts(int position) {
        extend(position);
        if (drafts == null) {
            drafts = new DenseDrafts(passes[1], spec, sampling);
        }
        return drafts;
    }

    private void extend(int position) {
        while (length <= position) {
            grow();
            int count = length - computed;
            int[] next = count == 1 ? one : Arrays.copyOfRange(tokens, computed, length);
            next[0] = tokens[computed];
            for (int i = passes.length - 1; i >= 0; i--) { // the first one last: its logits choose
                float[] logits = passes[i].run(spec, next, computed, count, caches[i]);
                fingerprints[i][length] = Logits.fingerprint(logits);
                if (i == 0) {
                    tokens[length] = sampling.choose(logits, length);
                }
            }
            computed = length;
            length++;
        }
    }

    private void grow() {
        if (length == tokens.length) {
            int capacity = 2 * length;
            tokens = Arrays.copyOf(tokens, capacity);
            for (int i = 0; i < fingerprints.length; i++) {
                fingerprints[i] = Arrays.copyOf(fingerprints[i], capacity);
            }
        }
    }
}
