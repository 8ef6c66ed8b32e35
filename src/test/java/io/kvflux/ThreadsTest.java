package io.kvflux;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvflux.api.BlockEvent;
import io.kvflux.api.SchedulerDisposedException;
import io.kvflux.api.SchedulerRecorder;
import io.kvflux.api.SchedulerSnapshot;
import io.kvflux.api.StepResult;
import io.kvflux.core.Configs;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import reactor.test.StepVerifier;

/** Who is called by which thread, and what happens when somebody holds it. */
@Timeout(60)
class ThreadsTest {

    private static final StepExecutor MODEL = step -> Mono.just(Rig.answer(step, new StepResult()));

    private static BlockSchedulerBuilder threaded() {
        return Rig.builder(100).deliverOn(Schedulers.boundedElastic()).loopOn(Schedulers.parallel());
    }

    @Test
    void subscribersAreNotCalledOnTheCallersThread() {
        BlockScheduler scheduler = threaded().build();
        List<String> threads = new ArrayList<>();
        scheduler
                .run(step -> {
                    threads.add(Thread.currentThread().getName());
                    return MODEL.execute(step);
                })
                .subscribe();
        scheduler
                .generate(Rig.prompt(5).maxTokens(20))
                .doOnNext(event -> threads.add(Thread.currentThread().getName()))
                .blockLast(Duration.ofSeconds(20));
        scheduler.disposeLater().block(Duration.ofSeconds(20));
        assertThat(threads).isNotEmpty().allMatch(name -> name.startsWith("boundedElastic"));
    }

    @Test
    void aClientThatBlocksHoldsUpNobodyElse() throws InterruptedException {
        BlockScheduler scheduler = threaded().build();
        scheduler.run(MODEL).subscribe();
        CountDownLatch held = new CountDownLatch(1);
        CountDownLatch release = new CountDownLatch(1);
        CountDownLatch ended = new CountDownLatch(1);
        scheduler
                .generate(Rig.prompt(5).maxTokens(50))
                .doOnNext(event -> {
                    held.countDown();
                    await(release);
                })
                .doFinally(signal -> ended.countDown())
                .subscribe();
        held.await();
        Flux.range(0, 50)
                .flatMap(i -> scheduler.generate(Rig.prompt(5, 10 * i).maxTokens(30)))
                .blockLast(Duration.ofSeconds(20));
        release.countDown();
        ended.await();
        StepVerifier.create(scheduler.disposeLater()).expectComplete().verify(Duration.ofSeconds(20));
    }

    @Test
    void aClientMayWaitForAnotherSequenceInsideItsOwnSignal() {
        BlockScheduler scheduler = threaded().build();
        scheduler.run(MODEL).subscribe();
        List<Integer> lasts = Flux.range(0, 3)
                .flatMap(i -> scheduler
                        .generate(Rig.prompt(5, 10 * i).maxTokens(3))
                        .map(event -> scheduler
                                .generate(Rig.prompt(9).maxTokens(2))
                                .blockLast(Duration.ofSeconds(20))
                                .token()))
                .collectList()
                .block(Duration.ofSeconds(30));
        assertThat(lasts).hasSize(9).allMatch(token -> token == Rig.token(10));
        StepVerifier.create(scheduler.disposeLater()).expectComplete().verify(Duration.ofSeconds(20));
    }

    @Test
    void anExecutorMayBlockItsThread() {
        BlockScheduler scheduler = threaded().maxStepsInFlight(2).build();
        scheduler
                .run(step -> Mono.just(Mono.fromSupplier(() -> Rig.answer(step, new StepResult()))
                        .subscribeOn(Schedulers.parallel())
                        .block()))
                .subscribe();
        assertThat(scheduler.generate(Rig.prompt(5).maxTokens(40)).collectList().block(Duration.ofSeconds(20)))
                .hasSize(40);
        StepVerifier.create(scheduler.disposeLater()).expectComplete().verify(Duration.ofSeconds(20));
    }

