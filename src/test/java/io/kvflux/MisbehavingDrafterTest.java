package io.kvflux;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvflux.api.DraftContext;
import io.kvflux.api.DraftToken;
import io.kvflux.api.SchedulerMetrics;
import io.kvflux.api.SchedulerRecorder;
import io.kvflux.api.SequenceId;
import io.kvflux.api.Step;
import io.kvflux.api.StepResult;
import io.kvflux.api.TokenEvent;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.reactivestreams.Publisher;
import org.reactivestreams.Subscriber;
import org.reactivestreams.Subscription;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Hooks;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/**
 * Drafters that break every rule of Reactive Streams, each beside one that keeps to them. Both sequences generate their
 * tokens, the other one as fast as if it were alone, and nothing is left behind.
 */
class MisbehavingDrafterTest {

    private static final int PROMPT = 5;
    private static final int TOKENS = 40;

    private final List<Throwable> failures = new ArrayList<>();
    private final List<Throwable> dropped = new ArrayList<>();

    @BeforeEach
    void listen() {
        Hooks.onErrorDropped(dropped::add);
    }

    @AfterEach
    void stopListening() {
        Hooks.resetOnErrorDropped();
    }

    /** A drafter as the rules are broken: given the subscriber, it does what it likes. */
    private interface Wild extends Drafter {

        void subscribed(Subscriber<? super DraftToken> subscriber, DraftContext context);

        @Override
        default Publisher<DraftToken> draft(DraftContext context) {
            return subscriber -> subscribed(subscriber, context);
        }
    }

    private record OnRequest(Consumer<Long> requested, Runnable cancelled) implements Subscription {

        @Override
        public void request(long n) {
            requested.accept(n);
        }

        @Override
        public void cancel() {
            cancelled.run();
        }
    }

    private static Subscription deaf() {
        return new OnRequest(n -> {}, () -> {});
    }

    /** Right drafts from a position on. */
    private static Flux<DraftToken> right(DraftContext context) {
        return Flux.<DraftToken, Integer>generate(context::length, (position, sink) -> {
            sink.next(new DraftToken(Rig.token(position)));
            return position + 1;
        });
    }

    private static Drafter wild(Wild wild) {
        return wild;
    }

