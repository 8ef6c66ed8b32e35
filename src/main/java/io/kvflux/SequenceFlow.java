package io.kvflux;

import io.kvflux.api.FinishReason;
import io.kvflux.api.SequenceId;
import io.kvflux.api.SequenceSpec;
import io.kvflux.api.TokenEvent;
import io.kvflux.api.Usage;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Objects;
import java.util.Queue;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Operators;
import reactor.util.concurrent.Queues;

/**
 * One subscription of generate or fork: a sequence and its client.
 *
 * <pre>
 *   NEW --loop--> WAITING_FOR_ROOM --> LIVE --> ENDED
 *    +-------------------------------> LIVE       ^
 *    +------ refused, cancelled ------------------+
 * </pre>
 *
 * Three parties touch it: its client (demand and cancel, any thread), the loop (everything marked so), and the lane that
 * delivers to the client. Tokens go from the loop to the lane through a queue of one producer and one consumer.
 */
final class SequenceFlow extends Outlet implements Subscription {

    enum Phase {
        NEW,
        WAITING_FOR_ROOM,
        LIVE,
        ENDED
    }

    private static final VarHandle REQUESTED = Fields.of(MethodHandles.lookup(), "requested", long.class);
    private static final int LINK = 16;
    private static final CoreSubscriber<Object> NOBODY = Operators.emptySubscriber();

    /** For a fork known when it enters: its parent's. */
    private @Nullable SequenceSpec spec;
    /** For a fork, whom it continues. */
    final @Nullable SequenceId parent;
    /** For a sequence that came by arrivals, whose seat it takes. */
    final @Nullable ArrivalGate gate;

    private final Shell shell;
    private CoreSubscriber<? super TokenEvent> client;
    private final Queue<TokenEvent> events = Queues.<TokenEvent>unbounded(LINK).get();

    private volatile long requested;
    private volatile boolean cancelled;
    private volatile @Nullable IllegalArgumentException badRequest;
    private volatile boolean ended;
    /** Written before ended. */
    private @Nullable Throwable failure;

    // Of the lane.
    private long emitted;
    private boolean silent;

    // Of the loop.
    Phase phase = Phase.NEW;
    private @Nullable SequenceId id;
    /** Tokens of its output that its parent had generated. */
    private int inherited;
    /** Tokens the core was told it may generate. */
    private long granted;

    private int generated;
    private int promptTokens;
    private int cachedTokens = -1;
    private int lastToken = TokenEvent.NO_TOKEN;
    private long submittedNs;
    private long lastTokenNs;

    SequenceFlow(
            Shell shell,
            @Nullable SequenceSpec spec,
            @Nullable SequenceId parent,
            @Nullable ArrivalGate gate,
            CoreSubscriber<? super TokenEvent> client) {
        this.shell = shell;
        this.spec = spec;
        this.parent = parent;
        this.gate = gate;
        this.client = client;
    }

    @Override
    public void request(long n) {
        if (n <= 0) {
            badRequest = new IllegalArgumentException("a request must be positive (Reactive Streams 3.9), n=" + n);
        } else if (requested < Long.MAX_VALUE) {
            Fields.addDemand(REQUESTED, this, n);
        } else {
            return;
        }
        if (n <= 0 || !events.isEmpty()) {
            shell.clients.offer(this);
            shell.clients.wake();
        }
        shell.loop.raise(this);
    }

    @Override
    public void cancel() {
        if (!cancelled) {
            cancelled = true;
            shell.loop.raise(this);
        }
    }

    @Override
    void run() {
        if (phase == Phase.ENDED) {
            if (cancelled) {
                shell.clients.offer(this); // so that it lets go of what was not delivered
            }
            return;
        }
        IllegalArgumentException bad = badRequest;
        if (cancelled) {
            shell.cancel(this);
        } else if (bad != null) {
            shell.abort(this, bad);
        } else if (phase == Phase.NEW) {
            shell.enter(this);
        } else if (phase == Phase.LIVE) {
            shell.grant(this);
        }
    }

