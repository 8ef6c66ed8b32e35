package io.kvflux.memory.cuda;

import io.kvflux.geometry.DeviceRef;
import io.kvflux.memory.ArenaSpec;
import io.kvflux.memory.CopyBatch;
import io.kvflux.memory.CopyListener;
import io.kvflux.memory.DeviceLostException;
import io.kvflux.memory.DeviceMemory;
import io.kvflux.memory.OutOfDeviceMemoryException;
import io.kvflux.memory.PageArena;
import io.kvflux.memory.SlotArena;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The memory of one GPU, or of several that work as one, through the CUDA driver. Each is used through its primary context,
 * which the CUDA runtime of the same process uses too, so addresses of pages are good for kernels of any library in it.
 *
 * <pre>{@code
 * CudaDevice device = CudaDevice.open(0);
 * BlockScheduler scheduler = BlockScheduler.builder(caches).device(device).build();
 * ...
 * scheduler.disposeLater().block();
 * device.close();
 * }</pre>
 *
 * <p>The caches' {@code devices} say where an arena is: {@code gpu:0} is the first GPU that was named when this was opened,
 * {@code gpu:1} the second and so on; where fewer are open they take turns, so one GPU has the arenas of all shards and
 * replicas.
 *
 * <p>Copies run on streams of their own, of the lowest priority, and {@link #submit} only begins them, unless they are about
 * slots that were not attached: the driver copies those while the caller waits. A thread asks the driver for their end and
 * tells the listeners. Every method may be called by any thread, whose current context stays what
 * it was.
 */
public final class CudaDevice implements DeviceMemory {

    private static final int MOST_STRANGE_ANSWERS = 10_000;
    private static final long GRACE_NS = 1_000_000_000;

    private final CudaDriver driver;
    private final List<Gpu> gpus;
    private final List<Issuer> issuers;
    private final boolean virtualMemory;
    private final long budgetBytesEach;
    private final Copier copier;
    private final Completions completions;

    private final List<CudaArena> arenas = new ArrayList<>();
    private final IdentityHashMap<SlotArena, PinnedSlots> pinned = new IdentityHashMap<>();
    /** Batches in flight, in the order of submission. */
    private final List<CudaJob> jobs = new ArrayList<>();

    /** Those that are asked for just now; of the thread that does. */
    private final List<CudaJob> asked = new ArrayList<>();

    private final Deque<CudaJob> spare = new ArrayDeque<>();
    private final long[] allocated;
    /** Batches that are over and whose listeners were not told yet. */
    private int untold;

    private boolean closed;

    CudaDevice(CudaDeviceBuilder.Opened opened) {
        driver = opened.driver();
        gpus = opened.gpus();
        issuers = opened.issuers();
        virtualMemory = opened.virtualMemory();
        budgetBytesEach = opened.budgetBytesEach();
        allocated = new long[gpus.size()];
        copier = new Copier(gpus, issuers);
        completions = new Completions(this, "kvflux-cuda-" + gpus.get(0).ordinal());
        completions.start();
    }

    /**
     * Opens GPUs with the defaults of {@link CudaDeviceBuilder}.
     *
     * @param ordinals their numbers among those that the driver shows, from 0; at least one
     * @return the device, until it is closed
     * @throws CudaUnavailableException if there is no driver, or no such GPU
     * @throws CudaException if the driver refuses; nothing is held then
     */
    public static CudaDevice open(int... ordinals) {
        return builder().devices(ordinals).open();
    }

    /** {@return a builder of a device, for the GPU 0 and with 90 % of what it has free} */
    public static CudaDeviceBuilder builder() {
        return new CudaDeviceBuilder();
    }

    @Override
    public String name() {
        return gpus.stream().map(Gpu::toString).collect(Collectors.joining(" and "));
    }

    /** {@return what the GPUs are, and what they had free when this was opened} */
    public List<CudaProperties> properties() {
        return gpus.stream().map(Gpu::properties).toList();
    }

    @Override
    public long budgetBytes() {
        return budgetBytesEach * gpus.size();
    }

    @Override
    public synchronized long allocatedBytes() {
        return Arrays.stream(allocated).sum();
    }

    @Override
    public synchronized PageArena allocate(ArenaSpec spec) {
        requireOpen();
        int index = indexFor(spec);
        Gpu gpu = gpus.get(index);
        if (spec.bytes() > budgetBytesEach - allocated[index]) {
            throw new OutOfDeviceMemoryException(
                    gpu.toString(), spec.toString(), spec.bytes(), allocated[index], budgetBytesEach);
        }
        CudaArena arena;
        gpu.enter();
        try {
            ArenaMemory memory = virtualMemory
                    ? VirtualMemory.allocate(gpu, gpu.readers(), spec.bytes())
                    : PlainMemory.allocate(gpu, spec.bytes());
            arena = new CudaArena(spec, gpu, memory);
        } catch (CudaException refused) {
            if (refused.code() != Cu.CUDA_ERROR_OUT_OF_MEMORY) {
                throw refused;
            }
            throw OutOfDeviceMemoryException.withinBudget(
                    gpu.toString(), spec.toString(), spec.bytes(), allocated[index], budgetBytesEach, refused);
        } finally {
            gpu.leave();
        }
        arenas.add(arena);
        allocated[index] += spec.bytes();
        return arena;
    }

    /** The GPUs take turns, where there are fewer than the caches name. */
    private int indexFor(ArenaSpec spec) {
        return spec.device().kind() == DeviceRef.Kind.GPU ? spec.device().id() % gpus.size() : 0;
    }

    @Override
    public synchronized void release(PageArena arena) {
        if (arena instanceof CudaArena own && arenas.contains(own)) {
            requireIdle(own.inFlight);
            arenas.remove(own);
            allocated[gpus.indexOf(own.gpu())] -= own.spec().bytes();
            free(own);
        }
    }

    private static void free(CudaArena arena) {
        arena.gpu().staging().exclusively(() -> {
            boolean entered = arena.gpu().tryEnter();
            arena.close();
            if (entered) {
                arena.gpu().leave();
            }
        });
    }

    @Override
    public synchronized void attach(SlotArena slots) {
        requireOpen();
        if (!pinned.containsKey(slots)) {
            PinnedSlots own = PinnedSlots.pin(slots, gpus);
            if (own != null) {
                pinned.put(slots, own);
            }
        }
    }

    @Override
    public synchronized void detach(SlotArena slots) {
        int inFlight = 0;
        for (CudaJob job : jobs) {
            inFlight += job.batch().slots() == slots ? 1 : 0;
        }
        requireIdle(inFlight);
        PinnedSlots own = pinned.remove(slots);
        if (own != null) {
            own.unpin();
        }
    }

    @Override
    public void submit(CopyBatch batch, CopyListener listener) {
        Throwable failure;
        synchronized (this) {
            requireOpen();
            failure = hold(batch);
            if (failure == null) {
                CudaJob job = spare.isEmpty() ? new CudaJob(gpus.size()) : spare.pop();
                job.begin(batch, listener);
                copier.begin(job, jobs, pinned.get(batch.slots()));
                jobs.add(job);
            }
        }
        if (failure == null) {
            completions.wake();
        } else {
            listener.ended(batch, failure);
        }
    }

    /** Keeps the arenas and slots of a batch from being released; tells why if it cannot. */
    private @Nullable Throwable hold(CopyBatch batch) {
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

    private CudaArena own(PageArena arena) {
        if (arena instanceof CudaArena own && gpus.contains(own.gpu())) {
            return own;
        }
        throw new IllegalArgumentException(
                "a batch goes to the device its arenas are on, device=" + name() + ", " + arena.spec());
    }

    /**
     * Moves the batches that are over into a list; whether others are in flight. For the one thread that looks for them, which
     * asks the driver without the lock: nobody else changes the events of a batch in flight.
     */
    boolean takeEnded(List<CudaJob> into) {
        synchronized (this) {
            asked.addAll(jobs);
        }
        for (CudaJob job : asked) {
            if (isOver(job)) {
                into.add(job);
            }
        }
        asked.clear();
        synchronized (this) {
            for (CudaJob job : into) {
                jobs.remove(job);
                untold++;
                putBackEvents(job);
                letGo(job);
            }
            return !jobs.isEmpty();
        }
    }

    private boolean isOver(CudaJob job) {
        boolean over = true;
        boolean lost = false;
        for (int device = 0; device < gpus.size(); device++) {
            Gpu gpu = gpus.get(device);
            for (int stream = 0; stream < Gpu.STREAMS; stream++) {
                long event = job.event(device, stream);
                if (event == 0) {
                    continue;
                }
                int code = gpu.isLost() ? Cu.CUDA_SUCCESS : gpu.query(event);
                boolean reached = code == Cu.CUDA_SUCCESS
                        || (code != Cu.CUDA_ERROR_NOT_READY && isReachedForAllWeKnow(job, gpu, stream, code));
                over = over && reached;
                lost = lost || gpu.isLost();
            }
            lost = lost || (job.waitsFor[device] && gpu.isLost());
        }
        if (lost && over) {
            job.failed(lossOf(job));
        } else if (lost && isWaitedForInVain(job)) {
            abandon(job);
            return true;
        }
        return over;
    }

    /** Why the batch cannot be said to have been carried out: a device of its own, or one that it waits for, is lost. */
    private DeviceLostException lossOf(CudaJob job) {
        for (int device = 0; device < gpus.size(); device++) {
            Gpu gpu = gpus.get(device);
            if (gpu.isLost() && (job.waitsFor[device] || job.hasEvents(device))) {
                return Objects.requireNonNull(gpu.loss());
            }
        }
        throw new IllegalStateException("no device of the batch is lost, device=" + name());
    }

    /** Streams that wait for those of a lost device and go on no more take their own device with them. */
    private void abandon(CudaJob job) {
        DeviceLostException loss = lossOf(job);
        job.failed(loss);
        for (int device = 0; device < gpus.size(); device++) {
            if (isStuck(job, device)) {
                gpus.get(device).abandon(loss);
            }
        }
    }

    /** Whether what was begun there may be in use for ever: a lost device's memory too, by streams that copy from it. */
    private boolean isStuck(CudaJob job, int device) {
        Gpu gpu = gpus.get(device);
        boolean stuck = false;
        for (int stream = 0; stream < Gpu.STREAMS; stream++) {
            long event = job.event(device, stream);
            stuck |= event != 0 && (gpu.isLost() || gpu.query(event) != Cu.CUDA_SUCCESS);
        }
        return stuck;
    }

    /**
     * The driver says neither yes nor no. That is not the end: copies may still run, as while somebody else captures a graph. It
     * is asked again and, if it never gives an answer, the stream is waited for.
     */
    private static boolean isReachedForAllWeKnow(CudaJob job, Gpu gpu, int stream, int code) {
        RuntimeException failure = gpu.failure(code, "cuEventQuery", "");
        job.strangeAnswers++;
        if (job.strangeAnswers >= MOST_STRANGE_ANSWERS) {
            job.failed(failure);
            gpu.settle(stream);
            return true;
        }
        return gpu.isLost();
    }

    /** A stream that waits for one of a lost device may wait for ever; what else there was to do has long been done. */
    private boolean isWaitedForInVain(CudaJob job) {
        long now = System.nanoTime();
        if (job.lostNs == 0) {
            job.lostNs = now;
        }
        return now - job.lostNs > GRACE_NS;
    }

    private void putBackEvents(CudaJob job) {
        for (int device = 0; device < gpus.size(); device++) {
            for (int stream = 0; stream < Gpu.STREAMS; stream++) {
                long event = job.event(device, stream);
                if (event != 0) {
                    gpus.get(device).putBackEvent(event);
                    job.event(device, stream, 0);
                }
            }
        }
    }

    private void letGo(CudaJob job) {
        CopyBatch batch = job.batch();
        batch.forEachArena(arena -> own(arena).inFlight--);
        SlotArena slots = batch.slots();
        if (slots != null) {
            slots.letGo();
        }
    }

    /** The listener of a batch is being told. */
    synchronized void putBack(CudaJob job) {
        untold--;
        job.words.forEach(PinnedWords::putBack);
        job.words.clear();
        job.forget();
        spare.push(job);
    }

    @Override
    public @Nullable Throwable loss(PageArena arena) {
        return arena instanceof CudaArena own && gpus.contains(own.gpu())
                ? own.gpu().loss()
                : null;
    }

    /**
     * Makes a stream of the caller's wait for all copies that were submitted until now, without waiting itself: for a loop that
     * begins computing before it heard that they are over.
     *
     * @param ordinal the GPU that the stream is on
     * @param stream a CUstream of its primary context, or a cudaStream_t
     */
    public synchronized void orderAfterCopies(int ordinal, long stream) {
        requireOpen();
        gpu(ordinal).orderAfterCopies(stream);
    }

    /**
     * Makes all copies that are submitted from now on wait for what a stream of the caller's was given until now, without
     * waiting itself: for a loop that tells the scheduler of a step before the GPU has computed it.
     *
     * @param ordinal the GPU that the stream is on
     * @param stream a CUstream of its primary context, or a cudaStream_t
     */
    public synchronized void orderCopiesAfter(int ordinal, long stream) {
        requireOpen();
        gpu(ordinal).orderCopiesAfter(stream);
    }

    private Gpu gpu(int ordinal) {
        for (Gpu gpu : gpus) {
            if (gpu.ordinal() == ordinal) {
                return gpu;
            }
        }
        throw new IllegalArgumentException("no such GPU is open here, ordinal=" + ordinal + ", open=" + name());
    }

    /**
     * Where an arena is.
     *
     * @param arena an arena of this device
     * @return the ordinal of the GPU
     */
    public synchronized int ordinal(PageArena arena) {
        requireOpen();
        return own(arena).gpu().ordinal();
    }

    /**
     * Compiles a kernel for a GPU.
     *
     * @param ordinal which
     * @param ptx text that the driver compiles
     * @param function its entry
     * @return the kernel, until it is closed, or the device is
     * @throws CudaException if the driver refuses
     */
    public synchronized CudaKernel kernel(int ordinal, String ptx, String function) {
        requireOpen();
        return CudaKernel.load(gpu(ordinal), ptx, function);
    }

    /**
     * Allocates memory beside the arenas, which counts for no budget.
     *
     * @param ordinal the GPU
     * @param bytes how much, at least 1
     * @return the memory, until it is closed, or the device is
     * @throws CudaException if the GPU has not got it
     */
    public synchronized CudaBuffer buffer(int ordinal, long bytes) {
        requireOpen();
        return CudaBuffer.allocate(gpu(ordinal), bytes);
    }

    /** {@return by GPU and direction, up to which size of pieces a kernel copies them: what was measured} */
    public List<KernelLimits> kernelLimits() {
        List<KernelLimits> limits = new ArrayList<>();
        for (int i = 0; i < gpus.size(); i++) {
            Issuer issuer = issuers.get(i);
            limits.add(new KernelLimits(
                    gpus.get(i).ordinal(),
                    issuer.usesKernelUpTo(Issuer.Kind.DOWN),
                    issuer.usesKernelUpTo(Issuer.Kind.UP),
                    issuer.usesKernelUpTo(Issuer.Kind.WITHIN),
                    issuer.fillsByKernelUpTo(),
                    issuer.refusal()));
        }
        return limits;
    }

    @Override
    public void close() {
        synchronized (this) {
            if (closed) {
                return;
            }
            requireIdle(jobs.size() + untold);
            closed = true;
        }
        completions.stop();
        synchronized (this) {
            arenas.forEach(CudaDevice::free);
            arenas.clear();
            Arrays.fill(allocated, 0);
            pinned.values().forEach(PinnedSlots::unpin);
            pinned.clear();
            CudaDeviceBuilder.closeAll(gpus, issuers);
        }
    }

    @Override
    public String toString() {
        return name() + "[allocatedBytes=" + allocatedBytes() + ", budgetBytes=" + budgetBytes() + ", freeBytes="
                + gpus.stream().map(gpu -> gpu.properties().freeBytes()).toList() + " when it was opened, driver="
                + driver.versionText() + "]";
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
}
