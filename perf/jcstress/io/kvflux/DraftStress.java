package io.kvflux;

import io.kvflux.api.DraftContext;
import io.kvflux.api.DraftToken;
import io.kvflux.api.SchedulerMetrics;
import io.kvflux.api.SequenceSpec;
import io.kvflux.api.Step;
import io.kvflux.api.StepResult;
import io.kvflux.core.Configs;
import io.kvflux.draft.DraftPolicy;
import java.util.ArrayDeque;
import java.util.Deque;
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
import org.reactivestreams.Publisher;
import org.reactivestreams.Subscriber;
import org.reactivestreams.Subscription;
import reactor.core.Disposable;
import reactor.core.scheduler.Schedulers;

/** Races for the credits of drafts; each outcome that must not be is named. */
public final class DraftStress {

    private DraftStress() {}

    /** One sequence of a scheduler on the actors' own threads, which drafts three tokens a round, in steps or beside them. */
    private static class Race implements Drafter, Publisher<DraftToken>, Subscription {

        final BlockScheduler scheduler = BlockScheduler.builder(Configs.caches(4, 1, 3))
                .deviceBlocks(20)
                .externalMemory()
                .draftPolicy(() -> DraftPolicy.fixed(3))
                .deliverOn(Schedulers.immediate())
                .loopOn(Schedulers.immediate())
                .build();
        final Deque<Step> steps = new ArrayDeque<>();
        final AtomicInteger asked = new AtomicInteger();
        final AtomicInteger cancels = new AtomicInteger();
        final Disposable client;

        @Nullable
        Subscriber<? super DraftToken> subscriber;

        Race(boolean beside) {
            if (beside) {
                scheduler.draft(this).subscribe();
            }
            scheduler.steps().subscribe(steps::add);
            client = scheduler
                    .generate(SequenceSpec.of(1, 2, 3, 4, 5).maxTokens(64))
                    .subscribe();
        }

        @Override
        public Publisher<DraftToken> draft(DraftContext context) {
            return this;
        }

        @Override
        public void subscribe(Subscriber<? super DraftToken> given) {
            subscriber = given;
            given.onSubscribe(this);
        }

        @Override
        public void request(long n) {
            asked.addAndGet((int) n);
        }

        @Override
        public void cancel() {
            cancels.incrementAndGet();
        }

        /** The result of a step: of its drafts so many are accepted, and as many are made as may be. */
        static StepResult answer(Step step, int accepted) {
            StepResult result = new StepResult().reset(step);
            result.token(0, 7);
            if (step.drafts(0) > 0) {
                result.accepted(0, Math.min(accepted, step.drafts(0)));
            }
            for (int i = 0; i < step.granted(0); i++) {
                result.draft(0, 7);
            }
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

        /** All steps in flight are answered, so that nothing is in flight. */
        void drain() {
            client.dispose();
            while (!steps.isEmpty()) {
                taken(answer(steps.remove(), 0));
            }
        }

        /** 1 if every draft granted was accepted, rejected or aborted; 2 if some came back twice, 0 if some did not. */
        int identity() {
            SchedulerMetrics metrics = scheduler.metrics();
            long back = metrics.draftsAccepted() + metrics.draftsRejected() + metrics.draftsAborted();
            int order = Long.compare(back, metrics.draftsGranted());
            return metrics.draftsInFlight() == 0 ? order + 1 : 0;
        }

        int held() {
            return (int) (scheduler.metrics().heldBlocks() + scheduler.metrics().withheldBlocks());
        }
    }

    /** A step that grants drafts is planned while the client cancels: whatever was granted comes back. */
    @JCStressTest
    @Outcome(id = "1, 0", expect = Expect.ACCEPTABLE, desc = "every credit and every block is back")
    @Outcome(id = "0, .*", expect = Expect.FORBIDDEN, desc = "a credit was lost")
    @Outcome(id = "2, .*", expect = Expect.FORBIDDEN, desc = "a credit came back twice")
    @Outcome(id = "1, .*", expect = Expect.FORBIDDEN, desc = "a draft's block leaked")
    @State
    public static class GrantAgainstCancel extends Race {

        private final StepResult first = answer(steps.remove(), 0);

        /** In steps. */
        public GrantAgainstCancel() {
            super(false);
        }

        /** Completes the prompt, upon which the next step is planned. */
        @Actor
        public void grants() {
            scheduler.complete(first);
        }

        /** Cancels. */
        @Actor
        public void cancels() {
            client.dispose();
        }

        /**
         * Looks.
         *
         * @param r identity, blocks held
         */
        @Arbiter
        public void look(II_Result r) {
            drain();
            r.r1 = identity();
            r.r2 = held();
        }
    }

    /** Drafts are verified while their step is failed: one of the two counts. */
    @JCStressTest
    @Outcome(id = "1, 0, 1", expect = Expect.ACCEPTABLE, desc = "verified: three were accepted")
    @Outcome(id = "0, 1, 1", expect = Expect.ACCEPTABLE, desc = "failed: they were aborted")
    @Outcome(id = "1, 1, .*", expect = Expect.FORBIDDEN, desc = "both were taken")
    @Outcome(id = "0, 0, .*", expect = Expect.FORBIDDEN, desc = "both were refused")
    @Outcome(id = ".*, .*, 0", expect = Expect.FORBIDDEN, desc = "a credit was lost")
    @Outcome(id = ".*, .*, 2", expect = Expect.FORBIDDEN, desc = "a credit came back twice")
    @State
    public static class VerifyAgainstAbort extends Race {

        private final StepResult verified;

        /** In steps. */
        public VerifyAgainstAbort() {
            super(false);
            scheduler.complete(answer(steps.remove(), 0));
            verified = answer(steps.remove(), 3);
        }

