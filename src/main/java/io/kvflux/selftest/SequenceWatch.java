package io.kvflux.selftest;

import io.kvflux.api.FinishReason;
import io.kvflux.api.QueueFullException;
import io.kvflux.api.SchedulerDisposedException;
import io.kvflux.api.SequenceId;
import io.kvflux.api.SequenceTooLongException;
import io.kvflux.api.TokenEvent;
import io.kvflux.api.Usage;
import io.kvflux.block.PrefixScope;
import io.kvflux.memory.FaultyDeviceMemory;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.publisher.BaseSubscriber;

/**
 * The client of one sequence: asks when told to, and holds every signal against what must come. What it finds goes to its
 * life; it never throws into the scheduler.
 */
final class SequenceWatch extends BaseSubscriber<TokenEvent> {

    private final Life life;
    final ClientPlan plan;
    /** Whom it continues, if it is a fork. */
    private final @Nullable SequenceWatch parent;
    /** Tokens of its prompt in the turn before; 0 in the first. */
    private final int before;

    /** Tokens it began with; of a fork known when it has a name. */
    private int known;
    /** Tokens of its output that it began with, as a fork. */
    private int inherited;

    /** Whether its parent was in a step in flight when it was forked. */
    private final boolean forkedInFlight;

    /** The newest step when it was submitted. */
    private final long submittedAfter;

    private @Nullable SequenceId id;
    private @Nullable DenseSequence dense;
    private long asked;
    private int received;
    private boolean over;
    private boolean failed;
    private boolean refused;
    private boolean refusedAsOrphan;
    private boolean cancelled;
    private boolean forked;
    private boolean lacksCopy;
    private boolean ranAtOnce;
    private int pausedAt = -1;
    private boolean stalled;
    private int stalling;

    private SequenceWatch(Life life, ClientPlan plan, @Nullable SequenceWatch parent, int known, int before) {
        this.life = life;
        this.plan = plan;
        this.parent = parent;
        this.known = known;
        this.before = before;
        submittedAfter = life.lastStep();
        forkedInFlight = parent != null && parent.isInFlight();
    }

    /** Of a sequence with a prompt of its own. */
    static SequenceWatch ofPrompt(Life life, ClientPlan plan, int before) {
        return new SequenceWatch(life, plan, null, plan.spec().promptLength(), before);
    }

    /** Of a fork. */
    static SequenceWatch ofFork(Life life, ClientPlan plan, SequenceWatch parent) {
        return new SequenceWatch(life, plan, parent, parent.length(), 0);
    }

    /** It was accepted, under a name. */
    void named(SequenceId name) {
        id = name;
    }

    /** What it began with, and so what it must generate, is known from now on; and whether it runs already. */
    void begins(int tokens, int ofOutput, boolean running, DenseSequence expected) {
        ranAtOnce = running;
        known = tokens;
        inherited = ofOutput;
        dense = expected;
    }

    boolean isFork() {
        return parent != null;
    }

    /** Whether it ran when it had just been submitted, as a fork does that shares pages. */
    boolean ranAtOnce() {
        return ranAtOnce;
    }

    long submittedAfter() {
        return submittedAfter;
    }

    boolean isForkedInFlight() {
        return forkedInFlight;
    }

    @Nullable
    SequenceWatch parent() {
        return parent;
    }

    void asks(long n) {
        if (n > 0) {
            asked = asked > Long.MAX_VALUE - n ? Long.MAX_VALUE : asked + n;
            request(n);
        }
    }

    void leave() {
        cancelled = true;
        cancel();
    }

    /** Whether it must hear nothing more. */
    boolean isOver() {
        return over || cancelled;
    }

    /** Whether it was not accepted. */
    boolean isRefused() {
        return refused;
    }

    /** Whether it was not accepted because its parent is said to have ended. */
    boolean isRefusedAsOrphan() {
        return refusedAsOrphan;
    }

