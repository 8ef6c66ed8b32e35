package io.kvflux.memory;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.IntFunction;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Wraps a device and decides, batch by batch, how it ends: as it does, later, never, or with a failure. For finding out
 * what becomes of those who rely on it. Thread-safe.
 */
public final class FaultyDeviceMemory implements DeviceMemory {

    /** What happens to a batch. */
    public enum Fault {
        /** Nothing: it ends as the device ends it. */
        NONE,
        /**
         * It is carried out as late as may be: when a later batch is, or when its end is told, which is when {@link
         * #releaseNext()} or a shuffled {@link #releaseAll} says so.
         */
        DELAY,
        /** It is not carried out, and fails at once. */
        FAIL,
        /** Half of it is carried out as late as with {@link #DELAY}, and its failure is told as late. */
        DELAY_FAIL,
        /** Half of it is carried out, then it fails. */
        HALF_FAIL,
        /** All of it is carried out, and yet it is told to have failed. */
        DONE_FAIL,
        /** It is not even taken: {@link #submit} throws, and the listener hears nothing. */
        REFUSE,
        /** It is not carried out, and its end is never told: the device cannot be closed after it. */
        NEVER
    }

    /** The failure of a batch that was made to fail. */
    public static final class InjectedFaultException extends RuntimeException {

        private final int batch;

        InjectedFaultException(int batch) {
            super("injected fault, batch=" + batch);
            this.batch = batch;
        }

        /** {@return number of the batch, from 0} */
        public int batch() {
            return batch;
        }
    }

    /** Decides what happens to a batch. */
    @FunctionalInterface
    public interface Faults {

        /**
         * Called once a batch, by whoever submits it.
         *
         * @param number of the batch, from 0
         * @param batch to be looked at only
         * @return what happens to it
         */
        Fault of(int number, CopyBatch batch);
    }

    /** A batch that is delayed. */
    private final class Held implements CopyListener {

        private final CopyBatch batch;
        private final CopyBatch work;
        private final CopyListener listener;
        private final @Nullable Throwable injected;
        private boolean begun;
        private boolean released;
        private boolean over;
        private @Nullable Throwable failure;

        /** The work is what is carried out of the batch. */
        Held(CopyBatch batch, CopyBatch work, CopyListener listener, @Nullable Throwable injected) {
            this.batch = batch;
            this.work = work;
            this.listener = listener;
            this.injected = injected;
        }

        void begin() {
            synchronized (FaultyDeviceMemory.this) {
                if (begun) {
                    return;
                }
                begun = true;
            }
            device.submit(work, this);
        }

        @Override
        public void ended(CopyBatch same, @Nullable Throwable cause) {
            synchronized (FaultyDeviceMemory.this) {
                failure = injected == null ? cause : injected;
                over = true;
                if (!released) {
                    return;
                }
            }
            tell();
        }

        void release() {
            synchronized (FaultyDeviceMemory.this) {
                released = true;
                if (!over) {
                    return;
                }
            }
            tell();
        }

        private void tell() {
            synchronized (FaultyDeviceMemory.this) {
                open.remove(this);
            }
            listener.ended(batch, failure);
        }
    }

    private final DeviceMemory device;
    private final Faults faults;
    /** Delayed and not released, in the order of submission. */
    private final List<Held> held = new ArrayList<>();
    /** Whose end was not told yet; those that never end stay. */
    private final List<Held> open = new ArrayList<>();

    private int batches;
    private boolean closed;

    /**
     * A device with faults.
     *
     * @param device what really holds the memory
     * @param faults what happens to each batch, by its number from 0; called once a batch
     */
    public FaultyDeviceMemory(DeviceMemory device, IntFunction<Fault> faults) {
        this(device, byNumber(faults));
    }

    /**
     * A device with faults that depend on what a batch does.
     *
     * @param device what really holds the memory
     * @param faults what happens to each batch
     */
    public FaultyDeviceMemory(DeviceMemory device, Faults faults) {
        this.device = Objects.requireNonNull(device, "device");
        this.faults = Objects.requireNonNull(faults, "faults");
    }

    private static Faults byNumber(IntFunction<Fault> faults) {
        Objects.requireNonNull(faults, "faults");
        return (number, batch) -> faults.apply(number);
    }

    /** Ends the batch that was delayed first; nothing if there is none. */
    public void releaseNext() {
        Held next;
        synchronized (this) {
            if (held.isEmpty()) {
                return;
            }
            next = held.remove(0);
        }
        next.begin();
        next.release();
    }

    /**
     * Ends all batches that are delayed, in any order.
     *
     * @param random chooses the order
     */
    public void releaseAll(RandomGenerator random) {
        carryOutHeld();
        while (true) {
            Held next;
            synchronized (this) {
                if (held.isEmpty()) {
                    return;
                }
                next = held.remove(random.nextInt(held.size()));
            }
            next.begin();
            next.release();
        }
    }

    /** Batches take effect in the order of their submission. */
    private void carryOutHeld() {
        List<Held> earlier;
        synchronized (this) {
            earlier = List.copyOf(held);
        }
        earlier.forEach(Held::begin);
    }

    /** {@return batches whose end is delayed} */
    public synchronized int delayed() {
        return held.size();
    }

    @Override
    public String name() {
        return device.name() + " with faults";
    }

    @Override
    public long budgetBytes() {
        return device.budgetBytes();
    }

    @Override
    public long allocatedBytes() {
        return device.allocatedBytes();
    }

    @Override
    public PageArena allocate(ArenaSpec spec) {
        return device.allocate(spec);
    }

    @Override
    public void release(PageArena arena) {
        requireIdle(arena);
        device.release(arena);
    }

    @Override
    public void submit(CopyBatch batch, CopyListener listener) {
        int number;
        synchronized (this) {
            if (closed) {
                throw new IllegalStateException("the device is closed, device=" + name());
            }
            number = batches++;
        }
        InjectedFaultException failure = new InjectedFaultException(number);
        switch (faults.of(number, batch)) {
            case NONE -> {
                carryOutHeld();
                device.submit(batch, listener);
            }
            case DELAY -> hold(new Held(batch, batch, listener, null));
            case FAIL -> listener.ended(batch, failure);
            case DELAY_FAIL -> hold(new Held(batch, batch.firstHalf(), listener, failure));
            case HALF_FAIL -> failAfter(batch.firstHalf(), batch, listener, failure);
            case DONE_FAIL -> failAfter(batch, batch, listener, failure);
            case REFUSE -> throw failure;
            case NEVER -> {
                synchronized (this) {
                    open.add(new Held(batch, batch, listener, null));
                }
            }
        }
    }

    private void failAfter(CopyBatch work, CopyBatch batch, CopyListener listener, Throwable failure) {
        Held told = new Held(batch, work, listener, failure);
        synchronized (this) {
            open.add(told);
        }
        carryOutHeld();
        told.begin();
        told.release();
    }

    @Override
    public void close() {
        requireIdle(null);
        device.close();
        synchronized (this) {
            closed = true;
        }
    }

    private synchronized void hold(Held batch) {
        held.add(batch);
        open.add(batch);
    }

    private synchronized void requireIdle(@Nullable PageArena released) {
        int inFlight = 0;
        for (Held one : open) {
            inFlight += released == null || one.batch.touches(released) ? 1 : 0;
        }
        if (inFlight > 0) {
            throw new IllegalStateException(
                    "memory is given back when no batch is in flight, device=" + name() + ", inFlight=" + inFlight);
        }
    }
}
