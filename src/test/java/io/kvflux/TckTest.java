package io.kvflux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvflux.api.BlockEvent;
import io.kvflux.api.DraftToken;
import io.kvflux.api.SequenceSpec;
import io.kvflux.api.Step;
import io.kvflux.api.StepResult;
import io.kvflux.api.TokenEvent;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.reactivestreams.Publisher;
import org.reactivestreams.Subscriber;
import org.reactivestreams.Subscription;
import org.reactivestreams.tck.PublisherVerification;
import org.reactivestreams.tck.SubscriberBlackboxVerification;
import org.reactivestreams.tck.TestEnvironment;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/** Each publisher of ours against the Reactive Streams TCK. */
class TckTest {

    /** Tests of a publisher verification that apply to every publisher; the others are optional or cannot be tested. */
    private static final int REQUIRED = 20;

    private static final TestEnvironment ENVIRONMENT = new TestEnvironment(500, 50);

    @Test
    void generateObeysTheRules() {
        Tck.assertPasses(GenerateVerification.class, REQUIRED);
    }

    @Test
    void arrivalsObeyTheRules() {
        Tck.assertPasses(ArrivalsVerification.class, REQUIRED);
    }

    @Test
    void stepsObeyTheRules() {
        Tck.assertPasses(StepsVerification.class, REQUIRED);
    }

    @Test
    void blockEventsObeyTheRules() {
        Tck.assertPasses(BlockEventsVerification.class, REQUIRED);
    }

    /** Eleven tests of a subscriber verification can be made from outside; the others are of rules that cannot be seen. */
    @Test
    void theSubscriberOfDraftersObeysTheRules() {
        Tck.assertPasses(DraftsVerification.class, 11);
    }

    @Test
    void aVerificationThatDoesNotRunIsNoticed() {
        assertThatThrownBy(() -> Tck.assertPasses(String.class, 1)).isInstanceOf(AssertionError.class);
    }

    @Test
    void aPublisherThatBreaksARuleIsNoticed() {
        assertThatThrownBy(() -> Tck.assertPasses(BrokenVerification.class, 1))
                .isInstanceOf(AssertionError.class)
                .satisfies(failure -> assertThat(failure.getMessage()).contains("required_"));
    }

    private static BlockScheduler scheduler() {
        BlockScheduler scheduler = Rig.builder(1000)
                .scheduling(core -> core.verifyInvariants(false))
                .deliverOn(Schedulers.boundedElastic())
                .loopOn(Schedulers.parallel())
                .externalMemory()
                .build();
        return scheduler;
    }

    private static BlockScheduler running() {
        BlockScheduler scheduler = scheduler();
        scheduler.run(step -> Mono.just(Rig.answer(step, new StepResult()))).subscribe();
        return scheduler;
    }

    private static int tokens(long elements) {
        return (int) Math.min(Integer.MAX_VALUE, elements);
    }

    /** Tokens of one sequence. */
    public static final class GenerateVerification extends PublisherVerification<TokenEvent> {

        /** For TestNG. */
        public GenerateVerification() {
            super(ENVIRONMENT);
        }

        @Override
        public Publisher<TokenEvent> createPublisher(long elements) {
            Flux<TokenEvent> tokens = running().generate(Rig.prompt(3).maxTokens(Math.max(1, tokens(elements))));
            return elements == 0 ? tokens.take(0) : tokens; // no sequence is without a token
        }

        @Override
        public Publisher<TokenEvent> createFailedPublisher() {
            return running().generate(Rig.prompt(100_000));
        }

        @Override
        public long maxElementsFromPublisher() {
            return 1000;
        }
    }

    /** Merged tokens of many sequences. */
    public static final class ArrivalsVerification extends PublisherVerification<TokenEvent> {

        /** For TestNG. */
        public ArrivalsVerification() {
            super(ENVIRONMENT);
        }

