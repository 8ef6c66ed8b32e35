package io.kvflux.memory.cuda;

import io.kvflux.memory.DeviceLostException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One device: its primary context, the streams of its copies and the events behind them. Calls that need its context are
 * made between {@link #enter} and {@link #leave}, which give the thread back the context it had.
 */
final class Gpu implements AutoCloseable {

    /** Streams by their use; a batch knows them by these numbers. */
    static final int DOWN = 0;

    static final int UP = 1;
    static final int WITHIN = 2;
    static final int STREAMS = 3;

    private final CudaProperties properties;
    private final int device;
    private final long context;
    private final long[] streams = new long[STREAMS];
    private long accessStream;
    private @Nullable Staging staging;

    private long[] events = new long[16];
    private int eventsLeft;
    private final List<Gpu> readers = new ArrayList<>(List.of(this));
    private final Deque<PinnedWords> words = new ArrayDeque<>();
    /** Buffers and kernels that are open. */
    private final Set<Runnable> open = new LinkedHashSet<>();

    private volatile @Nullable DeviceLostException loss;
    private volatile boolean abandoned;

    private Gpu(CudaProperties properties, int device, long context) {
        this.properties = properties;
        this.device = device;
        this.context = context;
    }

    /**
     * Takes hold of a device.
     *
     * @throws CudaException if the driver refuses; nothing is held then
     */
    static Gpu open(CudaDriver driver, int ordinal) {
        Scratch scratch = Scratch.get();
        String operands = "device=" + ordinal;
        int code = Driver.cuDeviceGet(scratch.address(), ordinal);
        if (code != Cu.CUDA_SUCCESS) {
            throw CudaException.of("cuDeviceGet", code, operands);
        }
        int device = scratch.getInt(0);
        code = Driver.cuDevicePrimaryCtxRetain(scratch.address(), device);
        if (code != Cu.CUDA_SUCCESS) {
            CudaException refused = CudaException.of("cuDevicePrimaryCtxRetain", code, operands);
            throw new CudaUnavailableException(
                    "the GPU cannot be used, asked=" + ordinal + ": " + refused.getMessage()
                            + "; look at nvidia-smi and at Xid messages of the driver in the kernel's log",
                    refused);
        }
        long context = scratch.getLong(0);
        Gpu gpu;
        try {
            gpu = new Gpu(CudaProperties.of(driver, ordinal), device, context);
        } catch (RuntimeException | Error refused) {
            Driver.cuDevicePrimaryCtxRelease_v2(device);
            throw refused;
        }
        try {
            gpu.enter();
            try {
                gpu.begin();
            } finally {
                gpu.leave();
            }
        } catch (RuntimeException | Error refused) {
            gpu.close();
            throw refused;
        }
        return gpu;
    }

    private void begin() {
        Scratch scratch = Scratch.get();
        check(
                Driver.cuCtxGetStreamPriorityRange(scratch.address(), scratch.address(Integer.BYTES)),
                "cuCtxGetStreamPriorityRange");
        int least = scratch.getInt(0);
        for (int i = 0; i < STREAMS; i++) {
            streams[i] = newStream(least);
        }
        accessStream = newStream(least);
        staging = new Staging(this, accessStream);
    }

    /** Copies give way to computing. */
    private long newStream(int priority) {
        Scratch scratch = Scratch.get();
        check(
                Driver.cuStreamCreateWithPriority(scratch.address(), Cu.CU_STREAM_NON_BLOCKING, priority),
                "cuStreamCreateWithPriority");
        return scratch.getLong(0);
    }

    CudaProperties properties() {
        return properties;
    }

    int ordinal() {
        return properties.ordinal();
    }

    long context() {
        return context;
    }

    long stream(int use) {
        return streams[use];
    }

    Staging staging() {
        return Objects.requireNonNull(staging);
    }

    /**
     * Makes its context the thread's. A capture of a graph that somebody else makes meanwhile is not ours to break: the thread
     * is in relaxed mode until it leaves.
     */
    void enter() {
        int code = push();
        if (code != Cu.CUDA_SUCCESS) {
            throw failure(code, "cuCtxPushCurrent_v2", "");
        }
    }

    /** The same; false where that fails because the device is lost. */
    boolean tryEnter() {
        return push() == Cu.CUDA_SUCCESS;
    }

    private int push() {
        if (abandoned) {
            return Cu.CUDA_ERROR_CONTEXT_IS_DESTROYED;
        }
        int code = Driver.cuCtxPushCurrent_v2(context);
        if (code == Cu.CUDA_SUCCESS) {
            Scratch scratch = Scratch.get();
            if (scratch.depth == 0) {
                scratch.captureMode = exchangeCaptureMode(scratch, Cu.CU_STREAM_CAPTURE_MODE_RELAXED);
            }
            scratch.depth++;
        }
        return code;
    }

    /** Gives the thread back the context and the mode that it had. */
    void leave() {
        Scratch scratch = Scratch.get();
        scratch.depth--;
        if (scratch.depth == 0) {
            exchangeCaptureMode(scratch, scratch.captureMode);
        }
        Driver.cuCtxPopCurrent_v2(scratch.address());
    }

    private static int exchangeCaptureMode(Scratch scratch, int mode) {
        scratch.setInt(0, mode);
        Driver.cuThreadExchangeStreamCaptureMode(scratch.address());
        return scratch.getInt(0);
    }

    /** Gives something back, within the context; not where the device is lost, whose context takes all with it. */
    void run(Runnable giving) {
        if (tryEnter()) {
            giving.run();
            leave();
        }
    }

    /** What has become of an event. */
    int query(long event) {
        int code = push();
        if (code == Cu.CUDA_SUCCESS) {
            code = Driver.cuEventQuery(event);
            leave();
        }
        return code;
    }

    void check(int code, String call) {
        if (code != Cu.CUDA_SUCCESS) {
            throw failure(code, call, "");
        }
    }

    void check(int code, String call, long bytes) {
        if (code != Cu.CUDA_SUCCESS) {
            throw failure(code, call, ", bytes=" + bytes);
        }
    }

    /** What a code that is not success means: that the device is lost, if it is one of those and the next call has one too. */
    RuntimeException failure(int code, String call, String operands) {
        CudaException failure = CudaException.of(call, code, "device=" + ordinal() + operands);
        if (isFatal(code) && isFatal(probe())) {
            lose(failure);
        }
        DeviceLostException lost = loss;
        return lost == null ? failure : lost;
    }

    /** Codes that stay once they were given: the context is broken, or the device is gone. */
    private static boolean isFatal(int code) {
        return code == Cu.CUDA_ERROR_ECC_UNCORRECTABLE
                || code == Cu.CUDA_ERROR_NVLINK_UNCORRECTABLE
                || code == Cu.CUDA_ERROR_ILLEGAL_ADDRESS
                || code == Cu.CUDA_ERROR_LAUNCH_TIMEOUT
                || code == Cu.CUDA_ERROR_CONTEXT_IS_DESTROYED
                || (code >= Cu.CUDA_ERROR_HARDWARE_STACK_ERROR && code <= Cu.CUDA_ERROR_LAUNCH_FAILED)
                || code == Cu.CUDA_ERROR_UNKNOWN;
    }

    /** Asks the driver whether the device still answers. */
    private int probe() {
        int code = push();
        if (code == Cu.CUDA_SUCCESS) {
            code = Driver.cuStreamQuery(accessStream);
            leave();
        }
        return code;
    }

    private synchronized void lose(CudaException failure) {
        if (loss == null) {
            loss = new DeviceLostException(
                    properties.name(),
                    String.valueOf(failure.getMessage()),
                    "restart this process; if it happens again, look for Xid messages of the driver in the kernel's log",
                    failure);
        }
    }

    /** Why it is lost; null while it is not. Asks the driver. */
    @Nullable
    DeviceLostException loss() {
        if (loss == null) {
            int code = probe();
            if (isFatal(code)) {
                lose(CudaException.of("cuStreamQuery", code, "device=" + ordinal()));
            }
        }
        return loss;
    }

    /**
     * Gives it up because streams of it wait for a lost device and go on no more: whatever waited for them would not end, giving
     * memory back included, so nothing is asked of it from now on.
     */
    synchronized void abandon(DeviceLostException other) {
        if (loss == null) {
            loss = new DeviceLostException(
                    properties.name(),
                    "it waits for one that is lost: " + other.getMessage(),
                    "restart this process",
                    other);
        }
        abandoned = true;
    }

    boolean isAbandoned() {
        return abandoned;
    }

    /** Whether it is known to be lost; asks nobody. */
    boolean isLost() {
        return loss != null;
    }

    /** Waits for a stream whose event cannot tell its end; the device is lost if that cannot be. */
    void settle(int use) {
        if (tryEnter()) {
            settle(streams[use], Driver.cuStreamSynchronize(streams[use]));
            leave();
        }
    }

    /** Waits for a stream, within the context; whatever happens, nothing of it runs any more afterwards. */
    void synchronize(long stream) {
        int code = Driver.cuStreamSynchronize(stream);
        if (code != Cu.CUDA_SUCCESS) {
            RuntimeException failure = failure(code, "cuStreamSynchronize", "");
            settle(stream, code);
            throw failure;
        }
    }

    /** Where waiting failed twice nobody will ever know what copies still do, so the device is lost. */
    private void settle(long stream, int first) {
        int code = first == Cu.CUDA_SUCCESS ? first : Driver.cuStreamSynchronize(stream);
        if (code != Cu.CUDA_SUCCESS) {
            lose(CudaException.of("cuStreamSynchronize", code, "device=" + ordinal()));
        }
    }

    /** An event that nobody uses; within the context. */
    synchronized long takeEvent() {
        if (eventsLeft > 0) {
            eventsLeft--;
            return events[eventsLeft];
        }
        Scratch scratch = Scratch.get();
        check(Driver.cuEventCreate(scratch.address(), Cu.CU_EVENT_DISABLE_TIMING), "cuEventCreate");
        return scratch.getLong(0);
    }

    synchronized void putBackEvent(long event) {
        if (eventsLeft == events.length) {
            events = Arrays.copyOf(events, 2 * eventsLeft);
        }
        events[eventsLeft] = event;
        eventsLeft++;
    }

    /** Something is to be given back before the device is closed, unless it was before. */
    synchronized void opened(Runnable giving) {
        open.add(giving);
    }

    synchronized void closed(Runnable giving) {
        open.remove(giving);
    }

    private synchronized List<Runnable> stillOpen() {
        return List.copyOf(open);
    }

    /** Room for what a kernel is to work on; within the context. */
    synchronized PinnedWords takeWords() {
        return words.isEmpty() ? PinnedWords.allocate(this) : words.pop();
    }

    synchronized void putBack(PinnedWords some) {
        words.push(some);
    }

    /** Leaves an event behind what a stream was given until now; within the context. */
    void record(long event, int use) {
        check(Driver.cuEventRecord(event, streams[use]), "cuEventRecord");
    }

    /** An event behind what a stream was given until now; within the context. */
    private long record(long stream) {
        long event = takeEvent();
        int code = Driver.cuEventRecord(event, stream);
        if (code != Cu.CUDA_SUCCESS) {
            putBackEvent(event);
            throw failure(code, "cuEventRecord", "");
        }
        return event;
    }

    /** Makes a stream wait for all that one of another device was given until now. */
    void order(int after, Gpu other, int before) {
        other.enter();
        long event;
        try {
            event = other.record(other.streams[before]);
        } finally {
            other.leave();
        }
        enter();
        try {
            check(Driver.cuStreamWaitEvent(streams[after], event, 0), "cuStreamWaitEvent");
        } finally {
            leave();
            other.putBackEvent(event); // who waits for it waits for what it stood for then
        }
    }

    /** Makes a stream of somebody else wait for the copies begun until now. */
    void orderAfterCopies(long stream) {
        enter();
        try {
            for (long own : streams) {
                long event = record(own);
                try {
                    check(Driver.cuStreamWaitEvent(stream, event, 0), "cuStreamWaitEvent");
                } finally {
                    putBackEvent(event);
                }
            }
        } finally {
            leave();
        }
    }

    /** Makes copies begun from now on wait for what a stream of somebody else was given until now. */
    void orderCopiesAfter(long stream) {
        enter();
        try {
            long event = record(stream);
            try {
                for (long own : streams) {
                    check(Driver.cuStreamWaitEvent(own, event, 0), "cuStreamWaitEvent");
                }
                check(Driver.cuStreamWaitEvent(accessStream, event, 0), "cuStreamWaitEvent");
            } finally {
                putBackEvent(event);
            }
        } finally {
            leave();
        }
    }

    /** The devices that may access mapped memory of this one, itself first. */
    List<Gpu> readers() {
        return readers;
    }

    /** Lets the device reach the memory of another, where it can; where not, the driver copies through the host. */
    void reach(Gpu other) {
        if (enablePeer(other)) {
            other.readers.add(this);
        }
    }

    private boolean enablePeer(Gpu other) {
        Scratch scratch = Scratch.get();
        if (Driver.cuDeviceCanAccessPeer(scratch.address(), device, other.device) != Cu.CUDA_SUCCESS
                || scratch.getInt(0) == 0) {
            return false;
        }
        int code = Driver.cuCtxEnablePeerAccess(other.context, 0);
        return code == Cu.CUDA_SUCCESS || code == Cu.CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED;
    }

    /** Gives everything back. On a device that is lost calls fail, and its context takes all with it. */
    @Override
    public void close() {
        stillOpen().forEach(Runnable::run);
        if (tryEnter()) {
            if (staging != null) {
                staging.unpin();
            }
            words.forEach(PinnedWords::free);
            words.clear();
            while (eventsLeft > 0) {
                eventsLeft--;
                Driver.cuEventDestroy_v2(events[eventsLeft]);
            }
            for (int i = 0; i < STREAMS; i++) {
                destroyStream(streams[i]);
                streams[i] = 0;
            }
            destroyStream(accessStream);
            accessStream = 0;
            leave();
        }
        Driver.cuDevicePrimaryCtxRelease_v2(device);
        if (staging != null) {
            staging.close();
        }
    }

    private static void destroyStream(long stream) {
        if (stream != 0) {
            Driver.cuStreamDestroy_v2(stream);
        }
    }

    @Override
    public String toString() {
        return properties.name();
    }
}
