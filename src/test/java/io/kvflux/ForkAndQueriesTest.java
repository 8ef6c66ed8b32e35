package io.kvflux;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvflux.api.SchedulerSnapshot;
import io.kvflux.api.SequenceId;
import io.kvflux.api.TokenEvent;
import io.kvflux.api.Usage;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import reactor.test.StepVerifier;

/** Forks, and questions to the core. */
class ForkAndQueriesTest {

    private static SequenceId id(Client client) {
        return Objects.requireNonNull(client.events.get(0).sequence());
    }

    @Test
    void aForkGoesOnFromItsParent() {
        Rig rig = new Rig(40);
        Client parent =
                Client.of(rig.scheduler.generate(Rig.prompt(9).maxTokens(6))).asks(Long.MAX_VALUE);
        rig.step();
        rig.step();
        Client fork = Client.of(rig.scheduler.fork(id(parent))).asks(Long.MAX_VALUE);
        rig.stepAll();
        assertThat(parent.tokens()).isEqualTo(Rig.output(9, 6));
        assertThat(fork.tokens()).isEqualTo(Rig.output(11, 4));
        assertThat(fork.events).extracting(TokenEvent::index).containsExactly(0, 1, 2, 3);
        Usage usage = Objects.requireNonNull(fork.last().usage());
        assertThat(usage.promptTokens()).isEqualTo(11);
        assertThat(usage.generatedTokens()).isEqualTo(4);
        assertThat(fork.last().spec()).isSameAs(parent.last().spec());
        assertThat(rig.scheduler.metrics().pending()).isZero();
    }

    @Test
    void aForksDemandIsItsOwn() {
        Rig rig = new Rig(40, builder -> builder.tokenBuffer(0));
        Client parent =
                Client.of(rig.scheduler.generate(Rig.prompt(9).maxTokens(6))).asks(2);
        rig.stepAll();
        Client fork = Client.of(rig.scheduler.fork(id(parent))).asks(1);
        rig.stepAll();
        assertThat(fork.tokens()).isEqualTo(Rig.output(11, 1));
        assertThat(parent.events).hasSize(2);
        fork.asks(5);
        rig.stepAll();
        assertThat(fork.completed).isTrue();
        assertThat(parent.events).hasSize(2);
    }

    @Test
    void aForkOfAForkBeginsWithBoth() {
        Rig rig = new Rig(40, builder -> builder.tokenBuffer(0));
        Client parent =
                Client.of(rig.scheduler.generate(Rig.prompt(9).maxTokens(9))).asks(2);
        rig.stepAll();
        Client fork = Client.of(rig.scheduler.fork(id(parent))).asks(3);
        rig.stepAll();
        Client second = Client.of(rig.scheduler.fork(id(fork))).asks(Long.MAX_VALUE);
        rig.stepAll();
        assertThat(second.tokens()).isEqualTo(Rig.output(14, 4));
        assertThat(Objects.requireNonNull(second.last().usage()).promptTokens()).isEqualTo(14);
    }

    @Test
    void cancellingAForkInTheStepThatCopiesGivesEveryBlockBack() {
        Rig rig = new Rig(40, builder -> builder.scheduling(core -> core.prefixCaching(false)));
        Client parent =
                Client.of(rig.scheduler.generate(Rig.prompt(9).maxTokens(6))).asks(Long.MAX_VALUE);
        rig.step();
        Client fork = Client.of(rig.scheduler.fork(id(parent))).asks(Long.MAX_VALUE);
        rig.step();
        assertThat(rig.steps.element().copies()).isPositive();
        fork.cancel();
        parent.cancel();
        rig.stepAll();
        assertThat(rig.scheduler.metrics().freeBlocks()).isEqualTo(40);
    }

    @Test
    void onlyALiveSequenceIsForked() {
        Rig rig = new Rig(40);
        Client parent =
                Client.of(rig.scheduler.generate(Rig.prompt(9).maxTokens(1))).asks(9);
        rig.stepAll();
        StepVerifier.create(rig.scheduler.fork(id(parent)))
                .verifyErrorSatisfies(error -> assertThat(error)
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessageContaining("only a live sequence of this scheduler can be forked")
                        .hasMessageContaining(id(parent).toString()));
    }

    @Test
    void matchTellsWhatTheCacheHolds() {
        Rig rig = new Rig(40);
        StepVerifier.create(rig.scheduler.match(Rig.prompt(9))).expectNext(0).verifyComplete();
        Client.of(rig.scheduler.generate(Rig.prompt(9).maxTokens(1))).asks(9);
        rig.stepAll();
        StepVerifier.create(rig.scheduler.match(Rig.prompt(9))).expectNext(8).verifyComplete();
        StepVerifier.create(rig.scheduler.match(Rig.prompt(8))).expectNext(4).verifyComplete();
        StepVerifier.create(rig.scheduler.match(Rig.prompt(9).salt("x")))
                .expectNext(0)
                .verifyComplete();
    }

    @Test
    void theCacheIsClearedUnlessABlockIsHeld() {
        Rig rig = new Rig(40);
        Client client =
                Client.of(rig.scheduler.generate(Rig.prompt(9).maxTokens(3))).asks(9);
        rig.step();
        StepVerifier.create(rig.scheduler.clearCache()).expectNext(false).verifyComplete();
        rig.stepAll();
        assertThat(client.completed).isTrue();
        assertThat(rig.scheduler.metrics().cachedBlocks()).isPositive();
        StepVerifier.create(rig.scheduler.clearCache()).expectNext(true).verifyComplete();
        assertThat(rig.scheduler.metrics().freeBlocks()).isEqualTo(40);
    }

    @Test
    void aSnapshotIsOfOneInstant() {
        Rig rig = new Rig(40, builder -> builder.tokenBuffer(1));
        Client running =
                Client.of(rig.scheduler.generate(Rig.prompt(9).tenant("a"))).asks(Long.MAX_VALUE);
        Client paused = Client.of(rig.scheduler.generate(Rig.prompt(5, 50)));
        rig.step();
        SchedulerSnapshot snapshot =
                Objects.requireNonNull(rig.scheduler.snapshot().block());
        assertThat(snapshot.sequences()).hasSize(2);
        assertThat(snapshot.sequences().get(0).tenant()).isEqualTo("a");
        assertThat(snapshot.sequences().get(0).paused()).isFalse();
        assertThat(snapshot.sequences().get(1).paused()).isTrue();
        assertThat(snapshot.stepsInFlight()).containsExactly(2L);
        SchedulerSnapshot.ReplicaState pool = snapshot.replicas().get(0);
        assertThat(pool.free() + pool.held() + pool.cached() + pool.withheld()).isEqualTo(pool.usable());
        running.cancel();
        paused.cancel();
        rig.stepAll();
        assertThat(Objects.requireNonNull(rig.scheduler.snapshot().block()).sequences())
                .isEmpty();
    }
}
