package io.kvflux;

import io.kvflux.api.Step;
import io.kvflux.api.StepResult;
import io.kvflux.memory.CopyBatch;
import io.kvflux.memory.CopyListener;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The place of one step in flight; there are maxStepsInFlight of them, used in turn.
 *
 * <pre>
 *   FREE --planned--> PLANNED --delivered--> ISSUED --result handed in--> CLAIMED --copied--> DONE --taken--> FREE
 *                        +------------------- never delivered --------------------------------^
 *                                              ISSUED &lt;--result refused-- CLAIMED
 * </pre>
 *
 * There is always room for the one result a step has, so completing is never refused for want of room.
 */
final class Slot extends Signal implements CopyListener {

    static final int FREE = 0;
    static final int PLANNED = 1;
    static final int ISSUED = 2;
    static final int CLAIMED = 3;
    static final int DONE = 4;

    private static final VarHandle WORD = Fields.of(MethodHandles.lookup(), "word", long.class);
    private static final int STATES = 8;

    final StepResult result = new StepResult();
    /** What is zeroed and copied before the step; null if the scheduler has no memory. */
    @Nullable
    CopyBatch batch;

    private final Steps steps;
    private final Loop loop;
    /** The step's number times {@link #STATES}, plus the state: so that an answer to another step changes nothing. */
    private volatile long word;

    // Written by the loop before the word.
    private @Nullable Step step;
    long plannedNs;
    int tokens;

    // Of the loop: whether the batch is over, so that the step may be handed out.
    boolean ready;

    /** Written by the device, before batchEnded. */
    private @Nullable Throwable batchFailure;

    private volatile boolean batchEnded;

    /** Written by whoever claimed the slot, or by the loop while nobody can. */
    private @Nullable Throwable failure;

    Slot(Steps steps, Loop loop, @Nullable CopyBatch batch) {
        this.steps = steps;
        this.loop = loop;
        this.batch = batch;
    }

    @Override
    void run() {
        if (!ready && batchEnded) {
            steps.prepared(this, batchFailure);
        }
        steps.takeResults();
    }

    @Override
    public void ended(CopyBatch same, @Nullable Throwable failed) {
        batchFailure = failed;
        batchEnded = true;
        loop.raise(this);
    }

    void plan(Step planned) {
        step = planned;
        failure = null;
        ready = false;
        batchEnded = false;
        word = word(planned.number(), PLANNED);
    }

    /** Its batch is begun once more. */
    void again() {
        batchEnded = false;
    }

    void issue(long number) {
        word = word(number, ISSUED);
    }

    /** On the loop, for a step that nobody has seen. */
    void abandon(Throwable cause) {
        done(cause);
    }

    void free() {
        step = null;
        become(FREE);
    }

    Step step() {
        return Objects.requireNonNull(step);
    }

    long number() {
        return word / STATES;
    }

    @Nullable
    Throwable failure() {
        return failure;
    }

    /** Whether the step failed, or an entry did. */
    boolean anyFailed() {
        boolean any = failure != null;
        for (int i = 0; !any && i < result.size(); i++) {
            any = result.failure(i) != null;
        }
        return any;
    }

    boolean is(int expected) {
        return word % STATES == expected;
    }

    /** Whether an executor or the device may still read or write blocks of the step. */
    boolean isTouchingBlocks() {
        boolean batchInFlight = !is(FREE) && !ready && !batchEnded;
        return is(ISSUED) || is(CLAIMED) || batchInFlight;
    }

    /** Takes the slot for a result of its step; only the claimer may touch it until it says what came of it. */
    void claim(StepResult of) {
        Step now = word == word(of.step(), ISSUED) ? step : null;
        if (now != null && !of.isFor(now)) { // first, so that it does not stand in the right one's way
            throw new IllegalStateException(
                    "a result belongs to the scheduler whose step it was reset for, step=" + of.step());
        }
        claim(of.step());
    }

    /** Takes the slot to fail its step. */
    void claim(long number) {
        if (!WORD.compareAndSet(this, word(number, ISSUED), word(number, CLAIMED))) {
            throw notInFlight(number);
        }
    }

    void refuse() {
        become(ISSUED);
    }

    void done(@Nullable Throwable cause) {
        failure = cause;
        become(DONE);
    }

    /** By the only one who may write the word now. */
    private void become(int state) {
        word = word(number(), state);
    }

    private static long word(long number, int state) {
        return number * STATES + state;
    }

    static IllegalStateException notInFlight(long step) {
        return new IllegalStateException("only a step that was handed out and is not completed yet has a result, step="
                + step + "; it is unknown here, or another thread completes it, or it is completed already");
    }
}
