package io.kvflux;

import io.kvflux.api.ExecutorFailedException;
import io.kvflux.api.Step;
import io.kvflux.api.StepResult;
import io.kvflux.core.SchedulerCore;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Steps on their way: planned when somebody asks for one, handed out in order, their results taken in order whatever the
 * order they come in. Everything but {@link #complete} and {@link #fail} is called on the loop.
 */
final class Steps {

    private static final long FIRST_BACKOFF_MS = 10;
    private static final long LONGEST_BACKOFF_MS = 1000;

    private final Shell shell;
    private final SchedulerCore core;
    private final Settings settings;
    private final Slot[] slots;

    private long planned;
    private long handed;
    private long taken;
    /** The newest step that came to nothing because its blocks could not be filled. */
    private long lost;

    private @Nullable StepFlow flow;
    private @Nullable StepFlow successor;
    private boolean ended;
    private boolean broken;
    private @Nullable Throwable failure;

    private long lastTakenNs;
    private int failuresInARow;
    /** Failures whose back-off is not over. */
    private int backoffs;

    Steps(Shell shell, SchedulerCore core, Settings settings) {
        this.shell = shell;
        this.core = core;
        this.settings = settings;
        slots = new Slot[settings.config().maxStepsInFlight()];
        for (int i = 0; i < slots.length; i++) {
            slots[i] = new Slot(this, shell.loop, shell.memory == null ? null : shell.memory.batch());
        }
    }

    /** Any thread: the result of a step. */
    void complete(StepResult result) {
        Slot slot = slot(result.step());
        slot.claim(result);
        try {
            result.requireAnswers(slot.step());
            settings.requireInVocabulary(result);
            slot.result.copyFrom(result);
        } catch (RuntimeException refused) {
            slot.refuse();
            throw refused;
        }
        slot.done(null);
        shell.loop.raise(slot);
    }

    /** Any thread: a step failed as a whole. */
    void fail(long step, Throwable cause) {
        Slot slot = slot(step);
        slot.claim(step);
        slot.done(cause);
        shell.loop.raise(slot);
    }

    /** The lane: a step goes to its subscriber now, whose it is until it is answered. */
    void issue(long step) {
        slot(step).issue(step);
    }

    /** A subscriber for steps; one at a time, the next when the last has let go. */
    void open(StepFlow next) {
        if (ended) {
            next.end(failure);
        } else if (flow == null) {
            flow = next;
        } else if (successor == null && !flow.isOpen()) {
            successor = next;
        } else {
            next.end(new IllegalStateException(
                    "steps have one subscriber at a time, and run is one: cancel the other first"));
        }
    }

    /** The subscriber hears nothing more; steps that did not reach it go to the next. */
    void close(StepFlow closed) {
        if (closed == successor) {
            successor = null;
        }
        if (closed != flow) {
            return;
        }
        if (broken) {
            flow = null;
            return;
        }
        handed = Math.min(handed, closed.takeBack() - 1);
        flow = successor;
        successor = null;
        if (ended) {
            abandonUnseen();
        }
    }

    /** Plans what is asked for and possible; whether there was any. */
    boolean plan() {
        boolean any = false;
        while (flow != null
                && backoffs == 0
                && !ended
                && planned - handed < flow.demand()
                && planned - taken < slots.length
                && !filling()
                && lost <= taken) {
            if (core.retains()) {
                core.time(shell.clockNs());
            }
            Step step = core.plan();
            if (step == null) {
                break;
            }
            any = true;
            planned = step.number();
            Slot slot = slot(planned);
            slot.plan(step);
            slot.plannedNs = shell.nowNs();
            slot.tokens = tokens(step);
            slot.ready = shell.memory == null || !shell.memory.begin(slot);
        }
        hand();
        return any;
    }

    /** Whether blocks of the last step are being filled: were that to fail, a later step must not have got them. */
    boolean filling() {
        Slot last = slot(planned);
        return planned > taken && !last.ready && last.batch != null && last.batch.filledBlocks() > 0;
    }

    /**
     * The batch of a step is over. If it failed, what needs it fails; the others of the step go on. If memory was lost, it is
     * tried again for those whose memory was not.
     */
    void prepared(Slot slot, @Nullable Throwable failed) {
        Throwable cause = failed;
        if (cause != null && !broken && shell.memory != null) {
            shell.losses.look();
            if (shell.memory.leavesOutLost(slot)) {
                if (shell.memory.beginAgain(slot)) {
                    return;
                }
                cause = null;
            }
        }
        slot.ready = true;
        if (broken) {
            return;
        }
        if (cause != null && shell.memory != null && shell.memory.failed(slot)) {
            // Its blocks may hold what another tenant left. Until its sequences have ended nobody may build on it.
            lost = slot.number();
            slot.abandon(cause);
        } else if (cause != null) {
            core.failCopies(slot.number(), cause);
        }
        if (ended && flow == null) {
            abandonUnseen();
        }
    }

    void takeResults() {
        while (!broken && taken < planned && slot(taken + 1).is(Slot.DONE)) {
            Slot slot = slot(taken + 1);
            if (slot.anyFailed() && shell.losses.look()) {
                continue; // the end of everything may have taken it
            }
            taken++;
            handed = Math.max(handed, taken); // it may have come to nothing before it was handed out
            take(slot);
        }
    }

    /** No more steps. */
    void end(@Nullable Throwable cause) {
        if (ended) {
            return;
        }
        ended = true;
        failure = cause;
        if (successor != null) {
            successor.end(cause);
            successor = null;
        }
        if (flow != null) {
            flow.end(cause);
        } else {
            abandonUnseen();
        }
    }

    /** No more steps, and the core is not to be asked about those in flight: their results are void. */
    void breakOff(Throwable cause) {
        ended = true;
        failure = cause;
        broken = true;
        if (flow != null) {
            flow.end(cause);
        }
        if (successor != null) {
            successor.end(cause);
        }
    }

    /** Nobody takes steps any more, and no step or batch touches a block. */
    boolean idle() {
        if (flow != null || !broken) {
            return flow == null && planned == taken;
        }
        for (Slot slot : slots) {
            if (slot.isTouchingBlocks()) {
                return false;
            }
        }
        return true;
    }

    private void hand() {
        while (flow != null && !ended && handed < planned && slot(handed + 1).ready && flow.demand() > 0) {
            handed++;
            if (slot(handed).is(Slot.PLANNED)) { // else it came to nothing before it was handed out
                flow.hand(slot(handed).step());
            }
        }
    }

    /** Steps that will reach nobody come to nothing. */
    private void abandonUnseen() {
        for (long step = handed + 1; step <= planned && slot(step).ready; step++) {
            if (slot(step).is(Slot.PLANNED)) {
                slot(step).abandon(new IllegalStateException("disposed before the step was handed out"));
            }
            handed = step;
        }
        takeResults();
    }

    private void take(Slot slot) {
        Throwable cause = slot.failure();
        boolean spared = core.spares(slot.number());
        int entries = slot.step().size();
        if (cause == null) {
            if (shell.swap != null || settings.config().speculates()) {
                core.took(slot.number(), (shell.nowNs() - Math.max(slot.plannedNs, lastTakenNs)) / 1e9);
            }
            core.complete(slot.result);
            failuresInARow = 0;
        } else {
            core.fail(slot.number(), cause);
        }
        lastTakenNs = shell.nowNs();
        shell.stepTaken(slot, entries, cause != null);
        slot.free();
        if (cause != null && !ended && !spared) {
            failed(cause);
        }
    }

    private void failed(Throwable cause) {
        failuresInARow++;
        if (failuresInARow >= settings.maxExecutorFailures()) {
            shell.stop(new ExecutorFailedException(failuresInARow, cause));
            return;
        }
        long delay = Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS << Math.min(failuresInARow - 1, 20));
        Signal over = new Signal() {
            @Override
            void run() {
                backoffs--;
            }
        };
        backoffs++;
        shell.after(Duration.ofMillis(delay), over);
    }

    private Slot slot(long step) {
        return slots[(int) Math.floorMod(step, (long) slots.length)];
    }

    private static int tokens(Step step) {
        int tokens = 0;
        for (int i = 0; i < step.size(); i++) {
            tokens += step.tokenCount(i);
        }
        return tokens;
    }
}
