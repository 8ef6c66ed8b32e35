package io.kvflux.selftest;

/** What is told of logits where all of them would be too much. */
final class Logits {

    private Logits() {}

    /** A number that changes, all but surely, with any bit of them. */
    static long fingerprint(float[] logits) {
        long hash = logits.length;
        for (float logit : logits) {
            hash = Seeds.mix(hash, Float.floatToRawIntBits(logit));
        }
        return hash;
    }

    /** Whether something was read that is no number, as poisoned pages hold. */
    static boolean hasNaN(float[] logits) {
        for (float logit : logits) {
            if (Float.isNaN(logit)) {
                return true;
            }
        }
        return false;
    }
}
