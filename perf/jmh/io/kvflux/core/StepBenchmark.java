package io.kvflux.core;

import com.sun.management.ThreadMXBean;
import io.kvflux.api.FinishReason;
import io.kvflux.api.SequenceId;
import io.kvflux.api.SequenceSpec;
import io.kvflux.api.StepResult;
import io.kvflux.draft.DraftPolicy;
import java.lang.management.ManagementFactory;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.AuxCounters;
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

/** What a step costs the core: planned and answered. */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(3)
public class StepBenchmark {

    private static final int SEQUENCES = 64;
    private static final int DRAFTS = 4;
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    /**
     * 64 sequences that decode, each followed by another when it ends. Garbage should be that of new sequences alone, 64 of
     * them in 512 tokens each.
     */
    @State(Scope.Thread)
    public static class Turnover implements SchedulerListener {

        private static final SequenceSpec SPEC =
                SequenceSpec.of(Driver.tokens(0, 32)).maxTokens(512);

        /** Drafts: none where the caches have none, else by a policy; of four, two are accepted. */
        @Param({"none", "off", "fixed", "adaptive"})
        public String drafts;

        private final StepResult result = new StepResult();
        private SchedulerCore core;
        private int ended;

        @Setup
        public void begin() {
            SchedulerConfig.Builder builder = SchedulerConfig.builder(
                            Configs.caches(16, 1, drafts.equals("none") ? 0 : DRAFTS), 10_000)
                    .prefixCaching(false);
            switch (drafts) {
                case "off" -> builder.draftPolicy(DraftPolicy::off);
                case "fixed" -> builder.draftPolicy(() -> DraftPolicy.fixed(DRAFTS));
                case "adaptive" -> builder.draftPolicy(DraftPolicy::adaptive);
                default -> {}
            }
            core = new SchedulerCore(builder.build(), this);
            ended = SEQUENCES;
        }

        @Override
        public void finished(SequenceId id, FinishReason reason, @Nullable Throwable cause) {
            ended++;
        }
    }

    /** Sequences that only decode, with prefix caching: each has 896 tokens at first and 1 152 at last. */
    @State(Scope.Thread)
    public static class Decoding {

        @Param({"256", "1024", "4096"})
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

    /**
     * What the steps of the last round allocated, and their time on the processor, in which other programs have no part. The
     * table adds them up; the JSON file has them for each iteration.
     */
    @State(Scope.Thread)
    @AuxCounters(AuxCounters.Type.EVENTS)
    public static class LastRound {
        public double bytesPerStep;
        public double cpuMicrosPerStep;
    }

    @Benchmark
    public long turnover(Turnover state) {
        while (state.ended > 0) {
            state.core.submit(Turnover.SPEC, Long.MAX_VALUE);
            state.ended--;
        }
        return DecodingRounds.step(state.core, state.result);
    }

    @Benchmark
    @OutputTimeUnit(TimeUnit.MICROSECONDS)
    @OperationsPerInvocation(DecodingRounds.STEPS)
    public long decode(Decoding state, LastRound round) {
        long bytes = THREADS.getCurrentThreadAllocatedBytes();
        long cpu = THREADS.getCurrentThreadCpuTime();
        long last = 0;
        for (int i = 0; i < DecodingRounds.STEPS; i++) {
            last = state.rounds.step();
        }
        round.cpuMicrosPerStep = (THREADS.getCurrentThreadCpuTime() - cpu) / 1e3 / DecodingRounds.STEPS;
        round.bytesPerStep = (double) (THREADS.getCurrentThreadAllocatedBytes() - bytes) / DecodingRounds.STEPS;
        return last;
    }
}
