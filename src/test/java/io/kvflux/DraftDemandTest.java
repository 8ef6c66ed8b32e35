package io.kvflux;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvflux.api.DraftToken;
import io.kvflux.api.SchedulerMetrics;
import io.kvflux.api.StepResult;
import io.kvflux.api.TokenEvent;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import reactor.test.StepVerifier;
import reactor.test.scheduler.VirtualTimeScheduler;

/** Drafters, verifiers and clients that take their time, which is virtual. */
class DraftDemandTest {

    private static final int PROMPT = 5;
    private static final Duration DRAFT = Duration.ofMillis(1);

    private final AtomicLong asked = new AtomicLong();
    private final AtomicLong brought = new AtomicLong();
    private final AtomicLong cancelled = new AtomicLong();
    private final List<Integer> starts = new ArrayList<>();
    private BlockScheduler scheduler;
    private boolean drafting;

    @AfterEach
    void realTime() {
        VirtualTimeScheduler.reset();
    }

    /** A drafter of one draft a millisecond, and a verifier that takes its time for a step. */
    private BlockScheduler scheduler(Duration verify, int tokenBuffer) {
        scheduler = DraftRig.builder()
                .tokenBuffer(tokenBuffer)
                .loopOn(Schedulers.parallel())
                .deliverOn(Schedulers.parallel())
                .build();
        scheduler
                .draft(context -> {
                    starts.add(context.length());
                    drafting = true;
                    return Flux.<DraftToken, Integer>generate(context::length, (position, sink) -> {
                                sink.next(new DraftToken(Rig.token(position)));
                                return position + 1;
                            })
                            .concatMap(draft -> Mono.delay(DRAFT).thenReturn(draft), 0)
                            .doOnNext(draft -> brought.incrementAndGet())
                            .doOnRequest(asked::addAndGet)
                            .doOnCancel(cancelled::incrementAndGet)
                            .doFinally(end -> drafting = false);
                })
                .subscribe();
        scheduler
                .run(step -> Mono.delay(verify).map(any -> DraftRig.answer(step, new StepResult())))
                .subscribe();
        return scheduler;
    }

    private Flux<Integer> generate(int tokens) {
        return scheduler.generate(Rig.prompt(PROMPT).maxTokens(tokens)).map(TokenEvent::token);
    }

    private SchedulerMetrics metrics() {
        return scheduler.metrics();
    }

    @Test
    void demandNeverExceedsTheGrant() {
        StepVerifier.withVirtualTime(() -> {
                    scheduler(Duration.ofMillis(10), 64);
                    return generate(30).doOnNext(token -> {
                        assertThat(asked.get()).isLessThanOrEqualTo(metrics().draftsGranted());
                        assertThat(asked.get() - brought.get()).isLessThanOrEqualTo(DraftRig.DRAFTS + 1);
                    });
                })
                .thenAwait(Duration.ofSeconds(1))
                .expectNextSequence(Rig.output(PROMPT, 30))
                .verifyComplete();
        assertThat(asked.get()).isEqualTo(metrics().draftsGranted());
        assertThat(metrics().draftsAccepted()).as("three of four tokens").isBetween(20L, 24L);
        assertThat(starts).containsExactly(PROMPT);
        assertThat(drafting).isFalse();
    }

    @Test
    void aSlowVerifierStopsTheDrafter() {
        StepVerifier.withVirtualTime(() -> {
                    scheduler(Duration.ofHours(1), 64);
                    return generate(9);
                })
                .thenAwait(Duration.ofMinutes(59))
                .then(() -> {
                    assertThat(brought.get()).isEqualTo(DraftRig.DRAFTS + 1);
                    assertThat(asked.get()).isEqualTo(DraftRig.DRAFTS + 1);
                })
                .thenAwait(Duration.ofMinutes(59))
                .then(() -> assertThat(brought.get()).isEqualTo(2 * (DraftRig.DRAFTS + 1)))
                .expectNext(Rig.token(PROMPT))
                .thenAwait(Duration.ofHours(3))
                .expectNextCount(8)
                .verifyComplete();
    }

    @Test
    void aClientThatStopsReadingStopsTheDrafter() {
        StepVerifier.withVirtualTime(
                        () -> {
                            scheduler(Duration.ofMillis(10), 0);
                            return generate(30);
                        },
                        4)
                .thenAwait(Duration.ofSeconds(10))
                .expectNextCount(4)
                .then(() -> assertThat(brought.get()).as("positions 5 to 8").isLessThanOrEqualTo(4))
                .thenRequest(1)
                .thenAwait(Duration.ofSeconds(10))
                .expectNextCount(1)
                .then(() -> assertThat(brought.get()).isLessThanOrEqualTo(4))
                .thenRequest(100)
                .thenAwait(Duration.ofSeconds(10))
                .expectNextCount(25)
                .verifyComplete();
    }

    @Test
    void aDrafterSlowerThanTheStepsCostsNoTime() {
        StepVerifier.withVirtualTime(() -> {
                    scheduler(Duration.ofNanos(100_000), 64);
                    return generate(20);
                })
                .thenAwait(Duration.ofMillis(2))
                .expectNextSequence(Rig.output(PROMPT, 20))
                .verifyComplete();
        assertThat(cancelled.get()).isPositive();
        assertThat(metrics().draftsInFlight()).isZero();
    }

    @Test
    void cancelWhileItDraftsWhileItIsVerifiedAndBetweenBoth() {
        // Steps of 10 ms, drafts of 1 ms: it drafts for 4 ms, waits, and what it brought is verified from 10 ms on.
        for (int millis : new int[] {2, 7, 12, 17}) {
            VirtualTimeScheduler time = VirtualTimeScheduler.getOrSet();
            scheduler(Duration.ofMillis(10), 64);
            StepVerifier.create(generate(30))
                    .then(() -> time.advanceTimeBy(Duration.ofMillis(millis)))
                    .expectNextCount(millis < 10 ? 0 : 1)
                    .then(() -> assertThat(metrics().draftsInFlight()).isPositive())
                    .thenCancel()
                    .verify();
            assertThat(drafting).as("a cancellation does not wait").isFalse();
            time.advanceTimeBy(Duration.ofSeconds(1));
            assertThat(drafting).isFalse();
            assertThat(metrics().draftsInFlight()).isZero();
            assertThat(metrics().heldBlocks() + metrics().withheldBlocks()).isZero();
            assertThat(metrics().draftsGranted())
                    .isEqualTo(metrics().draftsAccepted()
                            + metrics().draftsRejected()
                            + metrics().draftsAborted());
            VirtualTimeScheduler.reset();
        }
    }
}
