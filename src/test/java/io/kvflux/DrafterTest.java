package io.kvflux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvflux.api.DraftToken;
import io.kvflux.api.FinishReason;
import io.kvflux.api.SchedulerDisposedException;
import io.kvflux.api.SequenceSpec;
import io.kvflux.api.Step;
import io.kvflux.api.StepResult;
import io.kvflux.api.TokenEvent;
import io.kvflux.core.Configs;
import io.kvflux.draft.DraftPolicy;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.reactivestreams.Subscription;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.scheduler.Schedulers;
import reactor.test.StepVerifier;

/** A drafter beside the steps: what it is asked for, when it is cancelled, and where it begins again. */
class DrafterTest {

    private static final int PROMPT = 5;
    private final DraftRig rig = new DraftRig();
    private final List<TokenEvent> events = new ArrayList<>();

    @AfterEach
    void everythingComesBack() {
        rig.dispose();
    }

    private List<Integer> tokens() {
        return events.stream().map(TokenEvent::token).toList();
    }

    private void generate(int maxTokens) {
        rig.scheduler.generate(Rig.prompt(PROMPT).maxTokens(maxTokens)).subscribe(events::add);
    }

    @Test
    void theDrafterBeginsAtThePromptAndIsAskedForThePositionsThatItsDraftsAreOf() {
        generate(20);
        DraftRig.Stream stream = rig.last();
        assertThat(stream.context.length()).isEqualTo(PROMPT);
        assertThat(stream.context.tokens()).containsExactly(1000, 1001, 1002, 1003, 1004);
        // The prompt's step samples position 5 itself; three drafts follow it.
        assertThat(stream.asked).isEqualTo(1 + DraftRig.DRAFTS);
        assertThat(rig.metrics().draftsInFlight()).isEqualTo(1 + DraftRig.DRAFTS);
        assertThat(rig.steps.getFirst().granted(0))
                .as("the executor makes none")
                .isZero();
        assertThat(rig.steps.getFirst().blockCount(0))
                .as("slots of positions 0 to 7")
                .isEqualTo(2);
    }

    @Test
    void draftsInTimeAreVerifiedAndTheDrafterGoesOn() {
        generate(20);
        rig.last().allRight();
        assertThat(rig.steps.getFirst().drafts(0)).isZero();
        rig.step();
        assertThat(rig.steps.getFirst().drafts(0)).isEqualTo(3);
        assertThat(rig.last().asked)
                .as("the next round, and the token after this one's")
                .isEqualTo(4 + 4);
        rig.last().allRight();
        rig.step();
        assertThat(tokens()).isEqualTo(Rig.output(PROMPT, 5));
        assertThat(rig.streams).hasSize(1);
        assertThat(rig.metrics().draftsAccepted()).isEqualTo(3);
        assertThat(rig.metrics().draftsAborted())
                .as("what a step samples itself")
                .isEqualTo(2);
        while (!rig.steps.isEmpty()) {
            rig.last().allRight();
            rig.step();
        }
        assertThat(tokens()).isEqualTo(Rig.output(PROMPT, 20));
        assertThat(events.get(19).finishReason()).isEqualTo(FinishReason.LENGTH);
        assertThat(rig.metrics().stepsCompleted()).isLessThan(8);
        assertThat(rig.streams).hasSize(1);
    }

    @Test
    void aRejectionCancelsAndTheNextStreamBeginsAtTheAcceptedPosition() {
        generate(20);
        DraftRig.Stream first = rig.last();
        first.right();
        first.right();
        first.wrong();
        first.right();
        rig.step();
        assertThat(rig.steps.getFirst().drafts(0)).isEqualTo(3);
        assertThat(first.cancelled).isFalse();
        rig.step();
        assertThat(tokens()).isEqualTo(Rig.output(PROMPT, 3));
        assertThat(first.cancelled).isTrue();
        assertThat(rig.last().context.length()).isEqualTo(PROMPT + 3);
        assertThat(rig.last().context.token(PROMPT + 2)).isEqualTo(Rig.token(PROMPT + 2));
        assertThat(rig.metrics().draftsAccepted()).isEqualTo(1);
        assertThat(rig.metrics().draftsRejected()).isEqualTo(2);
    }

    @Test
    void aWrongDraftOfATokenThatTheStepSamplesItselfCancelsToo() {
        generate(20);
        DraftRig.Stream first = rig.last();
        first.wrong();
        rig.step();
        assertThat(first.cancelled).isTrue();
        assertThat(rig.last().context.length()).isEqualTo(PROMPT + 1);
        assertThat(rig.metrics().draftsRejected()).isZero();
        assertThat(rig.metrics().draftsAborted()).isEqualTo(4);
    }

