package io.kvflux.core;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** How the time of a step grows: with the sequences it decodes, and with nothing else. */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 3, jvmArgsAppend = "-Xmx4g")
public class StepGrowthBenchmark {

    private static final int SEQUENCES = 256;
    private static final int POOL = 2 * SEQUENCES * DecodingRounds.BLOCKS;

    /** By sequences that decode. */
    @State(Scope.Thread)
    public static class BySequences {

        @Param({"16", "64", "256", "1024", "4096"})
        public int sequences;

        private DecodingRounds rounds;

        @Setup
        public void configure() {
            rounds = new DecodingRounds(sequences, 0, 2 * sequences * DecodingRounds.BLOCKS);
        }

        @Setup(Level.Invocation)
        public void prefill() {
            rounds.begin();
        }
    }

    /** By sequences that wait while 256 decode. */
    @State(Scope.Thread)
    public static class ByWaiting {

        @Param({"0", "1000", "100000"})
        public int waiting;

        private DecodingRounds rounds;

        @Setup
        public void configure() {
            rounds = new DecodingRounds(SEQUENCES, waiting, POOL);
        }

        @Setup(Level.Invocation)
        public void prefill() {
            rounds.begin();
        }
    }

    /** By sequences that wait for blocks while 256 decode: each plan looks at the first of them, in vain. */
    @State(Scope.Thread)
    public static class ByRefused {

        @Param({"0", "1000", "100000"})
        public int waiting;

        private DecodingRounds rounds;

        @Setup
        public void configure() {
            rounds = new DecodingRounds(SEQUENCES, waiting, SEQUENCES * DecodingRounds.BLOCKS, true, builder -> {});
        }

        @Setup(Level.Invocation)
        public void prefill() {
            rounds.begin();
        }
    }

    /** By rules that go by lengths, while 256 decode and others wait for blocks. */
    @State(Scope.Thread)
    public static class ByRules {

        private static final int FOR_EVER = 1 << 30;

        /** None, shortest alone, and with room for growth, with levelling, and with both. */
        @Param({"none", "shortest", "growth", "levelling", "all"})
        public String rules;

        @Param({"0", "50"})
        public int waiting;

        private DecodingRounds rounds;

        @Setup
        public void configure() {
            rounds = new DecodingRounds(SEQUENCES, waiting, POOL, true, this::choose);
        }

        private void choose(SchedulerConfig.Builder builder) {
            if (rules.equals("none")) {
                return;
            }
            builder.policy(QueuePolicy.SHORTEST).ageing(FOR_EVER);
            if (rules.equals("growth") || rules.equals("all")) {
                builder.growthMargin(1);
            }
            builder.levelling(rules.equals("levelling") || rules.equals("all"));
        }

        @Setup(Level.Invocation)
        public void prefill() {
            rounds.begin();
        }
    }

    /** By blocks of the pool while 256 decode. */
    @State(Scope.Thread)
    public static class ByBlocks {

        @Param({"20000", "100000", "1000000", "10000000"})
        public int blocks;

        private DecodingRounds rounds;

        @Setup
        public void configure() {
            rounds = new DecodingRounds(SEQUENCES, 0, blocks);
        }

        @Setup(Level.Invocation)
        public void prefill() {
            rounds.begin();
        }
    }

    @Benchmark
    @OperationsPerInvocation(DecodingRounds.STEPS)
    public long decoding(BySequences state) {
        return round(state.rounds);
    }

    @Benchmark
    @OperationsPerInvocation(DecodingRounds.STEPS)
    public long besideWaiting(ByWaiting state) {
        return round(state.rounds);
    }

    @Benchmark
    @OperationsPerInvocation(DecodingRounds.STEPS)
    public long besideRefused(ByRefused state) {
        return round(state.rounds);
    }

    @Benchmark
    @OperationsPerInvocation(DecodingRounds.STEPS)
    public long byRules(ByRules state) {
        return round(state.rounds);
    }

    @Benchmark
    @OperationsPerInvocation(DecodingRounds.STEPS)
    public long inPool(ByBlocks state) {
        return round(state.rounds);
    }

    private static long round(DecodingRounds rounds) {
        long last = 0;
        for (int i = 0; i < DecodingRounds.STEPS; i++) {
            last = rounds.step();
        }
        return last;
    }
}
