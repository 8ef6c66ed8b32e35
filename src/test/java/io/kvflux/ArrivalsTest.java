package io.kvflux;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvflux.api.FinishReason;
import io.kvflux.api.SequenceSpec;
import io.kvflux.api.SequenceTooLongException;
import io.kvflux.api.TokenEvent;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;
import reactor.test.StepVerifier;
import reactor.test.publisher.TestPublisher;

/** Many sequences from one source. */
class ArrivalsTest {

    private static Client merged(Rig rig, Publisher<SequenceSpec> source) {
        return Client.of(rig.scheduler.arrivals(source)).asks(Long.MAX_VALUE);
    }

    @Test
    void everySequenceOfTheSourceIsGenerated() {
        Rig rig = new Rig(20);
        List<SequenceSpec> specs = new ArrayList<>();
        for (int i = 0; i < 30; i++) {
            specs.add(Rig.prompt(5, 100 * i).maxTokens(3));
        }
        Client client = merged(rig, Flux.fromIterable(specs));
        rig.stepAll();
        assertThat(client.completed).isTrue();
        for (SequenceSpec spec : specs) {
            assertThat(client.events.stream()
                            .filter(event -> event.spec() == spec)
                            .map(TokenEvent::token))
                    .containsExactlyElementsOf(Rig.output(5, 3));
        }
    }

    @Test
    void theSourceIsNeverAskedForMoreThanCanWait() {
        Rig rig = new Rig(4, builder -> builder.maxPending(3));
        TestPublisher<SequenceSpec> source = TestPublisher.create();
        List<Long> asked = new ArrayList<>();
        merged(rig, source.flux().doOnRequest(asked::add));
        assertThat(sum(asked)).isEqualTo(3);
        source.next(Rig.prompt(13, 100).maxTokens(1));
        assertThat(sum(asked)).as("one runs, so one more may wait").isEqualTo(4);
        source.next(Rig.prompt(13, 200).maxTokens(1));
        source.next(Rig.prompt(13, 300).maxTokens(1));
        source.next(Rig.prompt(13, 400).maxTokens(1));
        assertThat(sum(asked)).isEqualTo(4);
        assertThat(rig.scheduler.metrics().pending()).isEqualTo(3);
        rig.step();
        assertThat(sum(asked)).isEqualTo(5);
    }

