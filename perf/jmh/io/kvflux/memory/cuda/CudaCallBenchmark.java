package io.kvflux.memory.cuda;

import io.kvflux.geometry.DType;
import io.kvflux.geometry.DataSize;
import io.kvflux.geometry.KvCacheParams;
import io.kvflux.geometry.MultiKvCacheParams;
import io.kvflux.memory.BlockArenas;
import io.kvflux.memory.CopyBatch;
import io.kvflux.memory.SlotLayout;
import io.kvflux.memory.chronicle.HostSlots;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What the driver is asked with: one call, and the plan for 4096 scattered pages. On the stand-in unless {@code
 * kvflux.cuda.library} names a driver; the calls into it are the same.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class CudaCallBenchmark {

    private static final int PAGES = 4096;

    private CudaDevice device;
    private HostSlots slots;
    private Gpu gpu;
    private long event;
    private Copier copier;
    private CopyBatch batch;
    private final CudaJob job = new CudaJob(1);

    @Setup(Level.Trial)
    public void open() {
        if (System.getProperty(CudaDriver.LIBRARY) == null) {
            Path standIn = Path.of("target", "native-stubs", "libcuda.so.1").toAbsolutePath();
            System.setProperty(CudaDriver.LIBRARY, standIn.toString());
        }
        MultiKvCacheParams caches = MultiKvCacheParams.fromParams(KvCacheParams.builder()
                .dtype(DType.BFLOAT16)
                .numLayers(1)
                .numKvHeads(1)
                .headDim(64)
                .pageSize(16)
                .build());
        device = CudaDevice.builder()
                .memory(new DataSize(256L << 20))
                .kernels(KernelUse.OFF)
                .open();
        BlockArenas arenas = BlockArenas.allocate(device, caches, 2 * PAGES);
        SlotLayout layout = SlotLayout.of(caches);
        slots = HostSlots.allocate(2 * PAGES, layout.bytes(), HostSlots.Touch.LAZY);
        device.attach(slots);
        batch = new CopyBatch(arenas, slots, layout);
        int[] order =
                new SplittableRandom(1).ints(0, PAGES).distinct().limit(PAGES).toArray();
        for (int i = 0; i < PAGES; i++) {
            batch.offload(0, 1 + 2 * i, 2 * order[i]);
        }
        gpu = Gpu.open(CudaDriver.load(), 0);
        gpu.enter();
        event = gpu.takeEvent();
        gpu.record(event, Gpu.DOWN);
        copier = new Copier(List.of(((CudaArena) arenas.arena(0, 0, 0)).gpu()), List.of());
        job.begin(batch, (same, failure) -> {});
    }

    @TearDown(Level.Trial)
    public void close() {
        gpu.putBackEvent(event);
        gpu.leave();
        gpu.close();
        device.close();
        slots.close();
    }

    /** One call: whether an event has been reached. */
    @Benchmark
    @OutputTimeUnit(TimeUnit.NANOSECONDS)
    public int call() {
        return Driver.cuEventQuery(event);
    }

    /** From a batch of 4096 scattered blocks to the addresses of 4096 copies. */
    @Benchmark
    @OutputTimeUnit(TimeUnit.MICROSECONDS)
    public int plan() {
        return copier.plan(job);
    }
}
