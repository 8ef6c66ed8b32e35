package io.kvflux.serve;

import io.kvflux.StepExecutor;
import io.kvflux.api.Step;
import io.kvflux.api.StepResult;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/** Stands before a model: lets its steps through, holds them, or fails them. */
final class Gate implements UnaryOperator<StepExecutor> {

    private final AtomicInteger held = new AtomicInteger();
    private volatile Sinks.@Nullable Empty<Void> closed;
    private volatile @Nullable RuntimeException failure;

    @Override
    public StepExecutor apply(StepExecutor model) {
        return step -> pass(step, model);
    }

    private Publisher<StepResult> pass(Step step, StepExecutor model) {
        RuntimeException failed = failure;
        if (failed != null) {
            return Mono.error(failed);
        }
        Sinks.Empty<Void> gate = closed;
        if (gate == null) {
            return model.execute(step);
        }
        held.incrementAndGet();
        return gate.asMono().then(Mono.from(model.execute(step)));
    }

    void close() {
        closed = Sinks.empty();
    }

    /** Steps that came while it was closed. */
    int held() {
        return held.get();
    }

    void open() {
        Sinks.Empty<Void> gate = closed;
        closed = null;
        gate.tryEmitEmpty();
    }

    void fail(@Nullable RuntimeException cause) {
        failure = cause;
    }
}
