package io.kvflux;

import io.kvflux.api.SequenceSpec;
import io.kvflux.api.Step;
import io.kvflux.api.StepResult;
import io.kvflux.api.TokenEvent;
import io.kvflux.core.Configs;
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
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.scheduler.Schedulers;

/**
 * Token events from the executor's result to the clients, through the whole face: one operation is one event of one of
 * 256 decoding sequences. A step is planned, answered, and its tokens delivered; clients only count.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(5)
public class TokenEventBenchmark {

    private static final int SEQUENCES = 256;

    /** What the clients ask for: everything at once, or one token after the other. */
    @Param({"unbounded", "one by one"})
    private String demand = "unbounded";

    private BlockScheduler scheduler;
    private final StepResult result = new StepResult();
    private Step step;
    private long received;

    /** Sequences of fixed length would end at different times in different iterations, so each iteration has its own. */
    @Setup(Level.Iteration)
    public void begin() {
        scheduler = BlockScheduler.builder(Configs.caches(16, 1))
                .deviceBlocks(1 << 20)
                .externalMemory()
                .maxBatchSize(SEQUENCES)
                .deliverOn(Schedulers.immediate())
                .loopOn(Schedulers.immediate())
                .build();
        scheduler.steps().subscribe(new BaseSubscriber<>() {
            @Override
            protected void hookOnNext(Step next) {
                step = next;
            }
        });
        for (int i = 0; i < SEQUENCES; i++) {
            scheduler.generate(SequenceSpec.of(i + 1)).subscribe(new CountingClient());
        }
        while (step.size() < SEQUENCES) {
            answer();
        }
    }

    @TearDown(Level.Iteration)
    public void end() {
        scheduler.disposeLater().subscribe();
        answer();
    }

    @Benchmark
    @OperationsPerInvocation(SEQUENCES)
    public long events() {
        answer();
        return received;
    }

    private void answer() {
        Step now = step;
        result.reset(now);
        for (int entry = 0; entry < now.size(); entry++) {
            result.token(entry, 7);
        }
        scheduler.complete(result);
    }

    private final class CountingClient implements CoreSubscriber<TokenEvent> {

        private Subscription subscription;

        @Override
        public void onSubscribe(Subscription given) {
            subscription = given;
            given.request(demand.equals("unbounded") ? Long.MAX_VALUE : 1);
        }

        @Override
        public void onNext(TokenEvent event) {
            received += event.token();
            if (!demand.equals("unbounded")) {
                subscription.request(1);
            }
        }

        @Override
        public void onError(Throwable disposed) {}

        @Override
        public void onComplete() {}
    }
}
