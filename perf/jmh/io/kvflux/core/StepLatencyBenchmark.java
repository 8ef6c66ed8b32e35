package io.kvflux.core;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * The slowest of a million steps in which 1 024 sequences decode. The score is the time of all, with the prefills between
 * the rounds; what counts are the counters beside it.
 */
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 0)
@Measurement(iterations = 1)
@Fork(5)
public class StepLatencyBenchmark {

    private static final int SEQUENCES = 1_024;
    private static final int ROUNDS = 3_907;
    private static final int WARMUP_ROUNDS = 100;
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    /** A core that is warm. */
    @State(Scope.Thread)
    public static class Decoding {

        private final int[] nanos = new int[ROUNDS * DecodingRounds.STEPS];
        private final int[] cpuNanos = new int[nanos.length];
        private DecodingRounds rounds;

        @Setup
        public void warmUp() {
            rounds = new DecodingRounds(SEQUENCES, 0, 2 * SEQUENCES * DecodingRounds.BLOCKS);
            for (int i = 0; i < WARMUP_ROUNDS; i++) {
                run(0);
            }
        }

        /** Takes the times of a round, and the bytes it allocated. */
        private long run(int round) {
            rounds.begin();
            long allocated = THREADS.getCurrentThreadAllocatedBytes();
            long cpu = THREADS.getCurrentThreadCpuTime();
            for (int i = round * DecodingRounds.STEPS; i < (round + 1) * DecodingRounds.STEPS; i++) {
                long begin = System.nanoTime();
                rounds.step();
                nanos[i] = (int) Math.min(Integer.MAX_VALUE, System.nanoTime() - begin);
                long now = THREADS.getCurrentThreadCpuTime();
                cpuNanos[i] = (int) Math.min(Integer.MAX_VALUE, now - cpu);
                cpu = now;
            }
            return THREADS.getCurrentThreadAllocatedBytes() - allocated;
        }
    }

    /**
     * Microseconds of a step by the clock, and on the processor, in which other programs have no part; the latter contain
     * their own measuring. All rounds do the same, so a step that is slow by itself is slow in each: {@code undisturbed} is
     * the slowest step of a round, each as in the round in which it was quickest.
     */
    @State(Scope.Thread)
    @AuxCounters(AuxCounters.Type.EVENTS)
    public static class Times {
        public double median;
        public double p9999;
        public double p9999OfMedian;
        public double longest;
        public double undisturbed;
        public double undisturbedOfMedian;
        public double cpuMedian;
        public double cpuP9999;
        public double cpuP9999OfMedian;
        public double cpuLongest;
        public double bytesPerStep;
    }

    @Benchmark
    public void millionSteps(Decoding state, Times times) {
        long bytes = 0;
        for (int round = 0; round < ROUNDS; round++) {
            bytes += state.run(round);
        }
        times.undisturbed = undisturbed(state.nanos) / 1e3;
        Arrays.sort(state.nanos);
        Arrays.sort(state.cpuNanos);
        times.median = micros(state.nanos, 0.5);
        times.p9999 = micros(state.nanos, 0.9999);
        times.p9999OfMedian = times.p9999 / times.median;
        times.undisturbedOfMedian = times.undisturbed / times.median;
        times.longest = micros(state.nanos, 1);
        times.cpuMedian = micros(state.cpuNanos, 0.5);
        times.cpuP9999 = micros(state.cpuNanos, 0.9999);
        times.cpuP9999OfMedian = times.cpuP9999 / times.cpuMedian;
        times.cpuLongest = micros(state.cpuNanos, 1);
        times.bytesPerStep = (double) bytes / state.nanos.length;
    }

    private static int undisturbed(int[] nanos) {
        int slowest = 0;
        for (int step = 0; step < DecodingRounds.STEPS; step++) {
            int quickest = Integer.MAX_VALUE;
            for (int i = step; i < nanos.length; i += DecodingRounds.STEPS) {
                quickest = Math.min(quickest, nanos[i]);
            }
            slowest = Math.max(slowest, quickest);
        }
        return slowest;
    }

    private static double micros(int[] sorted, double quantile) {
        return sorted[(int) Math.ceil(quantile * (sorted.length - 1))] / 1e3;
    }
}
