package io.kvflux;

import io.kvflux.tier.Transfer;
import io.kvflux.tier.connector.Connector;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** One transfer that is on its way: begun by the loop, its end told to the loop. */
final class Landing extends Signal implements Connector.Listener {

    private final HostSwap swap;
    private @Nullable Transfer transfer;

    // Written by whoever ends it before `over`.
    private int landed;
    private long tookNs;
    private @Nullable Throwable failure;
    private volatile boolean over;

    Landing(HostSwap swap) {
        this.swap = swap;
    }

    /** On the loop. */
    void prepare(Transfer next) {
        transfer = next;
        over = false;
    }

    @Override
    public void ended(Transfer same, int blocks, long durationNs, @Nullable Throwable cause) {
        landed = blocks;
        tookNs = durationNs;
        failure = cause;
        over = true;
        swap.raise(this);
    }

    @Override
    void run() {
        if (over) {
            over = false;
            swap.over(this);
        }
    }

    Transfer transfer() {
        return Objects.requireNonNull(transfer);
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
}
