package io.kvflux.memory;

import com.sun.jna.Native;
import io.kvflux.geometry.DType;
import io.kvflux.geometry.DataSize;
import io.kvflux.geometry.KvCacheParams;
import io.kvflux.geometry.MultiKvCacheParams;
import io.kvflux.memory.chronicle.HostSlots;
import io.kvflux.memory.host.HostMemoryDevice;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Blocks of one page go from the device to host slots and back, 32 in a batch, on the device that is host memory; beside
 * it libc's memcpy does the same with as many other pages. One operation is both, in turn the one and the other first, and
 * on memory that no cache holds any more. {@code ratio} is memcpy's time over the device's, so that 1 is as fast: the median
 * of an iteration, of which JMH prints the sum over all iterations.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(3)
public class PageCopyBenchmark {

    private static final long MEMORY_BYTES = 512L << 20;
    private static final int BATCH = 32;

    /** Bytes of a page. */
    @Param({"2MiB", "64KiB"})
    private String page = "2MiB";

    /** Whether the blocks of a batch, and their slots, stand one after another. */
    @Param({"scattered", "neighbours"})
    private String place = "scattered";

    private HostMemoryDevice device;
    private PageArena arena;
    private HostSlots slots;
    private CopyBatch batch;
    private int[] blocks;
    private int[] slotOf;
    private long pageBytes;
    private int next;
    private boolean memcpyFirst;

    /** What memcpy took over what the device took, in each operation of an iteration. */
    @State(Scope.Thread)
    @AuxCounters(AuxCounters.Type.EVENTS)
    public static class Ratios {

        private double[] ratios = new double[1024];
        private int size;

        public double ratio() {
            double[] sorted = Arrays.copyOf(ratios, size);
            Arrays.sort(sorted);
            return sorted[size / 2];
        }

        @Setup(Level.Iteration)
        public void clear() {
            size = 0;
        }

        void add(double ratio) {
            if (size == ratios.length) {
                ratios = Arrays.copyOf(ratios, size * 2);
            }
            ratios[size++] = ratio;
        }
    }

    /** The C library. */
    static final class Libc {

        static {
            Native.register(Libc.class, "c");
        }

        private Libc() {}

        static native long memcpy(long to, long from, long bytes);
    }

    @Setup
    public void allocate() throws InterruptedException {
        MultiKvCacheParams caches = MultiKvCacheParams.fromParams(KvCacheParams.builder()
                .dtype(DType.BFLOAT16)
                .numLayers(page.equals("2MiB") ? 32 : 1)
                .numKvHeads(8)
                .headDim(128)
                .pageSize(16)
                .build());
        pageBytes = caches.bytesPerBlock();
        int count = (int) (MEMORY_BYTES / pageBytes);
        SlotLayout layout = SlotLayout.of(caches);
        device = HostMemoryDevice.withBudget(new DataSize((count + 1) * pageBytes));
        BlockArenas arenas = BlockArenas.allocate(device, caches, count);
        arena = arenas.arena(0, 0, 0);
        slots = HostSlots.allocate(count, layout.bytes(), HostSlots.Touch.BACKGROUND);
        slots.awaitTouched();
        CopyBatch touched = new CopyBatch(arenas);
        for (int block = 1; block <= count; block++) {
            touched.fill(0, block);
        }
        device.submit(touched, PageCopyBenchmark::requireDone);
        batch = new CopyBatch(arenas, slots, layout);
        SplittableRandom random = new SplittableRandom(1);
        blocks = numbers(count, 1, random);
        slotOf = numbers(count, 0, random);
    }

    private int[] numbers(int count, int first, SplittableRandom random) {
        int[] numbers = new int[count];
        for (int i = 0; i < count; i++) {
            int j = place.equals("scattered") ? random.nextInt(i + 1) : i;
            numbers[i] = numbers[j];
            numbers[j] = first + i;
        }
        return numbers;
    }

    @TearDown
    public void close() {
        device.close();
        slots.close();
    }

    private static void requireDone(CopyBatch batch, Throwable failure) {
        if (failure != null) {
            throw new IllegalStateException(failure);
        }
    }

    @Benchmark
    public void downAndUp(Ratios ratios) {
        memcpyFirst = !memcpyFirst;
        if (memcpyFirst) {
            double memcpy = memcpy();
            ratios.add(memcpy / viaDevice());
        } else {
            double device = viaDevice();
            ratios.add(memcpy() / device);
        }
    }

    private int begin() {
        int first = next;
        next = (next + BATCH) % (blocks.length / BATCH * BATCH);
        return first;
    }

    private long viaDevice() {
        int first = begin();
        long start = System.nanoTime();
        batch.clear();
        for (int i = first; i < first + BATCH; i++) {
            batch.offload(0, blocks[i], slotOf[i]);
        }
        device.submit(batch, PageCopyBenchmark::requireDone);
        batch.clear();
        for (int i = first; i < first + BATCH; i++) {
            batch.onload(0, slotOf[i], blocks[i]);
        }
        device.submit(batch, PageCopyBenchmark::requireDone);
        return System.nanoTime() - start;
    }

    private long memcpy() {
        int first = begin();
        long start = System.nanoTime();
        for (int i = first; i < first + BATCH; i++) {
            Libc.memcpy(slots.address(slotOf[i]), arena.address(blocks[i]), pageBytes);
        }
        for (int i = first; i < first + BATCH; i++) {
            Libc.memcpy(arena.address(blocks[i]), slots.address(slotOf[i]), pageBytes);
        }
        return System.nanoTime() - start;
    }
}
