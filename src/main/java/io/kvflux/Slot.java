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

    private static final VarHandle STATE = Fields.of(MethodHandles.lookup(), "state", int.class);

    final StepResult result = new StepResult();
    /** What is zeroed and copied before the step; null if the scheduler has no memory. */
    final @Nullable CopyBatch batch;

    private final Steps steps;
    private final Loop loop;
    private volatile int state;
    private volatile long number;

    // Written by the loop before the step is delivered.
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
        number = planned.number();
        failure = null;
        ready = false;
        batchEnded = false;
        state = PLANNED;
    }

    void issue() {
        state = ISSUED;
    }

    /** On the loop, for a step that nobody has seen. */
    void abandon(Throwable cause) {
        failure = cause;
        state = DONE;
    }

    void free() {
        step = null;
        state = FREE;
    }

    Step step() {
        return Objects.requireNonNull(step);
    }

    long number() {
        return number;
    }

    @Nullable
    Throwable failure() {
        return failure;
    }

    boolean is(int expected) {
        return state == expected;
    }

    /** Takes the slot for a result of this step; only the claimer may touch it until it says what came of it. */
    void claim(long of) {
        // Looked at first, so that an answer to another step does not stand in the right one's way.
        if (number != of || !STATE.compareAndSet(this, ISSUED, CLAIMED)) {
            throw notInFlight(of);
        }
        if (number != of) {
            state = ISSUED;
            throw notInFlight(of);
        }
    }

    void refuse() {
        state = ISSUED;
    }

    void done(@Nullable Throwable cause) {
        failure = cause;
        state = DONE;
    }

    static IllegalStateException notInFlight(long step) {
        return new IllegalStateException("only a step that was handed out and is not completed yet has a result, step="
                + step + "; it is unknown here, or another thread completes it, or it is completed already");
    }
}
