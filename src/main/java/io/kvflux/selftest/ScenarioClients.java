package io.kvflux.selftest;

import io.kvflux.BlockScheduler;
import io.kvflux.api.SchedulerSnapshot;
import io.kvflux.api.SequenceId;
import io.kvflux.api.SequenceSpec;
import io.kvflux.api.TokenEvent;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;

/** The clients of a scenario, those to come and those that are there: they submit, ask, stall, cancel, fork and come back. */
final class ScenarioClients {

    private static final int STALL_TURNS = 200;
    private static final int NEVER = -1;

    /** A client to come; {@code before} tokens were its last turn's prompt, 0 for a first turn. */
    private record Arrival(ClientPlan plan, int before) {}

    private final ScenarioRun run;
    private final Scenario scenario;
    private final BlockScheduler scheduler;
    private final SplittableRandom random;
    private final ForwardPass[] densePasses;
    private final Deque<Arrival> arrivals = new ArrayDeque<>();
    private final List<SequenceWatch> all = new ArrayList<>();
    private final Map<SequenceId, SequenceWatch> named = new HashMap<>();
    private long lastId;
    /** Clients come when fewer than this are there, or nothing else is left to do. */
    private final int together;

    private boolean calm;

    ScenarioClients(ScenarioRun run, BlockScheduler scheduler, List<ReferenceModel> models, SplittableRandom random) {
        this.run = run;
        this.scheduler = scheduler;
        this.random = random;
        scenario = run.scenario;
        together = 1 + random.nextInt(scenario.clients().size());
        densePasses = models.stream().map(ForwardPass::new).toArray(ForwardPass[]::new);
        for (int number : scenario.clients()) {
            arrivals.add(new Arrival(ClientPlan.of(scenario, number), 0));
        }
    }

    SequenceWatch of(SequenceId sequence) {
        return Objects.requireNonNull(named.get(sequence), "every sequence has a client");
    }

    /** Whether a sequence ended with a failure; one without a client failed before its client could learn its name. */
    boolean hasFailed(SequenceId sequence) {
        SequenceWatch watch = named.get(sequence);
        return watch == null || watch.hasFailed();
    }

    Collection<SequenceId> names() {
        return named.keySet();
    }

    boolean areOver() {
        return arrivals.isEmpty() && all.stream().allMatch(SequenceWatch::isOver);
    }

    List<SequenceWatch> alive() {
        return all.stream().filter(watch -> !watch.isOver()).toList();
    }

    /** Somebody who has asked for more than it got; null if there is nobody. */
    @Nullable
    SequenceWatch starving() {
        return alive().stream().filter(watch -> !watch.wantsMore()).findFirst().orElse(null);
    }

    /** From now on everybody takes all there is, and nobody cancels. */
    void calmDown() {
        calm = true;
        alive().forEach(watch -> asks(watch, Long.MAX_VALUE));
    }

    /** Nobody comes any more. */
    void turnAway() {
        arrivals.clear();
    }

    boolean arriveIfQuiet() {
        return alive().size() < together && arrive();
    }

    boolean arrive() {
        Arrival next = arrivals.poll();
        if (next == null) {
            return false;
        }
        SequenceSpec spec = next.plan().spec();
        seePrompt(spec);
        int[] prompt = spec.promptTokens(spec.promptLength());
        submit(SequenceWatch.ofPrompt(run, next.plan(), next.before()), scheduler.generate(spec), prompt);
        return true;
    }

    /** The turn of a client ended as it should: it may come back with all it has. */
    void finished(SequenceWatch watch) {
        if (watch.plan.turns() > 0 && !run.isDisposed()) {
            int[] tokens = watch.dense().tokens(watch.length());
            ClientPlan next = watch.plan.nextTurn(scenario, tokens, random);
            arrivals.add(new Arrival(next, watch.plan.spec().promptLength()));
        }
    }

    private void submit(SequenceWatch watch, Flux<TokenEvent> tokens, int[] known) {
        all.add(watch);
        tokens.subscribe(watch);
        for (SchedulerSnapshot.SequenceState state : run.snapshot().sequences()) {
            if (state.id().value() > lastId) {
                lastId = state.id().value();
                named.put(state.id(), watch);
                watch.live(
                        state.id(),
                        new DenseSequence(
                                densePasses, watch.plan.spec(), known, sampling(watch.plan.spec(), state.id())));
            }
        }
        watch.asks(calm ? Long.MAX_VALUE : watch.plan.firstRequest());
    }

