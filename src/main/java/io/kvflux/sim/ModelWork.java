package io.kvflux.sim;

/**
 * What one step of a model costs in bytes and operations, over the whole model and not per device.
 *
 * @param weightBytes bytes of all weights, the input embedding included
 * @param activeShare share of the weights that one token uses, in (0, 1]: active / total parameters, 1 for a dense model
 * @param flopsPerToken floating point operations per token computed, a multiplication and an addition being two; about
 *     twice the active parameters
 * @param kvBytesPerToken bytes of KV read per token of context, over all layers
 */
public record ModelWork(double weightBytes, double activeShare, double flopsPerToken, double kvBytesPerToken) {

    /**
     * Checks the numbers.
     *
     * @param weightBytes positive
     * @param activeShare in (0, 1]
     * @param flopsPerToken positive
     * @param kvBytesPerToken at least 0
     * @throws IllegalArgumentException if weightBytes or flopsPerToken is not positive, activeShare is not in (0, 1],
     *     kvBytesPerToken is negative, or any is not finite
     */
    public ModelWork {
        if (!(weightBytes > 0)
                || !(activeShare > 0 && activeShare <= 1)
                || !(flopsPerToken > 0)
                || !(kvBytesPerToken >= 0)
                || Double.isInfinite(weightBytes + flopsPerToken + kvBytesPerToken)) {
            throw new IllegalArgumentException(
                    "model work needs weightBytes > 0, 0 < activeShare <= 1, flopsPerToken > 0"
                            + " and kvBytesPerToken >= 0, all finite, weightBytes=" + weightBytes + ", activeShare="
                            + activeShare + ", flopsPerToken="
                            + flopsPerToken + ", kvBytesPerToken=" + kvBytesPerToken);
        }
    }

    /**
     * Bytes of weights that a step reads. A dense model reads all. Of a mixture of experts each token uses its share, taken
     * as independent of the others', so a weight is left alone by all of n tokens with probability (1 - share)^n.
     *
     * @param tokens tokens computed in the step
     * @return weightBytes * (1 - (1 - activeShare)^tokens)
     */
    double weightBytesRead(long tokens) {
        return weightBytes * (1 - Math.pow(1 - activeShare, (double) tokens));
    }
}