    @Test
    void aLongDrainIsHandedOver() {
        AtomicInteger handedOver = new AtomicInteger();
        AtomicReference<Runnable> rest = new AtomicReference<>();
        Loop[] loop = new Loop[1];
        Loop.Work work = new Loop.Work() {
            @Override
            public void settle() {}

            @Override
            public void broken(@Nullable Signal signal, Throwable bug) {
                throw new AssertionError(bug);
            }

            @Override
            public void rest() {}
        };
        loop[0] = new Loop(
                Schedulers.fromExecutor(task -> {
                    handedOver.incrementAndGet();
                    rest.set(task);
                }),
                work);
        AtomicInteger runs = new AtomicInteger();
        Signal endless = new Signal() {
            @Override
            void run() {
                if (runs.incrementAndGet() < 1000) {
                    loop[0].raise(this);
                }
            }
        };
        loop[0].raise(endless);
        assertThat(runs).hasValue(256);
        assertThat(handedOver).hasValue(1);
        AtomicInteger others = new AtomicInteger();
        loop[0].raise(new Signal() {
            @Override
            void run() {
                others.incrementAndGet();
            }
        });
        assertThat(others).as("others only leave their signal").hasValue(0);
        for (int i = 0; i < 3; i++) {
            rest.get().run();
        }
        assertThat(runs).hasValue(1000);
        assertThat(others).hasValue(1);
        assertThat(handedOver).hasValue(3);
    }

    /** Each thread raises its signal again only when it has run: nothing that comes later can cover up a lost one. */
    @Test
    void anExecutorMayWaitForAnAnswerAndClientsWhoBlockOnOneDoNotHoldUpSteps() throws InterruptedException {
        BlockScheduler scheduler = BlockScheduler.builder(Configs.caches(4, 1))
                .deviceBlocks(20)
                .deliveryLanes(1)
                .build();
        CountDownLatch steps = new CountDownLatch(3);
        CountDownLatch over = new CountDownLatch(1);
        scheduler
                .run(step -> {
                    if (steps.getCount() == 3) {
                        scheduler.snapshot().block(Duration.ofSeconds(30));
                        scheduler.snapshot().subscribe(state -> await(over));
                    }
                    steps.countDown();
                    return Mono.just(Rig.answer(step, new StepResult()));
                })
                .subscribe();
        scheduler.generate(Rig.prompt(3).maxTokens(3)).subscribe();
        assertThat(steps.await(30, TimeUnit.SECONDS)).isTrue();
        over.countDown();
        scheduler.disposeLater().block(Duration.ofSeconds(30));
    }

    @Test
    void noSignalIsLostWhenTwoThreadsTakeTurns() throws InterruptedException {
        Loop loop = new Loop(Schedulers.parallel(), new Loop.Work() {
            @Override
            public void settle() {}

            @Override
            public void broken(@Nullable Signal signal, Throwable bug) {
                throw new AssertionError(bug);
            }

            @Override
            public void rest() {}
        });
        AtomicInteger lost = new AtomicInteger();
        Thread[] threads = new Thread[3];
        for (int i = 0; i < threads.length; i++) {
            threads[i] = new Thread(() -> lost.addAndGet(raiseAndAwait(loop, 300_000)));
            threads[i].start();
        }
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(lost).hasValue(0);
    }

    /** How many signals did not run within some seconds; stops at the first. */
    private static int raiseAndAwait(Loop loop, int times) {
        AtomicInteger runs = new AtomicInteger();
        Signal signal = new Signal() {
            @Override
            void run() {
                runs.incrementAndGet();
            }
        };
        for (int i = 1; i <= times; i++) {
            loop.raise(signal);
            long giveUp = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
            while (runs.get() < i) {
                if (System.nanoTime() > giveUp) {
                    return 1;
                }
                Thread.onSpinWait();
            }
        }
        return 0;
    }

