package io.kvflux.soak;

import io.kvflux.StepExecutor;
import io.kvflux.api.SequenceId;
import io.kvflux.api.SequenceSpec;
import io.kvflux.api.Step;
import io.kvflux.api.StepResult;
import io.kvflux.memory.BlockArenas;
import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;

/**
 * The executor: chains what it reads from the pages with the tokens of a step, writes that to the slots of the step, and
 * samples from it. It reads every byte of a prefix that it did not compute in this step when a sequence begins or resumes,
 * and of a decode the slot before and one page, another one each step. A few entries and steps fail, a few answers come late
 * and from another thread.
 *
 * <p>A page that is wrong fails its entry: so it is found if, and only if, a client would have been told a token from it.
 */
final class SoakModel implements StepExecutor {

    private static final int FAILS_ONE_STEP_OF = 10_000;
    private static final int FAILS_ONE_ENTRY_OF = 20_000;
    private static final int LATE_ONE_STEP_OF = 50;
    private static final int GARBLES_ONE_OF = 8;
    /** More steps than can be in flight. */
    private static final int REMEMBERED_STEPS = 64;

    private static final int[] NONE = {};

    /** The newest token chosen for a sequence, and the drafts after it; dead if it has failed. */
    private static final class Tail {
        long step;
        int position;
        int token;
        int[] drafts = NONE;
        boolean dead;
    }

    private final Slots slots;
    private final int pageSize;
    private final SplittableRandom random;
    private final Scheduler late;
    private final LongConsumer onStep;
    private final Map<SequenceId, Tail> tails = new HashMap<>();
    private final StepResult result = new StepResult();
    private int[] drafts = new int[16];
    private volatile long steps;
    private volatile long checkedTokens;
    private volatile long failures;

    /**
     * A model.
     *
     * @param late answers late steps
     * @param onStep hears of each step before it is computed
     */
    SoakModel(
            BlockArenas memory,
            int caches,
            int pageSize,
            SplittableRandom random,
            Scheduler late,
            LongConsumer onStep) {
        slots = new Slots(memory, caches, pageSize);
        this.pageSize = pageSize;
        this.random = random;
        this.late = late;
        this.onStep = onStep;
    }

    /** {@return the newest step} */
    long steps() {
        return steps;
    }

    /** {@return tokens of pages that were compared byte by byte} */
    long checkedTokens() {
        return checkedTokens;
    }

    /** {@return entries and steps that failed on purpose} */
    long failures() {
        return failures;
    }

    @Override
    public Publisher<StepResult> execute(Step step) {
        steps = step.number();
        onStep.accept(step.number());
        if (step.number() % REMEMBERED_STEPS == 0) {
            tails.values().removeIf(old -> old.step < step.number() - REMEMBERED_STEPS);
        }
        if (step.size() > 0 && random.nextInt(FAILS_ONE_STEP_OF) == 0) {
            return failWhole(step);
        }
        boolean isLate = random.nextInt(LATE_ONE_STEP_OF) == 0;
        StepResult answer = isLate ? new StepResult() : result;
        answer.reset(step);
        for (int replica = 0; replica < step.replicas(); replica++) {
            for (int entry = step.firstEntry(replica); entry < step.firstEntry(replica + 1); entry++) {
                answer(step, entry, replica, answer);
            }
        }
        return isLate ? Mono.just(answer).publishOn(late) : Mono.just(answer);
    }

    @SuppressWarnings("NonAtomicVolatileUpdate") // steps are executed one at a time
    private Publisher<StepResult> failWhole(Step step) {
        for (int replica = 0; replica < step.replicas(); replica++) {
            for (int entry = step.firstEntry(replica); entry < step.firstEntry(replica + 1); entry++) {
                die(step, entry, replica);
            }
        }
        failures++;
        return Mono.error(new InjectedFailure("a step"));
    }

    @SuppressWarnings("NonAtomicVolatileUpdate") // steps are executed one at a time
    private void answer(Step step, int entry, int replica, StepResult answer) {
        if (random.nextInt(FAILS_ONE_ENTRY_OF) == 0) {
            die(step, entry, replica);
            failures++;
            answer.fail(entry, new InjectedFailure("an entry"));
            return;
        }
        try {
            compute(step, entry, replica, answer);
        } catch (WrongPageException wrong) {
            die(step, entry, replica);
            answer.fail(entry, wrong);
        }
    }

    /** What was to be written is garbage, and what builds on it is void. */
    private void die(Step step, int entry, int replica) {
        Tail tail = tail(step, entry);
        tail.dead = true;
        slots.garble(
                step,
                entry,
                replica,
                step.cacheLength(entry),
                step.cacheLength(entry) + step.tokenCount(entry) + step.granted(entry));
    }

    private Tail tail(Step step, int entry) {
        Tail tail = tails.computeIfAbsent(step.sequence(entry), id -> new Tail());
        tail.step = step.number();
        return tail;
    }