    @Test
    void aDraftThatComesAfterItsTokenIsCompared() {
        generate(20);
        rig.step();
        rig.last().right();
        assertThat(rig.streams).hasSize(1);
        rig.last().wrong(); // of position 6, which step 2 samples
        rig.step();
        assertThat(rig.streams).hasSize(2);
        DraftRig.Stream second = rig.last();
        rig.step();
        second.wrong(); // of position 7, which is known by now
        assertThat(second.cancelled).isTrue();
    }

    @Test
    void whoIsBehindIsAskedForNoMoreAndWhoIsTooLateIsCancelled() {
        generate(30);
        DraftRig.Stream slow = rig.last();
        for (int i = 0; i < 3; i++) {
            rig.step();
            assertThat(slow.asked).isEqualTo(4);
            assertThat(slow.cancelled).isFalse();
        }
        rig.step();
        assertThat(slow.cancelled).as("all it was asked for is known").isTrue();
        assertThat(rig.last().context.length()).isEqualTo(PROMPT + 4);
        assertThat(rig.metrics().draftsInFlight()).isEqualTo(4);
        assertThat(rig.metrics().draftsAborted()).isEqualTo(4);
    }

    @Test
    void whoCatchesUpIsAskedAgain() {
        generate(30);
        rig.step();
        rig.step();
        rig.last().allRight();
        rig.step();
        rig.last().allRight();
        rig.step();
        assertThat(rig.steps.getFirst().drafts(0)).isEqualTo(3);
        assertThat(rig.streams).hasSize(1);
    }

    @Test
    void whoCompletesIsAskedAgainWhereTheSequenceHasGotTo() {
        generate(20);
        DraftRig.Stream first = rig.last();
        first.right();
        first.right();
        first.complete();
        rig.step();
        assertThat(rig.steps.getFirst().drafts(0)).isEqualTo(1);
        assertThat(rig.streams).as("its draft is still good").hasSize(1);
        rig.step();
        assertThat(rig.streams).hasSize(2);
        assertThat(rig.last().context.length()).isEqualTo(PROMPT + 3);
        assertThat(tokens()).isEqualTo(Rig.output(PROMPT, 3));
    }

    @Test
    void aClientThatStopsReadingStopsDrafting() {
        DraftRig slow = new DraftRig(builder -> builder.tokenBuffer(0));
        Client client = Client.of(slow.scheduler.generate(Rig.prompt(PROMPT).maxTokens(40)))
                .asks(3);
        assertThat(slow.last().asked)
                .as("positions 5 to 7, of which two are sampled")
                .isEqualTo(2);
        slow.last().allRight();
        slow.step();
        slow.last().allRight();
        slow.stepAll();
        assertThat(client.tokens()).hasSize(3);
        assertThat(slow.streams.stream().mapToLong(stream -> stream.asked).sum())
                .isEqualTo(2);
        client.asks(10);
        while (!slow.steps.isEmpty()) {
            slow.last().allRight();
            slow.step();
        }
        assertThat(client.tokens()).isEqualTo(Rig.output(PROMPT, 13));
        client.cancel();
        slow.dispose();
    }

    @Test
    void cancelDuringDraftDuringVerifyAndBetweenBoth() {
        for (int when = 0; when < 3; when++) {
            DraftRig own = new DraftRig();
            Client client = Client.of(own.scheduler.generate(Rig.prompt(PROMPT).maxTokens(40)))
                    .asks(40);
            DraftRig.Stream stream = own.last();
            stream.right();
            if (when > 0) {
                stream.allRight();
            }
            if (when > 1) {
                own.step();
                assertThat(own.steps.getFirst().drafts(0)).isEqualTo(3);
            }
            client.cancel();
            assertThat(stream.cancelled).isTrue();
            assertThat(own.metrics().draftsInFlight()).isEqualTo(when > 1 ? 3 : 0);
            stream.right(); // which it may: a cancellation takes time
            own.stepAll();
            assertThat(own.metrics().draftsInFlight()).isZero();
            assertThat(own.metrics().heldBlocks()).isZero();
            assertThat(own.metrics().draftersFailed()).isZero();
            own.dispose();
        }
    }

