package io.kvflux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvflux.api.FinishReason;
import io.kvflux.api.QueueFullException;
import io.kvflux.api.SchedulerMetrics;
import io.kvflux.api.SequenceTooLongException;
import io.kvflux.api.TokenEvent;
import io.kvflux.api.Usage;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;
import reactor.test.StepVerifier;

/** What a client of one sequence sees. */
class GenerateTest {

    @Test
    void nothingHappensBeforeSubscription() {
        Rig rig = new Rig(10);
        rig.scheduler.generate(Rig.prompt(5));
        assertThat(rig.scheduler.metrics().submitted()).isZero();
        assertThat(rig.steps).isEmpty();
    }

    @Test
    void theLastEventCarriesReasonAndUsage() {
        Rig rig = new Rig(10);
        Client client =
                Client.of(rig.scheduler.generate(Rig.prompt(5).maxTokens(3))).asks(Long.MAX_VALUE);
        rig.stepAll();
        assertThat(client.tokens()).isEqualTo(Rig.output(5, 3));
        assertThat(client.events).extracting(TokenEvent::index).containsExactly(0, 1, 2);
        assertThat(client.last().finishReason()).isEqualTo(FinishReason.LENGTH);
        assertThat(client.last().usage()).isEqualTo(new Usage(5, 0, 3));
        assertThat(client.events.get(1).finishReason()).isNull();
        assertThat(client.completed).isTrue();
    }

    @Test
    void aStopTokenIsTheLastEvent() {
        Rig rig = new Rig(10);
        Client client = Client.of(rig.scheduler.generate(Rig.prompt(5).stopTokens(Rig.token(6))))
                .asks(Long.MAX_VALUE);
        rig.stepAll();
        assertThat(client.tokens()).isEqualTo(Rig.output(5, 2));
        assertThat(client.last().finishReason()).isEqualTo(FinishReason.STOP);
        assertThat(client.completed).isTrue();
    }

    @Test
    void eachSubscriptionIsASequenceOfItsOwn() {
        Rig rig = new Rig(20);
        Flux<TokenEvent> tokens = rig.scheduler.generate(Rig.prompt(9).maxTokens(2));
        Client first = Client.of(tokens).asks(9);
        rig.stepAll();
        Client second = Client.of(tokens).asks(9);
        rig.stepAll();
        assertThat(second.tokens()).isEqualTo(first.tokens());
        assertThat(second.last().sequence()).isNotEqualTo(first.last().sequence());
        assertThat(Objects.requireNonNull(second.last().usage()).cachedTokens()).isEqualTo(8);
    }

    @Test
    void withoutDemandOnlyTheBufferIsGenerated() {
        Rig rig = new Rig(20, builder -> builder.tokenBuffer(2));
        Client client = Client.of(rig.scheduler.generate(Rig.prompt(3).maxTokens(9)));
        rig.stepAll();
        assertThat(rig.scheduler.metrics().generatedTokens()).isEqualTo(2);
        assertThat(client.events).isEmpty();
        client.asks(1);
        rig.stepAll();
        assertThat(client.events).hasSize(1);
        assertThat(rig.scheduler.metrics().generatedTokens()).isEqualTo(3);
    }

    @Test
    void withoutDemandAndBufferThePromptIsNotEvenPrefilled() {
        Rig rig = new Rig(20, builder -> builder.tokenBuffer(0));
        Client client = Client.of(rig.scheduler.generate(Rig.prompt(3).maxTokens(2)));
        assertThat(rig.steps).isEmpty();
        client.asks(1);
        assertThat(rig.stepAll()).isEqualTo(1);
        assertThat(client.tokens()).isEqualTo(Rig.output(3, 1));
        client.asks(1);
        rig.stepAll();
        assertThat(client.completed).isTrue();
    }

    @Test
    void aStalledClientIsTheFirstVictimAndResumesWithTheSameTokens() {
        Rig rig = new Rig(6, builder -> builder.tokenBuffer(0));
        Client stalled =
                Client.of(rig.scheduler.generate(Rig.prompt(8).maxTokens(8))).asks(3);
        rig.stepAll();
        assertThat(stalled.events).hasSize(3);
        Client other = Client.of(rig.scheduler.generate(Rig.prompt(12, 5000).maxTokens(8)))
                .asks(Long.MAX_VALUE);
        rig.stepAll();
        assertThat(rig.scheduler.metrics().preemptions()).isEqualTo(1);
        assertThat(other.completed).isTrue();
        assertThat(other.tokens()).isEqualTo(Rig.output(12, 8));
        stalled.asks(Long.MAX_VALUE);
        rig.stepAll();
        assertThat(stalled.tokens()).isEqualTo(Rig.output(8, 8));
        assertThat(stalled.completed).isTrue();
    }

