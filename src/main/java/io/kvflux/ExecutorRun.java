package io.kvflux;

import io.kvflux.api.Step;
import io.kvflux.api.StepResult;
import org.reactivestreams.Publisher;
import org.reactivestreams.Subscription;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Mono;
import reactor.core.publisher.MonoSink;

/** Feeds the steps to an executor and its results back. */
final class ExecutorRun extends BaseSubscriber<Step> {

    private final Steps steps;
    private final StepExecutor executor;
    private final MonoSink<Void> sink;

    ExecutorRun(Steps steps, StepExecutor executor, MonoSink<Void> sink) {
        this.steps = steps;
        this.executor = executor;
        this.sink = sink;
    }

    @Override
    protected void hookOnSubscribe(Subscription subscription) {
        subscription.request(Long.MAX_VALUE); // steps in flight are bounded as it is
    }

    @Override
    protected void hookOnNext(Step step) {
        Answer answer = new Answer(step.number());
        Publisher<StepResult> publisher;
        try {
            publisher = executor.execute(step);
        } catch (Throwable thrown) {
            answer.failed(thrown);
            return;
        }
        if (publisher == null) {
            answer.failed(
                    new IllegalStateException("an executor must return a publisher, not null, step=" + step.number()));
            return;
        }
        try {
            Mono.from(publisher).subscribe(answer);
        } catch (Throwable fatal) { // Reactor throws what it takes for fatal
            answer.failed(fatal);
        }
    }

    @Override
    protected void hookOnComplete() {
        sink.success();
    }

    @Override
    protected void hookOnError(Throwable throwable) {
        sink.error(throwable);
    }

    /** Takes the one result of a step; whatever else the executor signals is dropped. */
    private final class Answer extends BaseSubscriber<StepResult> {

        private final long step;
        private boolean answered;

        Answer(long step) {
            this.step = step;
        }

        @Override
        protected void hookOnNext(StepResult result) {
            try {
                if (result.step() != step) {
                    throw new IllegalStateException("an executor answers the step it was given, step=" + step
                            + ", result.step=" + result.step());
                }
                steps.complete(result);
                answered = true;
            } catch (RuntimeException unfit) {
                failed(unfit);
            }
        }

        @Override
        protected void hookOnComplete() {
            failed(new IllegalStateException("an executor must give a result for every step, step=" + step));
        }

        @Override
        protected void hookOnError(Throwable throwable) {
            failed(throwable);
        }

        void failed(Throwable cause) {
            if (answered) {
                return;
            }
            try {
                steps.fail(step, cause);
            } catch (IllegalStateException elsewhere) { // somebody else answered or failed this step
                Lanes.drop(cause);
            }
            answered = true;
        }
    }
}
