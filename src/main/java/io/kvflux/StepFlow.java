package io.kvflux;

import io.kvflux.api.Step;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Queue;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Operators;
import reactor.util.concurrent.Queues;

/**
 * One subscription of steps. Ends are closed by the lane that delivers: only when it has let go can steps that did not
 * reach this subscriber go to the next.
 */
final class StepFlow extends Outlet implements Subscription {

    private static final VarHandle REQUESTED = Fields.of(MethodHandles.lookup(), "requested", long.class);
    private static final CoreSubscriber<Object> NOBODY = Operators.emptySubscriber();

    private final Shell shell;
    private CoreSubscriber<? super Step> subscriber;
    private final Queue<Slot> queue;

    private volatile long requested;
    private volatile boolean cancelled;
    private volatile @Nullable IllegalArgumentException badRequest;
    private volatile boolean ended;
    private @Nullable Throwable failure;
    /** The lane has let go. */
    private volatile boolean closed;

    // Of the lane.
    private long emitted;
    private boolean silent;

    // Of the loop.
    private boolean entered;
    private long handed;

    StepFlow(Shell shell, CoreSubscriber<? super Step> subscriber) {
        this.shell = shell;
        this.subscriber = subscriber;
        queue = Queues.<Slot>get(shell.settings.config().maxStepsInFlight()).get();
    }

    @Override
    public void request(long n) {
        if (n <= 0) {
            badRequest = new IllegalArgumentException("a request must be positive (Reactive Streams 3.9), n=" + n);
            offer();
        } else {
            Fields.addDemand(REQUESTED, this, n);
        }
        shell.loop.raise(this);
    }

    @Override
    public void cancel() {
        cancelled = true;
        offer();
        shell.loop.raise(this);
    }

    @Override
    void run() {
        if (!entered) {
            entered = true;
            shell.steps.open(this);
        }
        if (closed) {
            shell.steps.close(this);
        }
    }

    @Override
    void deliver() {
        while (!silent) {
            if (cancelled || badRequest != null || ended) {
                close();
                return;
            }
            Slot slot = emitted < requested ? queue.poll() : null;
            if (slot == null) {
                return;
            }
            emitted++;
            tell(slot);
        }
    }

    private void tell(Slot slot) {
        long step = slot.number();
        slot.issue();
        try {
            subscriber.onNext(slot.step());
        } catch (Throwable thrown) {
            cancelled = true;
            Lanes.drop(thrown);
            failUnlessDone(step, thrown);
        }
    }

    private void failUnlessDone(long step, Throwable thrown) {
        try {
            shell.steps.fail(step, thrown);
        } catch (IllegalStateException done) {
            return; // the subscriber completed it before it threw
        }
    }

    @SuppressWarnings("unchecked")
    private void close() {
        CoreSubscriber<Step> last = (CoreSubscriber<Step>) subscriber;
        IllegalArgumentException bad = badRequest;
        silent = true;
        subscriber = NOBODY;
        closed = true;
        shell.loop.raise(this);
        if (!cancelled) {
            Throwable cause = bad == null ? failure : bad;
            if (cause == null) {
                last.onComplete();
            } else {
                last.onError(cause);
            }
        }
    }

    private void offer() {
        shell.inner.offer(this);
        shell.inner.wake();
    }

    /** Now this is the one that steps go to; on the loop. */
    void opened() {
        handed = 0;
    }

    boolean isOpen() {
        return !cancelled && badRequest == null && !ended && !closed;
    }

    /** Steps wanted and not handed over; on the loop. */
    long demand() {
        return isOpen() ? requested - handed : 0;
    }

    void hand(Slot slot) {
        handed++;
        queue.offer(slot);
        shell.inner.offer(this);
    }

    void end(@Nullable Throwable cause) {
        failure = cause;
        ended = true;
        shell.inner.offer(this);
    }

    /** The first step that did not reach the subscriber, Long.MAX_VALUE if all did; on the loop, after the lane let go. */
    long takeBack() {
        Slot first = queue.peek();
        long step = first == null ? Long.MAX_VALUE : first.number();
        queue.clear();
        return step;
    }
}
