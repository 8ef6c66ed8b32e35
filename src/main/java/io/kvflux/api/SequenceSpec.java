package io.kvflux.api;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What a client asks for: a prompt, and how its continuation is limited, ordered and isolated. Immutable; every method
 * that changes something returns a changed copy that shares the prompt.
 */
public final class SequenceSpec {

    private static final int[] NO_TOKENS = {};

    private final int[] promptTokens;
    private int maxTokens = Integer.MAX_VALUE;
    private int expectedTokens;
    private int[] stopTokens = NO_TOKENS;
    private String tenant = "";
    private int priority;
    private @Nullable String salt;
    private @Nullable String adapter;
    private List<MediaItem> media = List.of();
    private List<Retention> retentions = List.of();

    private SequenceSpec(int[] promptTokens) {
        this.promptTokens = promptTokens;
    }

    private SequenceSpec(SequenceSpec other) {
        promptTokens = other.promptTokens;
        maxTokens = other.maxTokens;
        expectedTokens = other.expectedTokens;
        stopTokens = other.stopTokens;
        tenant = other.tenant;
        priority = other.priority;
        salt = other.salt;
        adapter = other.adapter;
        media = other.media;
        retentions = other.retentions;
    }

    /**
     * A sequence that continues a prompt.
     *
     * @param promptTokens token ids, at least one, none negative; copied
     * @return a spec with every other value at its default
     * @throws IllegalArgumentException if there is no token or one is negative
     */
    public static SequenceSpec of(int... promptTokens) {
        if (promptTokens.length == 0) {
            throw new IllegalArgumentException("a prompt needs at least one token, promptTokens.length=0");
        }
        requireTokens("promptTokens", promptTokens);
        return new SequenceSpec(promptTokens.clone());
    }

    /**
     * Limits the tokens generated. Defaults to 2^31 - 1: the sequence then ends by a stop token, by cancellation, or when
     * it outgrows its replica.
     *
     * @param tokens at least 1
     * @return the changed copy
     * @throws IllegalArgumentException if tokens is not positive
     */
    public SequenceSpec maxTokens(int tokens) {
        if (tokens < 1) {
            throw new IllegalArgumentException("maxTokens must be positive, maxTokens=" + tokens);
        }
        SequenceSpec copy = new SequenceSpec(this);
        copy.maxTokens = tokens;
        return copy;
    }

    /**
     * How many tokens will probably be generated, by a predictor of the client's. It limits nothing. Rules that go by the
     * length of outputs believe it until it is exceeded, and then what they have learned; others ignore it. Defaults to 0:
     * nothing is known.
     *
     * @param tokens 0 or more
     * @return the changed copy
     * @throws IllegalArgumentException if tokens is negative
     */
    public SequenceSpec expectedTokens(int tokens) {
        if (tokens < 0) {
            throw new IllegalArgumentException(
                    "expectedTokens must not be negative, 0 says that nothing is known, expectedTokens=" + tokens);
        }
        SequenceSpec copy = new SequenceSpec(this);
        copy.expectedTokens = tokens;
        return copy;
    }

    /**
     * Tokens that end the sequence when generated. Defaults to none.
     *
     * @param tokens token ids, none negative
     * @return the changed copy
     * @throws IllegalArgumentException if a token is negative
     */
    public SequenceSpec stopTokens(int... tokens) {
        requireTokens("stopTokens", tokens);
        SequenceSpec copy = new SequenceSpec(this);
        copy.stopTokens = tokens.clone();
        return copy;
    }

    /**
     * Whose share of the work this counts against under the fair policy. Defaults to the empty string.
     *
     * @param name the tenant
     * @return the changed copy
     */
    public SequenceSpec tenant(String name) {
        SequenceSpec copy = new SequenceSpec(this);
        copy.tenant = Objects.requireNonNull(name, "tenant");
        return copy;
    }

    /**
     * Order under the priority policy. Defaults to 0.
     *
     * @param value lower goes first
     * @return the changed copy
     */
    public SequenceSpec priority(int value) {
        SequenceSpec copy = new SequenceSpec(this);
        copy.priority = value;
        return copy;
    }

