package io.kvflux.soak;

import io.kvflux.api.SequenceSpec;
import io.kvflux.sim.TokenPattern;
import java.util.Objects;
import java.util.SplittableRandom;

/**
 * What the model of a soak says. All tokens of a sequence, its salt and its adapter are chained into one value, which stands
 * in the pages as keys and values do; the next token follows from it and from the name of the sequence, so that a fork goes
 * its own way. A client computes the same from the tokens it knows.
 */
final class Language {

    static final int VOCABULARY = 2_000;

    private Language() {}

    /** What the first token is chained to. */
    static long start(SequenceSpec spec) {
        return TokenPattern.next(TokenPattern.START, Objects.hash(spec.salt(), spec.adapter()));
    }

    static long next(long chain, int token) {
        return TokenPattern.next(chain, token);
    }

    /** The token after those that are chained. */
    static int sample(long chain, long sequence) {
        return (int) ((TokenPattern.next(chain, (int) sequence) >>> 1) % VOCABULARY);
    }

    /** A draft of the token after those that are chained, right three times out of four. */
    static int draft(long chain, long sequence) {
        int right = sample(chain, sequence);
        return (chain >>> 7 & 3) == 0 ? (right + 1) % VOCABULARY : right;
    }

    static int[] words(SplittableRandom random, int count) {
        int[] words = new int[count];
        for (int i = 0; i < count; i++) {
            words[i] = random.nextInt(VOCABULARY);
        }
        return words;
    }
}