    @Override
    void deliver() {
        while (!silent) {
            boolean over = ended;
            TokenEvent event = emitted < requested ? events.poll() : null;
            IllegalArgumentException bad = badRequest;
            if (cancelled) {
                silence();
            } else if (bad != null) {
                silence().onError(bad);
            } else if (event != null) {
                emitted++;
                tell(event);
            } else if (over && events.isEmpty()) {
                complete();
            } else {
                return;
            }
        }
    }

    private void tell(TokenEvent event) {
        try {
            client.onNext(event);
        } catch (Throwable thrown) {
            cancel();
            Lanes.drop(thrown);
        }
    }

    private void complete() {
        Throwable cause = failure;
        if (cause == null) {
            silence().onComplete();
        } else {
            silence().onError(cause);
        }
    }

    /** Lets go of the client, who hears nothing after what is said now (Reactive Streams 3.13). */
    @SuppressWarnings("unchecked")
    private CoreSubscriber<TokenEvent> silence() {
        CoreSubscriber<TokenEvent> last = (CoreSubscriber<TokenEvent>) client;
        silent = true;
        client = NOBODY;
        events.clear();
        return last;
    }

    /** Tokens beyond those granted so far that its consumer, or the buffer, has room for; on the loop. */
    long ungranted(int buffer) {
        long demand = requested;
        long allowed = demand > Long.MAX_VALUE - buffer - inherited ? Long.MAX_VALUE : demand + buffer + inherited;
        return allowed - granted;
    }

    void granted(long more) {
        granted += more;
    }

    /** The core has taken it in. */
    void live(SequenceId name) {
        id = name;
        phase = Phase.LIVE;
    }

    void submitted(long nowNs) {
        submittedNs = nowNs;
    }

    /** What it begins with. */
    void begin(SequenceSpec asked, int tokens, int inheritedTokens) {
        spec = asked;
        promptTokens = tokens;
        inherited = inheritedTokens;
    }

    /** Whether this is its first admission. */
    boolean admitted(int hitTokens) {
        if (cachedTokens >= 0) {
            return false;
        }
        cachedTokens = hitTokens;
        return true;
    }

    boolean isAdmitted() {
        return cachedTokens >= 0;
    }

    /** A token that {@link #flush} or {@link #finish} will pass on. */
    void token(int token) {
        lastToken = token;
        generated++;
    }

    void flush() {
        if (lastToken != TokenEvent.NO_TOKEN) {
            events.offer(TokenEvent.of(spec(), name(), generated - 1, lastToken));
            lastToken = TokenEvent.NO_TOKEN;
        }
    }

    void finish(FinishReason reason) {
        events.offer(TokenEvent.last(spec(), name(), generated - 1, lastToken, reason, usage()));
        lastToken = TokenEvent.NO_TOKEN;
        end(null);
    }

    /** Nothing more will come; the client is told unless it cancelled. */
    void end(@Nullable Throwable cause) {
        flush();
        if (cause != null && gate != null) {
            // An error would end the sequences it is merged with.
            events.offer(TokenEvent.failed(spec(), id, generated, cause));
        } else {
            failure = cause;
        }
        phase = Phase.ENDED;
        ended = true;
    }

    SequenceId name() {
        return Objects.requireNonNull(id);
    }

    SequenceSpec spec() {
        return Objects.requireNonNull(spec);
    }

    Usage usage() {
        return new Usage(promptTokens, Math.max(0, cachedTokens), generated);
    }

    int promptTokens() {
        return promptTokens;
    }

    int generatedTokens() {
        return generated;
    }

    /** Tokens its output has, those of its parent included. */
    int outputTokens() {
        return inherited + generated;
    }

    long submittedNs() {
        return submittedNs;
    }

    /** Nanoseconds since its last token, or since its submission before the first. */
    long sinceLastTokenNs(long nowNs) {
        long since = nowNs - (generated == 1 ? submittedNs : lastTokenNs);
        lastTokenNs = nowNs;
        return since;
    }

    boolean isFirstToken() {
        return generated == 1;
    }
}
