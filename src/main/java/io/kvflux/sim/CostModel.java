package io.kvflux.sim;

/** How long a simulated device takes for one step. Pure and thread-safe. */
@FunctionalInterface
public interface CostModel {

    /**
     * {@return the duration of one step of one replica in seconds, positive and finite}
     *
     * @param sequences sequences in the step
     * @param prefillTokens tokens of prefill chunks, recomputed ones too, and drafts that are verified; a decode's token is
     *     not one
     * @param decodeTokens tokens computed for sequences that decode, one each
     * @param contextTokens sum over the step's sequences of the tokens whose KV exists after it
     */
    double stepSeconds(int sequences, long prefillTokens, long decodeTokens, long contextTokens);

    /**
     * The linear model {@code a + b * prefillTokens + c * contextTokens}.
     *
     * @param a seconds every step costs
     * @param b seconds a prefill token costs, and a draft that is verified
     * @param c seconds a context token costs
     * @return the model
     * @throws IllegalArgumentException if a is not positive, or b or c is negative, or any is not finite
     */
    static CostModel linear(double a, double b, double c) {
        if (!(a > 0) || !(b >= 0) || !(c >= 0) || Double.isInfinite(a + b + c)) {
            throw new IllegalArgumentException(
                    "step cost needs a > 0, b >= 0 and c >= 0 seconds, all finite, a=" + a + ", b=" + b + ", c=" + c);
        }
        return (sequences, prefillTokens, decodeTokens, contextTokens) -> a + b * prefillTokens + c * contextTokens;
    }

    /**
     * Reads the linear model from its three numbers, as in {@code 0.0155,9.5e-5,2.3e-7}.
     *
     * @param text {@code a,b,c}, each in seconds as in {@link #linear}
     * @return the model
     * @throws IllegalArgumentException if these are not three numbers, or not such as {@link #linear} takes
     */
    static CostModel parse(String text) {
        String[] parts = text.split(",", -1);
        if (parts.length != 3) {
            throw new IllegalArgumentException("step cost must be three numbers of seconds a,b,c, text=" + text);
        }
        try {
            return linear(InputText.decimal(parts[0]), InputText.decimal(parts[1]), InputText.decimal(parts[2]));
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("step cost must be three numbers of seconds a,b,c, text=" + text, e);
        }
    }

    /**
     * The roofline of a device (Williams, Waterman, Patterson, "Roofline: an insightful visual performance model for
     * multicore architectures", CACM 52(4), 2009): a step takes as long as the slower of computing and reading.
     *
     * <pre>
     * compute = flopsPerToken * (prefillTokens + decodeTokens) / (flops * computeEfficiency * tensorParallel)
     * weights = weightBytes * (1 - (1 - activeShare)^(prefillTokens + decodeTokens))
     * memory  = (weights + kvBytesPerToken * contextTokens) / (memoryBandwidth * bandwidthEfficiency * tensorParallel)
     * seconds = stepOverheadSeconds + max(compute, memory)
     * </pre>
     *
     * The operations of attention itself and the communication between tensor-parallel devices are left out.
     *
     * @param profile one device of a replica
     * @param work the model's bytes and operations
     * @param tensorParallel devices that share the work evenly
     * @return the model
     * @throws IllegalArgumentException if tensorParallel is not positive
     */
    static CostModel roofline(DeviceProfile profile, ModelWork work, int tensorParallel) {
        if (tensorParallel < 1) {
            throw new IllegalArgumentException("tensorParallel must be positive, tensorParallel=" + tensorParallel);
        }
        return Roofline.of(profile, work, tensorParallel);
    }
}
