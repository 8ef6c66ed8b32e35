package io.kvflux.sim;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A workload of requests made by hand; prompts of one {@code text} begin with the same tokens. */
final class HandmadeWorkload implements Workload {

    private record Request(long index, long arrivalNanos, int text, int inputLength, int outputLength)
            implements SimRequest {

        @Override
        public int[] promptTokens() {
            int[] tokens = new int[inputLength];
            for (int i = 0; i < inputLength; i++) {
                tokens[i] = 1000 * text + i;
            }
            return tokens;
        }

        @Override
        public int outputToken(int position) {
            return position == outputLength - 1 ? STOP_TOKEN : 90_000 + position;
        }
    }

    private final List<Request> all = new ArrayList<>();
    private final Deque<Request> left = new ArrayDeque<>();

    HandmadeWorkload add(double seconds, int text, int inputLength, int outputLength) {
        Request request = new Request(all.size(), Math.round(seconds * 1e9), text, inputLength, outputLength);
        all.add(request);
        left.add(request);
        return this;
    }

    @Override
    public String name() {
        return "handmade";
    }

    @Override
    public long size() {
        return all.size();
    }

    @Override
    public List<String> notices() {
        return List.of();
    }

    @Override
    public @Nullable SimRequest next() {
        return left.poll();
    }

    @Override
    public void close() {}
}
