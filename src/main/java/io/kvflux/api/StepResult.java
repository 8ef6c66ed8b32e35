package io.kvflux.api;

import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What an executor reports for one step: a token for every entry that samples, or why an entry failed; and for those that
 * speculate, how many drafts were accepted and the drafts made for the next round. May be reused after it has been taken.
 * Not thread-safe.
 */
public final class StepResult {

    private static final int NONE = -1;

    private @Nullable Step source;
    private long step;
    private int size;
    private int[] tokens = new int[16];
    private @Nullable Throwable[] failures = new Throwable[16];

    /** Whether anything was said of drafts; what follows means nothing otherwise. */
    private boolean speculates;

    private int[] accepted = new int[0];
    private int[] draftCounts = new int[0];
    /** Where an entry's drafts begin; there is room for as many as it was granted. */
    private int[] draftStarts = new int[1];

    private int[] drafts = new int[0];

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
        speculates = false;
        return this;
    }

    /**
     * Reports the token sampled after an entry: after the last of its drafts that was accepted, if it verifies drafts.
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
     * Reports how many of an entry's drafts were accepted: the first ones.
     *
     * @param entry in [0, {@link #size()}), one that verifies drafts
     * @param count in [0, {@link Step#drafts}], no more than were made
     * @throws IllegalArgumentException if it cannot be so many, or was said already
     */
    public void accepted(int entry, int count) {
        Step of = requireStep(entry);
        if (count < 0 || count > of.drafts(entry)) {
            throw new IllegalArgumentException("of an entry's drafts the first are accepted, step=" + step + ", entry="
                    + entry + ", drafts=" + of.drafts(entry) + ", accepted=" + count);
        }
        speculate(of);
        if (accepted[entry] != NONE) {
            throw new IllegalArgumentException("drafts are accepted once, step=" + step + ", entry=" + entry
                    + ", accepted=" + accepted[entry] + ", again=" + count);
        }
        accepted[entry] = count;
    }

    /**
     * Reports one more draft for the next round of an entry's sequence, in order.
     *
     * @param entry in [0, {@link #size()}), one that was granted drafts
     * @param token the token id, not negative
     * @throws IllegalArgumentException if the token is negative, or the entry was granted no more
     */
    public void draft(int entry, int token) {
        Step of = requireStep(entry);
        if (token < 0) {
            throw new IllegalArgumentException("a draft must not be negative, entry=" + entry + ", token=" + token);
        }
        speculate(of);
        if (draftStarts[entry] + draftCounts[entry] == draftStarts[entry + 1]) {
            throw new IllegalArgumentException("no more drafts than were granted, step=" + step + ", entry=" + entry
                    + ", granted=" + of.granted(entry));
        }
        drafts[draftStarts[entry] + draftCounts[entry]++] = token;
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
     * The drafts reported as accepted.
     *
     * @param entry in [0, {@link #size()})
     * @return how many, or -1 if nothing was said
     */
    public int accepted(int entry) {
        Objects.checkIndex(entry, size);
        return speculates ? accepted[entry] : NONE;
    }

    /**
     * How many drafts were reported for the next round.
     *
     * @param entry in [0, {@link #size()})
     * @return drafts
     */
    public int draftCount(int entry) {
        Objects.checkIndex(entry, size);
        return speculates ? draftCounts[entry] : 0;
    }

    /**
     * A draft reported for the next round.
     *
     * @param entry in [0, {@link #size()})
     * @param index in [0, {@link #draftCount})
     * @return the token id
     */
    public int draftAt(int entry, int index) {
        return drafts[draftStarts[entry] + Objects.checkIndex(index, draftCount(entry))];
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
     * not; and how many were accepted for every entry that verifies drafts, if it has not failed.
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
            if (of.drafts(i) > 0 && accepted(i) == NONE && failures[i] == null) {
                throw new IllegalArgumentException(
                        "an entry that verifies drafts says how many are accepted, or fails, step=" + step + ", entry="
                                + i + ", drafts=" + of.drafts(i));
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
        speculates = other.speculates;
        if (speculates) {
            ensureDraftCapacity(other.draftStarts[size]);
            System.arraycopy(other.accepted, 0, accepted, 0, size);
            System.arraycopy(other.draftCounts, 0, draftCounts, 0, size);
            System.arraycopy(other.draftStarts, 0, draftStarts, 0, size + 1);
            System.arraycopy(other.drafts, 0, drafts, 0, draftStarts[size]);
        }
    }

    private Step requireStep(int entry) {
        Objects.checkIndex(entry, size);
        if (source == null || source.number() != step) {
            throw new IllegalStateException("the step of this result has been taken, step=" + step);
        }
        return source;
    }

    /** Makes room for what is said of drafts, once a step. */
    private void speculate(Step of) {
        if (speculates) {
            return;
        }
        speculates = true;
        int all = 0;
        for (int i = 0; i < size; i++) {
            all += of.granted(i);
        }
        ensureDraftCapacity(all);
        Arrays.fill(accepted, 0, size, NONE);
        Arrays.fill(draftCounts, 0, size, 0);
        draftStarts[0] = 0;
        for (int i = 0; i < size; i++) {
            draftStarts[i + 1] = draftStarts[i] + of.granted(i);
        }
    }

    private void ensureDraftCapacity(int all) {
        if (accepted.length < size) {
            accepted = new int[tokens.length];
            draftCounts = new int[tokens.length];
            draftStarts = new int[tokens.length + 1];
        }
        if (drafts.length < all) {
            drafts = new int[Math.max(all, 2 * drafts.length)];
        }
    }

    private void ensureCapacity(int entries) {
        if (entries > tokens.length) {
            int capacity = Math.max(entries, 2 * tokens.length);
            tokens = new int[capacity];
            failures = new Throwable[capacity];
        }
    }
}
