package io.kvflux.sim;

/**
 * A row of a trace. Prompt block b is named by {@code promptIds[b]}; {@code tailIds[0]} names the block that holds the
 * end of the prompt and the start of the output, the following ones lie in the output. What no id names is private.
 */
final class TraceRequest implements SimRequest {

    private final long seed;
    private final long index;
    private final long arrivalNanos;
    private final int inputLength;
    private final int outputLength;
    private final int blockTokens;
    private final long[] promptIds;
    private final long[] tailIds;

    TraceRequest(
            long seed,
            long index,
            long arrivalNanos,
            int inputLength,
            int outputLength,
            int blockTokens,
            long[] promptIds,
            long[] tailIds) {
        this.seed = seed;
        this.index = index;
        this.arrivalNanos = arrivalNanos;
        this.inputLength = inputLength;
        this.outputLength = outputLength;
        this.blockTokens = blockTokens;
        this.promptIds = promptIds;
        this.tailIds = tailIds;
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
        for (int block = 0; block < promptIds.length; block++) {
            fillBlock(tokens, block, promptIds[block]);
        }
        int named = (int) Math.min((long) promptIds.length * blockTokens, inputLength);
        int tail = tailIds.length == 0 ? inputLength : tailStart();
        Tokens.fill(tokens, named, tail, privateKey(), named);
        if (tail < inputLength) {
            fillBlock(tokens, tail / blockTokens, tailIds[0]);
        }
        return tokens;
    }

    @Override
    public int outputToken(int position) {
        Tokens.checkPosition(position, outputLength);
        if (position == outputLength - 1) {
            return STOP_TOKEN;
        }
        int place = inputLength + position;
        int tailBlock = (place - tailStart()) / blockTokens;
        return tailBlock < tailIds.length
                ? Tokens.token(blockKey(tailIds[tailBlock]), place % blockTokens)
                : Tokens.token(privateKey(), place);
    }

    private void fillBlock(int[] tokens, int block, long id) {
        int from = block * blockTokens;
        Tokens.fill(tokens, from, Math.min(from + blockTokens, inputLength), blockKey(id), 0);
    }

    /** The first token that is in no full block of the prompt. */
    private int tailStart() {
        return inputLength - inputLength % blockTokens;
    }

    private long blockKey(long id) {
        return Tokens.key(seed, Tokens.BLOCK, id);
    }

    private long privateKey() {
        return Tokens.key(seed, Tokens.PRIVATE, index);
    }
}