        /**
         * Verifies.
         *
         * @param r whether it was taken
         */
        @Actor
        public void verifies(III_Result r) {
            r.r1 = taken(verified);
        }

        /**
         * Fails the step.
         *
         * @param r whether it was taken
         */
        @Actor
        public void aborts(III_Result r) {
            try {
                scheduler.fail(verified.step(), new IllegalStateException("aborted"));
                r.r2 = 1;
            } catch (IllegalStateException refused) {
                r.r2 = 0;
            }
        }

        /**
         * Looks.
         *
         * @param r identity
         */
        @Arbiter
        public void look(III_Result r) {
            long accepted = scheduler.metrics().draftsAccepted();
            drain();
            r.r3 = accepted == 3L * r.r1 ? identity() : 0;
        }
    }

    /** Two results of a step that verifies drafts, one that accepts all and one that accepts none: one of them counts. */
    @JCStressTest
    @Outcome(id = "1, 0, 1", expect = Expect.ACCEPTABLE, desc = "three were accepted")
    @Outcome(id = "0, 1, 1", expect = Expect.ACCEPTABLE, desc = "three were rejected")
    @Outcome(id = "1, 1, .*", expect = Expect.FORBIDDEN, desc = "both were taken")
    @Outcome(id = "0, 0, .*", expect = Expect.FORBIDDEN, desc = "both were refused")
    @Outcome(id = ".*, .*, 0", expect = Expect.FORBIDDEN, desc = "a credit was lost")
    @Outcome(id = ".*, .*, 2", expect = Expect.FORBIDDEN, desc = "a credit came back twice")
    @State
    public static class TwoVerifications extends Race {

        private final StepResult all;
        private final StepResult none;

        /** In steps. */
        public TwoVerifications() {
            super(false);
            scheduler.complete(answer(steps.remove(), 0));
            Step step = steps.remove();
            all = answer(step, 3);
            none = answer(step, 0);
        }

        /**
         * Accepts all.
         *
         * @param r whether it was taken
         */
        @Actor
        public void acceptsAll(III_Result r) {
            r.r1 = taken(all);
        }

        /**
         * Accepts none.
         *
         * @param r whether it was taken
         */
        @Actor
        public void acceptsNone(III_Result r) {
            r.r2 = taken(none);
        }

        /**
         * Looks.
         *
         * @param r identity
         */
        @Arbiter
        public void look(III_Result r) {
            SchedulerMetrics metrics = scheduler.metrics();
            boolean right = metrics.draftsAccepted() == 3L * r.r1 && metrics.draftsRejected() == 3L * r.r2;
            drain();
            r.r3 = right ? identity() : 0;
        }
    }

    /** A drafter beside the steps brings drafts while the step is verified and asks for more. */
    @JCStressTest
    @Outcome(id = "1, 1, 0", expect = Expect.ACCEPTABLE, desc = "asked for what was granted, all of it back")
    @Outcome(id = "0, .*, .*", expect = Expect.FORBIDDEN, desc = "it was asked for more, or less, than was granted")
    @Outcome(id = "1, [02], .*", expect = Expect.FORBIDDEN, desc = "a credit was lost, or came back twice")
    @Outcome(id = "1, 1, .*", expect = Expect.FORBIDDEN, desc = "a draft's block leaked")
    @State
    public static class DraftsAgainstResult extends Race {

        private final StepResult first = answer(steps.remove(), 0);

        /** Beside the steps. */
        public DraftsAgainstResult() {
            super(true);
        }

        /** Drafts as much as it was asked for at first. */
        @Actor
        public void drafts() {
            Subscriber<? super DraftToken> to = subscriber;
            for (int i = 0; to != null && i < 4; i++) {
                to.onNext(new DraftToken(7));
            }
        }

        /** Completes the prompt. */
        @Actor
        public void completes() {
            scheduler.complete(first);
        }

        /**
         * Looks.
         *
         * @param r demand is the grant, identity, blocks held
         */
        @Arbiter
        public void look(III_Result r) {
            r.r1 = asked.get() == scheduler.metrics().draftsGranted() ? 1 : 0;
            drain();
            r.r2 = identity();
            r.r3 = held();
        }
    }

    /** A drafter ends while its sequence is cancelled: it is cancelled once at most, and everything is back. */
    @JCStressTest
    @Outcome(id = "0, 1, 0", expect = Expect.ACCEPTABLE, desc = "it ended first")
    @Outcome(id = "1, 1, 0", expect = Expect.ACCEPTABLE, desc = "it was cancelled")
    @Outcome(id = "[2-9], .*, .*", expect = Expect.FORBIDDEN, desc = "it was cancelled twice")
    @Outcome(id = ".*, [02], .*", expect = Expect.FORBIDDEN, desc = "a credit was lost, or came back twice")
    @Outcome(id = ".*, 1, .*", expect = Expect.FORBIDDEN, desc = "a draft's block leaked")
    @State
    public static class DrafterEndsAgainstCancel extends Race {

        /** Beside the steps. */
        public DrafterEndsAgainstCancel() {
            super(true);
        }

        /** Ends. */
        @Actor
        public void ends() {
            Subscriber<? super DraftToken> to = subscriber;
            if (to != null) {
                to.onNext(new DraftToken(7));
                to.onComplete();
            }
        }

        /** Cancels. */
        @Actor
        public void cancels() {
            client.dispose();
        }

        /**
         * Looks.
         *
         * @param r cancellations, identity, blocks held
         */
        @Arbiter
        public void look(III_Result r) {
            drain();
            r.r1 = cancels.get();
            r.r2 = identity();
            r.r3 = held();
        }
    }
}
