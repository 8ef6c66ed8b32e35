package io.kvflux.sim;

/** A turn of a synthetic session: a prompt of segments, each a run of content named by a key, and an output's key. */
final class SyntheticRequest implements SimRequest {

    private final long index;
    private final long arrivalNanos;
    private final long[] keys;
    private final int[] lengths;
    private final int inputLength;
    private final long outputKey;
    private final int outputLength;

    SyntheticRequest(
            long index,
            long arrivalNanos,
            long[] keys,
            int[] lengths,
            int inputLength,
            long outputKey,
            int outputLength) {
        this.index = index;
        this.arrivalNanos = arrivalNanos;
        this.keys = keys;
        this.lengths = lengths;
        this.inputLength = inputLength;
        this.outputKey = outputKey;
        this.outputLength = outputLength;
    }

    @Override
    public long index() {
        return index;
    }

    @Override
    public long arrivalNanos() {
        return arrivalNanos;
    }

    @Override
    public int inputLength() {
        return inputLength;
    }

    @Override
    public int outputLength() {
        return outputLength;
    }

    @Override
    public int[] promptTokens() {
        int[] tokens = new int[inputLength];
        int from = 0;
        for (int segment = 0; segment < keys.length; segment++) {
            int to = from + lengths[segment];
            Tokens.fill(tokens, from, to, keys[segment], 0);
            from = to;
        }
        return tokens;
    }

    @Override
    public int outputToken(int position) {
        Tokens.checkPosition(position, outputLength);
        return position == outputLength - 1 ? STOP_TOKEN : Tokens.token(outputKey, position);
    }
}