    @Test
    void cancelGivesEveryBlockBackOnceTheStepIsOver() {
        Rig rig = new Rig(10);
        Client client = Client.of(rig.scheduler.generate(Rig.prompt(9))).asks(Long.MAX_VALUE);
        assertThat(rig.steps).hasSize(1);
        client.cancel();
        SchedulerMetrics metrics = rig.scheduler.metrics();
        assertThat(metrics.heldBlocks()).isZero();
        assertThat(metrics.withheldBlocks()).isEqualTo(3);
        rig.stepAll();
        assertThat(metrics.freeBlocks()).isEqualTo(10);
        assertThat(metrics.cancelled()).isEqualTo(1);
        assertThat(client.events).isEmpty();
        assertThat(client.completed).isFalse();
        assertThat(client.error).isNull();
    }

    @Test
    void cancelBetweenResultAndNextPlanGivesEveryBlockBack() {
        Rig rig = new Rig(10, builder -> builder.scheduling(core -> core.prefixCaching(false)));
        Flux<TokenEvent> one = rig.scheduler.generate(Rig.prompt(9)).take(1);
        Client client = Client.of(one).asks(Long.MAX_VALUE);
        rig.step();
        assertThat(client.completed).isTrue();
        rig.stepAll();
        assertThat(rig.scheduler.metrics().freeBlocks()).isEqualTo(10);
        assertThat(rig.scheduler.metrics().cancelled()).isEqualTo(1);
    }

    @Test
    void cancelWhileWaitingLeavesTheQueue() {
        Rig rig = new Rig(4);
        Client.of(rig.scheduler.generate(Rig.prompt(13))).asks(1);
        Client waiting = Client.of(rig.scheduler.generate(Rig.prompt(13, 7000))).asks(1);
        assertThat(rig.scheduler.metrics().pending()).isEqualTo(1);
        waiting.cancel();
        assertThat(rig.scheduler.metrics().pending()).isZero();
        assertThat(rig.scheduler.metrics().waiting()).isZero();
    }

    @Test
    void cancelBeforeSubmissionIsNoSequenceAtAll() {
        Rig rig = new Rig(4);
        rig.scheduler.generate(Rig.prompt(3)).subscribe(new BaseSubscriber<>() {
            @Override
            protected void hookOnSubscribe(org.reactivestreams.Subscription subscription) {
                cancel();
            }
        });
        assertThat(rig.scheduler.metrics().submitted()).isZero();
        assertThat(rig.steps).isEmpty();
    }

    @Test
    void aPromptThatCanNeverFitFailsWithTheNumbers() {
        Rig rig = new Rig(4);
        StepVerifier.create(rig.scheduler.generate(Rig.prompt(16)))
                .expectErrorSatisfies(error -> assertThat(error)
                        .isInstanceOf(SequenceTooLongException.class)
                        .hasMessageContaining("17"))
                .verify();
        assertThat(rig.scheduler.metrics().refused()).isEqualTo(1);
    }

    @Test
    void aFullQueueRejectsWithTheNumbers() {
        Rig rig = new Rig(4, builder -> builder.maxPending(1));
        Client.of(rig.scheduler.generate(Rig.prompt(13))).asks(1);
        Client.of(rig.scheduler.generate(Rig.prompt(13, 2))).asks(1);
        StepVerifier.create(rig.scheduler.generate(Rig.prompt(2)))
                .expectErrorSatisfies(error -> assertThat(error)
                        .isInstanceOf(QueueFullException.class)
                        .hasMessageContaining("pending=1, maxPending=1"))
                .verify();
    }

    @Test
    void aFullQueueDelaysIfAskedTo() {
        Rig rig = new Rig(4, builder -> builder.maxPending(1).whenFull(WhenFull.DELAY));
        for (int i = 0; i < 5; i++) {
            Client.of(rig.scheduler.generate(Rig.prompt(13, 100 * i).maxTokens(1)))
                    .asks(1);
        }
        assertThat(rig.scheduler.metrics().pending()).isEqualTo(1);
        assertThat(rig.scheduler.metrics().delayed()).isEqualTo(3);
        rig.stepAll();
        assertThat(rig.scheduler.metrics().finished()).isEqualTo(5);
        assertThat(rig.scheduler.metrics().delayed()).isZero();
    }

