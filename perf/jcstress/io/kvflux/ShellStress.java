package io.kvflux;

import io.kvflux.api.SequenceSpec;
import io.kvflux.api.Step;
import io.kvflux.api.StepResult;
import io.kvflux.api.TokenEvent;
import io.kvflux.core.Configs;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;
import org.openjdk.jcstress.infra.results.I_Result;
import org.reactivestreams.Subscription;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.scheduler.Schedulers;
import reactor.util.concurrent.Queues;

/** Races at the border of the scheduler; each outcome that must not be is named. */
public final class ShellStress {

    private ShellStress() {}

    /** A scheduler on the actors' own threads, and one client; no step is answered unless an actor does it. */
    private static class Race {

        final BlockScheduler scheduler = BlockScheduler.builder(Configs.caches(4, 1))
                .deviceBlocks(8)
                .externalMemory()
                .tokenBuffer(2)
                .deliverOn(Schedulers.immediate())
                .loopOn(Schedulers.immediate())
                .build();
        final AtomicInteger events = new AtomicInteger();
        final AtomicInteger completions = new AtomicInteger();
        final AtomicInteger errors = new AtomicInteger();
        final BaseSubscriber<TokenEvent> client = new BaseSubscriber<>() {
            @Override
            protected void hookOnSubscribe(Subscription subscription) {}

            @Override
            protected void hookOnNext(TokenEvent event) {
                events.incrementAndGet();
            }

            @Override
            protected void hookOnComplete() {
                completions.incrementAndGet();
            }

            @Override
            protected void hookOnError(Throwable cause) {
                errors.incrementAndGet();
            }
        };

        @Nullable
        Step step;

        void submit() {
            scheduler.generate(SequenceSpec.of(1, 2, 3, 4, 5).maxTokens(1)).subscribe(client);
        }

        /** The sequence is in a step in flight. */
        StepResult planned() {
            scheduler.steps().subscribe(next -> step = next);
            submit();
            StepResult result = new StepResult().reset(Objects.requireNonNull(step));
            result.token(0, 7);
            return result;
        }

        int taken(StepResult result) {
            try {
                scheduler.complete(result);
                return 1;
            } catch (IllegalStateException refused) {
                return 0;
            }
        }

        int blocksBack() {
            return (int) (scheduler.metrics().freeBlocks() + scheduler.metrics().cachedBlocks());
        }

        int ended() {
            return (int) (scheduler.metrics().finished()
                    + scheduler.metrics().cancelled()
                    + scheduler.metrics().failed());
        }
    }

    /** Submitting against disposing: the client is told, once, whoever wins. */
    @JCStressTest
    @Outcome(id = "1, 8", expect = Expect.ACCEPTABLE, desc = "one error, every block there")
    @Outcome(id = "0, 8", expect = Expect.FORBIDDEN, desc = "the client was forgotten")
    @Outcome(id = "2, 8", expect = Expect.FORBIDDEN, desc = "the client was told twice")
    @State
    public static class SubmitAgainstDispose extends Race {

        /** Submits. */
        @Actor
        public void submits() {
            submit();
        }

        /** Disposes. */
        @Actor
        public void disposes() {
            scheduler.disposeLater().subscribe();
        }

        /**
         * Looks.
         *
         * @param r errors, blocks back
         */
        @Arbiter
        public void look(II_Result r) {
            r.r1 = errors.get();
            r.r2 = blocksBack();
        }
    }

    /** Cancelling against the result that ends the sequence: it ends once, and every block comes back. */
    @JCStressTest
    @Outcome(id = "0, 8, 1", expect = Expect.ACCEPTABLE, desc = "cancelled before the token reached the client")
    @Outcome(id = "1, 8, 1", expect = Expect.ACCEPTABLE, desc = "token, then perhaps completion")
    @Outcome(id = ".*, 8, 0", expect = Expect.FORBIDDEN, desc = "the sequence never ended")
    @Outcome(id = ".*, 8, 2", expect = Expect.FORBIDDEN, desc = "the sequence ended twice")
    @Outcome(id = ".*, [0-7], .*", expect = Expect.FORBIDDEN, desc = "blocks leaked")
    @State
    public static class CancelAgainstComplete extends Race {

        private final StepResult result = planned();

        /** Makes the demand unbounded, so that a token goes to the client at once. */
        public CancelAgainstComplete() {
            client.request(Long.MAX_VALUE);
        }

        /** Cancels. */
        @Actor
        public void cancels() {
            client.cancel();
        }

        /** Completes the step. */
        @Actor
        public void completes() {
            scheduler.complete(result);
        }

        /**
         * Looks.
         *
         * @param r events, blocks back, ends
         */
        @Arbiter
        public void look(III_Result r) {
            r.r1 = events.get();
            r.r2 = blocksBack();
            r.r3 = ended();
        }
    }

    /** Two results for one step: one is taken, the other refused. */
    @JCStressTest
    @Outcome(
            id = {"1, 0, 1", "0, 1, 1"},
            expect = Expect.ACCEPTABLE,
            desc = "one was taken")
    @Outcome(id = "1, 1, .*", expect = Expect.FORBIDDEN, desc = "both were taken")
    @Outcome(id = "0, 0, .*", expect = Expect.FORBIDDEN, desc = "both were refused")
    @State
    public static class TwoCompletions extends Race {

        private final StepResult result = planned();

