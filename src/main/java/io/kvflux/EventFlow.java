package io.kvflux;

import io.kvflux.api.BlockEvent;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Queue;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Operators;
import reactor.util.concurrent.Queues;

/** One subscription of block events, with the events it has not asked for yet. */
final class EventFlow extends Outlet implements Subscription {

    private static final VarHandle REQUESTED = Fields.of(MethodHandles.lookup(), "requested", long.class);
    private static final CoreSubscriber<Object> NOBODY = Operators.emptySubscriber();

    private final Shell shell;
    private CoreSubscriber<? super BlockEvent> subscriber;
    private final Queue<BlockEvent> queue;

    private volatile long requested;
    private volatile boolean cancelled;
    private volatile @Nullable IllegalArgumentException badRequest;
    private volatile boolean ended;
    private @Nullable Throwable failure;
    /** Events are lost that no notice tells of yet. */
    private volatile boolean behind;

    // Of the lane.
    private long emitted;
    private boolean silent;

    // Of the loop.
    private boolean entered;
    private long lost;
    private long lastLost;

    EventFlow(Shell shell, CoreSubscriber<? super BlockEvent> subscriber) {
        this.shell = shell;
        this.subscriber = subscriber;
        queue = Queues.<BlockEvent>get(shell.settings.eventBuffer()).get();
    }

    @Override
    public void request(long n) {
        if (n <= 0) {
            badRequest = new IllegalArgumentException("a request must be positive (Reactive Streams 3.9), n=" + n);
            shell.loop.raise(this);
        } else {
            Fields.addDemand(REQUESTED, this, n);
        }
        shell.clients.offer(this);
        shell.clients.wake();
    }

    @Override
    public void cancel() {
        cancelled = true;
        shell.clients.offer(this);
        shell.loop.raise(this);
    }

    @Override
    void run() {
        if (cancelled || badRequest != null) {
            shell.events.close(this);
        } else if (!entered) {
            entered = true;
            shell.events.open(this);
        } else {
            tellLoss();
        }
    }

    /** On the loop. */
    void publish(BlockEvent event) {
        tellLoss();
        if (lost > 0 || !queue.offer(event)) {
            lost++;
            lastLost = event.number();
            behind = true;
        }
        shell.clients.offer(this);
    }

    /** On the loop. */
    void end(@Nullable Throwable cause) {
        failure = cause;
        ended = true;
        shell.clients.offer(this);
    }

    private void tellLoss() {
        if (lost > 0 && queue.offer(new BlockEvent.Dropped(lastLost, lost))) {
            lost = 0;
            behind = false;
            shell.clients.offer(this);
        }
    }

    @Override
    void deliver() {
        while (!silent) {
            boolean over = ended;
            IllegalArgumentException bad = badRequest;
            BlockEvent event = emitted < requested ? queue.poll() : null;
            if (cancelled) {
                silence();
            } else if (bad != null) {
                silence().onError(bad);
            } else if (event != null) {
                emitted++;
                tell(event);
            } else if (over && queue.isEmpty() && !behind) {
                complete();
            } else {
                break;
            }
        }
        if (behind && !silent && emitted < requested) {
            shell.loop.raise(this); // there is room for the notice now
        }
    }

    private void tell(BlockEvent event) {
        try {
            subscriber.onNext(event);
        } catch (Throwable thrown) {
            cancel();
            Lanes.drop(thrown);
        }
    }

    private void complete() {
        Throwable cause = failure;
        if (cause == null) {
            silence().onComplete();
        } else {
            silence().onError(cause);
        }
    }

    @SuppressWarnings("unchecked")
    private CoreSubscriber<BlockEvent> silence() {
        CoreSubscriber<BlockEvent> last = (CoreSubscriber<BlockEvent>) subscriber;
        silent = true;
        subscriber = NOBODY;
        queue.clear();
        return last;
    }
}
