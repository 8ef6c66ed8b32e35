package io.kvflux.sim;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/** Requests whose prompts share nothing, with arrivals made phase by phase: a load for measuring what drafts bring. */
final class DraftLoad implements Workload {

    private static final long SEED = 1;
    private static final double NANOS_PER_SECOND = 1e9;

    private record Request(long index, long arrivalNanos, int inputLength, int outputLength) implements SimRequest {

        @Override
        public int[] promptTokens() {
            int[] tokens = new int[inputLength];
            Tokens.fill(tokens, 0, inputLength, Tokens.key(SEED, Tokens.PRIVATE, index), 0);
            return tokens;
        }

        @Override
        public int outputToken(int position) {
            Tokens.checkPosition(position, outputLength);
            return position == outputLength - 1
                    ? STOP_TOKEN
                    : Tokens.token(Tokens.key(SEED, Tokens.PRIVATE, ~index), position);
        }
    }

    private final Deque<Request> left = new ArrayDeque<>();
    private final Random random = new Random(SEED);
    private final int promptTokens;
    private final int leastOutput;
    private final int mostOutput;
    private double seconds;

    /** An empty load of requests with so many prompt tokens, and from so many to so many output tokens. */
    DraftLoad(int promptTokens, int leastOutput, int mostOutput) {
        this.promptTokens = promptTokens;
        this.leastOutput = leastOutput;
        this.mostOutput = mostOutput;
    }

    /** Requests that come at random, so many a second on average; infinitely many a second come at once. */
    DraftLoad arrive(int requests, double aSecond) {
        for (int i = 0; i < requests; i++) {
            seconds += -StrictMath.log(1 - random.nextDouble()) / aSecond;
            int output = leastOutput + random.nextInt(mostOutput - leastOutput + 1);
            left.add(new Request(left.size(), (long) (seconds * NANOS_PER_SECOND), promptTokens, output));
        }
        return this;
    }

    @Override
    public String name() {
        return "drafts";
    }

    @Override
    public long size() {
        return left.size();
    }

    @Override
    public List<String> notices() {
        return List.of();
    }

    @Override
    public @Nullable SimRequest next() {
        return left.poll();
    }

    /** Does nothing: no file is behind the requests. */
    @Override
    public void close() {}
}
