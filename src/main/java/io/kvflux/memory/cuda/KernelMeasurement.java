package io.kvflux.memory.cuda;

import io.kvflux.memory.chronicle.Region;

/**
 * Finds out up to which size of pieces a kernel copies faster than what is used otherwise, on one device and now: scattered
 * pieces of each size, one way after the other, the best of some rounds of each, the time of asking for it included.
 */
final class KernelMeasurement {

    static final long SMALLEST = 4 << 10;
    static final long LARGEST = 1 << 20;

    private static final long BYTES = 4 << 20;
    private static final int ROUNDS = 3;

    private final Gpu gpu;
    private final Issuer issuer;
    private final CudaJob job = new CudaJob(1);
    private final CopyList copies = new CopyList();

    private KernelMeasurement(Gpu gpu, Issuer issuer) {
        this.gpu = gpu;
        this.issuer = issuer;
    }

    /** Measures, and tells the issuer; within the context of the device. */
    static void decide(Gpu gpu, Issuer issuer) {
        KernelMeasurement measurement = new KernelMeasurement(gpu, issuer);
        Region host = Region.allocate(2 * BYTES, 4096);
        try {
            int flags = Cu.CU_MEMHOSTREGISTER_PORTABLE | Cu.CU_MEMHOSTREGISTER_DEVICEMAP;
            gpu.check(
                    Driver.cuMemHostRegister_v2(host.address(), host.bytes(), flags),
                    "cuMemHostRegister_v2",
                    host.bytes());
            try {
                measurement.decide(host.address());
            } finally {
                Driver.cuMemHostUnregister(host.address());
            }
        } finally {
            host.close();
        }
    }

    private void decide(long host) {
        Scratch scratch = Scratch.get();
        gpu.check(Driver.cuMemHostGetDevicePointer_v2(scratch.address(), host, 0), "cuMemHostGetDevicePointer_v2");
        long shift = scratch.getLong(0) - host;
        PlainMemory first = PlainMemory.allocate(gpu, 2 * BYTES);
        try {
            PlainMemory second = PlainMemory.allocate(gpu, 2 * BYTES);
            try {
                decide(Issuer.Kind.DOWN, first.address(), host, shift);
                decide(Issuer.Kind.UP, host, first.address(), shift);
                decide(Issuer.Kind.WITHIN, first.address(), second.address(), 0);
                decideFills(second.address());
            } finally {
                second.free();
            }
        } finally {
            first.free();
        }
    }

    private void decide(Issuer.Kind kind, long from, long to, long shift) {
        long best = 0;
        for (long piece = SMALLEST; piece <= LARGEST; piece *= 4) {
            gather(from, to, piece);
            issuer.useKernelUpTo(kind, 0);
            long without = nanos(kind.stream, () -> issuer.copy(kind, copies, true, shift, job));
            issuer.useKernelUpTo(kind, piece);
            long with = nanos(kind.stream, () -> issuer.copy(kind, copies, true, shift, job));
            best = with < without ? piece : best;
        }
        issuer.useKernelUpTo(kind, best);
    }

    private void decideFills(long to) {
        long best = 0;
        for (long piece = SMALLEST; piece <= LARGEST; piece *= 4) {
            gather(to, to, piece);
            issuer.fillByKernelUpTo(0);
            long without = nanos(Gpu.WITHIN, () -> issuer.fill(copies, (byte) 0, job));
            issuer.fillByKernelUpTo(piece);
            long with = nanos(Gpu.WITHIN, () -> issuer.fill(copies, (byte) 0, job));
            best = with < without ? piece : best;
        }
        issuer.fillByKernelUpTo(best);
    }

    /** Every other piece of that size. */
    private void gather(long from, long to, long piece) {
        copies.clear();
        for (long at = 0; at < BYTES; at += piece) {
            copies.add(from + 2 * at, 0, to + 2 * at, 0, piece, 1);
        }
    }

    /** The best of some rounds, after one that does not count. */
    private long nanos(int stream, Runnable asking) {
        long best = Long.MAX_VALUE;
        for (int round = 0; round <= ROUNDS; round++) {
            long begin = System.nanoTime();
            asking.run();
            gpu.synchronize(gpu.stream(stream));
            long nanos = System.nanoTime() - begin;
            best = round == 0 ? best : Math.min(best, nanos);
            job.words.forEach(PinnedWords::putBack);
            job.words.clear();
        }
        return best;
    }
}
