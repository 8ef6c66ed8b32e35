package io.kvflux.sim;

/**
 * Tokens out of nothing but numbers: a key names a run of content, and the token at a position of that run is a pure
 * function of both, so equal ids give equal tokens without storing any.
 *
 * <p>Keys are mixed with the finaliser of SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number
 * generators", OOPSLA 2014); a token then costs one more multiply-mix of its key stepped by the golden gamma.
 */
final class Tokens {

    /** Content named by a block id of a trace. */
    static final long BLOCK = 1;

    /** Content that only one request has. */
    static final long PRIVATE = 2;

    /** Texts that sessions of the synthetic workload share. */
    static final long SHARED = 3;

    /** What one session of the synthetic workload says. */
    static final long SESSION_TEXT = 4;

    /** Draws of one session of the synthetic workload. */
    static final long SESSION = 5;

    /** Draws of the times at which synthetic sessions start. */
    static final long ARRIVALS = 6;

    /** Which drafts are right. */
    static final long DRAFTS = 7;

    private static final long GOLDEN_GAMMA = 0x9E3779B97F4A7C15L;
    private static final long MULTIPLIER = 0xBF58476D1CE4E5B9L;

    private Tokens() {}

    static long key(long seed, long namespace, long id) {
        return mix(mix(mix(seed + GOLDEN_GAMMA) + namespace * GOLDEN_GAMMA) + id * GOLDEN_GAMMA);
    }

    /** {@return the token at a position of the run, in [0, STOP_TOKEN)} */
    static int token(long key, long position) {
        long z = key + position * GOLDEN_GAMMA;
        z = (z ^ (z >>> 32)) * MULTIPLIER;
        return (int) (((z >>> 32) * SimRequest.STOP_TOKEN) >>> 32);
    }

    /** Writes the tokens of a run from {@code position} on into {@code target[from, to)}. */
    static void fill(int[] target, int from, int to, long key, long position) {
        for (int i = from; i < to; i++) {
            target[i] = token(key, position + (i - from));
        }
    }

    static void checkPosition(int position, int outputLength) {
        if (position < 0 || position >= outputLength) {
            throw new IndexOutOfBoundsException(
                    "position must lie in the output, position=" + position + ", outputLength=" + outputLength);
        }
    }

    private static long mix(long value) {
        long z = (value ^ (value >>> 30)) * MULTIPLIER;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }
}
