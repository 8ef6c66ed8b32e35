package io.kvflux.memory;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * What all devices do alike: the budget, the open arenas, the batches in flight and the end of everything. A device adds
 * how memory is had ({@link #map}) and how a batch is carried out ({@link #start}).
 */
public abstract class AbstractDeviceMemory implements DeviceMemory {

    private final String name;
    private final long budgetBytes;

    /** The rest is guarded by this object, which is never held while a batch is carried out or a listener called. */
    private final Set<DeviceArena> arenas = new LinkedHashSet<>();

    private long allocatedBytes;
    private int inFlight;
    private boolean closed;

    /**
     * Makes a device without arenas.
     *
     * @param name what messages call it
     * @param budgetBytes the most bytes that arenas may take together, 0 or more
     * @throws IllegalArgumentException when the budget is negative
     */
    protected AbstractDeviceMemory(String name, long budgetBytes) {
        if (budgetBytes < 0) {
            throw new IllegalArgumentException("budgetBytes must not be negative, budgetBytes=" + budgetBytes);
        }
        this.name = name;
        this.budgetBytes = budgetBytes;
    }

    /**
     * Takes memory from the device. The budget has room for it.
     *
     * @param spec what it is for; {@link ArenaSpec#totalBytes()} are wanted
     * @return the bytes, which the caller will release once
     * @throws OutOfMemoryError when the device refuses; nothing has changed then
     */
    protected abstract DeviceBytes map(ArenaSpec spec);

    /**
     * Carries out a batch, or starts to: the listener must hear exactly once, on any thread, how it ended. What this
     * method throws before that is the cause of a failure.
     *
     * @param batch what to do; it cannot change until the listener has heard
     * @param listener hears the end
     */
    protected abstract void start(CopyBatch batch, CopyListener listener);

    @Override
    public final String name() {
        return name;
    }

    @Override
    public final long budgetBytes() {
        return budgetBytes;
    }

    @Override
    public final long allocatedBytes() {
        synchronized (arenas) {
            return allocatedBytes;
        }
    }

    @Override
    public final PageArena allocate(ArenaSpec spec) {
        long bytes = spec.totalBytes();
        synchronized (arenas) {
            checkOpen();
            if (bytes > budgetBytes - allocatedBytes) {
                throw new OutOfDeviceMemoryException(name, bytes, allocatedBytes, budgetBytes, null);
            }
            DeviceArena arena = new DeviceArena(this, spec, mapped(spec));
            arenas.add(arena);
            allocatedBytes += bytes;
            return arena;
        }
    }

    private DeviceBytes mapped(ArenaSpec spec) {
        try {
            return map(spec);
        } catch (OutOfMemoryError e) {
            throw new OutOfDeviceMemoryException(name, spec.totalBytes(), allocatedBytes, budgetBytes, e);
        }
    }

    @Override
    public final void submit(CopyBatch batch, CopyListener listener) {
        synchronized (arenas) {
            checkOpen();
            batch.begin(this);
            inFlight++;
        }
        InFlight end = new InFlight(batch, listener);
        try {
            start(batch, end);
        } catch (RuntimeException | Error e) {
            // What the listener itself threw is not news for the listener.
            if (!end.claim()) {
                throw e;
            }
            end.settle();
            listener.failed(batch, e);
        }
    }

    @Override
    public void close() {
        synchronized (arenas) {
            if (closed) {
                return;
            }
            checkIdle("device");
            List.copyOf(arenas).forEach(this::release);
            closed = true;
        }
    }

    void close(DeviceArena arena) {
        synchronized (arenas) {
            if (arenas.contains(arena)) {
                checkIdle("arena");
                release(arena);
            }
        }
    }

    private void release(DeviceArena arena) {
        arenas.remove(arena);
        allocatedBytes -= arena.spec().totalBytes();
        arena.release();
    }

    private void checkOpen() {
        if (closed) {
            throw new IllegalStateException("device must be open, device=" + name);
        }
    }

    private void checkIdle(String what) {
        if (inFlight > 0) {
            throw new IllegalStateException(what + " must not be closed while a batch is in flight, device=" + name
                    + ", batchesInFlight=" + inFlight);
        }
    }

    /** One submission, which ends once. */
    private final class InFlight implements CopyListener {

        private final CopyBatch batch;
        private final CopyListener listener;
        private boolean claimed;

        InFlight(CopyBatch batch, CopyListener listener) {
            this.batch = batch;
            this.listener = listener;
        }

        synchronized boolean claim() {
            boolean first = !claimed;
            claimed = true;
            return first;
        }

        @Override
        public void completed(CopyBatch done) {
            end();
            listener.completed(batch);
        }

        @Override
        public void failed(CopyBatch done, Throwable cause) {
            end();
            listener.failed(batch, cause);
        }

        private void end() {
            if (!claim()) {
                throw new IllegalStateException("a batch must end once, device=" + name);
            }
            settle();
        }

        /** Comes before the listener is told, which may then submit the batch again, or close the device. */
        void settle() {
            synchronized (arenas) {
                inFlight--;
                batch.end();
            }
        }
    }
}