        /**
         * Completes.
         *
         * @param r whether it was taken
         */
        @Actor
        public void one(III_Result r) {
            r.r1 = taken(result);
        }

        /**
         * Completes too.
         *
         * @param r whether it was taken
         */
        @Actor
        public void other(III_Result r) {
            r.r2 = taken(result);
        }

        /**
         * Looks.
         *
         * @param r tokens generated
         */
        @Arbiter
        public void look(III_Result r) {
            r.r3 = (int) scheduler.metrics().generatedTokens();
        }
    }

    /** A request against the token it is for: the token reaches the client, whoever comes first. */
    @JCStressTest
    @Outcome(id = "1, 1", expect = Expect.ACCEPTABLE, desc = "the token and the completion")
    @Outcome(id = "0, .*", expect = Expect.FORBIDDEN, desc = "a wake-up was lost")
    @Outcome(id = "1, 0", expect = Expect.FORBIDDEN, desc = "the completion was lost")
    @State
    public static class RequestAgainstEmission extends Race {

        private final StepResult result = planned();

        /** Asks for one token. */
        @Actor
        public void asks() {
            client.request(1);
        }

        /** Completes the step. */
        @Actor
        public void completes() {
            scheduler.complete(result);
        }

        /**
         * Looks.
         *
         * @param r events, completions
         */
        @Arbiter
        public void look(II_Result r) {
            r.r1 = events.get();
            r.r2 = completions.get();
        }
    }

    /** An offer against a delivery that begins: what was offered is delivered by that delivery, or by one more. */
    @JCStressTest
    @Outcome(id = "1", expect = Expect.ACCEPTABLE, desc = "delivered")
    @Outcome(id = "0", expect = Expect.FORBIDDEN, desc = "the offer relied on a delivery that did not see it")
    @State
    public static class OfferAgainstDelivery {

        private final Lanes lanes = new Lanes(Schedulers.immediate(), 2);
        private final Queue<Integer> queue = Queues.<Integer>one().get();
        private final Outlet outlet = new Outlet() {
            @Override
            void run() {}

            @Override
            void deliver() {
                Integer value = queue.poll();
                delivered += value == null ? 0 : value;
            }
        };
        private int delivered;

        /** A delivery is due, of nothing so far. */
        public OfferAgainstDelivery() {
            lanes.offer(outlet);
        }

        /** Offers. */
        @Actor
        public void offers() {
            queue.offer(1);
            lanes.offer(outlet);
            lanes.wake();
        }

        /** Delivers. */
        @Actor
        public void delivers() {
            lanes.wake();
        }

        /**
         * Looks.
         *
         * @param r values delivered
         */
        @Arbiter
        public void look(I_Result r) {
            r.r1 = delivered;
        }
    }

    /** A late answer to the step before against the right one: it is refused, and stands in nobody's way. */
    @JCStressTest
    @Outcome(id = "0, 1, 2", expect = Expect.ACCEPTABLE, desc = "the right one was taken")
    @Outcome(id = "1, .*", expect = Expect.FORBIDDEN, desc = "the late one was taken")
    @Outcome(id = "0, 0, .*", expect = Expect.FORBIDDEN, desc = "the right one was refused")
    @State
    public static class LateAgainstRight extends Race {

        private final StepResult late;
        private final StepResult right;

        /** The first step is answered, the second is in flight. */
        public LateAgainstRight() {
            scheduler.steps().subscribe(next -> step = next);
            scheduler.generate(SequenceSpec.of(1, 2, 3, 4, 5).maxTokens(2)).subscribe(client);
            late = new StepResult().reset(Objects.requireNonNull(step));
            late.token(0, 7);
            StepResult first = new StepResult().reset(step);
            first.token(0, 7);
            scheduler.complete(first);
            right = new StepResult().reset(step);
            right.token(0, 7);
        }

        /**
         * Answers too late.
         *
         * @param r whether it was taken
         */
        @Actor
        public void late(III_Result r) {
            r.r1 = taken(late);
        }

        /**
         * Answers.
         *
         * @param r whether it was taken
         */
        @Actor
        public void right(III_Result r) {
            r.r2 = taken(right);
        }

        /**
         * Looks.
         *
         * @param r tokens generated
         */
        @Arbiter
        public void look(III_Result r) {
            r.r3 = (int) scheduler.metrics().generatedTokens();
        }
    }

    /** An answer meant for another scheduler's step of the same number against the right one. */
    @JCStressTest
    @Outcome(id = "0, 1, 1", expect = Expect.ACCEPTABLE, desc = "the right one was taken")
    @Outcome(id = "1, .*", expect = Expect.FORBIDDEN, desc = "the foreign one was taken")
    @Outcome(id = "0, 0, .*", expect = Expect.FORBIDDEN, desc = "the right one was refused")
    @State
    public static class ForeignAgainstRight extends Race {

        private final StepResult right = planned();
        private final StepResult foreign = new Race().planned();

        /**
         * Answers for another scheduler.
         *
         * @param r whether it was taken
         */
        @Actor
        public void foreign(III_Result r) {
            r.r1 = taken(foreign);
        }

        /**
         * Answers.
         *
         * @param r whether it was taken
         */
        @Actor
        public void right(III_Result r) {
            r.r2 = taken(right);
        }

        /**
         * Looks.
         *
         * @param r tokens generated
         */
        @Arbiter
        public void look(III_Result r) {
            r.r3 = (int) scheduler.metrics().generatedTokens();
        }
    }
}
