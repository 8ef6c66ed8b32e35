package io.kvflux.memory.cuda;

import io.kvflux.memory.CopyBatch;
import io.kvflux.memory.CopyListener;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A batch in flight: over when the events behind its copies are reached. Guarded by the device; reused. */
final class CudaJob {

    private final int devices;
    /** By device and stream; 0 where it has none, or that is reached. */
    private final long[] events;
    /** What its kernels read. */
    final List<PinnedPairs> pairs = new ArrayList<>();

    private @Nullable CopyBatch batch;
    private @Nullable CopyListener listener;

    @Nullable
    Throwable failure;

    CudaJob(int devices) {
        this.devices = devices;
        events = new long[devices * Gpu.STREAMS];
    }

    void begin(CopyBatch some, CopyListener to) {
        batch = some;
        listener = to;
        failure = null;
    }

    CopyBatch batch() {
        return Objects.requireNonNull(batch);
    }

    CopyListener listener() {
        return Objects.requireNonNull(listener);
    }

    void forget() {
        batch = null;
        listener = null;
        failure = null;
    }

    long event(int device, int stream) {
        return events[device * Gpu.STREAMS + stream];
    }

    void event(int device, int stream, long event) {
        events[device * Gpu.STREAMS + stream] = event;
    }

    int devices() {
        return devices;
    }

    /** The first failure counts. */
    void failed(Throwable cause) {
        if (failure == null) {
            failure = cause;
        }
    }
}
