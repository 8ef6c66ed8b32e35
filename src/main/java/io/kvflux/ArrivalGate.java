package io.kvflux;

import io.kvflux.api.SequenceSpec;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Operators;

/**
 * Lets arrivals in as there is room to wait. What it asks of its source is a promise: there is a seat for every sequence
 * asked for, until others come in between, and then the sequence waits for room instead of being refused.
 *
 * <p>Downstream stands an operator that takes all it gets, so its demand is not looked at.
 */
final class ArrivalGate extends Outlet implements CoreSubscriber<SequenceSpec>, Subscription {

    private final Shell shell;
    private CoreSubscriber<? super SequenceSpec> downstream = Operators.emptySubscriber();
    private @Nullable Subscription source;

    private volatile boolean over;
    /** Written by the loop. */
    private volatile long asked;

    // Of the source.
    private long received;

    // Of the lane.
    private long told;

    // Of the loop.
    private boolean entered;
    private int promised;

    ArrivalGate(Shell shell) {
        this.shell = shell;
    }

    /** The sequences of a source, as they may enter; to be subscribed to once. */
    Flux<SequenceSpec> admit(Publisher<? extends SequenceSpec> specs) {
        return new Flux<>() {
            @Override
            public void subscribe(CoreSubscriber<? super SequenceSpec> actual) {
                downstream = actual;
                specs.subscribe(ArrivalGate.this);
            }
        };
    }

    @Override
    public void onSubscribe(Subscription subscription) {
        if (Operators.validate(source, subscription)) {
            source = subscription;
            downstream.onSubscribe(this);
            shell.loop.raise(this);
        }
    }

    @Override
    public void onNext(SequenceSpec spec) {
        Objects.requireNonNull(spec, "spec");
        if (over) {
            return;
        }
        if (++received > asked) {
            cancel();
            downstream.onError(new IllegalStateException("a source must not emit more sequences than were asked for"
                    + " (Reactive Streams 1.1), asked=" + asked + ", received=" + received));
            return;
        }
        downstream.onNext(spec);
    }

    @Override
    public void onError(Throwable cause) {
        if (leave()) {
            downstream.onError(cause);
        } else {
            Lanes.drop(cause);
        }
    }

    @Override
    public void onComplete() {
        if (leave()) {
            downstream.onComplete();
        }
    }

    @Override
    public void request(long n) {
        // what comes in is bounded by the room to wait
    }

    @Override
    public void cancel() {
        if (leave()) {
            Objects.requireNonNull(source).cancel();
        }
    }

    private boolean leave() {
        if (over) {
            return false;
        }
        over = true;
        shell.loop.raise(this);
        return true;
    }

    @Override
    void run() {
        if (over) {
            promised = 0;
            shell.close(this);
        } else if (!entered) {
            entered = true;
            shell.open(this);
        }
    }

    @Override
    void deliver() {
        long now = asked;
        long more = now - told;
        told = now;
        if (more > 0 && !over) {
            Objects.requireNonNull(source).request(more);
        }
    }

    /** Sequences asked for that have not come; on the loop. */
    int promised() {
        return promised;
    }

    /** Asks for more, so far as its promises stay below a bound; how many more. On the loop. */
    @SuppressWarnings("NonAtomicVolatileUpdate") // only the loop writes it
    long promise(long share, int most) {
        long more = Math.min(share, most - promised);
        if (more > 0) {
            promised += (int) more;
            asked += more;
            shell.inner.offer(this);
        }
        return more;
    }

    /** One that was asked for has come; on the loop. */
    void arrived() {
        promised = Math.max(0, promised - 1);
    }
}