        @Override
        public Publisher<TokenEvent> createPublisher(long elements) {
            Flux<SequenceSpec> specs = Flux.range(0, tokens(elements))
                    .map(i -> Rig.prompt(3, 10 * i).maxTokens(1));
            return running().arrivals(specs);
        }

        @Override
        public Publisher<TokenEvent> createFailedPublisher() {
            return running().arrivals(Flux.error(new IllegalStateException("source")));
        }

        @Override
        public long maxElementsFromPublisher() {
            return 1000;
        }
    }

    /** Steps; they are answered as they are taken, so there are always more until the scheduler is disposed. */
    public static final class StepsVerification extends PublisherVerification<Step> {

        /** For TestNG. */
        public StepsVerification() {
            super(ENVIRONMENT);
        }

        @Override
        public Publisher<Step> createPublisher(long elements) {
            BlockScheduler scheduler = scheduler();
            for (int i = 0; i < 4; i++) {
                scheduler.generate(Rig.prompt(3, 10 * i)).subscribe();
            }
            AtomicInteger seen = new AtomicInteger();
            return scheduler.steps().doOnNext(step -> {
                scheduler.complete(Rig.answer(step, new StepResult()));
                if (seen.incrementAndGet() == elements) {
                    scheduler.disposeLater().subscribe();
                }
            });
        }

        @Override
        public Publisher<Step> createFailedPublisher() {
            BlockScheduler scheduler = scheduler();
            scheduler.steps().subscribe();
            return scheduler.steps();
        }

        @Override
        public long maxElementsFromPublisher() {
            return 500;
        }
    }

    /** Block events; there are more until the scheduler is disposed. */
    public static final class BlockEventsVerification extends PublisherVerification<BlockEvent> {

        /** For TestNG. */
        public BlockEventsVerification() {
            super(ENVIRONMENT);
        }

        @Override
        public Publisher<BlockEvent> createPublisher(long elements) {
            BlockScheduler scheduler = running();
            AtomicInteger seen = new AtomicInteger();
            return scheduler
                    .blockEvents()
                    .doOnNext(event -> {
                        int number = seen.incrementAndGet();
                        if (number == 1) { // the snapshot; whatever follows is new
                            scheduler.generate(Rig.prompt(3)).subscribe(token -> {}, outgrown -> {});
                        }
                        if (number == elements) {
                            scheduler.disposeLater().subscribe();
                        }
                    })
                    .take(elements);
        }

        @Override
        public Publisher<BlockEvent> createFailedPublisher() {
            return null;
        }

        @Override
        public long maxElementsFromPublisher() {
            return 500;
        }
    }

    /** What subscribes to a drafter; it asks for drafts as its sequence goes on. */
    public static final class DraftsVerification extends SubscriberBlackboxVerification<DraftToken> {

        /** For TestNG. */
        public DraftsVerification() {
            super(ENVIRONMENT);
        }

        @Override
        public Subscriber<DraftToken> createSubscriber() {
            BlockScheduler scheduler = DraftRig.builder().build();
            AtomicReference<Subscriber<? super DraftToken>> subscriber = new AtomicReference<>();
            scheduler.draft(context -> subscriber::set).subscribe();
            scheduler.steps().subscribe();
            scheduler.generate(Rig.prompt(3)).subscribe();
            return (DraftFlow) subscriber.get();
        }

        @Override
        public DraftToken createElement(int element) {
            return new DraftToken(element);
        }
    }

    /** Gives everybody one more than they asked for. */
    public static final class BrokenVerification extends PublisherVerification<Integer> {

        /** For TestNG. */
        public BrokenVerification() {
            super(ENVIRONMENT);
        }

        @Override
        public Publisher<Integer> createPublisher(long elements) {
            return subscriber -> subscriber.onSubscribe(new Subscription() {
                @Override
                public void request(long n) {
                    for (long i = 0; i <= Math.min(n, 10); i++) {
                        subscriber.onNext(1);
                    }
                }

                @Override
                public void cancel() {}
            });
        }

        @Override
        public Publisher<Integer> createFailedPublisher() {
            return null;
        }
    }
}
