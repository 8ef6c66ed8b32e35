package io.kvflux.soak;

import io.kvflux.api.SequenceSpec;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/** A conversation: a head that many share, then turns of the user and of the model. Each turn is a sequence. */
final class Talk {

    static final int LONGEST_PROMPT = 400;
    static final int MOST_OUTPUT = 48;

    private static final int HEADS = 12;
    private static final int LONGEST_HEAD = 120;
    private static final String[] TENANTS = {"ant", "bee", "cat"};
    /** One in a hundred tokens or so ends a sequence. */
    private static final int STOP_TOKENS = 20;

    private final String tenant;
    private final @Nullable String salt;
    private final @Nullable String adapter;
    private int[] tokens;
    private int length;

    private Talk(String tenant, @Nullable String salt, @Nullable String adapter, int[] head) {
        this.tenant = tenant;
        this.salt = salt;
        this.adapter = adapter;
        tokens = head;
        length = head.length;
    }

    /** Begins one with one of the heads. */
    static Talk begin(SplittableRandom random) {
        SplittableRandom head = new SplittableRandom(random.nextInt(HEADS));
        return new Talk(
                TENANTS[random.nextInt(TENANTS.length)],
                random.nextInt(5) == 0 ? "salt" : null,
                random.nextInt(6) == 0 ? "adapter" : null,
                Language.words(head, 8 + head.nextInt(LONGEST_HEAD)));
    }

    /** Whether a further turn would be too long. */
    boolean isOver() {
        return length > LONGEST_PROMPT - 40;
    }

    void add(int[] more, int count) {
        if (tokens.length < length + count) {
            tokens = Arrays.copyOf(tokens, Math.max(2 * tokens.length, length + count));
        }
        System.arraycopy(more, 0, tokens, length, count);
        length += count;
    }

    SequenceSpec spec(SplittableRandom random, int priorities) {
        int stop = random.nextInt(Language.VOCABULARY - STOP_TOKENS);
        int[] stops = new int[STOP_TOKENS];
        for (int i = 0; i < STOP_TOKENS; i++) {
            stops[i] = stop + i;
        }
        return SequenceSpec.of(Arrays.copyOf(tokens, length))
                .maxTokens(1 + random.nextInt(random.nextInt(3) == 0 ? MOST_OUTPUT : 16))
                .stopTokens(stops)
                .tenant(tenant)
                .priority(random.nextInt(priorities))
                .salt(salt)
                .adapter(adapter);
    }
}
