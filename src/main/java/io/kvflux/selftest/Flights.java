package io.kvflux.selftest;

import io.kvflux.StepExecutor;
import io.kvflux.api.SequenceId;
import io.kvflux.api.Step;
import io.kvflux.api.StepResult;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Mono;
import reactor.core.publisher.MonoSink;

/**
 * The executor of the adversary: takes steps, and computes their entries when and in what order it is told. Entries of one
 * sequence keep their order; all others may go in any order, over all steps in flight, as on a device with many streams:
 * what a step's blocks hold must not depend on when another step gets to its own.
 */
final class Flights implements StepExecutor {

    private static final long BASE_NS = 100_000;
    private static final long TOKEN_NS = 10_000;
    private static final long DRAFT_NS = 5_000;

    /** A step in flight. */
    static final class Flight {
        final Step step;
        /** Whose open pages were copied for it. */
        final Set<SequenceWatch> copied;

        final StepResult result = new StepResult();
        /** What was computed of each entry; null for those that are void. */
        final PagedModel.@Nullable Answer[] answers;

        private final boolean[] done;
        private int left;
        private @Nullable MonoSink<StepResult> sink;

        Flight(Step step, Set<SequenceWatch> copied) {
            this.step = step;
            this.copied = copied;
            result.reset(step);
            done = new boolean[step.size()];
            answers = new PagedModel.Answer[done.length];
            left = done.length;
        }

        private void done(int entry) {
            done[entry] = true;
            left--;
        }

        /** Nanoseconds that it takes: some, and more for tokens and for drafts one after another. */
        long cost() {
            int tokens = 0;
            int longest = 0;
            for (int i = 0; i < done.length; i++) {
                tokens += step.tokenCount(i);
                longest = Math.max(longest, step.granted(i));
            }
            return BASE_NS + TOKEN_NS * tokens + DRAFT_NS * longest;
        }

        boolean isComputed() {
            return left == 0;
        }

        Set<SequenceId> sequences() {
            Set<SequenceId> sequences = new HashSet<>();
            for (int i = 0; i < done.length; i++) {
                sequences.add(step.sequence(i));
            }
            return sequences;
        }

        void succeed() {
            Objects.requireNonNull(sink).success(result);
        }

        /** Fails as a whole: what it was to write is garbage, what it has written too. */
        void fail(PagedModel model, InjectedFailure cause) {
            for (int entry = 0; entry < done.length; entry++) {
                model.garble(step, entry);
            }
            Objects.requireNonNull(sink).error(cause);
        }
    }

    /** An entry of a step in flight. */
    record Entry(Flight flight, int index) {

        SequenceId sequence() {
            return flight.step.sequence(index);
        }

        boolean isFresh(PagedModel model, boolean ahead) {
            return model.isFresh(flight.step, index, ahead);
        }

        /** Computes it, and makes so many drafts of those that were granted. */
        PagedModel.Answer compute(PagedModel model, int drafts) {
            PagedModel.Answer answer = model.compute(flight.step, index, drafts);
            flight.answers[index] = answer;
            answer(answer);
            return answer;
        }

        int drafts() {
            return flight.step.drafts(index);
        }

        int granted() {
            return flight.step.granted(index);
        }

        /** Leaves garbage in the slots that it was to write. */
        void garble(PagedModel model) {
            model.garble(flight.step, index);
            answer(PagedModel.Answer.VOID);
        }

        void fail(InjectedFailure cause) {
            flight.result.fail(index, cause);
        }

        private void answer(PagedModel.Answer answer) {
            answer.tell(flight.step, index, flight.result);
            flight.done(index);
        }
    }

    private final List<Flight> flights = new ArrayList<>();
    private final Function<Step, Set<SequenceWatch>> watcher;

    /**
     * Without a step.
     *
     * @param watcher sees each step when it comes, and says whose open pages were copied for it
     */
    Flights(Function<Step, Set<SequenceWatch>> watcher) {
        this.watcher = watcher;
    }

    @Override
    public Publisher<StepResult> execute(Step step) {
        Flight flight = new Flight(step, watcher.apply(step));
        flights.add(flight);
        return Mono.create(sink -> flight.sink = sink);
    }

    boolean isEmpty() {
        return flights.isEmpty();
    }

    boolean hasEntryOf(SequenceId sequence) {
        return flights.stream().anyMatch(flight -> flight.sequences().contains(sequence));
    }

    /** Whether a step after {@code step} has an entry of a sequence. */
    boolean hasLaterEntryOf(SequenceId sequence, long step) {
        return flights.stream()
                .anyMatch(flight ->
                        flight.step.number() > step && flight.sequences().contains(sequence));
    }

    /** Whether a step in flight came with a copy of or for a sequence. */
    boolean copies(SequenceWatch watch) {
        return flights.stream()
                .flatMap(flight -> flight.copied.stream())
                .anyMatch(fork -> fork == watch || fork.parent() == watch);
    }

    /** An entry that may be computed now, by chance; null if there is none. */
    @Nullable
    Entry computable(SplittableRandom random) {
        List<Entry> entries = new ArrayList<>();
        Set<SequenceId> earlier = new HashSet<>();
        for (Flight flight : flights) {
            for (int i = 0; i < flight.done.length; i++) {
                if (!flight.done[i] && earlier.add(flight.step.sequence(i))) {
                    entries.add(new Entry(flight, i));
                }
            }
        }
        return entries.isEmpty() ? null : entries.get(random.nextInt(entries.size()));
    }

    /** A step all of which is computed, taken out, by chance; null if there is none. */
    @Nullable
    Flight takeComputed(SplittableRandom random) {
        List<Flight> computed = flights.stream().filter(Flight::isComputed).toList();
        return take(computed, random);
    }

    /** Any step, taken out, by chance; null if there is none. */
    @Nullable
    Flight takeAny(SplittableRandom random) {
        return take(List.copyOf(flights), random);
    }

    private @Nullable Flight take(List<Flight> from, SplittableRandom random) {
        if (from.isEmpty()) {
            return null;
        }
        Flight taken = from.get(random.nextInt(from.size()));
        flights.remove(taken);
        return taken;
    }
}
