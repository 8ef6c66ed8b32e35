package io.kvflux;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvflux.api.DraftContext;
import io.kvflux.api.DraftToken;
import io.kvflux.api.SchedulerMetrics;
import io.kvflux.api.SequenceId;
import io.kvflux.api.Step;
import io.kvflux.api.StepResult;
import io.kvflux.core.Configs;
import io.kvflux.draft.DraftPolicy;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.function.UnaryOperator;
import org.reactivestreams.Publisher;
import org.reactivestreams.Subscriber;
import org.reactivestreams.Subscription;
import reactor.core.Disposable;
import reactor.core.scheduler.Schedulers;

/**
 * A scheduler whose sequences are drafted for beside the steps, all on the calling thread. What the drafter brings and when
 * is the test's; the model accepts drafts that are {@link Rig#token}.
 */
final class DraftRig implements Drafter {

    static final int DRAFTS = 3;

    final BlockScheduler scheduler;
    final Deque<Step> steps = new ArrayDeque<>();
    /** All streams that the drafter was asked for, in order. */
    final List<Stream> streams = new ArrayList<>();

    final Disposable drafting;
    private final StepResult result = new StepResult();

    DraftRig() {
        this(UnaryOperator.identity());
    }

    DraftRig(UnaryOperator<BlockSchedulerBuilder> settings) {
        scheduler = settings.apply(builder()).build();
        drafting = scheduler.draft(this).subscribe();
        scheduler.steps().subscribe(steps::add);
    }

    static BlockSchedulerBuilder builder() {
        return BlockScheduler.builder(Configs.caches(Rig.PAGE, 1, DRAFTS))
                .deviceBlocks(100)
                .draftPolicy(() -> DraftPolicy.fixed(DRAFTS))
                .scheduling(core -> core.verifyInvariants(true).watermark(0))
                .deliverOn(Schedulers.immediate())
                .loopOn(Schedulers.immediate());
    }

    /** A stream of drafts of one sequence. */
    static final class Stream implements Publisher<DraftToken>, Subscription {

        final DraftContext context;
        Subscriber<? super DraftToken> subscriber;
        long asked;
        int brought;
        boolean cancelled;
        boolean ended;

        Stream(DraftContext context) {
            this.context = context;
        }

        @Override
        public void subscribe(Subscriber<? super DraftToken> given) {
            subscriber = given;
            given.onSubscribe(this);
        }

        @Override
        public void request(long n) {
            assertThat(n).isPositive();
            asked += n;
        }

        @Override
        public void cancel() {
            cancelled = true;
        }

        /** Brings the right draft of the next position. */
        void right() {
            bring(Rig.token(context.length() + brought));
        }

        void wrong() {
            bring(Rig.token(context.length() + brought) + 1);
        }

        void bring(int token) {
            brought++;
            subscriber.onNext(new DraftToken(token));
        }

        void complete() {
            ended = true;
            subscriber.onComplete();
        }

        void fail(Throwable cause) {
            ended = true;
            subscriber.onError(cause);
        }

        /** Brings right drafts as long as it is asked for more. */
        void allRight() {
            while (!cancelled && brought < asked) {
                right();
            }
        }
    }

    @Override
    public Publisher<DraftToken> draft(DraftContext context) {
        Stream stream = new Stream(context);
        streams.add(stream);
        return stream;
    }

    Stream last() {
        return streams.get(streams.size() - 1);
    }

    SequenceId sequence() {
        return streams.get(0).context.sequence();
    }

    SchedulerMetrics metrics() {
        return scheduler.metrics();
    }

    /** The oldest step is computed; drafts in it are verified. */
    void step() {
        scheduler.complete(answer(steps.remove(), result));
    }

    void stepAll() {
        while (!steps.isEmpty()) {
            step();
        }
    }

    static StepResult answer(Step step, StepResult result) {
        result.reset(step);
        for (int entry = 0; entry < step.size(); entry++) {
            if (!step.samples(entry)) {
                continue;
            }
            int drafts = step.drafts(entry);
            int end = step.cacheLength(entry) + step.tokenCount(entry) - drafts;
            int accepted = 0;
            while (accepted < drafts
                    && step.token(entry, step.tokenCount(entry) - drafts + accepted) == Rig.token(end + accepted)) {
                accepted++;
            }
            if (drafts > 0) {
                result.accepted(entry, accepted);
            }
            result.token(entry, Rig.token(end + accepted));
        }
        return result;
    }

    void dispose() {
        scheduler.disposeLater().subscribe();
        stepAll();
        assertThat(metrics().draftsInFlight()).isZero();
        assertThat(metrics().draftsGranted())
                .isEqualTo(metrics().draftsAccepted()
                        + metrics().draftsRejected()
                        + metrics().draftsAborted());
        assertThat(streams).allMatch(stream -> stream.cancelled || stream.ended);
    }
}
