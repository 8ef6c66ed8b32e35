package io.kvflux.memory.host;

import io.kvflux.geometry.DataSize;
import io.kvflux.memory.ArenaSpec;
import io.kvflux.memory.CopyBatch;
import io.kvflux.memory.CopyFailedException;
import io.kvflux.memory.CopyListener;
import io.kvflux.memory.DeviceMemory;
import io.kvflux.memory.OutOfDeviceMemoryException;
import io.kvflux.memory.PageArena;
import io.kvflux.memory.SlotArena;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Host memory as a device. Arenas are taken lazily from the operating system: a page costs memory when it is first
 * written. Copies run on the thread that submits them and are over when submit returns, unless a batch that another thread
 * has in flight must come first: then that thread carries them out, and nobody waits.
 */
public final class HostMemoryDevice implements DeviceMemory {

    private final long budgetBytes;
    private final List<HostArena> arenas = new ArrayList<>();
    /** Batches in flight, in order of submission. */
    private final List<Job> jobs = new ArrayList<>();

    private long allocatedBytes;
    private boolean closed;

    /** A batch in flight; its counters belong to the device's lock. */
    private static final class Job {

        final CopyBatch batch;
        final CopyListener listener;
        /** Those that wait for this one, among others perhaps. */
        final List<Job> followers = new ArrayList<>(0);
        /** How many it waits for. */
        int awaited;

        Job(CopyBatch batch, CopyListener listener) {
            this.batch = batch;
            this.listener = listener;
        }
    }

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
        Job job = new Job(batch, listener);
        Throwable failure;
        boolean ready;
        synchronized (this) {
            failure = begin(batch);
            ready = failure == null && enter(job);
        }
        if (failure != null) {
            listener.ended(batch, failure);
        } else if (ready) {
            carryOut(job);
        }
    }

    /** Keeps the arenas and slots of a batch from being released; tells why if it cannot. */
    private @Nullable Throwable begin(CopyBatch batch) {
        requireOpen();
        SlotArena slots = batch.slots();
        try {
            batch.forEachArena(this::own);
            if (slots != null) {
                slots.hold();
            }
        } catch (IllegalArgumentException | IllegalStateException foreignOrClosed) {
            return foreignOrClosed;
        }
        batch.forEachArena(arena -> own(arena).inFlight++);
        return null;
    }

    /** Queues a job behind those that it must not overtake; true if there are none. */
    private boolean enter(Job job) {
        for (Job earlier : jobs) {
            if (earlier.batch.conflictsWith(job.batch)) {
                earlier.followers.add(job);
                job.awaited++;
            }
        }
        jobs.add(job);
        return job.awaited == 0;
    }

    /** Carries out a job, and then those that waited for it alone: whoever submitted them did not wait. */
    private void carryOut(Job first) {
        Deque<Job> ready = new ArrayDeque<>(List.of(first));
        try {
            finish(ready.remove(), ready);
        } finally {
            while (!ready.isEmpty()) {
                try {
                    finish(ready.remove(), ready);
                } catch (RuntimeException | Error bug) { // of a listener whose submitter is elsewhere
                    Thread thread = Thread.currentThread();
                    thread.getUncaughtExceptionHandler().uncaughtException(thread, bug);
                }
            }
        }
    }

    private void finish(Job job, Deque<Job> ready) {
        Throwable failure = copy(job.batch);
        end(job, ready);
        job.listener.ended(job.batch, failure);
    }

    private @Nullable Throwable copy(CopyBatch batch) {
        Copier copier = new Copier();
        try {
            batch.forEach(copier);
            return null;
        } catch (RuntimeException | Error thrown) {
            return copier.landed == 0
                    ? thrown
                    : new CopyFailedException(
                            "a batch failed half-way, landedBlocks=" + copier.landed, copier.landed, thrown);
        }
    }

    private synchronized void end(Job job, Deque<Job> ready) {
        CopyBatch batch = job.batch;
        batch.forEachArena(arena -> own(arena).inFlight--);
        SlotArena slots = batch.slots();
        if (slots != null) {
            slots.letGo();
        }
        jobs.remove(job);
        for (Job follower : job.followers) {
            follower.awaited--;
            if (follower.awaited == 0) {
                ready.add(follower);
            }
        }
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
        requireIdle(jobs.size());
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

        int landed;

        @Override
        public void fill(PageArena arena, int page, int count, byte value) {
            own(arena).fill(page, count, value);
        }

        @Override
        public void copy(PageArena arena, int source, int destination, int count) {
            own(arena).copy(source, destination, count);
        }

        @Override
        public void offload(PageArena arena, int page, SlotArena slots, int slot, long offset, int count) {
            own(arena).offload(page, slots, slot, offset, count);
        }

        @Override
        public void onload(SlotArena slots, int slot, long offset, PageArena arena, int page, int count) {
            own(arena).onload(slots, slot, offset, page, count);
        }

        @Override
        public void given(int blocks) {
            landed = blocks;
        }
    }
}
