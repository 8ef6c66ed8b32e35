package io.kvflux.memory.host;

import io.kvflux.geometry.DataSize;
import io.kvflux.memory.ArenaSpec;
import io.kvflux.memory.CopyBatch;
import io.kvflux.memory.CopyListener;
import io.kvflux.memory.DeviceMemory;
import io.kvflux.memory.OutOfDeviceMemoryException;
import io.kvflux.memory.PageArena;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Host memory as a device. Arenas are taken lazily from the operating system: a page costs memory when it is first
 * written. Copies run on the thread that submits them and are over when submit returns.
 */
public final class HostMemoryDevice implements DeviceMemory {

    private final long budgetBytes;
    private final List<HostArena> arenas = new ArrayList<>();
    private long allocatedBytes;
    private int inFlight;
    private boolean closed;

    private HostMemoryDevice(long budgetBytes) {
        this.budgetBytes = budgetBytes;
    }

    /**
     * A device that hands out so much memory.
     *
     * @param budget most bytes of all its arenas together
     * @return the device
     */
    public static HostMemoryDevice withBudget(DataSize budget) {
        return new HostMemoryDevice(budget.bytes());
    }

    @Override
    public String name() {
        return "host memory";
    }

    @Override
    public long budgetBytes() {
        return budgetBytes;
    }

    @Override
    public synchronized long allocatedBytes() {
        return allocatedBytes;
    }

    @Override
    public synchronized PageArena allocate(ArenaSpec spec) {
        requireOpen();
        if (spec.bytes() > budgetBytes - allocatedBytes) {
            throw new OutOfDeviceMemoryException(name(), spec.toString(), spec.bytes(), allocatedBytes, budgetBytes);
        }
        HostArena arena;
        try {
            arena = new HostArena(this, spec);
        } catch (OutOfMemoryError none) {
            throw OutOfDeviceMemoryException.withinBudget(
                    name(), spec.toString(), spec.bytes(), allocatedBytes, budgetBytes, none);
        }
        arenas.add(arena);
        allocatedBytes += spec.bytes();
        return arena;
    }

    @Override
    public synchronized void release(PageArena arena) {
        if (arena instanceof HostArena own && arenas.contains(own)) {
            requireIdle(own.inFlight);
            arenas.remove(own);
            allocatedBytes -= own.spec().bytes();
            own.close();
        }
    }

    @Override
    public void submit(CopyBatch batch, CopyListener listener) {
        Throwable failure = begin(batch);
        if (failure == null) {
            try {
                batch.forEach(new Copier());
            } catch (RuntimeException | Error thrown) {
                failure = thrown;
            }
            end(batch);
        }
        listener.ended(batch, failure);
    }

    /** Keeps the arenas of a batch from being released; tells why if it has others. */
    private synchronized @Nullable Throwable begin(CopyBatch batch) {
        requireOpen();
        try {
            batch.forEachArena(this::own);
        } catch (IllegalArgumentException foreign) {
            return foreign;
        }
        batch.forEachArena(arena -> own(arena).inFlight++);
        inFlight++;
        return null;
    }

    private synchronized void end(CopyBatch batch) {
        batch.forEachArena(arena -> own(arena).inFlight--);
        inFlight--;
    }

    private HostArena own(PageArena arena) {
        if (arena instanceof HostArena own && own.isOn(this)) {
            return own;
        }
        throw new IllegalArgumentException(
                "a batch goes to the device its arenas are on, device=" + name() + ", " + arena.spec());
    }

    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        requireIdle(inFlight);
        closed = true;
        arenas.forEach(HostArena::close);
        arenas.clear();
        allocatedBytes = 0;
    }

    @Override
    public String toString() {
        return name() + "[allocatedBytes=" + allocatedBytes() + ", budgetBytes=" + budgetBytes + "]";
    }

    private void requireOpen() {
        if (closed) {
            throw new IllegalStateException("the device is closed, device=" + name());
        }
    }

    private void requireIdle(int batches) {
        if (batches > 0) {
            throw new IllegalStateException(
                    "memory is given back when no batch is in flight, device=" + name() + ", inFlight=" + batches);
        }
    }

    /** Carries out runs. */
    private final class Copier implements CopyBatch.Work {

        @Override
        public void fill(PageArena arena, int page, int count, byte value) {
            own(arena).fill(page, count, value);
        }

        @Override
        public void copy(PageArena arena, int source, int destination, int count) {
            own(arena).copy(source, destination, count);
        }
    }
}
