package io.kvflux.sim;

import java.util.Arrays;
import java.util.Random;

/**
 * One session of the synthetic workload: its context so far, as segments of named content, and its next turn. Each
 * turn's prompt is the last prompt, the output without its stop token, and a new message.
 */
final class SyntheticSession implements Comparable<SyntheticSession> {

    /** A session ends before its prompt would pass this many tokens. */
    static final int MAX_PROMPT_TOKENS = 32_768;

    /** Assumed service of a turn, which the next one waits for: as a busy device would, not as an idle one. */
    private static final double ASSUMED_FIRST_TOKEN_SECONDS = 1.0;

    private static final double ASSUMED_SECONDS_PER_OUTPUT_TOKEN = 0.04;

    private static final double NANOS_PER_SECOND = 1e9;
    private static final long SHARED_IDS_PER_KIND = 1L << 20;
    private static final int SEGMENTS_PER_SESSION_BITS = 24;

    private final long seed;
    private final long number;
    private final SessionKind kind;
    private final Random random;
    private long[] keys = new long[8];
    private int[] lengths = new int[8];
    private int segments;
    private int ownSegments;
    private int promptTokens;
    private long arrivalNanos;
    private boolean over;

    SyntheticSession(long seed, long number, long arrivalNanos) {
        this.seed = seed;
        this.number = number;
        this.arrivalNanos = arrivalNanos;
        this.random = new Random(Tokens.key(seed, Tokens.SESSION, number));
        this.kind = SessionKind.draw(random);
        addShared(kind.systemPrompts(), 0);
        addShared(kind.documents(), kind.systemPrompts().count());
        add(nextOwnKey(), kind.firstMessage().tokens(random));
    }

    long arrivalNanos() {
        return arrivalNanos;
    }

    boolean isOver() {
        return over;
    }

    /** The turn that arrives at {@link #arrivalNanos()}; the session moves on to the next. */
    SyntheticRequest next(long index) {
        int output = kind.output().tokens(random);
        long outputKey = nextOwnKey();
        SyntheticRequest request = new SyntheticRequest(
                index,
                arrivalNanos,
                Arrays.copyOf(keys, segments),
                Arrays.copyOf(lengths, segments),
                promptTokens,
                outputKey,
                output);
        if (output > 1) {
            add(outputKey, output - 1);
        }
        add(nextOwnKey(), kind.message().tokens(random));
        double service = ASSUMED_FIRST_TOKEN_SECONDS + output * ASSUMED_SECONDS_PER_OUTPUT_TOKEN;
        arrivalNanos += (long) ((service + kind.gapSeconds().draw(random)) * NANOS_PER_SECOND);
        over = random.nextDouble() * kind.meanTurns() < 1 || promptTokens > MAX_PROMPT_TOKENS;
        return request;
    }

    @Override
    public int compareTo(SyntheticSession other) {
        int byTime = Long.compare(arrivalNanos, other.arrivalNanos);
        return byTime != 0 ? byTime : Long.compare(number, other.number);
    }

    /** Adds one of the kind's shared texts, whose length belongs to the text and not to this session. */
    private void addShared(SessionKind.Shared shared, int firstId) {
        if (shared.count() == 0) {
            return;
        }
        long id = kind.number() * SHARED_IDS_PER_KIND + firstId + zipf(shared.count());
        long key = Tokens.key(seed, Tokens.SHARED, id);
        add(key, shared.tokens().tokens(new Random(key)));
    }

    /** A rank from 0, drawn with probability proportional to 1 / (rank + 1). */
    private int zipf(int count) {
        double total = 0;
        for (int rank = 0; rank < count; rank++) {
            total += 1.0 / (rank + 1);
        }
        double left = random.nextDouble() * total;
        int rank = 0;
        while (rank < count - 1 && left >= 1.0 / (rank + 1)) {
            left -= 1.0 / (rank + 1);
            rank++;
        }
        return rank;
    }

    private long nextOwnKey() {
        return Tokens.key(seed, Tokens.SESSION_TEXT, (number << SEGMENTS_PER_SESSION_BITS) + ownSegments++);
    }

    private void add(long key, int tokens) {
        if (segments == keys.length) {
            keys = Arrays.copyOf(keys, 2 * segments);
            lengths = Arrays.copyOf(lengths, 2 * segments);
        }
        keys[segments] = key;
        lengths[segments++] = tokens;
        promptTokens += tokens;
    }
}
