package io.kvflux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvflux.api.FinishReason;
import io.kvflux.api.SchedulerMetrics;
import io.kvflux.api.Step;
import io.kvflux.api.StepResult;
import io.kvflux.api.TokenEvent;
import io.kvflux.core.Configs;
import io.kvflux.draft.DraftPolicy;
import io.kvflux.metrics.SchedulerMeters;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import reactor.core.scheduler.Schedulers;

/** Drafts through the reactive face: a step gives a client several tokens, and the numbers are shown. */
class DraftsInShellTest {

    private static final int PROMPT = 5;
    private final Deque<Step> steps = new ArrayDeque<>();
    private final AtomicLong clock = new AtomicLong();

    private BlockScheduler scheduler(UnaryOperator<BlockSchedulerBuilder> settings) {
        BlockScheduler scheduler = settings.apply(BlockScheduler.builder(Configs.caches(4, 1, 3))
                        .deviceBlocks(30)
                        .scheduling(core -> core.verifyInvariants(true).watermark(0))
                        .deliverOn(Schedulers.immediate())
                        .loopOn(Schedulers.immediate()))
                .build();
        scheduler.steps().subscribe(steps::add);
        return scheduler;
    }

    private static BlockSchedulerBuilder fixed(BlockSchedulerBuilder builder) {
        return builder.draftPolicy(() -> DraftPolicy.fixed(3));
    }

    /** The oldest step: every draft is accepted, and as many are made as may be. */
    private StepResult answer() {
        Step step = steps.remove();
        StepResult result = new StepResult().reset(step);
        for (int i = 0; i < step.size(); i++) {
            int length = step.cacheLength(i) + step.tokenCount(i);
            result.token(i, Rig.token(length));
            if (step.drafts(i) > 0) {
                result.accepted(i, step.drafts(i));
            }
            for (int j = 0; j < step.granted(i); j++) {
                result.draft(i, Rig.token(length + 1 + j));
            }
        }
        return result;
    }

    private static List<Integer> tokens(List<TokenEvent> events) {
        List<Integer> tokens = new ArrayList<>();
        events.forEach(event -> tokens.add(event.token()));
        return tokens;
    }

    @Test
    void aStepGivesAClientAllThatWasAcceptedInOrder() {
        BlockScheduler scheduler = scheduler(DraftsInShellTest::fixed);
        List<TokenEvent> events = new ArrayList<>();
        scheduler.generate(Rig.prompt(PROMPT).maxTokens(9)).subscribe(events::add);
        scheduler.complete(answer());
        assertThat(events).hasSize(1);
        scheduler.complete(answer());
        assertThat(events).hasSize(5);
        while (!steps.isEmpty()) {
            scheduler.complete(answer());
        }
        assertThat(tokens(events)).isEqualTo(Rig.output(PROMPT, 9));
        for (int i = 0; i < 9; i++) {
            assertThat(events.get(i).index()).isEqualTo(i);
            assertThat(events.get(i).finishReason()).isEqualTo(i == 8 ? FinishReason.LENGTH : null);
        }
        scheduler.disposeLater().subscribe();
    }

    @Test
    void theNumbersAreShown() {
        BlockScheduler scheduler = scheduler(DraftsInShellTest::fixed);
        SchedulerMetrics metrics = scheduler.metrics();
        SimpleMeterRegistry registry = new SimpleMeterRegistry();
        new SchedulerMeters(metrics, Tags.empty()).bindTo(registry);
        scheduler.generate(Rig.prompt(PROMPT)).subscribe();
        scheduler.complete(answer());
        scheduler.complete(answer());
        assertThat(metrics.draftsGranted()).isEqualTo(9);
        assertThat(metrics.draftsAccepted()).isEqualTo(3);
        assertThat(metrics.draftsInFlight()).isEqualTo(6);
        assertThat(registry.get("kvflux.drafts.granted").functionCounter().count())
                .isEqualTo(9);
        assertThat(registry.get("kvflux.drafts.in.flight").gauge().value()).isEqualTo(6);
        scheduler.disposeLater().subscribe();
        scheduler.complete(answer());
        assertThat(metrics.draftsInFlight()).isZero();
        assertThat(metrics.draftsAborted() + metrics.draftsRejected()).isEqualTo(6);
        registry.close();
    }

    @Test
    void adaptiveLearnsFromTheClockWhatStepsTake() {
        BlockScheduler scheduler = scheduler(builder -> builder.clock(clock::get));
        scheduler.generate(Rig.prompt(PROMPT).maxTokens(60)).subscribe();
        for (int i = 0; i < 10; i++) {
            clock.addAndGet(20_000_000);
            scheduler.complete(answer());
        }
        assertThat(scheduler.metrics().draftsAccepted()).isPositive();
        scheduler.disposeLater().subscribe();
        while (!steps.isEmpty()) {
            scheduler.complete(answer());
        }
    }

    @Test
    void aClientThatAsksForLittleIsGrantedLittle() {
        BlockScheduler scheduler = scheduler(builder -> fixed(builder).tokenBuffer(0));
        Client client = Client.of(scheduler.generate(Rig.prompt(PROMPT))).asks(3);
        assertThat(steps.getFirst().granted(0)).isEqualTo(1);
        while (!steps.isEmpty()) {
            scheduler.complete(answer());
        }
        assertThat(scheduler.metrics().draftsGranted()).isEqualTo(1);
        assertThat(scheduler.metrics().generatedTokens()).isEqualTo(3);
        client.cancel();
        scheduler.disposeLater().subscribe();
    }

    @Test
    void draftsAreOfTheVocabulary() {
        BlockScheduler scheduler = scheduler(builder -> fixed(builder).vocabularySize(2000));
        scheduler.generate(Rig.prompt(PROMPT)).subscribe();
        StepResult result = new StepResult().reset(steps.getFirst());
        result.token(0, 1);
        result.draft(0, 2000);
        assertThatThrownBy(() -> scheduler.complete(result))
                .hasMessage(
                        "a draft must be less than vocabularySize, step=1, entry=0, token=2000, vocabularySize=2000");
        scheduler.complete(answer());
        scheduler.disposeLater().subscribe();
        while (!steps.isEmpty()) {
            scheduler.complete(answer());
        }
    }

    @Test
    void aPolicyNeedsCachesWithDrafts() {
        assertThatThrownBy(() -> fixed(Rig.builder(10)).build())
                .hasMessageContaining("draftPolicy needs caches with draft tokens, unless it is off, draftPolicy=given,"
                        + " numDraftTokens=0");
        Rig.builder(10).draftPolicy(DraftPolicy::off).build().disposeLater().subscribe();
    }
}
