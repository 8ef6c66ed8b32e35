package io.kvflux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvflux.api.ExecutorFailedException;
import io.kvflux.api.SchedulerDisposedException;
import io.kvflux.api.Step;
import io.kvflux.api.StepResult;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;
import reactor.test.StepVerifier;
import reactor.test.scheduler.VirtualTimeScheduler;

/** Steps going out, results and failures coming back. */
class StepsTest {

    private static final class Receiver extends BaseSubscriber<Step> {

        final List<Step> steps = new ArrayList<>();

        @Override
        protected void hookOnSubscribe(Subscription subscription) {}

        @Override
        protected void hookOnNext(Step step) {
            steps.add(step);
        }
    }

    @AfterEach
    void realTimeAgain() {
        VirtualTimeScheduler.reset();
    }

    private static Client client(BlockScheduler scheduler, int promptLength, int first, int maxTokens) {
        return Client.of(scheduler.generate(Rig.prompt(promptLength, first).maxTokens(maxTokens)))
                .asks(Long.MAX_VALUE);
    }

    @Test
    void oneRequestIsOneStep() {
        BlockScheduler scheduler = Rig.builder(20)
                .maxStepsInFlight(2)
                .scheduling(core -> core.maxBatchSize(1))
                .build();
        Receiver receiver = new Receiver();
        scheduler.steps().subscribe(receiver);
        client(scheduler, 3, 0, 9);
        client(scheduler, 3, 100, 9);
        assertThat(receiver.steps).isEmpty();
        receiver.request(1);
        assertThat(receiver.steps).hasSize(1);
        receiver.request(5);
        assertThat(receiver.steps).hasSize(2);
        scheduler.complete(Rig.answer(receiver.steps.get(0), new StepResult()));
        assertThat(receiver.steps).hasSize(3);
    }

    @Test
    void resultsMayComeInAnyOrder() {
        Rig rig = new Rig(20, builder -> builder.maxStepsInFlight(2));
        Client client = client(rig.scheduler, 3, 0, 2);
        Step first = rig.steps.remove();
        Step second = rig.steps.remove();
        StepResult late = Rig.answer(first, new StepResult());
        rig.scheduler.complete(Rig.answer(second, new StepResult()));
        assertThat(client.events).isEmpty();
        rig.scheduler.complete(late);
        assertThat(client.tokens()).isEqualTo(Rig.output(3, 2));
    }

