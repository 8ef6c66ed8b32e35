package io.kvflux.memory.cuda;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Begins copies on the streams of one device, in the way that suits each: a kernel for many small pieces, one call for many
 * copies where the driver has it, one call a run otherwise. Its methods need the context of the device and are called by one
 * thread at a time.
 */
final class Issuer {

    /** Where a copy goes, for calls that differ by it. */
    enum Kind {
        DOWN(Gpu.DOWN),
        UP(Gpu.UP),
        WITHIN(Gpu.WITHIN);

        final int stream;

        Kind(int stream) {
            this.stream = stream;
        }
    }

    /** The driver takes no longer distance between rows. */
    private static final long MOST_PITCH = Integer.MAX_VALUE;

    private static final int BATCH = 4096;

    private final Gpu gpu;
    private final CudaDriver.Batches batches;
    private final @Nullable PageKernels kernels;
    /** By stream: pieces up to so many bytes are copied by a kernel. */
    private final long[] kernelUpTo = new long[Gpu.STREAMS];

    private final Memory arrays = new Memory(3L * Long.BYTES * BATCH);

    Issuer(Gpu gpu, CudaDriver.Batches batches, @Nullable PageKernels kernels) {
        this.gpu = gpu;
        this.batches = batches;
        this.kernels = kernels;
    }

    boolean hasKernels() {
        return kernels != null;
    }

    void useKernelUpTo(Kind kind, long bytes) {
        kernelUpTo[kind.stream] = bytes;
    }

    long usesKernelUpTo(Kind kind) {
        return kernelUpTo[kind.stream];
    }

    /**
     * Begins copies.
     *
     * @param pinned whether the memory of the host, if it is about that, is pinned: else no kernel and no batch reaches it
     * @param shift from an address of the host, if it is about that, to where the device sees it
     * @param job keeps what kernels read
     */
    void copy(Kind kind, CopyList copies, boolean pinned, long shift, CudaJob job) {
        long stream = gpu.stream(kind.stream);
        int pieces = copies.pieces();
        if (kernels != null && pinned && pieces > 1 && kernelUpTo[kind.stream] > 0) {
            copyByKernel(kind, copies, shift, job, stream);
        } else if (batches != CudaDriver.Batches.NONE && pinned && pieces > 1) {
            copyInBatches(copies, stream);
        } else {
            for (int run = 0; run < copies.size(); run++) {
                copyRun(kind, copies, run, stream);
            }
        }
    }

    private void copyByKernel(Kind kind, CopyList copies, long shift, CudaJob job, long stream) {
        long fromShift = kind == Kind.UP ? shift : 0;
        long toShift = kind == Kind.DOWN ? shift : 0;
        int run = 0;
        while (run < copies.size()) {
            long bytes = copies.bytes(run);
            if (bytes > kernelUpTo[kind.stream]) {
                copyRun(kind, copies, run, stream);
                run++;
                continue;
            }
            // One launch for all that follow and are of its size, or for as many as there is room for.
            PinnedPairs pairs = takePairs(job);
            int count = 0;
            for (; run < copies.size() && copies.bytes(run) == bytes; run++) {
                for (int piece = 0; piece < copies.count(run); piece++) {
                    if (count == PinnedPairs.CAPACITY) {
                        requireKernels().copy(stream, pairs, count, bytes);
                        pairs = takePairs(job);
                        count = 0;
                    }
                    pairs.set(2 * count, copies.from(run, piece) + fromShift);
                    pairs.set(2 * count + 1, copies.to(run, piece) + toShift);
                    count++;
                }
            }
            requireKernels().copy(stream, pairs, count, bytes);
        }
    }

    private PinnedPairs takePairs(CudaJob job) {
        PinnedPairs pairs = gpu.takePairs();
        job.pairs.add(pairs);
        return pairs;
    }

    /**
     * Begins to set bytes.
     *
     * @param pieces which: those that the list says are written, one a run
     * @param job keeps what kernels read
     */
    void fill(CopyList pieces, byte value, CudaJob job) {
        long stream = gpu.stream(Gpu.WITHIN);
        int run = 0;
        while (run < pieces.size()) {
            long bytes = pieces.bytes(run);
            int first = run;
            do {
                run++;
            } while (run < pieces.size() && pieces.bytes(run) == bytes && run - first < PinnedPairs.CAPACITY);
            if (kernels != null && run - first > 1 && bytes <= kernelUpTo[Gpu.WITHIN]) {
                PinnedPairs addresses = takePairs(job);
                for (int i = first; i < run; i++) {
                    addresses.set(i - first, pieces.to(i, 0));
                }
                kernels.fill(stream, addresses, run - first, bytes, value);
                continue;
            }
            for (int i = first; i < run; i++) {
                gpu.check(Driver.cuMemsetD8Async(pieces.to(i, 0), value, bytes, stream), "cuMemsetD8Async", bytes);
            }
        }
    }