    @Test
    void aRequestOfNothingEndsTheSequenceWithAnError() {
        Rig rig = new Rig(10);
        Client client = Client.of(rig.scheduler.generate(Rig.prompt(9)));
        List<Throwable> errors = new ArrayList<>();
        rig.scheduler.generate(Rig.prompt(9)).subscribe(new Client.Raw<>(0, errors::add));
        assertThat(errors).hasSize(1);
        assertThat(errors.get(0)).isInstanceOf(IllegalArgumentException.class).hasMessageContaining("n=0");
        rig.stepAll();
        assertThat(client.error).isNull();
        client.cancel();
        rig.stepAll();
        assertThat(rig.scheduler.metrics().heldBlocks()).isZero();
    }

    @Test
    void aClientThatThrowsIsCancelledAndTheOthersGoOn() {
        Rig rig = new Rig(20);
        rig.scheduler.generate(Rig.prompt(5)).subscribe(event -> {
            throw new IllegalStateException("client");
        });
        Client other =
                Client.of(rig.scheduler.generate(Rig.prompt(5, 9).maxTokens(4))).asks(9);
        rig.stepAll();
        assertThat(other.tokens()).isEqualTo(Rig.output(5, 4));
        assertThat(rig.scheduler.metrics().cancelled()).isEqualTo(1);
        assertThat(rig.scheduler.metrics().heldBlocks()).isZero();
    }

    @Test
    void aClientMayCallTheSchedulerFromItsOwnSignal() {
        Rig rig = new Rig(20);
        List<Client> followUps = new ArrayList<>();
        rig.scheduler
                .generate(Rig.prompt(5).maxTokens(2))
                .doOnNext(event -> followUps.add(
                        Client.of(rig.scheduler.generate(Rig.prompt(6).maxTokens(1)))
                                .asks(1)))
                .subscribe();
        rig.stepAll();
        assertThat(followUps).hasSize(2).allMatch(client -> client.completed);
    }

    @Test
    void nothingIsRefusedAtOnceAndDisturbsNobody() {
        Rig rig = new Rig(20);
        Client client =
                Client.of(rig.scheduler.generate(Rig.prompt(5).maxTokens(2))).asks(2);
        assertThatThrownBy(() -> rig.scheduler.generate(null)).isInstanceOf(NullPointerException.class);
        assertThatThrownBy(() -> rig.scheduler.fork(null)).isInstanceOf(NullPointerException.class);
        assertThatThrownBy(() -> rig.scheduler.match(null)).isInstanceOf(NullPointerException.class);
        assertThatThrownBy(() -> rig.scheduler.arrivals(null)).isInstanceOf(NullPointerException.class);
        assertThatThrownBy(() -> rig.scheduler.run(null)).isInstanceOf(NullPointerException.class);
        assertThatThrownBy(() -> rig.scheduler.complete(null)).isInstanceOf(NullPointerException.class);
        assertThatThrownBy(() -> rig.scheduler.fail(1, null)).isInstanceOf(NullPointerException.class);
        assertThatThrownBy(() -> rig.scheduler.disposeGracefully(null)).isInstanceOf(NullPointerException.class);
        rig.stepAll();
        assertThat(client.completed).isTrue();
    }

    @Test
    void aCancelledClientThatHadItAllToComeIsLetGo() {
        Rig rig = new Rig(20);
        Client client = Client.of(rig.scheduler.generate(Rig.prompt(5).maxTokens(2)));
        rig.stepAll();
        assertThat(rig.scheduler.metrics().finished()).isEqualTo(1);
        client.cancel();
        client.asks(5);
        assertThat(client.events).isEmpty();
        assertThat(rig.scheduler.metrics().cancelled()).isZero();
    }

    @Test
    void aPromptOutsideTheVocabularyIsRefusedAtOnce() {
        Rig rig = new Rig(20, builder -> builder.vocabularySize(1002));
        assertThatThrownBy(() -> rig.scheduler.generate(Rig.prompt(3)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a prompt's token ids must be less than vocabularySize, token=1002, position=2,"
                        + " vocabularySize=1002");
    }
}
