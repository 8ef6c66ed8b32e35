package io.kvflux.memory.cuda;

import io.kvflux.memory.CopyBatch;
import io.kvflux.memory.CopyListener;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A batch in flight: over when the events behind its copies are reached. Guarded by the device; reused. */
final class CudaJob {

    private final int devices;
    /** By device and stream; 0 where it has none, or that is reached. */
    private final long[] events;
    /** What its kernels read. */
    final List<PinnedWords> words = new ArrayList<>();

    private @Nullable CopyBatch batch;
    private @Nullable CopyListener listener;

    @Nullable
    Throwable failure;

    /** Answers in a row, asked for an event, that are neither yes nor no. */
    int strangeAnswers;

    /** By device, whether a stream of it waits for what another batch began there. */
    final boolean[] waitsFor;

    /** When it was first seen that one of its devices, or one that it waits for, is lost, in nanoseconds; 0 before. */
    long lostNs;

    CudaJob(int devices) {
        this.devices = devices;
        events = new long[devices * Gpu.STREAMS];
        waitsFor = new boolean[devices];
    }

    void begin(CopyBatch some, CopyListener to) {
        batch = some;
        listener = to;
        failure = null;
        strangeAnswers = 0;
        lostNs = 0;
        Arrays.fill(waitsFor, false);
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

    /** Whether something that was begun on a device is not known to be over. */
    boolean hasEvents(int device) {
        boolean any = false;
        for (int stream = 0; stream < Gpu.STREAMS; stream++) {
            any |= event(device, stream) != 0;
        }
        return any;
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
