package io.kvflux;

import io.kvflux.api.SequenceSpec;
import io.kvflux.api.Step;
import io.kvflux.api.StepResult;
import io.kvflux.core.Configs;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
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
import reactor.core.scheduler.Schedulers;

/** From subscribing to generate until the step that prefills the sequence is in the executor's hands. */
@State(Scope.Thread)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(3)
public class SubmitLatencyBenchmark {

    /** Whether the executor is called on the thread that submits, or on one of the scheduler's. */
    @Param({"immediate", "boundedElastic"})
    private String deliverOn = "immediate";

    private BlockScheduler scheduler;
    private final BlockingQueue<Step> steps = new LinkedBlockingQueue<>();
    private final StepResult result = new StepResult();
    private final SequenceSpec spec = SequenceSpec.of(1, 2, 3).maxTokens(1);

    @Setup
    public void begin() {
        scheduler = BlockScheduler.builder(Configs.caches(16, 1))
                .deviceBlocks(1024)
                .externalMemory()
                .deliverOn(deliverOn.equals("immediate") ? Schedulers.immediate() : Schedulers.boundedElastic())
                .build();
        scheduler.steps().subscribe(steps::add);
    }

    @TearDown
    public void end() {
        scheduler.disposeLater().block();
    }

    /** The answer, one token, is part of it: it costs about as much as a token event. */
    @Benchmark
    public void submitToStep() throws InterruptedException {
        scheduler.generate(spec).subscribe();
        Step step = steps.take();
        result.reset(step);
        result.token(0, 1);
        scheduler.complete(result);
    }
}
