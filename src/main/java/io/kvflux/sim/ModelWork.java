package io.kvflux.sim;

/**
 * What one step of a model costs in bytes and operations, over the whole model and not per device.
 *
 * @param weightBytes bytes of weights read in every step; for a dense model all but the input embedding, for a mixture
 *     of experts those of the experts a batch touches
 * @param flopsPerToken floating point operations per token computed, a multiplication and an addition being two; about
 *     twice the active parameters
 * @param kvBytesPerToken bytes of KV read per token of context, over all layers
 */
public record ModelWork(double weightBytes, double flopsPerToken, double kvBytesPerToken) {

    /**
     * Checks the numbers.
     *
     * @param weightBytes positive
     * @param flopsPerToken positive
     * @param kvBytesPerToken at least 0
     * @throws IllegalArgumentException if weightBytes or flopsPerToken is not positive, kvBytesPerToken is negative, or
     *     any is not finite
     */
    public ModelWork {
        if (!(weightBytes > 0)
                || !(flopsPerToken > 0)
                || !(kvBytesPerToken >= 0)
                || Double.isInfinite(weightBytes + flopsPerToken + kvBytesPerToken)) {
            throw new IllegalArgumentException("model work needs weightBytes > 0, flopsPerToken > 0 and"
                    + " kvBytesPerToken >= 0, all finite, weightBytes=" + weightBytes + ", flopsPerToken="
                    + flopsPerToken + ", kvBytesPerToken=" + kvBytesPerToken);
        }
    }
}
