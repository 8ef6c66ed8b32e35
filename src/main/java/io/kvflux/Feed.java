package io.kvflux;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Queue;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Operators;

/**
 * One subscription: what its subscriber asked for, what it has not been told yet, and how it ends. Three parties touch it:
 * the subscriber (demand and cancel, any thread), the loop, which queues signals, and the lane, which delivers them.
 *
 * <p>Nothing is delivered before onSubscribe has returned (Reactive Streams 1.3): demand and a cancellation that come out
 * of it are looked at after it.
 */
abstract class Feed<T> extends Outlet implements Subscription {

    private static final VarHandle REQUESTED = Fields.of(MethodHandles.lookup(), "requested", long.class);
    private static final CoreSubscriber<Object> NOBODY = Operators.emptySubscriber();

    final Shell shell;
    private final Lanes lanes;
    private CoreSubscriber<? super T> subscriber;
    /** From the loop to the lane. */
    final Queue<T> queue;

    private volatile boolean begun;
    private volatile long requested;
    private volatile boolean cancelled;
    private volatile @Nullable IllegalArgumentException badRequest;
    private volatile boolean ended;
    /** Written before ended. */
    private @Nullable Throwable failure;

    // Of the lane.
    private long emitted;
    private boolean silent;

    Feed(Shell shell, Lanes lanes, CoreSubscriber<? super T> subscriber, Queue<T> queue) {
        this.shell = shell;
        this.lanes = lanes;
        this.subscriber = subscriber;
        this.queue = queue;
    }

    /** Greets the subscriber, and begins. */
    final void open() {
        subscriber.onSubscribe(this);
        begun = true;
        shell.loop.raise(this);
    }

    @Override
    public final void request(long n) {
        if (n <= 0) {
            badRequest = new IllegalArgumentException("a request must be positive (Reactive Streams 3.9), n=" + n);
        } else if (requested < Long.MAX_VALUE) {
            Fields.addDemand(REQUESTED, this, n);
        } else {
            return;
        }
        if (!begun) {
            return;
        }
        if (!queue.isEmpty()) {
            lanes.offer(this);
            lanes.wake();
        }
        shell.loop.raise(this);
    }

    @Override
    public final void cancel() {
        if (!cancelled) {
            cancelled = true;
            if (begun) {
                shell.loop.raise(this);
            }
        }
    }

    @Override
    final void deliver() {
        while (!silent) {
            boolean over = ended; // first, so that what was queued before the end is seen
            IllegalArgumentException bad = badRequest;
            if (cancelled) {
                silence();
            } else if (bad != null) {
                silence().onError(bad);
            } else if (over && nothingLeft()) {
                complete();
            } else if (!tellNext()) {
                pausing();
                return;
            }
        }
    }

    private boolean tellNext() {
        T next = emitted < requested ? queue.poll() : null;
        if (next == null) {
            return false;
        }
        emitted++;
        try {
            emit(next);
        } catch (Throwable thrown) {
            cancel();
            Lanes.drop(thrown);
        }
        return true;
    }

    /** Calls the subscriber; on the lane. */
    void emit(T next) {
        subscriber.onNext(next);
    }

    /** Whether the end may be told now; on the lane. */
    boolean nothingLeft() {
        return queue.isEmpty();
    }

    /** All that there is, or that was asked for, is told; on the lane. */
    void pausing() {}

    /** The subscriber hears one more signal at most, and nothing that is queued; on the lane. */
    void leave() {
        queue.clear();
    }

    private void complete() {
        Throwable cause = failure;
        if (cause == null) {
            silence().onComplete();
        } else {
            silence().onError(cause);
        }
    }

    /** Lets go of the subscriber (Reactive Streams 3.13), who hears nothing after what is said now. */
    @SuppressWarnings("unchecked")
    private CoreSubscriber<T> silence() {
        CoreSubscriber<T> last = (CoreSubscriber<T>) subscriber;
        silent = true;
        subscriber = NOBODY;
        leave();
        return last;
    }

    /** Nothing more is queued; the subscriber is told, unless it cancelled, when it is offered to the lanes. */
    final void close(@Nullable Throwable cause) {
        failure = cause;
        ended = true;
    }

    final boolean isCancelled() {
        return cancelled;
    }

    final @Nullable IllegalArgumentException badRequest() {
        return badRequest;
    }

    /** Whether the subscriber still takes signals. */
    final boolean isOpen() {
        return !cancelled && badRequest == null && !ended;
    }

    /** What was requested in all. */
    final long requested() {
        return requested;
    }

    /** Whether the subscriber waits for a signal; on the lane. */
    final boolean isWaiting() {
        return !silent && emitted < requested;
    }
}
