package io.kvflux.api;

import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What an executor reports for one step: a token for every entry that samples, or why an entry failed. May be reused
 * after it has been taken. Not thread-safe.
 */
public final class StepResult {

    private static final int NONE = -1;

    private @Nullable Step source;
    private long step;
    private int size;
    private int[] tokens = new int[16];
    private @Nullable Throwable[] failures = new Throwable[16];

    /** An empty result; {@link #reset} comes first. */
    public StepResult() {}

    /**
     * Begins the result of a step.
     *
     * @param forStep the step
     * @return this
     */
    public StepResult reset(Step forStep) {
        source = forStep;
        step = forStep.number();
        size = forStep.size();
        ensureCapacity(size);
        Arrays.fill(tokens, 0, size, NONE);
        Arrays.fill(failures, 0, size, null);
        return this;
    }

    /**
     * Reports the token sampled after an entry.
     *
     * @param entry in [0, {@link #size()})
     * @param token the token id, not negative
     * @throws IllegalArgumentException if the token is negative, or the entry has one already
     */
    public void token(int entry, int token) {
        Objects.checkIndex(entry, size);
        if (token < 0) {
            throw new IllegalArgumentException("a token id must not be negative, entry=" + entry + ", token=" + token);
        }
        if (tokens[entry] != NONE) {
            throw new IllegalArgumentException("an entry has one token, step=" + step + ", entry=" + entry + ", token="
                    + tokens[entry] + ", again=" + token);
        }
        tokens[entry] = token;
    }

    /**
     * Reports that an entry failed; its sequence ends with this cause, the others go on.
     *
     * @param entry in [0, {@link #size()})
     * @param cause why
     */
    public void fail(int entry, Throwable cause) {
        failures[Objects.checkIndex(entry, size)] = Objects.requireNonNull(cause, "cause");
    }

    /** {@return number of the step} */
    public long step() {
        return step;
    }

    /** {@return entries of the step} */
    public int size() {
        return size;
    }

    /**
     * Whether a token was reported.
     *
     * @param entry in [0, {@link #size()})
     * @return true after {@link #token(int, int)}
     */
    public boolean hasToken(int entry) {
        return tokens[Objects.checkIndex(entry, size)] != NONE;
    }

    /**
     * The token reported.
     *
     * @param entry in [0, {@link #size()})
     * @return the token id, or -1 if none was
     */
    public int token(int entry) {
        return tokens[Objects.checkIndex(entry, size)];
    }

    /**
     * The failure reported.
     *
     * @param entry in [0, {@link #size()})
     * @return the cause, or null
     */
    public @Nullable Throwable failure(int entry) {
        return failures[Objects.checkIndex(entry, size)];
    }

    /**
     * Whether this was reset for that very step object, and it is still the step it was then.
     *
     * @param other a step
     * @return true if it was
     */
    public boolean isFor(Step other) {
        return source == other && step == other.number();
    }

    /**
     * Checks this result against its step: a token or a failure for every entry that samples, no token for one that does
     * not.
     *
     * @param of the step
     * @throws IllegalArgumentException naming the first entry that breaks the rule
     */
    public void requireAnswers(Step of) {
        if (size != of.size()) {
            throw new IllegalArgumentException("a result has the entries of its step, step=" + step + ", entries="
                    + of.size() + ", result=" + size);
        }
        for (int i = 0; i < size; i++) {
            boolean answered = tokens[i] != NONE;
            if (answered != of.samples(i) && failures[i] == null) {
                throw new IllegalArgumentException((answered
                                ? "an entry that does not sample must have no token, step="
                                : "an entry that samples needs a token or a failure, step=")
                        + step + ", entry=" + i);
            }
        }
    }

    /**
     * Becomes a copy of another result.
     *
     * @param other a result
     */
    public void copyFrom(StepResult other) {
        ensureCapacity(other.size);
        source = other.source;
        step = other.step;
        size = other.size;
        System.arraycopy(other.tokens, 0, tokens, 0, size);
        System.arraycopy(other.failures, 0, failures, 0, size);
    }

    private void ensureCapacity(int entries) {
        if (entries > tokens.length) {
            int capacity = Math.max(entries, 2 * tokens.length);
            tokens = new int[capacity];
            failures = new Throwable[capacity];
        }
    }
}
