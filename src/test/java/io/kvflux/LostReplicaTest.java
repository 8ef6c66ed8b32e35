package io.kvflux;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvflux.api.BlockEvent;
import io.kvflux.api.SchedulerDisposedException;
import io.kvflux.api.SchedulerMetrics;
import io.kvflux.api.SchedulerRecorder;
import io.kvflux.api.SequenceId;
import io.kvflux.api.Step;
import io.kvflux.api.StepResult;
import io.kvflux.api.Tier;
import io.kvflux.api.TokenEvent;
import io.kvflux.core.Configs;
import io.kvflux.draft.DraftPolicy;
import io.kvflux.geometry.DataSize;
import io.kvflux.memory.DeviceLostException;
import io.kvflux.memory.FaultyDeviceMemory;
import io.kvflux.memory.FaultyDeviceMemory.Fault;
import io.kvflux.memory.host.HostMemoryDevice;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import reactor.test.StepVerifier;

/** A device is lost: who ran there is told why, and everybody else gets the tokens they would have got. */
class LostReplicaTest {

    private static final int BLOCKS = 20;

    /** How an executor or the device shows that something is wrong; why is for the scheduler to find out. */
    enum Sign {
        /** The step fails as a whole, also for those whose memory is as it was. */
        STEP,
        /** The entries of the replica fail. */
        ENTRY
    }

    private final HostMemoryDevice host = HostMemoryDevice.withBudget(DataSize.parse("1MiB"));
    private Fault fault = Fault.NONE;
    private final FaultyDeviceMemory device = new FaultyDeviceMemory(host, batch -> fault);
    private final DeviceLostException cause =
            new DeviceLostException("test:0", "it fell off the bus", "restart the process", null);
    private final DeviceLostException other = new DeviceLostException("test:1", "so did it", "restart", null);
    private final StepResult result = new StepResult();
    private final List<Integer> recorded = new ArrayList<>();

    @AfterEach
    void close() {
        assertThat(device.allocatedBytes()).isZero();
        device.close();
    }

    private Rig rig(UnaryOperator<BlockSchedulerBuilder> settings) {
        return new Rig(
                BLOCKS,
                builder -> settings.apply(builder.device(device)
                        .maxExecutorFailures(1)
                        .recorder(new SchedulerRecorder() {
                            @Override
                            public void replicaLost(int replica, Throwable why) {
                                assertThat(why).isIn(cause, other);
                                recorded.add(replica);
                                throw new IllegalStateException("recorder");
                            }
                        })),
                2);
    }

    private Rig rig() {
        return rig(UnaryOperator.identity());
    }

    private static Client client(Rig rig, int prompt, int first, int tokens) {
        return Client.of(rig.scheduler.generate(Rig.prompt(prompt, first).maxTokens(tokens)))
                .asks(Long.MAX_VALUE);
    }

    /** What is wrong shows in the oldest step. */
    private void show(Rig rig, Sign sign) {
        Step step = rig.steps.remove();
        if (sign == Sign.STEP) {
            rig.scheduler.fail(step.number(), new IllegalStateException("launch failed"));
            return;
        }
        Rig.answer(step, result);
        for (int i = step.firstEntry(0); i < step.firstEntry(1); i++) {
            result.fail(i, new IllegalStateException("launch failed"));
        }
        rig.scheduler.complete(result);
    }

    private static void dispose(Rig rig) {
        StepVerifier.create(rig.scheduler.disposeLater()).then(rig::stepAll).verifyComplete();
    }

    private static SchedulerMetrics metrics(Rig rig) {
        return rig.scheduler.metrics();
    }