    private void compute(Step step, int entry, int replica, StepResult answer) {
        boolean isPending = step.token(entry, 0) == Step.PENDING_TOKEN;
        Tail newest = tails.get(step.sequence(entry));
        if (isPending && newest != null && newest.dead) {
            tellVoid(step, entry, answer);
            return;
        }
        int from = step.cacheLength(entry);
        if (isPending) {
            require(
                    newest != null && newest.position <= from && newest.position >= from - step.unverified(entry),
                    "only the token that was sampled last can be pending",
                    step,
                    entry);
            from = newest.position;
        }
        SequenceSpec spec = step.spec(entry);
        long chain = before(step, entry, replica, from, spec);
        int plain = step.tokenCount(entry) - step.drafts(entry);
        int position = from;
        for (int i = 0; i < plain; i++, position++) {
            int token = step.token(entry, i);
            if (token == Step.PENDING_TOKEN) {
                require(newest != null && newest.position == position, "a pending token was sampled", step, entry);
                token = newest.token;
            }
            chain = Language.next(chain, token);
            slots.write(step, entry, replica, position, chain, token);
        }
        if (step.samples(entry)) {
            sample(step, entry, replica, answer, position, chain, newest);
        }
    }

    /** Verifies drafts, samples, and drafts. */
    private void sample(
            Step step, int entry, int replica, StepResult answer, int from, long before, @Nullable Tail newest) {
        long sequence = step.sequence(entry).value();
        long chain = before;
        int position = from;
        int token = Language.sample(chain, sequence);
        int there = verifiable(step, entry, newest);
        int accepted = 0;
        while (accepted < there && drafts[accepted] == token) {
            chain = Language.next(chain, token);
            slots.write(step, entry, replica, position++, chain, token);
            token = Language.sample(chain, sequence);
            accepted++;
        }
        int granted = step.granted(entry);
        if (there > accepted || (granted > 0 && step.number() % GARBLES_ONE_OF == 0)) {
            slots.garble(step, entry, replica, position, Math.max(from + there, position + granted));
        }
        if (step.drafts(entry) > 0) {
            answer.accepted(entry, accepted);
        }
        answer.token(entry, token);
        Tail tail = tail(step, entry);
        tail.position = position;
        tail.token = token;
        tail.drafts = granted == 0 ? NONE : draft(entry, answer, granted, Language.next(chain, token), sequence);
    }

    /** Fills in the drafts that an entry verifies, and says how many there are. */
    private int verifiable(Step step, int entry, @Nullable Tail newest) {
        int count = step.drafts(entry);
        int plain = step.tokenCount(entry) - count;
        if (drafts.length < count) {
            drafts = new int[2 * count];
        }
        for (int i = 0; i < count; i++) {
            drafts[i] = step.token(entry, plain + i);
            if (drafts[i] == Step.PENDING_TOKEN) {
                if (newest == null || i >= newest.drafts.length) {
                    return i;
                }
                drafts[i] = newest.drafts[i];
            }
        }
        return count;
    }

    private int[] draft(int entry, StepResult answer, int granted, long from, long sequence) {
        int count = random.nextInt(8) == 0 ? random.nextInt(granted + 1) : granted;
        int[] made = new int[count];
        long chain = from;
        for (int i = 0; i < count; i++) {
            made[i] = Language.draft(chain, sequence);
            answer.draft(entry, made[i]);
            chain = Language.next(chain, made[i]);
        }
        return made;
    }

    /** The chain of all tokens before an entry's, which stands in the slot before; checks some of the pages on the way. */
    private long before(Step step, int entry, int replica, int from, SequenceSpec spec) {
        long start = Language.start(spec);
        if (from == 0) {
            return start;
        }
        if (step.isPrefill(entry)) {
            slots.check(step, entry, replica, 0, from, start);
            count(from);
        } else {
            int pages = (from + pageSize - 1) / pageSize;
            int first = (int) (step.number() % pages) * pageSize;
            long before = first == 0 ? start : slots.read(step, entry, replica, first - 1);
            slots.check(step, entry, replica, first, Math.min(from, first + pageSize), before);
            count(pageSize);
        }
        return slots.read(step, entry, replica, from - 1);
    }

    @SuppressWarnings("NonAtomicVolatileUpdate") // steps are executed one at a time
    private void count(int tokens) {
        checkedTokens += tokens;
    }

    private static void tellVoid(Step step, int entry, StepResult answer) {
        if (step.drafts(entry) > 0) {
            answer.accepted(entry, 0);
        }
        if (step.samples(entry)) {
            answer.token(entry, 0);
        }
    }

    private static void require(boolean holds, String rule, Step step, int entry) {
        if (!holds) {
            throw new WrongPageException(rule + ", " + step.sequence(entry) + ", cacheLength=" + step.cacheLength(entry)
                    + ", unverified=" + step.unverified(entry));
        }
    }
}
