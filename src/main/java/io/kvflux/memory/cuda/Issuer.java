package io.kvflux.memory.cuda;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import java.util.Arrays;
import java.util.Objects;
import java.util.function.IntToLongFunction;
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
    private static final long PROBE_BYTES = 16;
    private static final int COPY_WITHIN = -1;
    private static final int COPY_ACROSS = -2;

    /** Sizes of pieces that get a launch each; more there are only where neighbours were merged. */
    private static final int MOST_SIZES = 8;

    private final Gpu gpu;
    private final CudaDriver.Batches batches;
    private final @Nullable PageKernels kernels;
    private final @Nullable String refusal;
    /** By stream: pieces up to so many bytes are copied by a kernel. */
    private final long[] kernelUpTo = new long[Gpu.STREAMS];

    /** Pieces up to so many bytes are filled by a kernel. */
    private long fillByKernelUpTo;

    private final Launch launch = new Launch();
    private boolean[] done = {};
    private final Memory arrays = new Memory(3L * Long.BYTES * BATCH);

    private Issuer(Gpu gpu, CudaDriver.Batches batches, @Nullable PageKernels kernels, @Nullable String refusal) {
        this.gpu = gpu;
        this.batches = batches;
        this.kernels = kernels;
        this.refusal = refusal;
    }

    /**
     * Finds out what the device and its driver can; within the context.
     *
     * @param batches what the driver has
     * @param use when kernels are to be used; where they are not to be used always, a driver that refuses them is told of by
     *     {@link #refusal} alone
     */
    static Issuer open(Gpu gpu, CudaDriver.Batches batches, KernelUse use) {
        PageKernels kernels = null;
        Issuer issuer = null;
        try {
            kernels = use == KernelUse.OFF ? null : PageKernels.load(gpu);
            issuer = new Issuer(gpu, batchesThatWork(gpu, batches), kernels, null);
            if (use == KernelUse.ALWAYS) {
                issuer.useKernelsUpTo(Long.MAX_VALUE);
            } else if (use == KernelUse.MEASURED) {
                KernelMeasurement.decide(gpu, issuer);
            }
            return issuer;
        } catch (CudaException refused) {
            if (issuer != null) {
                issuer.close();
            } else if (kernels != null) {
                kernels.close();
            }
            if (use != KernelUse.MEASURED) {
                throw refused;
            }
            return new Issuer(gpu, batchesThatWork(gpu, batches), null, refused.getMessage());
        } catch (RuntimeException | Error refused) {
            if (issuer != null) {
                issuer.close();
            } else if (kernels != null) {
                kernels.close();
            }
            throw refused;
        }
    }

    /** A driver may have the function and refuse to carry it out. */
    private static CudaDriver.Batches batchesThatWork(Gpu gpu, CudaDriver.Batches batches) {
        if (batches == CudaDriver.Batches.NONE) {
            return batches;
        }
        PlainMemory memory = PlainMemory.allocate(gpu, 4 * PROBE_BYTES);
        Issuer probe = new Issuer(gpu, batches, null, null);
        try {
            CopyList two = new CopyList();
            two.add(memory.address(), 0, memory.address() + 2 * PROBE_BYTES, 0, PROBE_BYTES, 1);
            two.add(memory.address() + PROBE_BYTES, 0, memory.address() + 3 * PROBE_BYTES, 0, PROBE_BYTES, 1);
            probe.copyInBatches(Kind.WITHIN, two, 0, gpu.stream(Gpu.WITHIN));
            gpu.synchronize(gpu.stream(Gpu.WITHIN));
            return batches;
        } catch (CudaException refused) {
            return CudaDriver.Batches.NONE;
        } finally {
            probe.close();
            memory.free();
        }
    }

    /** Why there are no kernels though they were to be used; null if there are, or were not. */
    @Nullable
    String refusal() {
        return refusal;
    }

    /** Unloads the kernels; within any context. */
    void close() {
        arrays.close();
        if (kernels != null) {
            kernels.close();
        }
    }

    /** Sets all limits, for copies of every kind and for filling. */
    void useKernelsUpTo(long bytes) {
        Arrays.fill(kernelUpTo, bytes);
        fillByKernelUpTo = bytes;
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

    void fillByKernelUpTo(long bytes) {
        fillByKernelUpTo = bytes;
    }

    long fillsByKernelUpTo() {
        return fillByKernelUpTo;
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
            copyInBatches(kind, copies, shift, stream);
        } else {
            for (int run = 0; run < copies.size(); run++) {
                copyRun(kind, copies, run, stream);
            }
        }
    }

    /**
     * One launch for all pieces of one size, whatever else stands between them in the list: caches have pages of different
     * sizes, and their runs take turns. What is too large for a kernel, or of one size too many, goes the other way.
     */
    private void copyByKernel(Kind kind, CopyList copies, long shift, CudaJob job, long stream) {
        long fromShift = kind == Kind.UP ? shift : 0;
        long toShift = kind == Kind.DOWN ? shift : 0;
        done = done.length < copies.size() ? new boolean[copies.size() + (copies.size() >> 1)] : done;
        Arrays.fill(done, 0, copies.size(), false);
        int launches = 0;
        for (int first = 0; first < copies.size(); first++) {
            if (done[first]) {
                continue;
            }
            long bytes = copies.bytes(first);
            if (bytes > kernelUpTo[kind.stream] || launches == MOST_SIZES) {
                copyRun(kind, copies, first, stream);
                continue;
            }
            launches++;
            launch.open(job, stream, bytes, kind == Kind.WITHIN ? COPY_WITHIN : COPY_ACROSS);
            for (int run = first; run < copies.size(); run++) {
                if (!done[run] && copies.bytes(run) == bytes) {
                    done[run] = true;
                    for (int piece = 0; piece < copies.count(run); piece++) {
                        launch.add(copies.from(run, piece) + fromShift, copies.to(run, piece) + toShift);
                    }
                }
            }
            launch.begin();
        }
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
            } while (run < pieces.size() && pieces.bytes(run) == bytes);
            if (kernels != null && run - first > 1 && bytes <= fillByKernelUpTo) {
                launch.open(job, stream, bytes, Byte.toUnsignedInt(value));
                for (int i = first; i < run; i++) {
                    launch.add(pieces.to(i, 0));
                }
                launch.begin();
                continue;
            }
            for (int i = first; i < run; i++) {
                gpu.check(Driver.cuMemsetD8Async(pieces.to(i, 0), value, bytes, stream), "cuMemsetD8Async", bytes);
            }
        }
    }

    /**
     * Adds up pieces on the device, and waits for the sums: those of {@link PageChecksum}.
     *
     * @param address where a piece is, by its number
     * @param count how many, at most 8192
     */
    long[] checksums(IntToLongFunction address, int count, long bytes) {
        PinnedWords words = gpu.takeWords();
        try {
            for (int i = 0; i < count; i++) {
                words.add(address.applyAsLong(i));
            }
            long pieces = words.addressOfLast(count);
            for (int i = 0; i < count; i++) {
                words.add(0);
            }
            long stream = gpu.stream(Gpu.WITHIN);
            requireKernels().checksum(stream, pieces, count, bytes, words.addressOfLast(count));
            gpu.synchronize(stream);
            long[] sums = new long[count];
            Arrays.setAll(sums, i -> words.get(count + i));
            return sums;
        } finally {
            words.putBack();
        }
    }

    /** Pieces of one size that go in one launch, or in as many as there is room for; used again and again. */
    private final class Launch {

        private @Nullable CudaJob job;
        private @Nullable PinnedWords words;
        private long stream;
        private long bytes;
        private int what;
        private int count;

        /** For copies of a kind, or to fill with a byte. */
        void open(CudaJob of, long on, long pieceBytes, int value) {
            job = of;
            stream = on;
            bytes = pieceBytes;
            what = value;
            count = 0;
            words = wordsOf(of);
        }

        void add(long address) {
            if (!words().hasRoom(1)) {
                turnOver();
            }
            words().add(address);
            count++;
        }

        void add(long from, long to) {
            if (!words().hasRoom(2)) {
                turnOver();
            }
            words().add(from);
            words().add(to);
            count++;
        }

        private void turnOver() {
            begin();
            words = wordsOf(Objects.requireNonNull(job));
        }

        void begin() {
            if (count == 0) {
                return;
            }
            if (what == COPY_WITHIN) {
                requireKernels().copyWithin(stream, words().addressOfLast(2 * count), count, bytes);
            } else if (what == COPY_ACROSS) {
                requireKernels().copyAcross(stream, words().addressOfLast(2 * count), count, bytes);
            } else {
                requireKernels().fill(stream, words().addressOfLast(count), count, bytes, (byte) what);
            }
            count = 0;
        }

        private PinnedWords words() {
            return Objects.requireNonNull(words);
        }

        /** What the job took last, if there is room left in it. */
        private PinnedWords wordsOf(CudaJob of) {
            PinnedWords last = of.words.isEmpty() ? null : of.words.get(of.words.size() - 1);
            if (last != null && last.isOf(gpu) && last.alignAndHasRoom()) {
                return last;
            }
            PinnedWords fresh = gpu.takeWords();
            of.words.add(fresh);
            return fresh;
        }
    }

    private PageKernels requireKernels() {
        return Objects.requireNonNull(kernels);
    }

    private void copyInBatches(Kind kind, CopyList copies, long shift, long stream) {
        long fromShift = kind == Kind.UP ? shift : 0;
        long toShift = kind == Kind.DOWN ? shift : 0;
        int count = 0;
        for (int run = 0; run < copies.size(); run++) {
            for (int piece = 0; piece < copies.count(run); piece++) {
                arrays.setLong((long) count * Long.BYTES, copies.to(run, piece) + toShift);
                arrays.setLong((long) (BATCH + count) * Long.BYTES, copies.from(run, piece) + fromShift);
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
