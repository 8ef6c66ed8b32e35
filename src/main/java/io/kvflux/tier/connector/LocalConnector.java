package io.kvflux.tier.connector;

import io.kvflux.geometry.KvConnectorType;
import io.kvflux.memory.BlockArenas;
import io.kvflux.memory.CopyBatch;
import io.kvflux.memory.CopyListener;
import io.kvflux.memory.SlotArena;
import io.kvflux.memory.SlotLayout;
import io.kvflux.memory.chronicle.HostSlots;
import io.kvflux.tier.Transfer;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** Carries blocks between devices and host memory. The device copies, on the worker that asks it, or on its own. */
public final class LocalConnector implements Connector {

    final HostSlots slots;
    final CopyWorkers workers;
    final LongSupplier nanoTime;
    private final BlockArenas arenas;
    private final SlotLayout layout;
    private final Deque<Copy> spare = new ArrayDeque<>();
    private int inFlight;
    private boolean closed;

    /**
     * A connector to host memory, which it owns from now on, as it does the workers.
     *
     * @param arenas where the blocks are on the devices
     * @param slots where they go
     * @param layout how a block stands in its slot
     * @param workers who carries copies out
     * @param nanoTime what time it is, in nanoseconds from any origin; called from any thread
     * @throws RuntimeException if the device cannot pin the slots; they and the workers are still the caller's then
     */
    public LocalConnector(
            BlockArenas arenas, HostSlots slots, SlotLayout layout, CopyWorkers workers, LongSupplier nanoTime) {
        this.arenas = Objects.requireNonNull(arenas, "arenas");
        this.slots = Objects.requireNonNull(slots, "slots");
        this.layout = Objects.requireNonNull(layout, "layout");
        this.workers = Objects.requireNonNull(workers, "workers");
        this.nanoTime = Objects.requireNonNull(nanoTime, "nanoTime");
        arenas.device().attach(slots);
    }

    @Override
    public KvConnectorType type() {
        return KvConnectorType.LOCAL;
    }

    @Override
    public SlotArena hostMemory() {
        return slots;
    }

    @Override
    public int storeSlots() {
        return 0;
    }

    @Override
    public void forEachStored(StoredPages pages) {}

    @Override
    public void begin(Transfer transfer, Listener listener) {
        boolean down = transfer.direction() == Transfer.Direction.OFFLOAD;
        if (!down && transfer.direction() != Transfer.Direction.ONLOAD) {
            throw new IllegalStateException("there is no store below the host, connector=LOCAL, " + transfer);
        }
        Copy copy = take();
        try {
            copy.prepare(transfer, listener);
            (down ? workers.down : workers.up).execute(copy);
        } catch (RuntimeException | Error refused) {
            putBack(copy);
            throw refused;
        }
    }

    @Override
    public void erase(List<Integer> storeSlots, Consumer<@Nullable Throwable> erased) {
        throw new IllegalStateException("there is no store below the host, connector=LOCAL, storeSlots=" + storeSlots);
    }

    private synchronized Copy take() {
        if (closed) {
            throw new IllegalStateException("the connector is closed, connector=LOCAL");
        }
        inFlight++;
        return spare.isEmpty() ? new Copy() : spare.pop();
    }

    private synchronized void putBack(Copy copy) {
        inFlight--;
        copy.transfer = null;
        copy.listener = null;
        spare.push(copy);
    }

    @Override
    public void close() {
        synchronized (this) {
            if (closed) {
                return;
            }
            if (inFlight > 0) {
                throw new IllegalStateException(
                        "a connector is closed when its transfers have ended, connector=LOCAL, inFlight=" + inFlight);
            }
            closed = true;
        }
        workers.close();
        arenas.device().detach(slots);
        slots.close();
    }

    /** A clock that throws costs a measurement and not the end of a transfer. */
    static long nowNs(LongSupplier nanoTime, long otherwise) {
        try {
            return nanoTime.getAsLong();
        } catch (RuntimeException | Error broken) {
            return otherwise;
        }
    }

    /** A transfer on its way: prepared by who begins it, carried out by a worker and the device. */
    private final class Copy implements Runnable, CopyListener {

        private final CopyBatch batch = new CopyBatch(arenas, slots, layout);
        private @Nullable Transfer transfer;
        private @Nullable Listener listener;
        private long begunNs;

        void prepare(Transfer next, Listener hears) {
            transfer = next;
            listener = hears;
            batch.clear();
            for (int i = 0; i < next.size(); i++) {
                if (next.direction() == Transfer.Direction.OFFLOAD) {
                    batch.offload(next.replica(), next.block(i), next.slot(i));
                } else {
                    batch.onload(next.replica(), next.slot(i), next.block(i));
                }
            }
        }

        @Override
        public void run() {
            begunNs = nowNs(nanoTime, 0);
            try {
                arenas.device().submit(batch, this);
            } catch (RuntimeException | Error refused) {
                ended(batch, refused);
            }
        }

        @Override
        public void ended(CopyBatch same, @Nullable Throwable failure) {
            Transfer over = Objects.requireNonNull(transfer);
            Listener hears = Objects.requireNonNull(listener);
            int landed = batch.landedBlocks(failure);
            long tookNs = nowNs(nanoTime, begunNs) - begunNs;
            putBack(this);
            hears.ended(over, landed, tookNs, failure);
        }
    }
}
