package io.kvflux;

import io.kvflux.api.Step;
import io.kvflux.api.StepResult;
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
final class Slot extends Signal {

    static final int FREE = 0;
    static final int PLANNED = 1;
    static final int ISSUED = 2;
    static final int CLAIMED = 3;
    static final int DONE = 4;

    private static final VarHandle STATE = Fields.of(MethodHandles.lookup(), "state", int.class);

    final StepResult result = new StepResult();

    private final Steps steps;
    private volatile int state;
    private volatile long number;

    // Written by the loop before the step is delivered.
    private @Nullable Step step;
    long plannedNs;
    int tokens;

    // Of the loop: whether block copies are over.
    boolean ready;

    /** Written by whoever claimed the slot, or by the loop while nobody can. */
    private @Nullable Throwable failure;

    Slot(Steps steps) {
        this.steps = steps;
    }

    @Override
    void run() {
        steps.takeResults();
    }

    void plan(Step planned) {
        step = planned;
        number = planned.number();
        failure = null;
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
        if (!STATE.compareAndSet(this, ISSUED, CLAIMED)) {
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
