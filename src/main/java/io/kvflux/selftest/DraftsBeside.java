package io.kvflux.selftest;

import io.kvflux.BlockScheduler;
import io.kvflux.Drafter;
import io.kvflux.api.DraftContext;
import io.kvflux.api.DraftToken;
import io.kvflux.api.SchedulerMetrics;
import io.kvflux.api.SequenceId;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import org.reactivestreams.Subscriber;
import org.reactivestreams.Subscription;
import reactor.core.Disposable;
import reactor.core.Disposables;

/**
 * A drafter beside the steps: the draft model with a cache of its own, which takes its time, ends, fails, brings too much and
 * goes on after it was cancelled. Draws from numbers of its own, so that nothing else depends on it.
 */
final class DraftsBeside implements Drafter {

    private static final int RANDOM = -4000;

    /** The drafts of one sequence from a position on. */
    private static final class Stream implements Publisher<DraftToken>, Subscription {

        final DraftContext context;
        long asked;
        int brought;
        boolean cancelled;
        private @Nullable Subscriber<? super DraftToken> subscriber;

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
            asked += n;
        }

        @Override
        public void cancel() {
            cancelled = true;
        }

        Subscriber<? super DraftToken> to() {
            return Objects.requireNonNull(subscriber);
        }
    }

    private final BlockScheduler scheduler;
    private final ScenarioClients clients;
    private final Coverage coverage;
    private final Consumer<Finding> found;
    private final SplittableRandom random;
    private final List<Stream> streams = new ArrayList<>();
    private final Set<SequenceId> failed = new HashSet<>();
    private Disposable drafting = Disposables.disposed();
    /** One that was cancelled, and may not have heard of it. */
    private @Nullable Stream deaf;

    DraftsBeside(
            Scenario scenario,
            BlockScheduler scheduler,
            ScenarioClients clients,
            Coverage coverage,
            Consumer<Finding> found) {
        this.scheduler = scheduler;
        this.clients = clients;
        this.coverage = coverage;
        this.found = found;
        random = new SplittableRandom(Seeds.mix(scenario.seed(), RANDOM));
        begin();
    }

    private void begin() {
        failed.clear(); // to another drafter nothing is known of them
        drafting = scheduler.draft(this).subscribe(nothing -> {}, cause -> found.accept(Finding.of(cause)));
    }

    @Override
    public Publisher<DraftToken> draft(DraftContext context) {
        if (failed.contains(context.sequence())) {
            wrong(context.sequence() + " is drafted for again after its drafter failed");
        }
        if (streams.stream().anyMatch(other -> other.context.sequence().equals(context.sequence()))) {
            forgetCancelled();
        }
        boolean second =
                streams.stream().anyMatch(other -> other.context.sequence().equals(context.sequence()));
        if (second) {
            wrong(context.sequence() + " is drafted for twice at a time");
        }
        Stream stream = new Stream(context);
        streams.add(stream);
        return stream;
    }

    private void forgetCancelled() {
        for (int i = streams.size() - 1; i >= 0; i--) {
            if (streams.get(i).cancelled) {
                deaf = streams.remove(i);
                coverage.see(deaf.brought < deaf.asked, Condition.BESIDE_CANCELLED);
            }
        }
    }

    /** Now and then does something; whether it did. */
    boolean act() {
        if (random.nextBoolean()) {
            return false;
        }
        forgetCancelled();
        int choice = random.nextInt(200);
        if (choice == 0) {
            return turn();
        } else if (choice < 5 && deaf != null) {
            deaf.to().onNext(new DraftToken(0));
            deaf.to().onComplete();
            return false;
        } else if (streams.isEmpty()) {
            return false;
        }
        Stream stream = streams.get(random.nextInt(streams.size()));
        if (choice < 8) {
            end(stream);
            return true;
        } else if (choice < 10) {
            fail(stream, choice == 9);
            return true;
        }
        int most = choice < 120 ? 1 : Integer.MAX_VALUE;
        for (int i = 0; i < most && !stream.cancelled && stream.brought < stream.asked; i++) {
            bring(stream);
        }
        return true;
    }

    /** The drafter of all sequences leaves, or comes back. */
    private boolean turn() {
        coverage.see(clients.alive().size() > 0, Condition.BESIDE_TURNED);
        if (drafting.isDisposed()) {
            begin();
        } else {
            drafting.dispose();
        }
        return true;
    }

    private void bring(Stream stream) {
        SequenceWatch watch = clients.find(stream.context.sequence());
        if (watch == null || watch.isOver()) {
            return; // a fork that has no name yet
        }
        int draft = watch.dense().draft(stream.context.length() - 1, stream.brought++);
        stream.to().onNext(new DraftToken(draft));
        coverage.saw(Condition.BESIDE_BROUGHT);
    }

    private void end(Stream stream) {
        streams.remove(stream);
        stream.to().onComplete();
        coverage.saw(Condition.BESIDE_ENDED);
    }

    private void fail(Stream stream, boolean bringsTooMuch) {
        while (bringsTooMuch && !stream.cancelled && stream.brought < stream.asked) {
            stream.brought++;
            stream.to().onNext(new DraftToken(0));
        }
        if (stream.cancelled) {
            return; // it was wrong before it broke the rule
        }
        streams.remove(stream);
        failed.add(stream.context.sequence());
        coverage.saw(Condition.BESIDE_FAILED);
        if (bringsTooMuch) {
            stream.to().onNext(new DraftToken(0));
        } else {
            stream.to().onError(new InjectedFailure("drafter", Set.of(stream.context.sequence())));
        }
    }

    boolean isDrafting(@Nullable SequenceId sequence) {
        return streams.stream()
                .anyMatch(
                        stream -> !stream.cancelled && stream.context.sequence().equals(sequence));
    }

    /** What drafters were asked for and have not brought is in flight, and at the end nobody is asked any more. */
    void check(SchedulerMetrics metrics, boolean isOver) {
        forgetCancelled();
        long asked = 0;
        for (Stream stream : streams) {
            asked += stream.asked - stream.brought;
        }
        if (asked > metrics.draftsInFlight()) {
            wrong("drafters are asked for more than is granted, asked=" + asked + ", " + metrics);
        }
        if (isOver && !streams.isEmpty()) {
            wrong("everything has ended, and yet a drafter was not cancelled, " + streams.get(0).context);
        }
    }

    private void wrong(String what) {
        found.accept(new Finding(Finding.Kind.WRONG_CREDITS, what));
    }
}
