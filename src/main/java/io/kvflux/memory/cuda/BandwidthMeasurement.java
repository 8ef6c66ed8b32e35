package io.kvflux.memory.cuda;

import io.kvflux.memory.chronicle.Region;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Measures one GPU for a {@link CudaBandwidth}. Each measurement sends pages that were never sent before, to places in another
 * order, and fetches them to places in yet another, so that a page which did not move is noticed.
 */
final class BandwidthMeasurement {

    static final List<Long> PAGE_BYTES = List.of(64L << 10, 512L << 10, 2L << 20);

    private static final long MOST_BYTES = 64L << 20;
    private static final long LARGEST_PAGE = 2L << 20;
    private static final int LEAST_ROUNDS = 3;
    private static final int MOST_ROUNDS = 8;
    private static final int ALLOCATIONS = 3;
    private static final long ENOUGH_NANOS = 100_000_000;
    private static final double NANOS = 1e9;
    private static final VarHandle WORDS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.nativeOrder());

    private final Gpu gpu;
    private final Issuer issuer;
    private final Region host;
    private final long bytes;
    private final long device;
    private final long shift;
    private final CudaJob job = new CudaJob(1);
    private final CopyList copies = new CopyList();
    private long sent;
    private int wrongPages;

    private BandwidthMeasurement(Gpu gpu, Issuer issuer, Region host, long device) {
        this.gpu = gpu;
        this.issuer = issuer;
        this.host = host;
        this.device = device;
        bytes = host.bytes();
        Scratch scratch = Scratch.get();
        gpu.check(
                Driver.cuMemHostGetDevicePointer_v2(scratch.address(), host.address(), 0),
                "cuMemHostGetDevicePointer_v2");
        shift = scratch.getLong(0) - host.address();
    }

    /** Within the context of the device. */
    static CudaBandwidth of(CudaDriver driver, Gpu gpu) {
        Issuer issuer;
        String refused = null;
        try {
            issuer = Issuer.open(gpu, driver.batches(), KernelUse.ALWAYS);
        } catch (CudaException old) {
            refused = old.getMessage();
            issuer = Issuer.open(gpu, driver.batches(), KernelUse.OFF);
        }
        try {
            return of(gpu, issuer, refused);
        } finally {
            issuer.close();
        }
    }

    private static CudaBandwidth of(Gpu gpu, Issuer issuer, @Nullable String refused) {
        long pages = Math.max(1, Math.min(MOST_BYTES, gpu.properties().freeBytes() / 4) / LARGEST_PAGE);
        Region host = Region.allocate(pages * LARGEST_PAGE, 4096);
        try {
            int flags = Cu.CU_MEMHOSTREGISTER_PORTABLE | Cu.CU_MEMHOSTREGISTER_DEVICEMAP;
            gpu.check(
                    Driver.cuMemHostRegister_v2(host.address(), host.bytes(), flags),
                    "cuMemHostRegister_v2",
                    host.bytes());
            try {
                return of(gpu, issuer, host, refused);
            } finally {
                Driver.cuMemHostUnregister(host.address());
            }
        } finally {
            host.close();
        }
    }

    private static CudaBandwidth of(Gpu gpu, Issuer issuer, Region host, @Nullable String refused) {
        boolean maps = gpu.properties().virtualMemory();
        Supplier<ArenaMemory> mapped = () -> VirtualMemory.allocate(gpu, List.of(gpu), host.bytes());
        Supplier<ArenaMemory> plain = () -> PlainMemory.allocate(gpu, host.bytes());
        double plainSeconds = allocationSeconds(plain);
        Double mappedSeconds = maps ? allocationSeconds(mapped) : null;
        ArenaMemory memory = maps ? mapped.get() : plain.get(); // as arenas are by default
        try {
            BandwidthMeasurement measurement = new BandwidthMeasurement(gpu, issuer, host, memory.address());
            CudaBandwidth.Pages large = measurement.measure(host.bytes(), false);
            List<CudaBandwidth.Pages> pages = new ArrayList<>();
            for (long size : PAGE_BYTES) {
                pages.add(measurement.measure(size, false));
                if (issuer.hasKernels()) {
                    pages.add(measurement.measure(size, true));
                }
            }
            return new CudaBandwidth(
                    host.bytes(),
                    large.downBytesPerSecond(),
                    large.upBytesPerSecond(),
                    List.copyOf(pages),
                    refused,
                    plainSeconds,
                    mappedSeconds,
                    measurement.wrongPages);
        } finally {
            memory.free();
        }
    }

    private static double allocationSeconds(Supplier<ArenaMemory> allocation) {
        long best = Long.MAX_VALUE;
        for (int round = 0; round < ALLOCATIONS; round++) {
            long begin = System.nanoTime();
            allocation.get().free();
            best = Math.min(best, System.nanoTime() - begin);
        }
        return best / NANOS;
    }

    private CudaBandwidth.Pages measure(long pageBytes, boolean kernels) {
        issuer.useKernelsUpTo(kernels ? Long.MAX_VALUE : 0);
        int pages = (int) (bytes / pageBytes);
        writePages();
        long[] sums = new long[pages];
        for (int page = 0; page < pages; page++) {
            sums[page] = host.checksum(page * pageBytes, pageBytes, 0);
        }
        copies.clear();
        for (int page = 0; page < pages; page++) {
            copies.add(
                    host.address() + page * pageBytes, 0, device + onDevice(page, pages) * pageBytes, 0, pageBytes, 1);
        }
        double up = bytesPerSecond(Issuer.Kind.UP);
        if (kernels) {
            compareOnDevice(pages, pageBytes);
        }
        host.fill(0, bytes, (byte) 0);
        copies.clear();
        for (int page = 0; page < pages; page++) {
            long back = host.address() + back(page, pages) * pageBytes;
            copies.add(device + onDevice(page, pages) * pageBytes, 0, back, 0, pageBytes, 1);
        }
        double down = bytesPerSecond(Issuer.Kind.DOWN);
        for (int page = 0; page < pages; page++) {
            if (host.checksum(back(page, pages) * pageBytes, pageBytes, 0) != sums[page]) {
                wrongPages++;
            }
        }
        return new CudaBandwidth.Pages(pageBytes, kernels, down, up);
    }

    /** Where the pages are, before they come back: the sums that the device makes of them. */
    private void compareOnDevice(int pages, long pageBytes) {
        long[] found = issuer.checksums(page -> device + onDevice(page, pages) * pageBytes, pages, pageBytes);
        byte[] page = new byte[(int) pageBytes];
        for (int i = 0; i < pages; i++) {
            host.read(i * pageBytes, page);
            if (found[i] != PageChecksum.of(page)) {
                wrongPages++;
            }
        }
    }

    /** The place of a page on the device: the number with its bits in reverse order, if that is a place, else its own. */
    private static long onDevice(int page, int pages) {
        int bits = Integer.SIZE - Integer.numberOfLeadingZeros(pages) - 1;
        return page >= 1 << bits ? page : bits == 0 ? 0 : Integer.reverse(page) >>> (Integer.SIZE - bits);
    }

    /** The place to which a page comes back. */
    private static long back(int page, int pages) {
        return pages - 1L - page;
    }

    /** Writes words that were not there before. */
    private void writePages() {
        byte[] some = new byte[1 << 16];
        for (long at = 0; at < bytes; at += some.length) {
            for (int i = 0; i < some.length; i += Long.BYTES) {
                sent++;
                WORDS.set(some, i, sent * 0x9E3779B97F4A7C15L);
            }
            host.write(at, some);
        }
    }

    /** The best of some rounds, of which the first ones may have to find memory. */
    private double bytesPerSecond(Issuer.Kind kind) {
        long best = Long.MAX_VALUE;
        long spent = 0;
        for (int round = 0; round < LEAST_ROUNDS || (round < MOST_ROUNDS && spent < ENOUGH_NANOS); round++) {
            long begin = System.nanoTime();
            issuer.copy(kind, copies, true, shift, job);
            gpu.synchronize(gpu.stream(kind.stream));
            long nanos = Math.max(1, System.nanoTime() - begin);
            job.words.forEach(PinnedWords::putBack);
            job.words.clear();
            best = Math.min(best, nanos);
            spent += nanos;
        }
        return bytes * NANOS / best;
    }
}