    /** How a sequence's tokens are chosen: a fork has its parent's spec, but goes its own way by its name. */
    Sampling sampling(SequenceSpec spec, SequenceId sequence) {
        Sampling of = of(sequence).plan.sampling();
        return new Sampling(of.temperature(), Seeds.mix(of.seed(), sequence.value()), of.first(), of.last());
    }

    private void seePrompt(SequenceSpec spec) {
        see(spec.salt() != null, Condition.SALT);
        see(spec.adapter() != null, Condition.ADAPTER);
        see(!spec.media().isEmpty(), Condition.MEDIA);
    }

    private void see(boolean seen, Condition condition) {
        if (seen) {
            run.coverage.saw(condition);
        }
    }

    /** One of them does what it is about to do; false if that is nothing. */
    boolean act() {
        List<SequenceWatch> alive = alive();
        if (alive.isEmpty()) {
            return false;
        }
        SequenceWatch watch = alive.get(random.nextInt(alive.size()));
        ClientPlan plan = watch.plan;
        if (!calm && plan.cancelAfter() != NEVER && watch.received() >= plan.cancelAfter()) {
            cancel(watch);
        } else if (plan.forkAfter() != NEVER && watch.received() >= plan.forkAfter() && watch.mayFork()) {
            fork(watch);
        } else {
            return watch.wantsMore() && ask(watch);
        }
        return true;
    }

    /** All that wait for their own demand ask for all; false if there are none. */
    boolean askAll() {
        List<SequenceWatch> waiting =
                alive().stream().filter(SequenceWatch::wantsMore).toList();
        waiting.forEach(watch -> asks(watch, Long.MAX_VALUE));
        return !waiting.isEmpty();
    }

    private void asks(SequenceWatch watch, long tokens) {
        see(watch.hasStalled() && watch.received() > 0 && isWaiting(watch), Condition.STALLED_PREEMPTED);
        watch.asks(tokens);
    }

    private boolean ask(SequenceWatch watch) {
        run.coverage.saw(Condition.PAUSE);
        if (watch.beginsToStall()) {
            watch.stall(STALL_TURNS / all.size());
            run.coverage.saw(Condition.STALL);
        }
        if (watch.stallsOn()) {
            return true;
        }
        asks(watch, watch.hasStalled() ? Long.MAX_VALUE : watch.plan.nextRequest());
        return true;
    }

    private void cancel(SequenceWatch watch) {
        if (watch.isInFlight()) {
            run.coverage.saw(Condition.CANCEL_IN_FLIGHT);
        } else {
            see(isRunning(watch), Condition.CANCEL_RUNNING);
            see(isWaiting(watch), Condition.CANCEL_WAITING);
        }
        watch.leave();
    }

    private boolean isRunning(SequenceWatch watch) {
        SchedulerSnapshot.SequenceState state = state(watch);
        return state != null && state.running();
    }

    private boolean isWaiting(SequenceWatch watch) {
        SchedulerSnapshot.SequenceState state = state(watch);
        return state != null && !state.running();
    }

    private void fork(SequenceWatch parent) {
        SchedulerSnapshot.SequenceState state = state(parent);
        parent.hasForked();
        if (state == null) {
            return; // all its tokens are there, though it has not asked for them
        }
        run.coverage.saw(Condition.FORK);
        int[] known = parent.dense().tokens(state.promptTokens() + state.generatedTokens());
        SequenceWatch child = SequenceWatch.ofFork(run, forkOf(parent.plan), known.length, state.generatedTokens());
        submit(child, scheduler.fork(state.id()), known);
    }

    private ClientPlan forkOf(ClientPlan of) {
        long first = random.nextInt(3) == 0 ? random.nextInt(3) : Long.MAX_VALUE;
        int cancelAfter = scenario.has(Event.CANCEL) && random.nextInt(4) == 0 ? random.nextInt(3) : NEVER;
        int forkAfter = random.nextInt(3) == 0 ? random.nextInt(3) : NEVER;
        return new ClientPlan(of.spec(), of.sampling(), first, 2, NEVER, cancelAfter, forkAfter, 0);
    }

    private SchedulerSnapshot.@Nullable SequenceState state(SequenceWatch watch) {
        return run.snapshot().sequences().stream()
                .filter(sequence -> sequence.id().equals(watch.id()))
                .findFirst()
                .orElse(null);
    }
}
