package io.kvflux.tier.connector;

import io.kvflux.geometry.KvConnectorType;
import io.kvflux.memory.SlotArena;
import io.kvflux.memory.chronicle.HostSlots;
import io.kvflux.tier.Transfer;
import io.kvflux.tier.disk.DiskRead;
import io.kvflux.tier.disk.DiskStore;
import io.kvflux.tier.disk.DiskWrite;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Carries blocks between devices, host memory and a disk: a {@link LocalConnector} with a {@link DiskStore} below it. */
public final class TieredConnector implements Connector {

    private final LocalConnector local;
    private final DiskStore disk;
    private int inFlight;
    private boolean closed;

    /**
     * A connector to host memory and a disk, both of which it owns from now on.
     *
     * @param local between devices and host
     * @param disk below the host, with pages as long as a slot
     */
    public TieredConnector(LocalConnector local, DiskStore disk) {
        this.local = Objects.requireNonNull(local, "local");
        this.disk = Objects.requireNonNull(disk, "disk");
    }

    @Override
    public KvConnectorType type() {
        return KvConnectorType.TIERED;
    }

    @Override
    public SlotArena hostMemory() {
        return local.slots;
    }

    /** {@return the files below the host, for what they count} */
    public DiskStore disk() {
        return disk;
    }

    @Override
    public int storeSlots() {
        return disk.slots();
    }

    @Override
    public void forEachStored(StoredPages pages) {
        disk.forEachRecovered(pages::page);
    }

    @Override
    public void begin(Transfer transfer, Listener listener) {
        if (!transfer.direction().isOfStore()) {
            local.begin(transfer, listener);
            return;
        }
        boolean down = transfer.direction() == Transfer.Direction.STORE;
        begin(down ? local.workers.store : local.workers.fetch, () -> carryOut(transfer, listener));
    }

    @Override
    public void erase(List<Integer> storeSlots, Consumer<@Nullable Throwable> erased) {
        begin(local.workers.store, () -> {
            Throwable failure = null;
            try {
                storeSlots.forEach(disk::erase);
            } catch (RuntimeException | Error thrown) {
                failure = thrown;
            }
            over();
            erased.accept(failure);
        });
    }

    private void begin(Executor worker, Runnable work) {
        synchronized (this) {
            if (closed) {
                throw new IllegalStateException("the connector is closed, connector=TIERED");
            }
            inFlight++;
        }
        try {
            worker.execute(work);
        } catch (RuntimeException | Error refused) {
            over();
            throw refused;
        }
    }

    private synchronized void over() {
        inFlight--;
    }

    private void carryOut(Transfer transfer, Listener listener) {
        long begunNs = LocalConnector.nowNs(local.nanoTime, 0);
        int landed = 0;
        Throwable failure = null;
        try {
            while (landed < transfer.size() && copy(transfer, landed)) {
                landed++;
            }
            if (landed < transfer.size()) {
                int slot = transfer.block(landed);
                failure = transfer.direction() == Transfer.Direction.STORE
                        ? StoreException.noRoom(slot)
                        : StoreException.notFound(slot);
            }
        } catch (RuntimeException | Error thrown) {
            failure = thrown;
        }
        long tookNs = LocalConnector.nowNs(local.nanoTime, begunNs) - begunNs;
        over();
        listener.ended(transfer, landed, tookNs, failure);
    }

    /** Copies one page; false if the disk has no room for it, or has it not. */
    private boolean copy(Transfer transfer, int index) {
        HostSlots slots = local.slots;
        long at = slots.offset(transfer.slot(index));
        int slot = transfer.block(index);
        return transfer.direction() == Transfer.Direction.STORE
                ? disk.write(slot, transfer.name(index), slots.region(), at) == DiskWrite.WRITTEN
                : disk.read(slot, transfer.name(index), slots.region(), at) == DiskRead.HIT;
    }

    @Override
    public void close() {
        synchronized (this) {
            if (closed) {
                return;
            }
            if (inFlight > 0) {
                throw new IllegalStateException(
                        "a connector is closed when its transfers have ended, connector=TIERED, inFlight=" + inFlight);
            }
            local.close();
            closed = true;
        }
        disk.close();
    }
}