    @Test
    void aPausedSequenceHasNoDrafter() {
        generate(20);
        DraftRig.Stream stream = rig.last();
        stream.allRight();
        rig.step();
        rig.scheduler.pause(rig.sequence());
        assertThat(stream.cancelled).isTrue();
        rig.step();
        assertThat(rig.steps).isEmpty();
        assertThat(rig.metrics().draftsInFlight()).isZero();
        rig.scheduler.resume(rig.sequence());
        assertThat(rig.last().context.length()).isEqualTo(PROMPT + 5);
        rig.stepAll();
        assertThat(tokens()).isEqualTo(Rig.output(PROMPT, 20));
    }

    @Test
    void aForkHasADrafterOfItsOwn() {
        generate(20);
        rig.last().allRight();
        rig.step();
        List<Integer> forked = new ArrayList<>();
        rig.scheduler.fork(rig.sequence()).subscribe(event -> forked.add(event.token()));
        while (!rig.steps.isEmpty()) {
            rig.streams.forEach(stream -> {
                if (!stream.cancelled) {
                    stream.allRight();
                }
            });
            rig.step();
        }
        assertThat(rig.streams.stream().map(stream -> stream.context.sequence()).distinct())
                .hasSize(2);
        assertThat(tokens()).isEqualTo(Rig.output(PROMPT, 20));
        assertThat(forked).isEqualTo(Rig.output(PROMPT + 1, 19));
    }

    @Test
    void theGrantIsTheDemandOfAllTogether() {
        DraftRig capped = new DraftRig(builder -> builder.maxInFlightDraftTokens(6));
        for (int i = 0; i < 5; i++) {
            capped.scheduler
                    .generate(Rig.prompt(PROMPT, 2000 + 100 * i).maxTokens(20))
                    .subscribe();
        }
        while (!capped.steps.isEmpty()) {
            long open = capped.streams.stream()
                    .filter(stream -> !stream.cancelled)
                    .mapToLong(stream -> stream.asked - stream.brought)
                    .sum();
            assertThat(open).isLessThanOrEqualTo(6);
            assertThat(capped.metrics().draftsInFlight()).isLessThanOrEqualTo(6);
            List.copyOf(capped.streams).forEach(DraftRig.Stream::allRight);
            capped.step();
        }
        assertThat(capped.metrics().draftsAccepted()).isPositive();
        capped.dispose();
    }

    @Test
    void stepsDraftAgainWhenTheDrafterIsCancelled() {
        generate(30);
        DraftRig.Stream stream = rig.last();
        stream.allRight();
        rig.step();
        rig.drafting.dispose();
        assertThat(stream.cancelled).isTrue();
        assertThat(rig.steps.getFirst().drafts(0))
                .as("what is in the step stays")
                .isEqualTo(3);
        rig.step();
        assertThat(rig.steps.getFirst().granted(0)).isEqualTo(3);
        rig.scheduler.draft(rig).subscribe();
        rig.step();
        rig.step();
        assertThat(rig.streams).hasSize(2);
        rig.stepAll();
        assertThat(tokens()).isEqualTo(Rig.output(PROMPT, 30));
    }

    /**
     * Three steps in flight, of which the sequence is in two: a draft of the first stream is verified while the next could
     * begin, and is rejected then.
     */
    @Test
    void noEntryVerifiesMoreThanARoundWhenDraftsOfAnEarlierStreamAreRejected() {
        BlockScheduler scheduler = BlockScheduler.builder(Configs.caches(4, 1, 1))
                .deviceBlocks(100)
                .draftPolicy(() -> DraftPolicy.fixed(1))
                .maxStepsInFlight(3)
                .scheduling(core -> core.verifyInvariants(true).watermark(0))
                .deliverOn(Schedulers.immediate())
                .loopOn(Schedulers.immediate())
                .build();
        List<DraftRig.Stream> streams = new ArrayList<>();
        scheduler
                .draft(context -> {
                    streams.add(new DraftRig.Stream(context));
                    return streams.get(streams.size() - 1);
                })
                .subscribe();
        Deque<Step> steps = new ArrayDeque<>();
        BaseSubscriber<Step> executor = new BaseSubscriber<>() {
            @Override
            protected void hookOnSubscribe(Subscription subscription) {}

            @Override
            protected void hookOnNext(Step step) {
                assertThat(step.drafts(0)).isLessThanOrEqualTo(1);
                steps.add(step);
            }
        };
        scheduler.steps().subscribe(executor);
        Client client =
                Client.of(scheduler.generate(Rig.prompt(5).maxTokens(40))).asks(40);
        executor.request(1); // samples position 5
        streams.get(0).wrong(); // of 5
        streams.get(0).wrong(); // of 6
        executor.request(1); // verifies 6, samples 7
        rejectAll(scheduler, steps, 5); // the stream ends, with its draft of 6 being verified
        executor.request(1);
        assertThat(streams).as("none begins before that is over").hasSize(1);
        rejectAll(scheduler, steps, 6);
        executor.request(1);
        streams.get(1).allRight();
        rejectAll(scheduler, steps, 7);
        executor.request(1);
        streams.get(1).allRight();
        rejectAll(scheduler, steps, 8);
        rejectAll(scheduler, steps, 9);
        assertThat(client.tokens()).isEqualTo(Rig.output(5, 5));
        client.cancel();
        scheduler.disposeLater().subscribe();
        while (!steps.isEmpty()) {
            rejectAll(scheduler, steps, 0);
        }
    }

