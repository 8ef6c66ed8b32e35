package io.kvflux;

import io.kvflux.tier.Transfer;
import io.kvflux.tier.connector.Connector;
import io.kvflux.tier.connector.StoreException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * One transfer that is on its way: begun by the loop, its end told to the loop. Its first end counts; a connector that tells
 * of another is not heard.
 */
final class Landing extends Signal implements Connector.Listener {

    private final HostSwap swap;
    private final Transfer transfer;
    private final AtomicBoolean ended = new AtomicBoolean();

    // Written by whoever ends it before it raises the signal.
    private int landed;
    private long tookNs;
    private @Nullable Throwable failure;

    Landing(HostSwap swap, Transfer transfer) {
        this.swap = swap;
        this.transfer = transfer;
    }

    @Override
    public void ended(Transfer same, int blocks, long durationNs, @Nullable Throwable cause) {
        if (!ended.compareAndSet(false, true)) {
            return;
        }
        boolean possible = blocks >= 0 && (cause == null ? blocks == transfer.size() : blocks <= transfer.size());
        landed = possible ? blocks : 0;
        tookNs = durationNs;
        failure = possible
                ? cause
                : new IllegalStateException(
                        "a connector ends a transfer with all of its blocks, or with fewer and a failure, landed="
                                + blocks + ", " + transfer,
                        cause);
        swap.raise(this);
    }

    @Override
    void run() {
        swap.over(this);
    }

    Transfer transfer() {
        return transfer;
    }

    int landed() {
        return landed;
    }

    double seconds() {
        return tookNs / 1e9;
    }

    @Nullable
    Throwable failure() {
        return failure;
    }

    /** Whether it ended because of the page that did not land, and not because something failed. */
    boolean endedByPage() {
        return failure instanceof StoreException || !transfer.direction().isOfStore();
    }
}
