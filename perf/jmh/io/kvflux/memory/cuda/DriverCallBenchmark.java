package io.kvflux.memory.cuda;

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
 * What a call of the driver costs: what JNA adds, and what the driver itself takes. {@code version} does next to nothing in
 * any driver, so it is the price of the call. Runs on the driver of this machine, or on the library that
 * {@code -jvmArgsAppend -Dkvflux.cuda.library=FILE} names.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class DriverCallBenchmark {

    private static final long BYTES = 2 << 20;

    private Gpu gpu;
    private long out;
    private long stream;
    private long event;

    @Setup(Level.Trial)
    public void open() {
        gpu = Gpu.open(CudaProperties.of(CudaDriver.load(), 0));
        gpu.enter();
        out = Scratch.get().address();
        stream = gpu.stream(Gpu.DOWN);
        event = gpu.record(Gpu.DOWN);
        gpu.check(Driver.cuEventSynchronize(event), "cuEventSynchronize");
    }

    @TearDown(Level.Trial)
    public void close() {
        gpu.putBackEvent(event);
        gpu.leave();
        gpu.close();
    }

    @Benchmark
    public int version() {
        return Driver.cuDriverGetVersion(out);
    }

    @Benchmark
    public int eventQuery() {
        return Driver.cuEventQuery(event);
    }

    @Benchmark
    public int streamQuery() {
        return Driver.cuStreamQuery(stream);
    }

    @Benchmark
    public int enterAndLeave() {
        gpu.enter();
        gpu.leave();
        return 0;
    }

    @Benchmark
    public int allocateAndFree() {
        int code = Driver.cuMemAlloc_v2(out, BYTES);
        return code == 0 ? Driver.cuMemFree_v2(Scratch.get().getLong(0)) : code;
    }
}
