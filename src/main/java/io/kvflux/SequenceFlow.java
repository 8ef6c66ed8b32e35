package io.kvflux;

import io.kvflux.api.FinishReason;
import io.kvflux.api.SequenceId;
import io.kvflux.api.SequenceSpec;
import io.kvflux.api.TokenEvent;
import io.kvflux.api.Usage;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
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
 * Everything here is the loop's.
 */
final class SequenceFlow extends Feed<TokenEvent> {

    enum Phase {
        NEW,
        WAITING_FOR_ROOM,
        LIVE,
        ENDED
    }

    /** Events that a piece of the queue holds. */
    private static final int LINK = 16;

    /** For a fork known when it enters: its parent's. */
    private @Nullable SequenceSpec spec;
    /** For a fork, whom it continues. */
    final @Nullable SequenceId parent;
    /** For a sequence that came by arrivals, whose seat it takes. */
    final @Nullable ArrivalGate gate;

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
        super(shell, shell.clients, client, Queues.<TokenEvent>unbounded(LINK).get());
        this.spec = spec;
        this.parent = parent;
        this.gate = gate;
    }

    @Override
    void run() {
        if (phase == Phase.ENDED) {
            shell.clients.offer(this); // it may have cancelled, and then lets go of what was not delivered
            return;
        }
        IllegalArgumentException bad = badRequest();
        if (isCancelled()) {
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
    void abort(Throwable cause) {
        if (phase != Phase.ENDED) {
            end(cause);
            shell.clients.offer(this);
        }
    }

    /** Tokens beyond those granted so far that its consumer, or the buffer, has room for; on the loop. */
    long ungranted() {
        int buffer = gate == null ? shell.settings.tokenBuffer() : 0; // who merges asks ahead as far as the buffer goes
        long demand = requested();
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
        flush(); // where drafts are accepted a step gives several
        lastToken = token;
        generated++;
    }

    void flush() {
        if (lastToken != TokenEvent.NO_TOKEN) {
            queue.offer(TokenEvent.of(spec(), name(), generated - 1, lastToken));
            lastToken = TokenEvent.NO_TOKEN;
        }
    }

    void finish(FinishReason reason) {
        queue.offer(TokenEvent.last(spec(), name(), generated - 1, lastToken, reason, usage()));
        lastToken = TokenEvent.NO_TOKEN;
        end(null);
    }

    /** Nothing more will come; the client is told unless it cancelled. */
    void end(@Nullable Throwable cause) {
        flush();
        boolean merged = cause != null && gate != null;
        if (merged) {
            // An error would end the sequences it is merged with.
            queue.offer(TokenEvent.failed(spec(), id, generated, cause));
        }
        phase = Phase.ENDED;
        close(merged ? null : cause);
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