    @ParameterizedTest
    @EnumSource(Sign.class)
    void whoRanThereIsToldWhyAndTheOthersGetTheirTokens(Sign sign) {
        Rig rig = rig();
        Client lost = client(rig, 9, 1000, 8);
        Client kept = client(rig, 9, 2000, 8);
        rig.step();
        rig.step();
        device.lose(0, cause);
        show(rig, sign);
        assertThat(lost.error).isSameAs(cause);
        assertThat(lost.tokens()).isNotEmpty().isEqualTo(Rig.output(9, 8).subList(0, lost.events.size()));
        assertThat(recorded).containsExactly(0);
        assertThat(metrics(rig).replicasLost()).isEqualTo(1);
        assertThat(metrics(rig).usableBlocks()).isEqualTo(BLOCKS);
        rig.stepAll();
        assertThat(kept.tokens()).isEqualTo(Rig.output(9, 8));
        assertThat(kept.completed).isTrue();
        assertThat(metrics(rig).failed()).isEqualTo(1);
        StepVerifier.create(rig.scheduler.snapshot())
                .assertNext(snapshot -> {
                    assertThat(snapshot.replicas().get(0).usable()).isZero();
                    assertThat(snapshot.replicas().get(1).usable()).isEqualTo(BLOCKS);
                })
                .verifyComplete();
        dispose(rig);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void inMidStepWithAnotherBehindItWhateverBecomesOfThat(boolean secondFails) {
        Rig rig = rig(builder -> builder.maxStepsInFlight(2));
        Client lost = client(rig, 9, 1000, 8);
        Client kept = client(rig, 9, 2000, 8);
        rig.step();
        rig.step();
        assertThat(rig.steps).hasSize(2);
        device.lose(0, cause);
        show(rig, Sign.STEP);
        assertThat(lost.error).isSameAs(cause);
        if (secondFails) {
            show(rig, Sign.STEP);
        }
        rig.stepAll();
        assertThat(kept.tokens()).isEqualTo(Rig.output(9, 8));
        assertThat(metrics(rig).stepsFailed()).isEqualTo(secondFails ? 2 : 1);
        assertThat(metrics(rig).preemptions()).as("it computed again").isEqualTo(1);
        dispose(rig);
    }

    @Test
    void whoCancelsAtThatMomentHearsNothingMore() {
        Rig rig = rig(builder -> builder.maxStepsInFlight(2));
        Client leaves = client(rig, 9, 1000, 8);
        Client kept = client(rig, 9, 2000, 8);
        rig.step();
        device.lose(0, cause);
        leaves.cancel();
        show(rig, Sign.STEP);
        rig.stepAll();
        assertThat(leaves.error).isNull();
        assertThat(kept.tokens()).isEqualTo(Rig.output(9, 8));
        assertThat(metrics(rig).cancelled()).isEqualTo(1);
        assertThat(metrics(rig).failed()).isZero();
        dispose(rig);
    }

    @Test
    void whoWaitsGoesToAnotherReplica() {
        Rig rig = rig(builder -> builder.maxBatchSize(1));
        client(rig, 9, 1000, 8);
        Client kept = client(rig, 9, 2000, 3);
        Client waits = client(rig, 9, 3000, 3);
        rig.step();
        device.lose(0, cause);
        show(rig, Sign.ENTRY);
        rig.stepAll();
        assertThat(kept.tokens()).isEqualTo(Rig.output(9, 3));
        assertThat(waits.tokens()).isEqualTo(Rig.output(9, 3));
        dispose(rig);
    }

    /** The batch that fills blocks of both replicas fails as a whole; it is tried again without the one that is lost. */
    @ParameterizedTest
    @EnumSource(
            value = Fault.class,
            names = {"NONE", "DELAY"})
    void aStepWhoseBlocksCannotBeFilledThereIsHandedOutToTheOthers(Fault how) {
        Rig rig = rig(builder -> builder.zeroOnRelease(true));
        Client lost = client(rig, 9, 1000, 8);
        Client kept = client(rig, 9, 2000, 8);
        Client leaves = client(rig, 5, 3000, 8);
        Client leavesToo = client(rig, 5, 4000, 8);
        rig.step();
        rig.step();
        assertThat(rig.steps.element().size()).isEqualTo(4);
        assertThat(rig.steps.element().firstEntry(1)).isEqualTo(2);
        leaves.cancel();
        leavesToo.cancel();
        fault = how;
        if (how == Fault.NONE) {
            device.lose(0, cause);
        }
        rig.step();
        assertThat(device.delayed()).isEqualTo(how == Fault.DELAY ? 1 : 0);
        fault = Fault.NONE;
        device.lose(0, cause);
        device.releaseNext();
        assertThat(lost.error).isSameAs(cause);
        rig.stepAll();
        assertThat(kept.tokens()).isEqualTo(Rig.output(9, 8));
        assertThat(metrics(rig).stepsFailed()).isZero();
        assertThat(metrics(rig).preemptions()).isZero();
        dispose(rig);
    }

    @Test
    void aForkOnAnotherReplicaKeepsTheCopyOfItsOpenPage() {
        Rig rig = rig();
        Client lost = client(rig, 9, 1000, 8);
        Client kept = client(rig, 9, 2000, 8);
        rig.step();
        rig.step();
        Client lostFork = fork(rig, lost);
        Client keptFork = fork(rig, kept);
        device.lose(0, cause);
        rig.stepAll();
        assertThat(lost.error).isSameAs(cause);
        assertThat(lostFork.error).isSameAs(cause);
        assertThat(kept.tokens()).isEqualTo(Rig.output(9, 8));
        assertThat(keptFork.tokens()).isEqualTo(Rig.output(10, 7));
        dispose(rig);
    }

    private static Client fork(Rig rig, Client parent) {
        SequenceId id = Objects.requireNonNull(parent.events.get(0).sequence());
        return Client.of(rig.scheduler.fork(id)).asks(Long.MAX_VALUE);
    }

    private Rig rigWithHost() {
        return rig(builder ->
                builder.hostSwapBlocks(64).copyOn(Schedulers.immediate()).clock(() -> 0));
    }

    @Test
    void whileItsPagesAreOnTheirWayToTheHost() {
        Rig rig = rigWithHost();
        client(rig, 17, 1000, 1);
        rig.stepAll();
        fault = Fault.DELAY;
        Client evicts = client(rig, 4 * BLOCKS - 1, 500_000, 1);
        assertThat(metrics(rig).transfersInFlight()).isEqualTo(1);
        Client kept = client(rig, 9, 2000, 3);
        device.lose(0, cause);
        fault = Fault.NONE;
        device.releaseNext();
        assertThat(evicts.error).isSameAs(cause);
        assertThat(metrics(rig).transfersFailed()).isEqualTo(1);
        Client again = client(rig, 17, 1000, 3);
        rig.stepAll();
        assertThat(kept.tokens()).isEqualTo(Rig.output(9, 3));
        assertThat(again.tokens()).isEqualTo(Rig.output(17, 3));
        assertThat(metrics(rig).transfersInFlight()).isZero();
        dispose(rig);
    }

    /** What the host has is as good as before, and another replica gets it. */
    @Test
    void whileItsPagesAreOnTheirWayBack() {
        Rig rig = rigWithHost();
        client(rig, 17, 1000, 1);
        rig.stepAll();
        client(rig, 4 * BLOCKS - 1, 500_000, 1).cancel();
        rig.stepAll();
        assertThat(metrics(rig).hostResidentBlocks()).isEqualTo(4);
        fault = Fault.DELAY;
        Client loading = client(rig, 17, 1000, 3);
        assertThat(metrics(rig).transfersInFlight()).isEqualTo(1);
        Client kept = client(rig, 9, 2000, 3);
        device.lose(0, cause);
        fault = Fault.NONE;
        device.releaseNext();
        assertThat(loading.error).isSameAs(cause);
        assertThat(metrics(rig).hostResidentBlocks()).isEqualTo(4);
        Client again = client(rig, 17, 1000, 3);
        rig.stepAll();
        assertThat(kept.tokens()).isEqualTo(Rig.output(9, 3));
        assertThat(again.tokens()).isEqualTo(Rig.output(17, 3));
        assertThat(metrics(rig).onloadedBlocks()).isEqualTo(4);
        dispose(rig);
    }

    /** Its open page was to go to the host: that transfer waited for blocks to be filled, and is not begun any more. */
    @Test
    void whoWasPausedThereGoesOnElsewhere() {
        Rig rig = rig(builder -> builder.hostSwapBlocks(64)
                .copyOn(Schedulers.immediate())
                .clock(() -> 0)
                .tokenBuffer(1)
                .zeroOnRelease(true));
        Client paused = Client.of(rig.scheduler.generate(Rig.prompt(9, 1000).maxTokens(8)))
                .asks(1);
        Client kept = client(rig, 9, 2000, 20);
        Client leaves = client(rig, 5, 3000, 20);
        for (int i = 0; i < 5; i++) {
            rig.step();
        }
        assertThat(rig.steps.element().size()).as("one waits for its consumer").isEqualTo(2);
        leaves.cancel();
        fault = Fault.DELAY;
        rig.step();
        assertThat(device.delayed()).isEqualTo(1);
        SequenceId id = Objects.requireNonNull(paused.events.get(0).sequence());
        rig.scheduler.pause(id);
        assertThat(metrics(rig).transfersInFlight()).isEqualTo(1);
        assertThat(device.delayed()).as("it has not begun").isEqualTo(1);
        device.lose(0, cause);
        fault = Fault.NONE;
        device.releaseNext();
        assertThat(metrics(rig).transfersInFlight()).isZero();
        assertThat(metrics(rig).transfersFailed()).isEqualTo(1);
        rig.scheduler.resume(id);
        paused.asks(Long.MAX_VALUE);
        rig.stepAll();
        assertThat(paused.tokens()).isEqualTo(Rig.output(9, 8));
        assertThat(kept.tokens()).isEqualTo(Rig.output(9, 20));
        dispose(rig);
    }

    @Test
    void draftsComeBack() {
        BlockScheduler scheduler = BlockScheduler.builder(Configs.caches(Rig.PAGE, 2, 3))
                .device(device)
                .deviceBlocks(BLOCKS)
                .draftPolicy(() -> DraftPolicy.fixed(3))
                .maxStepsInFlight(2)
                .scheduling(core -> core.verifyInvariants(true).watermark(0))
                .deliverOn(Schedulers.immediate())
                .loopOn(Schedulers.immediate())
                .build();
        Deque<Step> steps = new ArrayDeque<>();
        scheduler.steps().subscribe(steps::add);
        Client lost =
                Client.of(scheduler.generate(Rig.prompt(9, 1000).maxTokens(20))).asks(Long.MAX_VALUE);
        Client kept =
                Client.of(scheduler.generate(Rig.prompt(9, 2000).maxTokens(20))).asks(Long.MAX_VALUE);
        for (int i = 0; i < 4; i++) {
            scheduler.complete(answerWithDrafts(steps.remove()));
        }
        assertThat(scheduler.metrics().draftsInFlight()).isPositive();
        device.lose(0, cause);
        scheduler.fail(steps.remove().number(), new IllegalStateException("launch failed"));
        assertThat(lost.error).isSameAs(cause);
        while (!steps.isEmpty()) {
            scheduler.complete(answerWithDrafts(steps.remove()));
        }
        assertThat(kept.completed).isTrue();
        assertThat(kept.events).hasSize(20);
        assertThat(scheduler.metrics().draftsInFlight()).isZero();
        StepVerifier.create(scheduler.disposeLater()).verifyComplete();
    }

    /** Drafts as many as it may, and accepts none. */
    private static StepResult answerWithDrafts(Step step) {
        StepResult answer = new StepResult().reset(step);
        for (int entry = 0; entry < step.size(); entry++) {
            if (step.samples(entry)) {
                answer.token(entry, 7);
                if (step.drafts(entry) > 0) {
                    answer.accepted(entry, 0);
                }
                for (int i = 0; i < step.granted(entry); i++) {
                    answer.draft(entry, 8);
                }
            }
        }
        return answer;
    }

    @ParameterizedTest
    @EnumSource(Sign.class)
    void withTheLastReplicaEverythingEnds(Sign sign) {
        Rig rig = rig(builder -> builder.maxBatchSize(1));
        Client first = client(rig, 9, 1000, 8);
        Client second = client(rig, 9, 2000, 8);
        Client waits = client(rig, 9, 3000, 8);
        rig.step();
        device.lose(0, cause);
        device.lose(1, other);
        show(rig, sign);
        assertThat(first.error).isSameAs(cause);
        assertThat(second.error).isSameAs(other);
        assertThat(waits.error).isInstanceOf(SchedulerDisposedException.class).hasCause(other);
        assertThat(waits.error).hasMessageContaining("so did it").hasMessageContaining("restart");
        StepVerifier.create(rig.scheduler.generate(Rig.prompt(5)))
                .verifyErrorSatisfies(refused -> assertThat(refused)
                        .isInstanceOf(SchedulerDisposedException.class)
                        .hasCause(other));
        assertThat(rig.isDisposed()).isTrue();
        assertThat(recorded).containsExactly(0, 1);
        dispose(rig);
    }

    @Test
    void whatWasCachedThereIsForgottenAndSubscribersOfEventsAreTold() {
        Rig rig = rig();
        List<BlockEvent> events = new ArrayList<>();
        client(rig, 9, 1000, 2);
        rig.stepAll();
        rig.scheduler.blockEvents().subscribe(events::add);
        assertThat(events).hasSize(1);
        client(rig, 9, 1000, 4);
        device.lose(0, cause);
        show(rig, Sign.STEP);
        rig.stepAll();
        assertThat(events.get(events.size() - 1))
                .isEqualTo(new BlockEvent.Cleared(events.get(events.size() - 1).number(), 0, Tier.DEVICE));
        StepVerifier.create(rig.scheduler.match(Rig.prompt(9))).expectNext(0).verifyComplete();
        StepVerifier.create(rig.scheduler.clearCache()).expectNext(true).verifyComplete();
        dispose(rig);
    }

    @Test
    void onRealThreadsEveryClientGetsItsTokensOrTheCause() {
        AtomicInteger steps = new AtomicInteger();
        BlockScheduler scheduler = BlockScheduler.builder(Configs.caches(Rig.PAGE, 2))
                .device(device)
                .deviceBlocks(100)
                .zeroOnRelease(true)
                .maxStepsInFlight(2)
                .maxExecutorFailures(1)
                .scheduling(core -> core.verifyInvariants(true))
                .build();
        scheduler
                .run(step -> {
                    if (steps.incrementAndGet() == 10) {
                        device.lose(0, cause);
                        return Mono.error(new IllegalStateException("launch failed"));
                    }
                    return Mono.just(Rig.answer(step, new StepResult()));
                })
                .subscribe();
        List<Mono<List<Integer>>> clients = new ArrayList<>();
        for (int i = 0; i < 60; i++) {
            clients.add(scheduler
                    .generate(Rig.prompt(9, 1000 * i).maxTokens(12))
                    .map(TokenEvent::token)
                    .collectList()
                    .onErrorResume(DeviceLostException.class, told -> Mono.just(List.of())));
        }
        AtomicInteger told = new AtomicInteger();
        StepVerifier.create(Flux.merge(Flux.fromIterable(clients), 60))
                .thenConsumeWhile(tokens -> {
                    told.addAndGet(tokens.isEmpty() ? 1 : 0);
                    return tokens.isEmpty() || tokens.equals(Rig.output(9, 12));
                })
                .expectComplete()
                .verify(Duration.ofMinutes(1));
        assertThat(told.get()).isBetween(1, 59);
        scheduler.disposeLater().block(Duration.ofMinutes(1));
    }
}
