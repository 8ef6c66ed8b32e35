package io.kvflux.sim;

import java.util.List;
import java.util.PriorityQueue;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/**
 * Seeded traffic for when there is no trace: a mixture of multi-turn chat (60 % of the sessions), questions about shared
 * documents (25 %) and agent loops (15 %), about 2 500 prompt tokens and 150 output tokens a request.
 *
 * <p>Sessions arrive as a Poisson process. Every turn's prompt is the last prompt, what was generated (without the stop
 * token) and a new message; the next turn comes after an assumed service of one second and 40 ms a token and a
 * log-normal pause. The loop is open: a device slower than assumed may be asked the next turn before it has answered.
 * Lengths are log-normal, the popularity of shared texts is Zipf's with exponent 1. {@code docs/workloads.md} gives
 * every number and says which are measured and which are chosen.
 *
 * <p>Requests are made when they are asked for; only the sessions alive are held. The same seed gives the same requests
 * in every run, whatever their number: fewer requests are the first of more.
 */
public final class SyntheticWorkload implements Workload {

    /**
     * The default rate of new sessions. About 2.6 requests a second then arrive: one GPU of the RTX 4090 class is busy with
     * Llama-3.1-8B, and at times a queue forms.
     */
    public static final double DEFAULT_SESSIONS_PER_SECOND = 0.8;

    private static final double NANOS_PER_SECOND = 1e9;
    private static final double MIN_SESSIONS_PER_SECOND = 0.001;

    private final long seed;
    private final long requests;
    private final double sessionsPerSecond;
    private final Random arrivals;
    private final PriorityQueue<SyntheticSession> alive = new PriorityQueue<>();
    private long sessions;
    private long nextSessionNanos;
    private long returned;

    private SyntheticWorkload(long seed, long requests, double sessionsPerSecond) {
        this.seed = seed;
        this.requests = requests;
        this.sessionsPerSecond = sessionsPerSecond;
        this.arrivals = new Random(Tokens.key(seed, Tokens.ARRIVALS, 0));
    }

    /**
     * Requests at {@link #DEFAULT_SESSIONS_PER_SECOND}.
     *
     * @param seed what everything is drawn from
     * @param requests how many requests to make
     * @return the workload
     * @throws IllegalArgumentException if requests is not positive
     */
    public static SyntheticWorkload of(long seed, long requests) {
        return of(seed, requests, DEFAULT_SESSIONS_PER_SECOND);
    }

    /**
     * Requests at a rate of one's own.
     *
     * @param seed what everything is drawn from
     * @param requests how many requests to make
     * @param sessionsPerSecond mean number of sessions that start in a second
     * @return the workload
     * @throws IllegalArgumentException if requests is not positive, or sessionsPerSecond is below 0.001 or not finite
     */
    public static SyntheticWorkload of(long seed, long requests, double sessionsPerSecond) {
        if (requests < 1 || !(sessionsPerSecond >= MIN_SESSIONS_PER_SECOND) || Double.isInfinite(sessionsPerSecond)) {
            throw new IllegalArgumentException("synthetic workload needs requests >= 1 and a finite sessionsPerSecond"
                    + " >= " + MIN_SESSIONS_PER_SECOND + ", requests=" + requests + ", sessionsPerSecond="
                    + sessionsPerSecond);
        }
        return new SyntheticWorkload(seed, requests, sessionsPerSecond);
    }

    @Override
    public String name() {
        return "synthetic (seed " + seed + ")";
    }

    @Override
    public long size() {
        return requests;
    }

    @Override
    public List<String> notices() {
        return List.of();
    }

    @Override
    public @Nullable SimRequest next() {
        if (returned == requests) {
            return null;
        }
        while (alive.isEmpty() || nextSessionNanos <= alive.element().arrivalNanos()) {
            startSession();
        }
        SyntheticSession session = alive.remove();
        SimRequest request = session.next(returned++);
        if (!session.isOver()) {
            alive.add(session);
        }
        return request;
    }

    /** Does nothing: no file is behind the requests. */
    @Override
    public void close() {}

    private void startSession() {
        alive.add(new SyntheticSession(seed, sessions++, nextSessionNanos));
        double pause = -StrictMath.log(1 - arrivals.nextDouble()) / sessionsPerSecond;
        nextSessionNanos += (long) (pause * NANOS_PER_SECOND);
    }
}
