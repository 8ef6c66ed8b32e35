package io.kvflux.soak;

import io.kvflux.api.FinishReason;
import io.kvflux.api.SequenceId;
import io.kvflux.api.SequenceSpec;
import io.kvflux.api.TokenEvent;
import io.kvflux.api.Usage;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.SignalType;

/**
 * Who asked for a sequence: takes its tokens eagerly, a few at a time or not for a while, leaves in the middle or before the
 * beginning, has others fork it, and compares every token with what must come. Its lock is held in each signal.
 */
abstract class Client extends BaseSubscriber<TokenEvent> {

    /** How a client behaves. */
    private enum Manner {
        EAGER,
        STEADY,
        STALLS,
        LEAVES
    }

    private static final int NEVER = -1;
    private static final int LONGEST_STALL = 400;

    final Life life;
    final SequenceSpec spec;
    final SplittableRandom random;
    final int[] tokens = new int[Talk.MOST_OUTPUT];
    volatile int received;

    @Nullable
    volatile SequenceId id;

    private final Manner manner;
    private int leavesAt = NEVER;
    private int pausesAt = NEVER;
    private volatile boolean over;
    private boolean last;
    private volatile boolean held;
    private volatile long requested;
    private volatile long progressed;

    Client(Life life, SequenceSpec spec, SplittableRandom random) {
        this.life = life;
        this.spec = spec;
        this.random = random;
        int choice = random.nextInt(100);
        manner = choice < 60 ? Manner.EAGER : choice < 80 ? Manner.STEADY : choice < 90 ? Manner.STALLS : Manner.LEAVES;
        if (manner == Manner.LEAVES || (manner == Manner.STALLS && random.nextInt(3) == 0)) {
            leavesAt = random.nextInt(Math.min(10, spec.maxTokens()));
        }
        if (random.nextInt(40) == 0) {
            pausesAt = 1 + random.nextInt(spec.maxTokens());
        }
    }

    /** Compares a token, the {@code received}-th, with what must come. */
    abstract void check(TokenEvent event);

    /** Compares what it used. */
    abstract void checkEnd(FinishReason reason, Usage usage);

    /** Its sequence has ended, by a failure perhaps, or is not wanted any more; called once. */
    abstract void ended(@Nullable Throwable failure, boolean left);

    /** Something to do after a token that is not the last. */
    void after() {}

    /** Whether it may end by this. */
    boolean mayEndBy(Throwable failure) {
        return life.mayEndBy(failure);
    }

    /** The step since which it waits for a token that it has asked for; the largest number if it waits for none. */
    final long waitsSince() {
        boolean waits = requested > received && !held && !over;
        return waits ? progressed : Long.MAX_VALUE;
    }

    @Override
    protected final void hookOnSubscribe(Subscription subscription) {
        life.born(this);
        progressed = life.step();
        switch (manner) {
            case EAGER -> ask(Long.MAX_VALUE);
            case STEADY, LEAVES -> ask(1 + random.nextInt(4));
            case STALLS -> {
                ask(random.nextInt(4));
                if (requested == 0) {
                    stall();
                }
            }
        }
        if (leavesAt == 0) {
            life.later(random.nextInt(4), this::leave);
        }
    }

    private void ask(long count) {
        if (count > 0) {
            progressed = life.step();
            requested = count == Long.MAX_VALUE ? count : requested + count;
            request(count);
        }
    }

    private void stall() {
        life.later(1 + random.nextInt(LONGEST_STALL), this::goOn);
    }

    private synchronized void goOn() {
        if (!over) {
            ask(1 + random.nextInt(12));
        }
    }

    @Override
    protected final synchronized void hookOnNext(TokenEvent event) {
        if (over) {
            return;
        }
        try {
            take(event);
        } catch (RuntimeException bug) {
            wrong("the client failed at a token: " + bug);
        }
    }

    private void take(TokenEvent event) {
        progressed = life.step();
        if (id == null) {
            id = event.sequence();
        }
        if (last
                || event.index() != received
                || event.spec() != spec
                || !event.sequence().equals(id)) {
            wrong("tokens come in order, those of one sequence, and none after the last, received=" + received + ", "
                    + event);
            return;
        }
        if (received >= requested) {
            wrong("nobody gets more tokens than asked for, requested=" + requested + ", " + event);
            return;
        }
        check(event);
        int before = received; // changed in signals only, which come one at a time
        tokens[before] = event.token();
        received = before + 1;
        if (event.finishReason() != null) {
            last = true;
            checkLast(event.token(), event.finishReason(), event.usage());
        } else if (received == leavesAt) {
            leave();
        } else {
            goOn(event);
        }
    }

    private void goOn(TokenEvent event) {
        if (received == pausesAt) {
            held = true;
            life.scheduler().pause(event.sequence());
            life.later(1 + random.nextInt(LONGEST_STALL), () -> {
                held = false;
                progressed = life.step();
                life.scheduler().resume(event.sequence());
            });
        }
        after();
        if (received == requested) {
            if (manner == Manner.STALLS) {
                stall();
            } else {
                ask(1 + random.nextInt(6));
            }
        }
    }

    private void checkLast(int token, FinishReason reason, Usage usage) {
        boolean stops = Arrays.stream(spec.stopTokens()).anyMatch(stop -> stop == token);
        if ((reason == FinishReason.STOP) != stops || usage.generatedTokens() != received) {
            wrong("the last event says how it ended and what it used, token=" + token + ", stops=" + stops + ", reason="
                    + reason + ", received=" + received + ", " + usage);
        }
        checkEnd(reason, usage);
    }

    @Override
    protected final synchronized void hookOnComplete() {
        if (!last && !over) {
            wrong("a sequence completes after its last event, received=" + received);
        }
        over(null, false);
    }

    @Override
    protected final synchronized void hookOnError(Throwable failure) {
        if (last || !mayEndBy(failure)) {
            life.found(
                    failure instanceof WrongPageException ? Finding.Kind.WRONG_TOKEN : Finding.Kind.UNEXPECTED_FAILURE,
                    this + " ended by: " + failure);
        }
        over(failure, false);
    }

    @Override
    protected final void hookFinally(SignalType type) {
        // All that is to be done was done in the signals.
    }

    /** Wants no more of it, and may come back. */
    final synchronized void leave() {
        if (!over) {
            cancel();
            over(null, true);
        }
    }

    private void over(@Nullable Throwable failure, boolean left) {
        if (!over) {
            over = true;
            life.gone(this);
            ended(failure, left);
        }
    }

    final void wrong(String sentence) {
        life.found(Finding.Kind.WRONG_TOKEN, this + ": " + sentence);
    }

    @Override
    public String toString() {
        return (id == null ? "a sequence without a token" : id) + " of " + spec.tenant() + ", prompt="
                + spec.promptLength() + ", received=" + received + ", requested="
                + (requested == Long.MAX_VALUE ? "all" : requested) + ", of at most " + spec.maxTokens();
    }
}