    /**
     * Separates cached content: sequences of different salts never share a block. Defaults to none.
     *
     * @param value the salt, or null for none
     * @return the changed copy
     */
    public SequenceSpec salt(@Nullable String value) {
        SequenceSpec copy = new SequenceSpec(this);
        copy.salt = value;
        return copy;
    }

    /**
     * The LoRA adapter that computes the KV; sequences of different adapters never share a block. Defaults to none.
     *
     * @param name the adapter, or null for the base model
     * @return the changed copy
     */
    public SequenceSpec adapter(@Nullable String name) {
        SequenceSpec copy = new SequenceSpec(this);
        copy.adapter = name;
        return copy;
    }

    /**
     * The media items whose placeholders stand in the prompt. Defaults to none.
     *
     * @param items items inside the prompt
     * @return the changed copy
     * @throws IllegalArgumentException if an item ends after the prompt
     */
    public SequenceSpec media(List<MediaItem> items) {
        for (MediaItem item : items) {
            if (item.end() > promptTokens.length) {
                throw new IllegalArgumentException("a media item must end inside the prompt, offset=" + item.offset()
                        + ", length=" + item.length() + ", promptLength=" + promptTokens.length);
            }
        }
        SequenceSpec copy = new SequenceSpec(this);
        copy.media = List.copyOf(items);
        return copy;
    }

    /**
     * Gives the KV of a range of tokens a priority in the cache, each time from when the sequence lets go of it on: when it ends,
     * and when it is preempted. Defaults to none: all of it has {@link Retention#DEFAULT_PRIORITY}.
     *
     * @param from position of the first token
     * @param to one past the last; 2^31 - 1 covers what is generated too
     * @param priority 0 to 100: what has less is evicted first
     * @param nanos for how many nanoseconds it holds, or {@link Retention#ALWAYS}
     * @return the changed copy
     * @throws IllegalArgumentException if a number is out of its range, or a token has a retention already
     */
    public SequenceSpec retain(int from, int to, int priority, long nanos) {
        Retention added = new Retention(from, to, priority, nanos);
        int at = Collections.binarySearch(retentions, added, Comparator.comparingInt(Retention::from));
        int place = at < 0 ? -at - 1 : at;
        for (int i = Math.max(0, place - 1); i <= place && i < retentions.size(); i++) {
            if (retentions.get(i).overlaps(added)) {
                throw new IllegalArgumentException("a token has one retention, " + added + ", " + retentions.get(i));
            }
        }
        List<Retention> all = new ArrayList<>(retentions);
        all.add(place, added);
        SequenceSpec copy = new SequenceSpec(this);
        copy.retentions = List.copyOf(all);
        return copy;
    }

    /** {@return tokens in the prompt} */
    public int promptLength() {
        return promptTokens.length;
    }

    /**
     * The prompt in a larger array.
     *
     * @param capacity length of the array, at least {@link #promptLength()}
     * @return a new array that begins with the prompt
     */
    public int[] promptTokens(int capacity) {
        return Arrays.copyOf(promptTokens, Math.max(capacity, promptTokens.length));
    }

    /** {@return most tokens to generate} */
    public int maxTokens() {
        return maxTokens;
    }

    /** {@return tokens that will probably be generated, 0 if nothing is known} */
    public int expectedTokens() {
        return expectedTokens;
    }

    /** {@return a copy of the tokens that end the sequence} */
    public int[] stopTokens() {
        return stopTokens.length == 0 ? NO_TOKENS : stopTokens.clone();
    }

    /** {@return whose share this counts against} */
    public String tenant() {
        return tenant;
    }

    /** {@return order under the priority policy; lower goes first} */
    public int priority() {
        return priority;
    }

    /** {@return the salt, or null} */
    public @Nullable String salt() {
        return salt;
    }

    /** {@return the adapter, or null} */
    public @Nullable String adapter() {
        return adapter;
    }

    /** {@return the media items, unmodifiable} */
    public List<MediaItem> media() {
        return media;
    }

    /** {@return what is to be kept longer or shorter than the rest, in the order of the tokens, unmodifiable} */
    public List<Retention> retentions() {
        return retentions;
    }

    private static void requireTokens(String name, int[] tokens) {
        for (int token : tokens) {
            if (token < 0) {
                throw new IllegalArgumentException("a token id must not be negative, " + name + " has " + token);
            }
        }
    }
}