    /** Names, drafters, and what the recorder hears of each; nothing if it broke no rule. */
    static Stream<Arguments> drafters() {
        return Stream.of(
                Arguments.of(
                        "ignores demand",
                        wild((subscriber, context) -> {
                            subscriber.onSubscribe(deaf());
                            for (int i = 0; i < 100; i++) {
                                subscriber.onNext(new DraftToken(Rig.token(context.length() + i)));
                            }
                        }),
                        "must not bring more than it was asked for"),
                Arguments.of(
                        "brings one more",
                        wild((subscriber, context) -> subscriber.onSubscribe(new OnRequest(
                                n -> {
                                    for (long i = 0; i <= n; i++) {
                                        subscriber.onNext(new DraftToken(1));
                                    }
                                },
                                () -> {}))),
                        "must not bring more than it was asked for"),
                Arguments.of("stalls", wild((subscriber, context) -> subscriber.onSubscribe(deaf())), ""),
                Arguments.of("never subscribes", wild((subscriber, context) -> {}), ""),
                Arguments.of(
                        "fails at once", (Drafter) context -> Flux.error(new IllegalStateException("wild")), "wild"),
                Arguments.of(
                        "fails after two",
                        (Drafter) context ->
                                right(context).take(2).concatWith(Mono.error(new IllegalStateException("wild"))),
                        "wild"),
                Arguments.of("is empty", (Drafter) context -> Flux.empty(), ""),
                Arguments.of(
                        "completes early", (Drafter) context -> right(context).take(1), ""),
                Arguments.of(
                        "always wrong", (Drafter) context -> right(context).map(draft -> new DraftToken(999_999)), ""),
                Arguments.of(
                        "throws",
                        (Drafter) context -> {
                            throw new IllegalStateException("wild");
                        },
                        "wild"),
                Arguments.of(
                        "throws an error",
                        (Drafter) context -> {
                            throw new StackOverflowError("wild");
                        },
                        "wild"),
                Arguments.of("returns null", (Drafter) context -> null, "must return a publisher, not null"),
                Arguments.of(
                        "throws from subscribe",
                        wild((subscriber, context) -> {
                            throw new IllegalStateException("wild");
                        }),
                        "wild"),
                Arguments.of(
                        "subscribes twice",
                        wild((subscriber, context) -> {
                            AtomicBoolean cancelled = new AtomicBoolean();
                            subscriber.onSubscribe(deaf());
                            subscriber.onSubscribe(new OnRequest(
                                    n -> {
                                        throw new AssertionError("the second subscription is not asked");
                                    },
                                    () -> cancelled.set(true)));
                            assertThat(cancelled).isTrue();
                        }),
                        ""),
                Arguments.of(
                        "throws from request",
                        wild((subscriber, context) -> subscriber.onSubscribe(new OnRequest(
                                n -> {
                                    throw new IllegalStateException("wild");
                                },
                                () -> {}))),
                        "wild"),
                Arguments.of(
                        "throws from cancel",
                        wild((subscriber, context) -> subscriber.onSubscribe(
                                new OnRequest(n -> subscriber.onNext(new DraftToken(999_999)), () -> {
                                    throw new IllegalStateException("wild cancel");
                                }))),
                        ""),
                Arguments.of(
                        "brings null",
                        wild((subscriber, context) -> subscriber.onSubscribe(new OnRequest(
                                n -> {
                                    try {
                                        subscriber.onNext(null);
                                    } catch (NullPointerException rule) {
                                        return; // 2.13
                                    }
                                },
                                () -> {}))),
                        "a draft must not be null"),
                Arguments.of(
                        "is outside the vocabulary",
                        wild((subscriber, context) -> subscriber.onSubscribe(
                                new OnRequest(n -> subscriber.onNext(new DraftToken(5_000_000)), () -> {}))),
                        "a draft must be less than vocabularySize"),
                Arguments.of(
                        "goes on after its end",
                        wild((subscriber, context) -> subscriber.onSubscribe(new OnRequest(
                                n -> {
                                    subscriber.onComplete();
                                    subscriber.onNext(new DraftToken(1));
                                    subscriber.onError(new IllegalStateException("after the end"));
                                    subscriber.onComplete();
                                },
                                () -> {}))),
                        ""),
                Arguments.of(
                        "does not hear a cancellation",
                        wild((subscriber, context) -> subscriber.onSubscribe(
                                new OnRequest(n -> subscriber.onNext(new DraftToken(999_999)), () -> {
                                    subscriber.onNext(new DraftToken(1));
                                    subscriber.onNext(new DraftToken(1));
                                }))),
                        ""));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("drafters")
    void costsNothingButItsOwnSpeed(String name, Drafter drafter, String cause) {
        long alone = run(context -> Flux.empty(), Schedulers.immediate()).accepted;
        Outcome beside = run(drafter, Schedulers.immediate());
        assertThat(alone).isPositive();
        assertThat(beside.accepted).isEqualTo(alone);
        if (cause.isEmpty()) {
            assertThat(failures).isEmpty();
            assertThat(beside.failed).isZero();
        } else {
            assertThat(failures)
                    .hasSize(1)
                    .allMatch(failure -> failure.getMessage().contains(cause));
            assertThat(beside.failed).as("it is not asked again").isEqualTo(1);
        }
    }

    private record Outcome(long accepted, long failed) {}

    /** Two sequences, the first with that drafter; what was accepted of the drafts of the other. */
    private Outcome run(Drafter first, Scheduler threads) {
        List<Step> steps = new ArrayList<>();
        BlockScheduler scheduler = scheduler(threads);
        scheduler.draft(drafter(first)).subscribe();
        scheduler.steps().subscribe(steps::add);
        List<Integer> wild = new ArrayList<>();
        List<Integer> good = new ArrayList<>();
        scheduler.generate(Rig.prompt(PROMPT).maxTokens(TOKENS)).subscribe(event -> wild.add(event.token()));
        scheduler.generate(Rig.prompt(PROMPT, 2000).maxTokens(TOKENS)).subscribe(event -> good.add(event.token()));
        long accepted = 0;
        StepResult result = new StepResult();
        while (!steps.isEmpty()) {
            Step step = steps.remove(0);
            DraftRig.answer(step, result);
            for (int i = 0; i < step.size(); i++) {
                boolean ofGood = step.spec(i).promptTokens(0)[0] == 2000;
                accepted += ofGood && step.drafts(i) > 0 ? result.accepted(i) : 0;
            }
            scheduler.complete(result);
        }
        assertThat(wild).isEqualTo(Rig.output(PROMPT, TOKENS));
        assertThat(good).isEqualTo(Rig.output(PROMPT, TOKENS));
        SchedulerMetrics metrics = scheduler.metrics();
        assertThat(metrics.draftsInFlight()).isZero();
        assertThat(metrics.draftsGranted())
                .isEqualTo(metrics.draftsAccepted() + metrics.draftsRejected() + metrics.draftsAborted());
        assertThat(metrics.heldBlocks() + metrics.withheldBlocks()).isZero();
        scheduler.disposeLater().block(Duration.ofSeconds(30));
        return new Outcome(accepted, metrics.draftersFailed());
    }

    private BlockScheduler scheduler(Scheduler threads) {
        return DraftRig.builder()
                .vocabularySize(1_000_000)
                .recorder(new SchedulerRecorder() {
                    @Override
                    public void drafterFailed(Throwable cause) {
                        failures.add(cause);
                    }
                })
                .deliverOn(threads)
                .build();
    }

    private static Drafter drafter(Drafter first) {
        return context -> context.token(0) == 1000 ? first.draft(context) : right(context);
    }

    @Test
    void whatIsThrownFromCancelIsReported() {
        Drafter drafter = wild((subscriber, context) ->
                subscriber.onSubscribe(new OnRequest(n -> subscriber.onNext(new DraftToken(999_999)), () -> {
                    throw new IllegalStateException("wild cancel");
                })));
        run(drafter, Schedulers.immediate());
        assertThat(dropped).isNotEmpty().allMatch(thrown -> "wild cancel".equals(thrown.getMessage()));
    }

    @Test
    void twoThreadsAtATimeBringNoMoreThanWasAskedFor() throws InterruptedException {
        AtomicInteger brought = new AtomicInteger();
        List<Thread> threads = new ArrayList<>();
        Drafter drafter = wild((subscriber, context) -> subscriber.onSubscribe(new OnRequest(
                n -> {
                    for (int i = 0; i < 2; i++) {
                        Thread thread = new Thread(() -> {
                            for (int draft = 0; draft < 10; draft++) {
                                subscriber.onNext(new DraftToken(1));
                                brought.incrementAndGet();
                            }
                        });
                        threads.add(thread);
                        thread.start();
                    }
                    for (Thread thread : threads) {
                        join(thread);
                    }
                },
                () -> {})));
        Outcome outcome = run(drafter, Schedulers.immediate());
        assertThat(outcome.failed).isLessThanOrEqualTo(1);
        assertThat(brought.get()).isPositive();
        for (Thread thread : threads) {
            thread.join();
        }
    }

    private static void join(Thread thread) {
        try {
            thread.join();
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** With threads of its own the drafter of one sequence blocks; the other one is drafted for all the same. */
    @Test
    void oneThatBlocksHoldsUpNoOtherDrafts() {
        CountDownLatch release = new CountDownLatch(1);
        Scheduler threads = Schedulers.newBoundedElastic(8, 100, "drafts");
        try {
            BlockScheduler scheduler =
                    DraftRig.builder().deviceBlocks(4_000).deliverOn(threads).build();
            scheduler
                    .draft(drafter(context -> {
                        await(release);
                        return Flux.empty();
                    }))
                    .subscribe();
            scheduler
                    .run(step -> Mono.fromSupplier(() -> DraftRig.answer(step, new StepResult())))
                    .subscribe();
            CountDownLatch drafted = new CountDownLatch(1);
            Mono<Void> blocked =
                    scheduler.generate(Rig.prompt(PROMPT).maxTokens(2_000)).then();
            Mono<Void> other = scheduler
                    .generate(Rig.prompt(PROMPT, 2000).maxTokens(10_000))
                    .doOnNext(event -> {
                        if (scheduler.metrics().draftsAccepted() > 0) {
                            drafted.countDown();
                        }
                    })
                    .takeUntil(event -> drafted.getCount() == 0)
                    .then();
            blocked.and(other).block(Duration.ofSeconds(60));
            assertThat(drafted.getCount())
                    .as("drafts of the other one were accepted")
                    .isZero();
            release.countDown();
            scheduler.disposeLater().block(Duration.ofSeconds(30));
            assertThat(scheduler.metrics().draftsInFlight()).isZero();
        } finally {
            release.countDown();
            threads.dispose();
        }
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** Wrong drafts make it begin again and again: it is never called for a sequence by two threads at a time. */
    @Test
    void isCalledByOneThreadAtATimeForEachSequence() {
        Scheduler threads = Schedulers.newBoundedElastic(8, 100, "drafts");
        try {
            BlockScheduler scheduler = DraftRig.builder().deliverOn(threads).build();
            Map<SequenceId, AtomicInteger> inside = new ConcurrentHashMap<>();
            Map<SequenceId, AtomicInteger> begunOf = new ConcurrentHashMap<>();
            AtomicInteger overlaps = new AtomicInteger();
            AtomicInteger most = new AtomicInteger();
            scheduler
                    .draft(context -> {
                        AtomicInteger own = inside.computeIfAbsent(context.sequence(), id -> new AtomicInteger());
                        AtomicInteger begun = begunOf.computeIfAbsent(context.sequence(), id -> new AtomicInteger());
                        Consumer<Runnable> alone = call -> {
                            overlaps.addAndGet(own.incrementAndGet() > 1 ? 1 : 0);
                            for (int i = 0; i < 2_000; i++) {
                                Thread.onSpinWait();
                            }
                            call.run();
                            own.decrementAndGet();
                        };
                        alone.accept(() -> most.accumulateAndGet(begun.incrementAndGet(), Math::max));
                        return subscriber -> subscriber.onSubscribe(new OnRequest(
                                n -> alone.accept(() -> subscriber.onNext(new DraftToken(999_999))),
                                () -> alone.accept(() -> {})));
                    })
                    .subscribe();
            scheduler
                    .run(step -> Mono.fromSupplier(() -> DraftRig.answer(step, new StepResult())))
                    .subscribe();
            // Where the threads of the drafter get no time, a sequence may end before it was called twice.
            for (int i = 0; i == 0 || most.get() < 2; i++) {
                assertThat(i).isLessThan(10_000);
                scheduler.generate(Rig.prompt(PROMPT).maxTokens(390)).blockLast(Duration.ofSeconds(60));
            }
            scheduler.disposeLater().block(Duration.ofSeconds(30));
            assertThat(overlaps).hasValue(0);
        } finally {
            threads.dispose();
        }
    }

    @Test
    void oneThatBlocksHoldsUpNeitherStepsNorClients() throws InterruptedException {
        CountDownLatch blocked = new CountDownLatch(1);
        CountDownLatch release = new CountDownLatch(1);
        Scheduler threads = Schedulers.newBoundedElastic(4, 100, "drafts");
        try {
            BlockScheduler scheduler = DraftRig.builder().deliverOn(threads).build();
            scheduler
                    .draft(context -> {
                        blocked.countDown();
                        try {
                            release.await();
                        } catch (InterruptedException interrupted) {
                            Thread.currentThread().interrupt();
                        }
                        return Flux.empty();
                    })
                    .subscribe();
            scheduler
                    .run(step -> Mono.fromCallable(() -> {
                        blocked.await();
                        return DraftRig.answer(step, new StepResult());
                    }))
                    .subscribe();
            List<Integer> tokens = scheduler
                    .generate(Rig.prompt(PROMPT).maxTokens(TOKENS))
                    .map(TokenEvent::token)
                    .collectList()
                    .block(Duration.ofSeconds(30));
            assertThat(tokens).isEqualTo(Rig.output(PROMPT, TOKENS));
            release.countDown();
            scheduler.disposeLater().block(Duration.ofSeconds(30));
            assertThat(scheduler.metrics().draftsInFlight()).isZero();
        } finally {
            release.countDown();
            threads.dispose();
        }
    }
}
