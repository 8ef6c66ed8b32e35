package io.kvflux;

import io.kvflux.api.Step;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.util.concurrent.Queues;

/**
 * One subscription of steps. Ends are closed by the lane that delivers: only when it has let go can steps that did not
 * reach this subscriber go to the next.
 */
final class StepFlow extends Feed<Step> {

    /** The lane has let go. */
    private volatile boolean closed;

    // Of the loop.
    private boolean entered;
    private long handed;

    StepFlow(Shell shell, CoreSubscriber<? super Step> subscriber) {
        super(
                shell,
                shell.inner,
                subscriber,
                Queues.<Step>get(shell.settings.config().maxStepsInFlight()).get());
    }

    @Override
    void run() {
        if (!entered) {
            entered = true;
            shell.steps.open(this);
        }
        if (closed) {
            shell.steps.close(this);
        } else if (!isOpen()) {
            shell.inner.offer(this);
        }
    }

    @Override
    void abort(Throwable cause) {
        end(cause);
    }

    @Override
    void emit(Step step) {
        long number = step.number();
        shell.steps.issue(number);
        try {
            super.emit(step);
        } catch (Throwable thrown) {
            cancel(); // first, so that it gets no other step
            failUnlessDone(number, thrown);
            throw thrown;
        }
    }

    private void failUnlessDone(long step, Throwable thrown) {
        try {
            shell.steps.fail(step, thrown);
        } catch (IllegalStateException done) {
            return; // the subscriber completed it before it threw
        }
    }

    /** The end does not wait for steps that are queued: they come to nothing. */
    @Override
    boolean nothingLeft() {
        return true;
    }

    /** Leaves what is queued where {@link #takeBack} finds it. */
    @Override
    void leave() {
        closed = true;
        shell.loop.raise(this);
    }

    /** Steps wanted and not handed over; on the loop. */
    long demand() {
        return isOpen() ? requested() - handed : 0;
    }

    void hand(Step step) {
        handed++;
        queue.offer(step);
        shell.inner.offer(this);
    }

    void end(@Nullable Throwable cause) {
        close(cause);
        shell.inner.offer(this);
    }

    /** The first step that did not reach the subscriber, Long.MAX_VALUE if all did; on the loop, after the lane let go. */
    long takeBack() {
        Step first = queue.peek();
        long step = first == null ? Long.MAX_VALUE : first.number();
        queue.clear();
        return step;
    }
}