    @Test
    void whoComesInBetweenDoesNotMakeArrivalsFail() {
        Rig rig = new Rig(4, builder -> builder.maxPending(2));
        TestPublisher<SequenceSpec> source = TestPublisher.create();
        Client merged = merged(rig, source);
        List<Client> others = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            others.add(Client.of(rig.scheduler.generate(Rig.prompt(13, 100 * i).maxTokens(1)))
                    .asks(1));
        }
        source.next(Rig.prompt(13, 500).maxTokens(1));
        source.complete();
        assertThat(rig.scheduler.metrics().pending()).isEqualTo(2);
        assertThat(rig.scheduler.metrics().delayed()).isEqualTo(1);
        rig.stepAll();
        assertThat(others).allMatch(client -> client.completed);
        assertThat(merged.completed).isTrue();
        assertThat(merged.tokens()).isEqualTo(Rig.output(13, 1));
    }

    @Test
    void twoSourcesShareTheRoom() {
        Rig rig = new Rig(4, builder -> builder.maxPending(4));
        Client.of(rig.scheduler.generate(Rig.prompt(13))).asks(1);
        List<Long> first = new ArrayList<>();
        List<Long> second = new ArrayList<>();
        merged(rig, TestPublisher.<SequenceSpec>create().flux().doOnRequest(first::add));
        merged(rig, TestPublisher.<SequenceSpec>create().flux().doOnRequest(second::add));
        assertThat(sum(first) + sum(second)).isLessThanOrEqualTo(4);
        rig.step();
        assertThat(sum(first) + sum(second)).isEqualTo(4);
    }

    @Test
    void aSourceThatBringsNothingLeavesRoomForOthers() {
        Rig rig = new Rig(4, builder -> builder.maxPending(64));
        List<List<Long>> asked = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            List<Long> requests = new ArrayList<>();
            asked.add(requests);
            merged(rig, TestPublisher.<SequenceSpec>create().flux().doOnRequest(requests::add));
        }
        assertThat(asked).allSatisfy(requests -> assertThat(sum(requests)).isEqualTo(8));
    }

    @Test
    void aSequenceThatFailsTellsSoAndTheOthersGoOn() {
        Rig rig = new Rig(4);
        SequenceSpec tooLong = Rig.prompt(40);
        Client client = merged(rig, Flux.just(tooLong, Rig.prompt(3).maxTokens(2)));
        rig.stepAll();
        assertThat(client.completed).isTrue();
        TokenEvent failure = client.events.stream()
                .filter(event -> event.spec() == tooLong)
                .findFirst()
                .orElseThrow();
        assertThat(failure.finishReason()).isEqualTo(FinishReason.FAILED);
        assertThat(failure.cause()).isInstanceOf(SequenceTooLongException.class);
        assertThat(failure.token()).isEqualTo(TokenEvent.NO_TOKEN);
        assertThat(client.events).hasSize(3);
    }

    @Test
    void aSlowConsumerHoldsEachSequenceAtItsBuffer() {
        Rig rig = new Rig(40, builder -> builder.tokenBuffer(2));
        Client client = Client.of(rig.scheduler.arrivals(
                Flux.range(0, 3).map(i -> Rig.prompt(5, 100 * i).maxTokens(20))));
        rig.stepAll();
        long ahead = rig.scheduler.metrics().generatedTokens();
        assertThat(ahead).isEqualTo(3 * 2);
        client.asks(1);
        rig.stepAll();
        assertThat(client.events).hasSize(1);
        client.asks(Long.MAX_VALUE);
        rig.stepAll();
        assertThat(client.events).hasSize(60);
        assertThat(client.completed).isTrue();
    }

    @Test
    void cancellingEndsTheSourceAndItsSequences() {
        Rig rig = new Rig(40);
        TestPublisher<SequenceSpec> source = TestPublisher.create();
        Client client = merged(rig, source);
        source.next(Rig.prompt(5), Rig.prompt(5, 100));
        client.cancel();
        source.assertCancelled();
        rig.stepAll();
        assertThat(rig.scheduler.metrics().cancelled()).isEqualTo(2);
        assertThat(rig.scheduler.metrics().heldBlocks()).isZero();
    }

    @Test
    void theSourcesErrorComesAfterTheLastSequence() {
        Rig rig = new Rig(40);
        TestPublisher<SequenceSpec> source = TestPublisher.create();
        Client client = merged(rig, source);
        source.next(Rig.prompt(5).maxTokens(2));
        source.error(new IllegalStateException("source"));
        assertThat(client.error).isNull();
        rig.stepAll();
        assertThat(client.events).hasSize(2);
        assertThat(client.error).hasMessage("source");
    }

    @Test
    void aDisposalCompletesTheMergedTokensAfterTheFailures() {
        Rig rig = new Rig(40);
        TestPublisher<SequenceSpec> source = TestPublisher.create();
        Client client = merged(rig, source);
        source.next(Rig.prompt(5));
        rig.scheduler.disposeLater().subscribe();
        rig.stepAll();
        source.assertCancelled();
        assertThat(client.last().finishReason()).isEqualTo(FinishReason.FAILED);
        assertThat(client.completed).isTrue();
        StepVerifier.create(rig.scheduler.arrivals(Flux.just(Rig.prompt(3)))).verifyComplete();
    }

    @Test
    void aSourceThatIgnoresDemandIsAnError() {
        Rig rig = new Rig(4, builder -> builder.maxPending(1));
        TestPublisher<SequenceSpec> source = TestPublisher.createNoncompliant(TestPublisher.Violation.REQUEST_OVERFLOW);
        Client client = merged(rig, source);
        for (int i = 0; i < 5; i++) {
            source.next(Rig.prompt(13, 100 * i).maxTokens(1));
        }
        rig.stepAll();
        assertThat(client.error)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("a source must not emit more sequences than were asked for");
    }

    private static long sum(List<Long> asked) {
        return asked.stream().mapToLong(Long::longValue).sum();
    }
}