    private static void rejectAll(BlockScheduler scheduler, Deque<Step> steps, int position) {
        Step step = steps.remove();
        StepResult result = new StepResult().reset(step);
        if (step.drafts(0) > 0) {
            result.accepted(0, 0);
        }
        result.token(0, Rig.token(position));
        scheduler.complete(result);
    }

    @Test
    void whereADrafterFailedAnotherIsAsked() {
        generate(20);
        rig.last().fail(new IllegalStateException("drafter"));
        rig.step();
        rig.step();
        assertThat(rig.streams).hasSize(1);
        rig.drafting.dispose();
        rig.scheduler.draft(rig).subscribe();
        rig.step();
        assertThat(rig.streams).hasSize(2);
        rig.stepAll();
        assertThat(tokens()).isEqualTo(Rig.output(PROMPT, 20));
    }

    @Test
    void aDrafterNeedsACreditBeyondThePositionsThatStepsSample() {
        BlockScheduler scheduler =
                DraftRig.builder().maxStepsInFlight(2).maxInFlightDraftTokens(2).build();
        assertThatThrownBy(() -> scheduler.draft(rig))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageEndingWith("maxInFlightDraftTokens=2, maxStepsInFlight=2");
        scheduler.disposeLater().subscribe();
    }

    /** The example of docs/speculation.md. */
    @Test
    void aLookupInThePromptDrafts() {
        Drafter lookup = context -> {
            int[] tokens = context.tokens();
            for (int at = tokens.length - 3; at >= 0; at--) {
                if (tokens[at] == tokens[tokens.length - 2] && tokens[at + 1] == tokens[tokens.length - 1]) {
                    return Flux.range(at + 2, tokens.length - at - 2).map(i -> new DraftToken(tokens[i]));
                }
            }
            return Flux.empty();
        };
        rig.drafting.dispose();
        rig.scheduler.draft(lookup).subscribe();
        int[] prompt = new int[40];
        for (int i = 0; i < prompt.length; i++) {
            prompt[i] = Rig.token(10 + i % 30 + 30);
        }
        rig.scheduler.generate(SequenceSpec.of(prompt).maxTokens(20)).subscribe(events::add);
        rig.stepAll();
        assertThat(tokens()).isEqualTo(Rig.output(40, 20));
        assertThat(rig.metrics().draftsAccepted()).isPositive();
    }

    @Test
    void thereIsOneDrafterAtATimeAndItEndsWithTheScheduler() {
        StepVerifier.create(rig.scheduler.draft(rig))
                .expectErrorMessage("there is one drafter at a time: cancel the other first")
                .verify();
        DraftRig other = new DraftRig();
        other.drafting.dispose();
        StepVerifier.create(other.scheduler.draft(other))
                .then(() -> other.scheduler.disposeLater().subscribe())
                .verifyComplete();
        StepVerifier.create(other.scheduler.draft(other)).verifyComplete();
        StepVerifier.create(other.scheduler.generate(Rig.prompt(3)))
                .expectError(SchedulerDisposedException.class)
                .verify();
    }

    @Test
    void aDrafterNeedsSomebodyWhoDrafts() {
        BlockScheduler without = Rig.builder(10).build();
        assertThatThrownBy(() -> without.draft(context -> Flux.empty()))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("a drafter needs caches with draft tokens and a policy that is not off, numDraftTokens=0");
        without.disposeLater().subscribe();
        BlockScheduler off = BlockScheduler.builder(Configs.caches(4, 1, 3))
                .deviceBlocks(10)
                .draftPolicy(DraftPolicy::off)
                .build();
        assertThatThrownBy(() -> off.draft(context -> Flux.empty())).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> off.draft(null)).isInstanceOf(NullPointerException.class);
        off.disposeLater().block();
    }
}