    /** The copy of its open page was made to fail. */
    void lacksCopy() {
        lacksCopy = true;
    }

    /** Whether what is still computed for it counts for nothing, and may build on what is not there. */
    boolean isVoid() {
        return failed || (isOver() && lacksCopy);
    }

    /** Whether it has asked for more than it got, or the scheduler computes ahead of that. */
    boolean isComputable() {
        return !isOver() && (received < asked || received - asked < life.scenario.tokenBuffer());
    }

    /** Whether this is a pause that was not seen before. */
    boolean beginsToPause() {
        boolean begins = pausedAt < received;
        pausedAt = received;
        return begins;
    }

    boolean isInFlight() {
        return id != null && life.isInFlight(id);
    }

    boolean wantsMore() {
        return received >= asked;
    }

    boolean mayFork() {
        return !forked && id != null;
    }

    void hasForked() {
        forked = true;
    }

    boolean beginsToStall() {
        return !stalled && plan.stallAfter() == received;
    }

    void stall(int turns) {
        stalled = true;
        stalling = turns;
    }

    boolean hasStalled() {
        return stalled;
    }

    /** Whether it still stalls, and a turn of that is over. */
    boolean stallsOn() {
        return stalling > 0 && stalling-- > 0;
    }

    /** Whether so many tokens of it, its prompt included, may be computed: demand, the buffer and the limit allow that. */
    boolean mayReach(int tokens) {
        long wanted = asked > Long.MAX_VALUE - scenario().tokenBuffer()
                ? asked
                : asked + scenario().tokenBuffer();
        return tokens - known <= wanted
                && tokens - plan.spec().promptLength() <= plan.spec().maxTokens();
    }

    /** Whether it would end with the token at a position because that is a stop token. */
    boolean stopsAt(int position) {
        return plan.stops(dense().token(position));
    }

    /** Whether it would end with the token at a position because of its limit. */
    boolean isLast(int position) {
        return position + 1 - plan.spec().promptLength() == plan.spec().maxTokens();
    }

    private Scenario scenario() {
        return life.scenario;
    }

    int received() {
        return received;
    }

    /** Tokens it has, those it began with included. */
    int length() {
        return known + received;
    }

    @Nullable
    SequenceId id() {
        return id;
    }

    /** Whether it came to its own end. */
    boolean hasFinished() {
        return over && !cancelled && !failed;
    }

    /** What separates its prefix from others. */
    PrefixScope scope() {
        return new PrefixScope(plan.spec().salt(), plan.spec().adapter());
    }

    /** Its tokens, with as many as may have been computed that it has not got yet. */
    int[] tokensAhead() {
        if (dense == null) { // it is gone before it had a name
            return parent == null ? plan.spec().promptTokens(0) : parent.tokensAhead();
        }
        int most = plan.spec().promptLength() + plan.spec().maxTokens();
        int ahead = scenario().tokenBuffer()
                + (scenario().overlap() + 1) * (1 + scenario().drafts());
        return dense.tokens(Math.max(length(), Math.min(most, length() + ahead)));
    }

    DenseSequence dense() {
        return Objects.requireNonNull(dense, "a sequence that signals has a name");
    }

    @Override
    protected void hookOnSubscribe(Subscription subscription) {}

    @Override
    protected void hookOnNext(TokenEvent event) {
        if (isOver() || event.index() != received || received >= asked) {
            wrong(
                    Finding.Kind.WRONG_SIGNAL,
                    "received " + received + " of " + asked + " asked, over=" + isOver(),
                    event);
            return;
        }
        if (id != null && !life.mayShow(id, length())) {
            wrong(Finding.Kind.WRONG_SIGNAL, "position " + length() + " is shown before its step is answered", event);
        }
        int expected = dense().token(length());
        if (event.token() != expected) {
            wrong(Finding.Kind.WRONG_TOKEN, "position " + length() + ", expected " + expected, event);
        }
        received++;
        life.compared();
        FinishReason end = end();
        if (event.finishReason() != end) {
            wrong(Finding.Kind.WRONG_SIGNAL, "expected the finish reason " + end, event);
        } else if (end != null) {
            finished(Objects.requireNonNull(event.usage()), end, event);
        }
        life.calledBack(this, end != null);
    }

