package io.kvflux.memory;

import io.kvflux.geometry.DType;
import io.kvflux.geometry.DataSize;
import io.kvflux.geometry.KvCacheParams;
import io.kvflux.geometry.MultiKvCacheParams;
import io.kvflux.memory.chronicle.HostSlots;
import io.kvflux.memory.host.HostMemoryDevice;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** What it takes to make batches of 4096 blocks, and to see that two of them have nothing in common. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class CopyBatchBenchmark {

    private static final int BLOCKS = 1 << 18;
    private static final int BATCH = 4096;

    /** Whether the blocks of a batch, and their slots, stand one after another. */
    @Param({"scattered", "neighbours"})
    private String place = "scattered";

    private HostMemoryDevice device;
    private HostSlots slots;
    private CopyBatch down;
    private CopyBatch up;
    private CopyBatch within;
    private int[] blocks;
    private int[] slotOf;

    @Setup
    public void allocate() {
        MultiKvCacheParams caches = MultiKvCacheParams.fromParams(KvCacheParams.builder()
                .dtype(DType.BFLOAT16)
                .numLayers(1)
                .numKvHeads(1)
                .headDim(16)
                .pageSize(1)
                .build());
        SlotLayout layout = SlotLayout.of(caches);
        device = HostMemoryDevice.withBudget(new DataSize((BLOCKS + 1) * BlockArenas.bytesPerBlock(caches)));
        BlockArenas arenas = BlockArenas.allocate(device, caches, BLOCKS);
        slots = HostSlots.allocate(BLOCKS, layout.bytes(), HostSlots.Touch.LAZY);
        SplittableRandom random = new SplittableRandom(1);
        blocks = numbers(1, random);
        slotOf = numbers(0, random);
        down = new CopyBatch(arenas, slots, layout);
        up = new CopyBatch(arenas, slots, layout);
        within = new CopyBatch(arenas);
        for (int i = 0; i < BATCH; i++) {
            up.onload(0, slotOf[BATCH + i], blocks[BATCH + i]);
        }
        transfers();
    }

    private int[] numbers(int first, SplittableRandom random) {
        int[] numbers = new int[BLOCKS];
        for (int i = 0; i < BLOCKS; i++) {
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

    @Benchmark
    public boolean conflicts() {
        return down.conflictsWith(up);
    }

    @Benchmark
    public CopyBatch copiesWithinTheDevice() {
        within.clear();
        for (int i = 0; i < BATCH; i++) {
            within.copy(0, blocks[i], blocks[BATCH + i]);
        }
        return within;
    }

    @Benchmark
    public CopyBatch fills() {
        within.clear();
        for (int i = 0; i < BATCH; i++) {
            within.fill(0, blocks[i]);
        }
        return within;
    }

    @Benchmark
    public CopyBatch transfers() {
        down.clear();
        for (int i = 0; i < BATCH; i++) {
            down.offload(0, blocks[i], slotOf[i]);
        }
        return down;
    }
}
