package io.kvflux;

import io.kvflux.core.Transfer;
import io.kvflux.memory.CopyBatch;
import io.kvflux.memory.CopyListener;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** One transfer on its way: begun by the loop, carried out by a worker and the device, its end told to the loop. */
final class Transit extends Signal implements CopyListener {

    private final HostSwap swap;
    private final CopyBatch batch;
    private @Nullable Transfer transfer;
    private long begunNs;

    // Written by the device before `over`.
    private int landed;
    private long tookNs;
    private @Nullable Throwable failure;
    private volatile boolean over;

    Transit(HostSwap swap, CopyBatch batch) {
        this.swap = swap;
        this.batch = batch;
    }

    /** On the loop. */
    void prepare(Transfer next) {
        transfer = next;
        over = false;
        batch.clear();
        for (int i = 0; i < next.size() && !next.direction().isOfDisk(); i++) {
            if (next.direction() == Transfer.Direction.OFFLOAD) {
                batch.offload(next.replica(), next.block(i), next.slot(i));
            } else {
                batch.onload(next.replica(), next.slot(i), next.block(i));
            }
        }
    }

    /** On a worker. */
    void carryOut() {
        begunNs = nowNs();
        if (transfer().direction().isOfDisk()) {
            carryOutOnDisk();
            return;
        }
        try {
            swap.device().submit(batch, this);
        } catch (RuntimeException refused) {
            ended(batch, refused);
        }
    }

    private void carryOutOnDisk() {
        int done = 0;
        Throwable cause = null;
        try {
            while (done < transfer().size() && swap.copyOnDisk(transfer(), done)) {
                done++;
            }
            if (done < transfer().size()) {
                cause = new IllegalStateException("the disk had no room for a page, or not the page");
            }
        } catch (RuntimeException | Error thrown) {
            cause = thrown;
        }
        ended(done, cause);
    }

    /** There is no worker for it. */
    void refused(Throwable cause) {
        begunNs = nowNs();
        ended(batch, cause);
    }

    @Override
    public void ended(CopyBatch same, @Nullable Throwable cause) {
        ended(batch.landedBlocks(cause), cause);
    }

    private void ended(int done, @Nullable Throwable cause) {
        tookNs = nowNs() - begunNs;
        landed = done;
        failure = cause;
        over = true;
        swap.raise(this);
    }

    /** A clock that throws costs a measurement and not the end of a transfer. The loop, which asks it too, breaks by it. */
    private long nowNs() {
        try {
            return swap.nowNs();
        } catch (RuntimeException | Error broken) {
            return begunNs;
        }
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