    /** How it ends with the token it got last, if it does. */
    private @Nullable FinishReason end() {
        if (received > 0 && plan.stops(dense().token(length() - 1))) {
            return FinishReason.STOP;
        }
        return inherited + received == plan.spec().maxTokens() ? FinishReason.LENGTH : null;
    }

    private void finished(Usage usage, FinishReason end, Object signal) {
        boolean wholePages = isFork() || usage.cachedTokens() % life.scenario.pageSize() == 0;
        if (usage.promptTokens() != known
                || usage.generatedTokens() != received
                || usage.cachedTokens() >= known
                || !wholePages) {
            wrong(
                    Finding.Kind.WRONG_SIGNAL,
                    "the usage is wrong, began with " + known + ", received " + received,
                    signal);
        }
        Coverage coverage = life.coverage;
        coverage.saw(end == FinishReason.STOP ? Condition.STOP : Condition.LENGTH);
        coverage.saw(plan.sampling().temperature() == 0 ? Condition.GREEDY : Condition.DRAWN);
        if (usage.cachedTokens() > 0 && !isFork()) {
            coverage.saw(Condition.PREFIX_HIT);
        }
        if (before > 0 && usage.cachedTokens() > before) {
            coverage.saw(Condition.GENERATED_HIT);
        }
        life.finished(this);
    }

    @Override
    protected void hookOnComplete() {
        if (isOver() || end() == null) {
            wrong(Finding.Kind.WRONG_SIGNAL, "received " + received + ", over=" + isOver(), "a completion");
        }
        over = true;
    }

    @Override
    protected void hookOnError(Throwable cause) {
        if (isOver()) {
            wrong(Finding.Kind.WRONG_SIGNAL, "an error after the end", cause);
        } else if (!mayEndBy(cause)) {
            wrong(Finding.Kind.WRONG_SIGNAL, "nobody injected this failure", Finding.of(cause));
        }
        over = true;
        failed = true;
    }

    private boolean mayEndBy(Throwable cause) {
        if (cause instanceof InjectedFailure injected) {
            return id != null && injected.isFor(id);
        } else if (cause instanceof SequenceTooLongException) {
            life.coverage.saw(Condition.OUTGROWN);
            refused = id == null && !isFork();
            return outgrows();
        } else if (cause instanceof FaultyDeviceMemory.InjectedFaultException fault) {
            return life.mayEnd(this, fault);
        } else if (cause instanceof SchedulerDisposedException) {
            refused = id == null;
            life.turnedOut(this);
            return cause.getCause() == null && (life.isDisposed() || (refused && life.isClosing()));
        }
        refused = id == null;
        if (cause instanceof QueueFullException) {
            life.coverage.saw(Condition.QUEUE_FULL);
            return refused && life.mayBeFull();
        }
        refusedAsOrphan = cause instanceof IllegalArgumentException && refused && isFork();
        return refusedAsOrphan;
    }

    /** Whether its last token has no slot in its replica, or the first after the prompt never had. */
    private boolean outgrows() {
        int tokens = length() + (received == 0 ? 1 : 0);
        if (isFork() && id == null) {
            tokens = plan.spec().promptLength() + plan.spec().maxTokens(); // it is not known how many it began with
        }
        return tokens > (long) life.scenario.blocks() * life.scenario.pageSize();
    }

    private void wrong(Finding.Kind kind, String what, Object signal) {
        life.found(
                new Finding(kind, (id == null ? "a sequence without a name" : id) + ": " + what + ", got " + signal));
    }
}
