package io.kvflux.sim;

import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * A workload whose clients say how long their outputs will be, as a predictor in front of the scheduler would: the length
 * times e to the power of a normal deviate with a given standard deviation.
 */
public final class LengthHints implements Workload {

    private final Workload workload;
    private final double error;
    private final SplittableRandom random;

    /**
     * The same requests in the same order.
     *
     * @param workload whose requests these are; closed with this one
     * @param error standard deviation of the logarithm of what is said to what comes, 0 for exact
     * @param seed of the errors
     * @throws IllegalArgumentException if error is negative or not finite
     */
    public LengthHints(Workload workload, double error, long seed) {
        if (!(error >= 0) || Double.isInfinite(error)) {
            throw new IllegalArgumentException(
                    "the error of length hints must be 0 or more and finite, error=" + error);
        }
        this.workload = workload;
        this.error = error;
        random = new SplittableRandom(seed);
    }

    @Override
    public String name() {
        return workload.name();
    }

    @Override
    public long size() {
        return workload.size();
    }

    @Override
    public List<String> notices() {
        return workload.notices();
    }

    @Override
    public @Nullable SimRequest next() {
        SimRequest request = workload.next();
        if (request == null) {
            return null;
        }
        double said = Math.rint(request.outputLength() * Math.exp(error * random.nextGaussian()));
        return new Hinted(request, (int) Math.max(1, Math.min(Integer.MAX_VALUE, said)));
    }

    @Override
    public void close() {
        workload.close();
    }

    private record Hinted(SimRequest request, int expectedTokens) implements SimRequest {

        @Override
        public long index() {
            return request.index();
        }

        @Override
        public long arrivalNanos() {
            return request.arrivalNanos();
        }

        @Override
        public int inputLength() {
            return request.inputLength();
        }

        @Override
        public int outputLength() {
            return request.outputLength();
        }

        @Override
        public int[] promptTokens() {
            return request.promptTokens();
        }

        @Override
        public int outputToken(int position) {
            return request.outputToken(position);
        }
    }
}
