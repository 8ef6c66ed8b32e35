package io.kvflux.selftest;

import io.kvflux.api.SequenceSpec;
import java.util.Arrays;

/** What a draft model drafts after the tokens of one sequence, over a {@link DenseCache} of its own. For one thread. */
final class DenseDrafts {

    private final ForwardPass pass;
    private final SequenceSpec spec;
    private final Sampling sampling;
    private final DenseCache cache;
    /** Tokens of the sequence itself whose KV is in the cache; drafts are behind them. */
    private int known;

    private int position = -1;
    private int drafted;
    private final int[] last = new int[1];
    private long[] fingerprints = new long[8];
    private int[] drafts = new int[8];

    DenseDrafts(ForwardPass pass, SequenceSpec spec, Sampling sampling) {
        this.pass = pass;
        this.spec = spec;
        this.sampling = sampling;
        cache = new DenseCache(pass.shape());
    }

    /** Of the logits for the draft of an index from 0 after the token at a position. */
    long fingerprint(int[] tokens, int after, int index) {
        extend(tokens, after, index);
        return fingerprints[index];
    }

    /** The draft of an index from 0 after the token at a position. */
    int draft(int[] tokens, int after, int index) {
        extend(tokens, after, index);
        return drafts[index];
    }

    private void extend(int[] tokens, int after, int index) {
        if (after != position) {
            int from = Math.min(known, after);
            begin(after, pass.run(spec, Arrays.copyOfRange(tokens, from, after + 1), from, after + 1 - from, cache));
        }
        while (drafted <= index) {
            drafted(pass.run(spec, last, position + drafted, 1, cache));
        }
    }

    private void begin(int after, float[] logits) {
        position = after;
        known = after + 1;
        drafted = 0;
        drafted(logits);
    }

    private void drafted(float[] logits) {
        if (drafted == fingerprints.length) {
            fingerprints = Arrays.copyOf(fingerprints, 2 * drafted);
            drafts = Arrays.copyOf(drafts, 2 * drafted);
        }
        fingerprints[drafted] = Logits.fingerprint(logits);
        last[0] = sampling.choose(logits, position + drafted + 1);
        drafts[drafted++] = last[0];
    }
}