    @Test
    void aBugInTheCoreEndsEverythingClearly() {
        BlockScheduler scheduler = Rig.builder(20)
                .recorder(new SchedulerRecorder() {})
                .clock(() -> {
                    throw new IllegalStateException("bug");
                })
                .build();
        Client client = Client.of(scheduler.generate(Rig.prompt(3))).asks(1);
        Client second = Client.of(scheduler.generate(Rig.prompt(3))).asks(1);
        assertThat(client.error == null ? second.error : client.error).isInstanceOf(SchedulerDisposedException.class);
        StepVerifier.create(scheduler.snapshot()).verifyError(SchedulerDisposedException.class);
        StepVerifier.create(scheduler.disposeLater()).verifyErrorMessage("bug");
    }

    @Test
    void aStepThatDidNotReachItsReceiverGoesToTheNext() {
        Queue<Runnable> lanes = new ArrayDeque<>();
        BlockScheduler scheduler =
                Rig.builder(20).deliverOn(Schedulers.fromExecutor(lanes::add)).build();
        List<Long> first = new ArrayList<>();
        Disposable receiver = scheduler.steps().subscribe(step -> first.add(step.number()));
        runAll(lanes);
        Client.of(scheduler.generate(Rig.prompt(3))).asks(1);
        receiver.dispose();
        List<Long> second = new ArrayList<>();
        scheduler.steps().subscribe(step -> second.add(step.number()));
        runAll(lanes);
        assertThat(first).isEmpty();
        assertThat(second).containsExactly(1L);
    }

    @Test
    void aStepThatReachedNobodyDoesNotHoldUpTheDisposal() {
        Queue<Runnable> lanes = new ArrayDeque<>();
        BlockScheduler scheduler =
                Rig.builder(20).deliverOn(Schedulers.fromExecutor(lanes::add)).build();
        List<Long> steps = new ArrayList<>();
        scheduler.steps().subscribe(step -> steps.add(step.number()));
        runAll(lanes);
        Client.of(scheduler.generate(Rig.prompt(3))).asks(1);
        AtomicInteger disposed = new AtomicInteger();
        scheduler
                .disposeLater()
                .doOnSuccess(nothing -> disposed.incrementAndGet())
                .subscribe();
        runAll(lanes);
        assertThat(steps).isEmpty();
        assertThat(disposed).hasValue(1);
        assertThat(scheduler.metrics().freeBlocks()).isEqualTo(20);
    }

    private static void runAll(Queue<Runnable> tasks) {
        while (!tasks.isEmpty()) {
            tasks.remove().run();
        }
    }

    private static void await(CountDownLatch latch) {
        try {
            if (!latch.await(20, TimeUnit.SECONDS)) {
                throw new AssertionError("nobody released the client");
            }
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
        }
    }

    @Test
    void whatTakesLongIsNotDoneOnTheCallersThread() {
        Queue<Runnable> loop = new ArrayDeque<>();
        Rig rig = new Rig(20, builder -> builder.loopOn(Schedulers.fromExecutor(loop::add)));
        List<BlockEvent> events = new ArrayList<>();
        rig.scheduler.blockEvents().subscribe(events::add);
        List<SchedulerSnapshot> snapshots = new ArrayList<>();
        rig.scheduler.snapshot().subscribe(snapshots::add);
        assertThat(events).isEmpty();
        assertThat(loop).hasSize(1);
        runAll(loop);
        assertThat(events).hasSize(1);
        assertThat(snapshots).hasSize(1);
        Client client =
                Client.of(rig.scheduler.generate(Rig.prompt(3).maxTokens(1))).asks(1);
        rig.stepAll();
        assertThat(client.completed).as("the rest goes on as ever").isTrue();
        assertThat(loop).isEmpty();
    }

    @Test
    void aQuestionThatBreaksTheCoreIsAnswered() {
        Rig rig = new Rig(20);
        List<Throwable> errors = new ArrayList<>();
        Query.ask(rig.scheduler.shell, () -> {
                    throw new AssertionError("bug");
                })
                .subscribe(nothing -> {}, errors::add);
        assertThat(errors).hasSize(1);
        assertThat(errors.get(0)).isInstanceOf(SchedulerDisposedException.class).hasRootCauseMessage("bug");
    }
}
