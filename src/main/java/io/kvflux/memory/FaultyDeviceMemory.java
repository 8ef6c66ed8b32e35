package io.kvflux.memory;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.locks.ReentrantLock;
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
         * It is carried out as late as may be: when a later batch is that shares a block or slot with it, or when its end is
         * told, which is when {@link #releaseNext()} or a shuffled {@link #releaseAll} says so.
         */
        DELAY,
        /** It is not carried out, and fails at once. */
        FAIL,
        /**
         * Half of it is carried out as late as with {@link #DELAY}, and its failure is told as late; it tells how many blocks
         * between the device and slots landed.
         */
        DELAY_FAIL,
        /** Half of it is carried out, then it fails, and tells how many blocks between the device and slots landed. */
        HALF_FAIL,
        /** All of it is carried out, and yet it is told to have failed. */
        DONE_FAIL,
        /** It is carried out, and one byte of what it wrote is another. */
        CORRUPT,
        /** It is not even taken: {@link #submit} throws, and the listener hears nothing. */
        REFUSE,
        /** It is not carried out, and its end is never told: the device cannot be closed after it. */
        NEVER
    }

    /** The failure of a batch that was made to fail. */
    public static final class InjectedFaultException extends CopyFailedException {

        private final int batch;

        InjectedFaultException(int batch, int landedBlocks) {
            super("injected fault, batch=" + batch, landedBlocks, null);
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
        private final boolean corrupt;
        private boolean begun;
        private boolean released;
        private boolean over;
        private @Nullable Throwable failure;

        /** The work is what is carried out of the batch. */
        Held(CopyBatch batch, CopyBatch work, CopyListener listener, @Nullable Throwable injected) {
            this(batch, work, listener, injected, false);
        }

        Held(CopyBatch batch, CopyBatch work, CopyListener listener, @Nullable Throwable injected, boolean corrupt) {
            this.batch = batch;
            this.work = work;
            this.listener = listener;
            this.injected = injected;
            this.corrupt = corrupt;
        }

        /** Submits it, once; whoever finds it begun comes after it. */
        void begin() {
            beginning.lock();
            try {
                if (!begun) {
                    begun = true;
                    Throwable loss = loss(batch);
                    if (loss == null) {
                        device.submit(work, this);
                    } else {
                        ended(work, loss);
                    }
                }
            } finally {
                beginning.unlock();
            }
        }

        @Override
        public void ended(CopyBatch same, @Nullable Throwable cause) {
            if (corrupt && cause == null) {
                batch.corrupt();
            }
            synchronized (FaultyDeviceMemory.this) {
                failure = injected == null || cause != null ? cause : injected; // a real failure knows what landed
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
            letGo();
            listener.ended(batch, failure);
        }

        void letGo() {
            SlotArena slots = batch.slots();
            if (slots != null) {
                slots.letGo();
            }
        }
    }

    private final DeviceMemory device;
    private final Faults faults;
    /** Held while one is submitted, so that two threads submit in an order that both know. */
    private final ReentrantLock beginning = new ReentrantLock();
    /** Delayed and not released, in the order of submission. */
    private final List<Held> held = new ArrayList<>();
    /** Whose end was not told yet; those that never end stay. */
    private final List<Held> open = new ArrayList<>();
    /** Whose end is never told. */
    private final List<Held> never = new ArrayList<>();
    /** By replica. */
    private final Map<Integer, Throwable> lost = new HashMap<>();

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

    /** Batches that share a block or slot take effect in the order of their submission. */
    private void carryOutHeldBefore(CopyBatch batch) {
        List<CopyBatch> later = new ArrayList<>(List.of(batch));
        Deque<Held> first = new ArrayDeque<>();
        synchronized (this) {
            for (int i = held.size() - 1; i >= 0; i--) {
                Held earlier = held.get(i);
                if (later.stream().anyMatch(earlier.work::conflictsWith)) {
                    later.add(earlier.work);
                    first.push(earlier);
                }
            }
        }
        first.forEach(Held::begin);
    }

    /** In the order of their submission. */
    private void carryOutHeld() {
        List<Held> earlier;
        synchronized (this) {
            earlier = List.copyOf(held);
        }
        earlier.forEach(Held::begin);
    }

    /**
     * The arenas of a replica are lost: batches that touch them fail with the cause, whatever else was to happen to them.
     * Those that are delayed are not carried out either; those whose end is never told still have none.
     *
     * @param replica which
     * @param cause why
     */
    public synchronized void lose(int replica, Throwable cause) {
        lost.put(replica, cause);
    }

    @Override
    public @Nullable Throwable loss(PageArena arena) {
        synchronized (this) {
            Throwable cause = lost.get(arena.spec().replica());
            if (cause != null) {
                return cause;
            }
        }
        return device.loss(arena);
    }

    private synchronized @Nullable Throwable loss(CopyBatch batch) {
        List<Throwable> causes = new ArrayList<>();
        if (!lost.isEmpty()) {
            batch.forEachArena(arena -> {
                Throwable cause = lost.get(arena.spec().replica());
                if (cause != null) {
                    causes.add(cause);
                }
            });
        }
        return causes.isEmpty() ? null : causes.get(0);
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
    public void attach(SlotArena slots) {
        device.attach(slots);
    }

    @Override
    public void detach(SlotArena slots) {
        device.detach(slots);
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
        Throwable loss = loss(batch);
        if (loss != null) {
            listener.ended(batch, loss);
            return;
        }
        InjectedFaultException failure = new InjectedFaultException(number, 0);
        switch (faults.of(number, batch)) {
            case NONE -> {
                carryOutHeldBefore(batch);
                device.submit(batch, listener);
            }
            case DELAY -> hold(new Held(batch, batch, listener, null));
            case FAIL -> listener.ended(batch, failure);
            case DELAY_FAIL -> hold(half(number, batch, listener));
            case HALF_FAIL -> carryOut(half(number, batch, listener));
            case DONE_FAIL -> carryOut(new Held(batch, batch, listener, failure));
            case CORRUPT -> carryOut(new Held(batch, batch, listener, null, true));
            case REFUSE -> throw failure;
            case NEVER -> {
                Held silent = new Held(batch, batch, listener, null);
                if (keep(silent)) {
                    synchronized (this) {
                        never.add(silent);
                    }
                }
            }
        }
    }

    private Held half(int number, CopyBatch batch, CopyListener listener) {
        CopyBatch half = batch.firstHalf();
        return new Held(batch, half, listener, new InjectedFaultException(number, half.transferredBlocks()));
    }

    /** Keeps what a batch touches; false if its slots are closed, which is its end. */
    private boolean keep(Held batch) {
        SlotArena slots = batch.batch.slots();
        try {
            if (slots != null) {
                slots.hold();
            }
        } catch (IllegalStateException closedSlots) {
            batch.listener.ended(batch.batch, closedSlots);
            return false;
        }
        synchronized (this) {
            open.add(batch);
        }
        return true;
    }

    private void hold(Held batch) {
        if (keep(batch)) {
            synchronized (this) {
                held.add(batch);
            }
        }
    }

    private void carryOut(Held batch) {
        if (keep(batch)) {
            carryOutHeldBefore(batch.work);
            batch.begin();
            batch.release();
        }
    }

    /**
     * Forgets the batches whose end is never told, so that what they touch can be given back: for a test that has seen what
     * they do to others.
     */
    public void forgetNever() {
        List<Held> silent;
        synchronized (this) {
            silent = List.copyOf(never);
            open.removeAll(never);
            never.clear();
        }
        silent.forEach(Held::letGo);
    }

    @Override
    public void close() {
        requireIdle(null);
        device.close();
        synchronized (this) {
            closed = true;
        }
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
