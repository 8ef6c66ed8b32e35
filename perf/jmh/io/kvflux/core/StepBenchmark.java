package io.kvflux.core;

import io.kvflux.api.FinishReason;
import io.kvflux.api.SequenceId;
import io.kvflux.api.SequenceSpec;
import io.kvflux.api.Step;
import io.kvflux.api.StepResult;
import io.kvflux.draft.DraftPolicy;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
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
import org.openjdk.jmh.annotations.Warmup;

/**
 * What a step costs the core: planned and answered for 64 sequences that decode, each followed by another when it ends.
 * Garbage should be that of new sequences alone, 64 of them in 512 tokens each.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(3)
public class StepBenchmark implements SchedulerListener {

    private static final int SEQUENCES = 64;
    private static final int DRAFTS = 4;
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

    @Benchmark
    public long step() {
        while (ended > 0) {
            core.submit(SPEC, Long.MAX_VALUE);
            ended--;
        }
        Step step = core.plan();
        result.reset(step);
        for (int i = 0; i < step.size(); i++) {
            if (step.samples(i)) {
                result.token(i, 5);
                if (step.drafts(i) > 0) {
                    result.accepted(i, step.drafts(i) / 2);
                }
                for (int j = 0; j < step.granted(i); j++) {
                    result.draft(i, 6);
                }
            }
        }
        core.took(step.number(), 0.02);
        core.complete(result);
        return step.number();
    }
}