    private PageKernels requireKernels() {
        return Objects.requireNonNull(kernels);
    }

    private void copyInBatches(CopyList copies, long stream) {
        int count = 0;
        for (int run = 0; run < copies.size(); run++) {
            for (int piece = 0; piece < copies.count(run); piece++) {
                arrays.setLong((long) count * Long.BYTES, copies.to(run, piece));
                arrays.setLong((long) (BATCH + count) * Long.BYTES, copies.from(run, piece));
                arrays.setLong((long) (2 * BATCH + count) * Long.BYTES, copies.bytes(run));
                count++;
                if (count == BATCH) {
                    copyBatch(count, stream);
                    count = 0;
                }
            }
        }
        if (count > 0) {
            copyBatch(count, stream);
        }
    }

    private void copyBatch(int count, long stream) {
        long to = Pointer.nativeValue(arrays);
        long from = to + (long) BATCH * Long.BYTES;
        long sizes = from + (long) BATCH * Long.BYTES;
        Scratch scratch = Scratch.get().clear(Layouts.ATTRIBUTES_BYTES + 2 * Long.BYTES);
        scratch.setInt(Layouts.ATTRIBUTES_ORDER, Cu.CU_MEMCPY_SRC_ACCESS_ORDER_STREAM);
        long attributes = scratch.address();
        long first = scratch.address(Layouts.ATTRIBUTES_BYTES);
        if (batches == CudaDriver.Batches.SINCE_13) {
            gpu.check(
                    DriverBatches13.cuMemcpyBatchAsync_v2(to, from, sizes, count, attributes, first, 1, stream),
                    "cuMemcpyBatchAsync_v2");
        } else {
            long failed = scratch.address(Layouts.ATTRIBUTES_BYTES + Long.BYTES);
            gpu.check(
                    DriverBatches12.cuMemcpyBatchAsync(to, from, sizes, count, attributes, first, 1, failed, stream),
                    "cuMemcpyBatchAsync");
        }
    }

    private void copyRun(Kind kind, CopyList copies, int run, long stream) {
        int count = copies.count(run);
        if (count > 1 && Math.max(copies.fromPitch(run), copies.toPitch(run)) <= MOST_PITCH) {
            copyRows(kind, copies, run, stream);
            return;
        }
        for (int piece = 0; piece < count; piece++) {
            copyPiece(kind, copies.from(run, piece), copies.to(run, piece), copies.bytes(run), stream);
        }
    }

    private void copyPiece(Kind kind, long from, long to, long bytes, long stream) {
        switch (kind) {
            case DOWN -> gpu.check(Driver.cuMemcpyDtoHAsync_v2(to, from, bytes, stream), "cuMemcpyDtoHAsync_v2", bytes);
            case UP -> gpu.check(Driver.cuMemcpyHtoDAsync_v2(to, from, bytes, stream), "cuMemcpyHtoDAsync_v2", bytes);
            case WITHIN ->
                gpu.check(Driver.cuMemcpyDtoDAsync_v2(to, from, bytes, stream), "cuMemcpyDtoDAsync_v2", bytes);
        }
    }

    private void copyRows(Kind kind, CopyList copies, int run, long stream) {
        Scratch scratch = Scratch.get().clear(Layouts.COPY_BYTES);
        boolean fromHost = kind == Kind.UP;
        boolean toHost = kind == Kind.DOWN;
        scratch.setInt(Layouts.COPY_SOURCE_TYPE, fromHost ? Cu.CU_MEMORYTYPE_HOST : Cu.CU_MEMORYTYPE_DEVICE);
        scratch.setLong(fromHost ? Layouts.COPY_SOURCE_HOST : Layouts.COPY_SOURCE_DEVICE, copies.from(run, 0));
        scratch.setLong(Layouts.COPY_SOURCE_PITCH, copies.fromPitch(run));
        scratch.setInt(Layouts.COPY_DESTINATION_TYPE, toHost ? Cu.CU_MEMORYTYPE_HOST : Cu.CU_MEMORYTYPE_DEVICE);
        scratch.setLong(toHost ? Layouts.COPY_DESTINATION_HOST : Layouts.COPY_DESTINATION_DEVICE, copies.to(run, 0));
        scratch.setLong(Layouts.COPY_DESTINATION_PITCH, copies.toPitch(run));
        scratch.setLong(Layouts.COPY_WIDTH, copies.bytes(run));
        scratch.setLong(Layouts.COPY_HEIGHT, copies.count(run));
        gpu.check(
                Driver.cuMemcpy2DAsync_v2(scratch.address(), stream),
                "cuMemcpy2DAsync_v2",
                copies.bytes(run) * copies.count(run));
    }
}