    @Test
    void aResultIsTakenOnceAndOnlyForAStepInFlight() {
        Rig rig = new Rig(20);
        Rig other = new Rig(20);
        client(rig.scheduler, 3, 0, 9);
        client(other.scheduler, 3, 0, 9);
        StepResult foreign = Rig.answer(other.steps.element(), new StepResult());
        assertThatThrownBy(() -> rig.scheduler.complete(foreign))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("a result belongs to the scheduler whose step it was reset for, step=1");
        StepResult result = Rig.answer(rig.steps.element(), new StepResult());
        rig.scheduler.complete(result);
        assertThatThrownBy(() -> rig.scheduler.complete(result))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("step=1");
        assertThatThrownBy(() -> rig.scheduler.complete(new StepResult())).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> rig.scheduler.fail(77, new RuntimeException()))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("step=77");
        assertThat(rig.scheduler.metrics().generatedTokens()).isEqualTo(1);
    }

    @Test
    void aResultThatMissesASequenceIsRefusedAndMayBeMended() {
        Rig rig = new Rig(20);
        Client client = client(rig.scheduler, 3, 0, 1);
        Step step = rig.steps.element();
        StepResult result = new StepResult().reset(step);
        assertThatThrownBy(() -> rig.scheduler.complete(result))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("an entry that samples needs a token or a failure, step=1, entry=0");
        result.token(0, 5);
        assertThatThrownBy(() -> result.token(0, 6))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("an entry has one token, step=1, entry=0, token=5, again=6");
        rig.scheduler.complete(result);
        assertThat(client.tokens()).containsExactly(5);
    }

    @Test
    void aTokenNobodyPlannedIsRefused() {
        Rig rig = new Rig(20, builder -> builder.maxBatchTokens(4).maxBatchSize(1));
        client(rig.scheduler, 30, 0, 1);
        StepResult result = new StepResult().reset(rig.steps.element());
        result.token(0, 1);
        assertThatThrownBy(() -> rig.scheduler.complete(result))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("an entry that does not sample must have no token, step=1, entry=0");
    }

    @Test
    void aTokenOutsideTheVocabularyIsRefused() {
        Rig rig = new Rig(20, builder -> builder.vocabularySize(100));
        client(rig.scheduler, 3, 0, 1);
        StepResult result = new StepResult().reset(rig.steps.element());
        result.token(0, 100);
        assertThatThrownBy(() -> rig.scheduler.complete(result))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a sampled token id must be less than vocabularySize, step=1, entry=0, token=100,"
                        + " vocabularySize=100");
    }

    @Test
    void aFailedStepEndsItsSequencesAndTheLoopLivesOn() {
        VirtualTimeScheduler time = VirtualTimeScheduler.create();
        Rig rig = new Rig(20, builder -> builder.loopOn(time));
        Client failed = client(rig.scheduler, 3, 0, 5);
        rig.scheduler.fail(rig.steps.remove().number(), new IllegalStateException("device"));
        assertThat(failed.error).hasMessage("device");
        Client later = client(rig.scheduler, 3, 50, 2);
        assertThat(rig.steps).isEmpty();
        time.advanceTimeBy(Duration.ofMillis(10));
        rig.stepAll();
        assertThat(later.completed).isTrue();
        assertThat(rig.scheduler.metrics().stepsFailed()).isEqualTo(1);
        assertThat(rig.scheduler.metrics().freeBlocks()
                        + rig.scheduler.metrics().cachedBlocks())
                .isEqualTo(20);
    }

    @Test
    void backOffDoublesAndASuccessEndsIt() {
        VirtualTimeScheduler time = VirtualTimeScheduler.create();
        Rig rig = new Rig(20, builder -> builder.loopOn(time));
        for (long pause : new long[] {10, 20, 40}) {
            client(rig.scheduler, 3, 0, 5);
            rig.scheduler.fail(rig.steps.remove().number(), new IllegalStateException("device"));
            client(rig.scheduler, 3, 0, 1);
            time.advanceTimeBy(Duration.ofMillis(pause).minusNanos(1));
            assertThat(rig.steps).isEmpty();
            time.advanceTimeBy(Duration.ofNanos(1));
            assertThat(rig.steps).hasSize(1);
        }
        rig.stepAll();
        client(rig.scheduler, 3, 0, 5);
        rig.scheduler.fail(rig.steps.remove().number(), new IllegalStateException("device"));
        client(rig.scheduler, 3, 0, 1);
        time.advanceTimeBy(Duration.ofMillis(10));
        assertThat(rig.steps).hasSize(1);
    }

    @Test
    void anExecutorThatAlwaysFailsStopsTheScheduler() {
        VirtualTimeScheduler time = VirtualTimeScheduler.create();
        BlockScheduler scheduler =
                Rig.builder(20).loopOn(time).maxExecutorFailures(3).build();
        List<Client> clients = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            clients.add(client(scheduler, 3, 10 * i, 5));
        }
        AtomicInteger calls = new AtomicInteger();
        List<Throwable> end = new ArrayList<>();
        scheduler
                .run(step -> {
                    calls.incrementAndGet();
                    throw new IllegalStateException("broken model");
                })
                .subscribe(nothing -> {}, end::add);
        for (int i = 0; i < 4; i++) {
            clients.add(client(scheduler, 3, 100 + 10 * i, 5));
            time.advanceTimeBy(Duration.ofSeconds(1));
        }
        assertThat(calls).hasValue(3);
        assertThat(end).hasSize(1);
        assertThat(end.get(0))
                .isInstanceOf(ExecutorFailedException.class)
                .hasMessageContaining("failures=3")
                .hasRootCauseMessage("broken model");
        assertThat(clients).allSatisfy(client -> assertThat(client.error).isNotNull());
        StepVerifier.create(scheduler.generate(Rig.prompt(3)))
                .verifyErrorSatisfies(error -> assertThat(error)
                        .isInstanceOf(SchedulerDisposedException.class)
                        .hasMessageContaining("failures=3"));
        assertThat(scheduler.metrics().heldBlocks()).isZero();
        StepVerifier.create(scheduler.disposeLater()).verifyComplete();
    }

    @Test
    void anExecutorThatGivesNothingNullOrAnotherStepFailsItsStep() {
        List<StepExecutor> bad = List.of(
                step -> Mono.empty(),
                step -> null,
                step -> Mono.error(new IllegalStateException("late")),
                step -> Mono.just(new StepResult()),
                step -> Mono.just(new StepResult().reset(step)));
        for (StepExecutor executor : bad) {
            BlockScheduler scheduler = Rig.builder(20).maxExecutorFailures(1).build();
            Client client = client(scheduler, 3, 0, 5);
            scheduler.run(executor).onErrorComplete().subscribe();
            assertThat(client.error).isNotNull();
            assertThat(scheduler.metrics().stepsFailed()).isEqualTo(1);
        }
    }

    @Test
    void anExecutorDrivesSequencesToTheirEnd() {
        BlockScheduler scheduler = Rig.builder(20).maxStepsInFlight(2).build();
        scheduler.run(step -> Mono.just(Rig.answer(step, new StepResult()))).subscribe();
        assertThat(client(scheduler, 9, 0, 6).tokens()).isEqualTo(Rig.output(9, 6));
        assertThat(client(scheduler, 9, 0, 6).tokens()).isEqualTo(Rig.output(9, 6));
    }

    @Test
    void anExecutorsResultThatComesLaterIsTakenFromAnyThread() {
        BlockScheduler scheduler = Rig.builder(20).build();
        Sinks.One<StepResult> later = Sinks.one();
        List<Step> seen = new ArrayList<>();
        scheduler
                .run(step -> {
                    seen.add(step);
                    return seen.size() == 1 ? later.asMono().publishOn(Schedulers.boundedElastic()) : Mono.never();
                })
                .subscribe();
        Client client = client(scheduler, 3, 0, 1);
        later.tryEmitValue(Rig.answer(seen.get(0), new StepResult()));
        StepVerifier.create(scheduler.disposeLater()).expectComplete().verify(Duration.ofSeconds(10));
        assertThat(client.completed || client.error != null).isTrue();
    }

    @Test
    void stepsHaveOneSubscriberAtATime() {
        Rig rig = new Rig(20);
        StepVerifier.create(rig.scheduler.steps())
                .verifyErrorMessage("steps have one subscriber at a time, and run is one: cancel the other first");
        rig.cancel();
        Receiver next = new Receiver();
        rig.scheduler.steps().subscribe(next);
        next.request(1);
        client(rig.scheduler, 3, 0, 1);
        assertThat(next.steps).hasSize(1);
    }

    @Test
    void aStepReceivedBeforeACancelIsStillAnswered() {
        Rig rig = new Rig(20);
        Client client = client(rig.scheduler, 3, 0, 1);
        rig.cancel();
        rig.stepAll();
        assertThat(client.completed).isTrue();
    }

    @Test
    void aRequestOfNothingEndsTheStepsWithAnError() {
        BlockScheduler scheduler = Rig.builder(4).build();
        List<Throwable> errors = new ArrayList<>();
        scheduler.steps().subscribe(new Client.Raw<>(-1, errors::add));
        assertThat(errors).hasSize(1);
        assertThat(errors.get(0)).isInstanceOf(IllegalArgumentException.class).hasMessageContaining("n=-1");
    }

    @Test
    void disposingEndsEverythingAndWaitsForTheStepInFlight() {
        Rig rig = new Rig(20);
        Client client = client(rig.scheduler, 3, 0, 9);
        AtomicInteger disposed = new AtomicInteger();
        rig.scheduler
                .disposeLater()
                .doOnSuccess(nothing -> disposed.incrementAndGet())
                .subscribe();
        assertThat(client.error)
                .isInstanceOf(SchedulerDisposedException.class)
                .hasMessage("the scheduler is disposed and takes no more sequences");
        assertThat(disposed).hasValue(0);
        rig.stepAll();
        assertThat(disposed).hasValue(1);
        rig.scheduler
                .disposeLater()
                .doOnSuccess(nothing -> disposed.incrementAndGet())
                .subscribe();
        assertThat(disposed).hasValue(2);
        StepVerifier.create(rig.scheduler.generate(Rig.prompt(1))).verifyError(SchedulerDisposedException.class);
        StepVerifier.create(rig.scheduler.steps()).verifyComplete();
        StepVerifier.create(rig.scheduler.run(step -> Mono.empty())).verifyComplete();
    }

    @Test
    void disposingGracefullyLetsSequencesEnd() {
        VirtualTimeScheduler time = VirtualTimeScheduler.create();
        Rig rig = new Rig(20, builder -> builder.loopOn(time));
        Client quick = client(rig.scheduler, 3, 0, 2);
        AtomicInteger disposed = new AtomicInteger();
        rig.scheduler
                .disposeGracefully(Duration.ofSeconds(5))
                .doOnSuccess(nothing -> disposed.incrementAndGet())
                .subscribe();
        StepVerifier.create(rig.scheduler.generate(Rig.prompt(1))).verifyError(SchedulerDisposedException.class);
        rig.stepAll();
        assertThat(quick.completed).isTrue();
        assertThat(disposed).hasValue(1);
    }

    @Test
    void patienceMayBeEndless() {
        Rig rig = new Rig(20, builder -> builder.loopOn(VirtualTimeScheduler.create()));
        Client client = client(rig.scheduler, 3, 0, 2);
        AtomicInteger disposed = new AtomicInteger();
        rig.scheduler
                .disposeGracefully(Duration.ofSeconds(Long.MAX_VALUE))
                .doOnSuccess(nothing -> disposed.incrementAndGet())
                .subscribe();
        rig.stepAll();
        assertThat(client.completed).isTrue();
        assertThat(disposed).hasValue(1);
    }

    @Test
    void aStepThatSomebodyElseEndedDoesNotStallTheRun() {
        BlockScheduler scheduler = Rig.builder(20).build();
        Sinks.One<StepResult> late = Sinks.one();
        List<Step> steps = new ArrayList<>();
        scheduler
                .run(step -> {
                    steps.add(step);
                    return steps.size() == 1 ? late.asMono() : Mono.just(Rig.answer(step, new StepResult()));
                })
                .subscribe();
        Client lost = client(scheduler, 3, 0, 2);
        StepResult answer = Rig.answer(steps.get(0), new StepResult());
        VirtualTimeScheduler time = VirtualTimeScheduler.getOrSet();
        scheduler.fail(answer.step(), new IllegalStateException("given up"));
        assertThat(lost.error).hasMessage("given up");
        late.tryEmitValue(answer);
        time.advanceTimeBy(Duration.ofSeconds(1));
        Client next = client(scheduler, 3, 100, 3);
        assertThat(next.completed).isTrue();
    }

    @Test
    void aFatalErrorOfTheExecutorFailsItsStepAndNoMore() {
        VirtualTimeScheduler time = VirtualTimeScheduler.getOrSet();
        BlockScheduler scheduler = Rig.builder(20).build();
        AtomicInteger calls = new AtomicInteger();
        scheduler
                .run(step -> Mono.fromCallable(() -> {
                    if (calls.incrementAndGet() == 1) {
                        throw new UnsatisfiedLinkError("no kernel");
                    }
                    return Rig.answer(step, new StepResult());
                }))
                .subscribe();
        Client failed = client(scheduler, 3, 0, 2);
        assertThat(failed.error).isInstanceOf(UnsatisfiedLinkError.class);
        time.advanceTimeBy(Duration.ofMillis(10));
        Client next = client(scheduler, 3, 100, 3);
        assertThat(next.completed).isTrue();
        assertThat(calls).hasValue(4);
    }

    @Test
    void patienceEnds() {
        VirtualTimeScheduler time = VirtualTimeScheduler.create();
        Rig rig = new Rig(20, builder -> builder.loopOn(time));
        Client stalled = Client.of(rig.scheduler.generate(Rig.prompt(3)));
        rig.stepAll();
        AtomicInteger disposed = new AtomicInteger();
        rig.scheduler
                .disposeGracefully(Duration.ofSeconds(5))
                .doOnSuccess(nothing -> disposed.incrementAndGet())
                .subscribe();
        time.advanceTimeBy(Duration.ofSeconds(4));
        assertThat(disposed).hasValue(0);
        time.advanceTimeBy(Duration.ofSeconds(1));
        assertThat(disposed).hasValue(1);
        stalled.asks(Long.MAX_VALUE);
        assertThat(stalled.events).hasSize(8);
        assertThat(stalled.error).isInstanceOf(SchedulerDisposedException.class);
        assertThatThrownBy(() -> rig.scheduler.disposeGracefully(Duration.ofSeconds(-1)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("patience must not be negative, patience=PT-1S");
    }

    @Test
    void aStepWhoseAnswerNeverComesDoesNotStallTheRunOnceItIsFailed() {
        VirtualTimeScheduler time = VirtualTimeScheduler.getOrSet();
        BlockScheduler scheduler = Rig.builder(20).build();
        List<Step> steps = new ArrayList<>();
        scheduler
                .run(step -> {
                    steps.add(step);
                    return steps.size() == 1 ? Mono.never() : Mono.just(Rig.answer(step, new StepResult()));
                })
                .subscribe();
        client(scheduler, 3, 0, 2);
        scheduler.fail(1, new IllegalStateException("watchdog"));
        time.advanceTimeBy(Duration.ofMillis(10));
        assertThat(client(scheduler, 3, 100, 3).completed).isTrue();
        assertThat(steps).hasSizeGreaterThan(1);
    }

    @Test
    void aLateAnswerToAnotherStepChangesNothing() {
        Rig rig = new Rig(20);
        client(rig.scheduler, 3, 0, 9);
        StepResult late = Rig.answer(rig.steps.element(), new StepResult());
        rig.step();
        assertThatThrownBy(() -> rig.scheduler.complete(late))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("step=1");
        assertThatThrownBy(() -> rig.scheduler.fail(1, new RuntimeException()))
                .isInstanceOf(IllegalStateException.class);
        rig.step();
        assertThat(rig.scheduler.metrics().generatedTokens()).isEqualTo(2);
        assertThat(rig.scheduler.metrics().stepsFailed()).isZero();
    }

    @Test
    void aLoopThatCannotTimeLeavesItToAnother() {
        VirtualTimeScheduler time = VirtualTimeScheduler.getOrSet();
        Rig rig = new Rig(20); // its loop is on Schedulers.immediate(), which refuses to wait
        Client client = client(rig.scheduler, 3, 0, 9);
        AtomicInteger disposed = new AtomicInteger();
        rig.scheduler
                .disposeGracefully(Duration.ofSeconds(5))
                .doOnSuccess(nothing -> disposed.incrementAndGet())
                .subscribe();
        rig.step();
        assertThat(client.error).isNull();
        time.advanceTimeBy(Duration.ofSeconds(5));
        assertThat(client.error).isInstanceOf(SchedulerDisposedException.class);
        rig.stepAll();
        assertThat(disposed).hasValue(1);
    }

    @Test
    void aDisposalThatIsOverLeavesNoTimerBehind() {
        List<Disposable> timers = new ArrayList<>();
        Scheduler loop = new Scheduler() {
            @Override
            public Disposable schedule(Runnable task) {
                return Schedulers.immediate().schedule(task);
            }

            @Override
            public Disposable schedule(Runnable task, long delay, TimeUnit unit) {
                timers.add(Disposables.single());
                return timers.get(timers.size() - 1);
            }

            @Override
            public Worker createWorker() {
                return Schedulers.immediate().createWorker();
            }
        };
        Rig rig = new Rig(20, builder -> builder.loopOn(loop));
        StepVerifier.create(rig.scheduler.disposeGracefully(Duration.ofDays(1))).verifyComplete();
        assertThat(timers).hasSize(1).allMatch(Disposable::isDisposed);
    }

    /** Reactive Streams 1.3: signals come one after another, onSubscribe first. */
    @Test
    void nothingIsHeardInsideOnSubscribe() {
        Rig rig = new Rig(20);
        List<String> heard = new ArrayList<>();
        rig.scheduler.steps().subscribe(new Nosy<>(heard));
        rig.scheduler.blockEvents().subscribe(new Nosy<>(heard));
        rig.scheduler.generate(Rig.prompt(1000)).subscribe(new Nosy<>(heard)); // can never fit
        rig.scheduler.disposeLater().subscribe();
        rig.scheduler.steps().subscribe(new Nosy<>(heard));
        assertThat(heard)
                .containsExactly(
                        "subscribed",
                        "error",
                        "subscribed",
                        "next",
                        "subscribed",
                        "error",
                        "complete",
                        "subscribed",
                        "complete");
    }

    /** Asks in onSubscribe and writes down that it is over. */
    private record Nosy<T>(List<String> heard) implements CoreSubscriber<T> {

        @Override
        public void onSubscribe(Subscription subscription) {
            subscription.request(1);
            heard.add("subscribed");
        }

        @Override
        public void onNext(T value) {
            heard.add("next");
        }

        @Override
        public void onError(Throwable cause) {
            heard.add("error");
        }

        @Override
        public void onComplete() {
            heard.add("complete");
        }
    }
}
