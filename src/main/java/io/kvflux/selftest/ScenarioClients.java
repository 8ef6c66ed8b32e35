package io.kvflux.selftest;

import io.kvflux.BlockScheduler;
import io.kvflux.api.SchedulerSnapshot.SequenceState;
import io.kvflux.api.SequenceId;
import io.kvflux.api.SequenceSpec;
import io.kvflux.api.TokenEvent;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;

/** The clients of a scenario, those to come and those that are there: they submit, ask, stall, cancel, fork and come back. */
final class ScenarioClients {

    private static final int STALL_TURNS = 200;
    private static final int NEVER = -1;
    private static final int MOST_COME_AGAIN = 6;

    /** A client to come; {@code before} tokens were its last turn's prompt, 0 for a first turn. */
    record Arrival(ClientPlan plan, int before) {}

    /** Sequences that were paused; some may be over. */
    private final List<SequenceId> held = new ArrayList<>();

    private final Set<SequenceId> everHeld = new HashSet<>();

    private final Life life;
    private final Scenario scenario;
    private final BlockScheduler scheduler;
    private final SplittableRandom random;
    private final ForwardPass[] densePasses;
    private final Deque<Arrival> arrivals = new ArrayDeque<>();
    private final List<SequenceWatch> all = new ArrayList<>();
    private final List<SequenceWatch> unnamed = new ArrayList<>();
    private final List<SequenceWatch> newForks = new ArrayList<>();
    private final Map<SequenceId, SequenceWatch> named = new HashMap<>();
    private long lastId;
    /** Clients come when fewer than this are there, or nothing else is left to do. */
    private final int together;

    private boolean calm;

    ScenarioClients(
            Life life,
            BlockScheduler scheduler,
            List<ReferenceModel> models,
            List<Arrival> comers,
            SplittableRandom random) {
        this.life = life;
        this.scheduler = scheduler;
        this.random = random;
        scenario = life.scenario;
        together = 1 + random.nextInt(scenario.clients().size());
        densePasses = models.stream().map(ForwardPass::new).toArray(ForwardPass[]::new);
        arrivals.addAll(comers);
    }

    /** The clients of a scenario, each for the first time. */
    static List<Arrival> arrivals(Scenario scenario) {
        return scenario.clients().stream()
                .map(number -> new Arrival(ClientPlan.of(scenario, number), 0))
                .toList();
    }

    SequenceWatch of(SequenceId sequence) {
        return Objects.requireNonNull(named.get(sequence), "every sequence has a client");
    }

    /** Null before it has a name. */
    @Nullable
    SequenceWatch find(SequenceId sequence) {
        return named.get(sequence);
    }

    /** Whether somebody else than its client has ever paused it. */
    boolean wasHeld(SequenceId sequence) {
        return everHeld.contains(sequence);
    }

    boolean isFork(SequenceId sequence) {
        SequenceWatch watch = named.get(sequence);
        return watch != null && watch.isFork();
    }

    /** Those of whom a step planned now may have an entry. */
    Set<SequenceWatch> computable() {
        return all.stream().filter(SequenceWatch::isComputable).collect(Collectors.toSet());
    }

    /** The forks made since this was called last: if open pages are copied now, it is for some of them. */
    Set<SequenceWatch> takeForks() {
        Set<SequenceWatch> taken = Set.copyOf(newForks);
        newForks.clear();
        return taken;
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

    /** Nobody comes any more. Gives those who would have. */
    List<Arrival> turnAway() {
        List<Arrival> turnedAway = new ArrayList<>(arrivals);
        arrivals.clear();
        return turnedAway;
    }

    /** Some of those that were there, who want to come again with the same prompts. */
    List<Arrival> comeAgain() {
        List<Arrival> again = new ArrayList<>();
        int most = all.isEmpty() ? 0 : 1 + random.nextInt(MOST_COME_AGAIN);
        for (int i = 0; i < most; i++) {
            again.add(new Arrival(all.get(random.nextInt(all.size())).plan, 0));
        }
        return again;
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
        submit(SequenceWatch.ofPrompt(life, next.plan(), next.before()), scheduler.generate(spec));
        return true;
    }

    /** The turn of a client ended as it should: it may come back with all it has. */
    void finished(SequenceWatch watch) {
        if (watch.plan.turns() > 0 && !life.isDisposed()) {
            int[] tokens = watch.dense().tokens(watch.length());
            ClientPlan next = watch.plan.nextTurn(scenario, tokens, random);
            arrivals.add(new Arrival(next, watch.plan.spec().promptLength()));
        }
    }

    private void submit(SequenceWatch watch, Flux<TokenEvent> tokens) {
        all.add(watch);
        unnamed.add(watch);
        tokens.subscribe(watch);
        watch.asks(calm ? Long.MAX_VALUE : watch.plan.firstRequest());
    }

    /**
     * Gives those that were submitted since the last call the names they have got: names rise by one with every sequence that
     * is accepted. Not to be called from inside a signal.
     */
    void nameNew() {
        if (unnamed.isEmpty()) {
            return;
        }
        Map<SequenceId, SequenceState> states = new HashMap<>();
        life.snapshot().sequences().forEach(state -> states.put(state.id(), state));
        for (SequenceWatch watch : unnamed) {
            if (watch.isRefused()) {
                checkRefusal(watch, states);
            } else {
                name(watch, states);
            }
        }
        unnamed.clear();
        if (states.keySet().stream().anyMatch(id -> id.value() > lastId)) {
            life.found(new Finding(Finding.Kind.WRONG_SIGNAL, "there are sequences that nobody submitted: " + states));
        }
    }

    private void name(SequenceWatch watch, Map<SequenceId, SequenceState> states) {
        SequenceId id = new SequenceId(++lastId);
        named.put(id, watch);
        watch.named(id);
        SequenceWatch parent = watch.parent();
        life.coverage.see(parent != null, Condition.FORK);
        life.coverage.see(parent != null && parent.isFork(), Condition.FORK_OF_FORK);
        life.coverage.see(watch.isForkedInFlight(), Condition.FORK_IN_FLIGHT);
        SequenceState state = states.get(id);
        if (state == null) {
            if (!watch.isOver()) {
                life.found(new Finding(Finding.Kind.WRONG_SIGNAL, id + " is gone, and its client has not heard of it"));
            }
            return;
        }
        SequenceSpec spec = watch.plan.spec();
        int known = state.promptTokens() + state.generatedTokens();
        if (known < watch.length()) {
            life.found(new Finding(
                    Finding.Kind.WRONG_SIGNAL,
                    id + " begins with " + known + " tokens, fewer than the " + watch.length() + " known of it"));
        }
        int[] tokens =
                parent == null ? spec.promptTokens(known) : parent.dense().tokens(known);
        watch.begins(
                known,
                state.generatedTokens(),
                state.running(),
                new DenseSequence(densePasses, spec, Arrays.copyOf(tokens, known), sampling(spec, id)));
    }

    /** A fork is refused for its parent's sake only if that has ended. */
    private void checkRefusal(SequenceWatch watch, Map<SequenceId, SequenceState> states) {
        SequenceWatch parent = watch.parent();
        if (parent != null && watch.isRefusedAsOrphan() && states.containsKey(parent.id())) {
            life.found(new Finding(
                    Finding.Kind.WRONG_SIGNAL, "a fork of " + parent.id() + " was refused though that lives"));
        }
    }

    /** How a sequence's tokens are chosen: a fork has its parent's spec, but goes its own way by its name. */
    Sampling sampling(SequenceSpec spec, SequenceId sequence) {
        Sampling of = of(sequence).plan.sampling();
        return new Sampling(of.temperature(), Seeds.mix(of.seed(), sequence.value()), of.first(), of.last());
    }

    private void seePrompt(SequenceSpec spec) {
        life.coverage.see(spec.salt() != null, Condition.SALT);
        life.coverage.see(spec.adapter() != null, Condition.ADAPTER);
        life.coverage.see(!spec.media().isEmpty(), Condition.MEDIA);
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
        life.coverage.see(watch.hasStalled() && watch.received() > 0 && isWaiting(watch), Condition.STALLED_PREEMPTED);
        watch.asks(tokens);
    }

    private boolean ask(SequenceWatch watch) {
        life.coverage.see(isPaused(watch) && watch.beginsToPause(), Condition.PAUSE);
        if (watch.beginsToStall()) {
            watch.stall(STALL_TURNS / all.size());
            life.coverage.saw(Condition.STALL);
        }
        if (watch.stallsOn()) {
            return true;
        }
        asks(watch, watch.hasStalled() ? Long.MAX_VALUE : watch.plan.nextRequest());
        return true;
    }

    /** Somebody else than its client pauses a sequence, or resumes one. */
    boolean hold() {
        if (!held.isEmpty() && random.nextBoolean()) {
            life.coverage.saw(Condition.RESUMED);
            scheduler.resume(held.remove(random.nextInt(held.size())));
            return true;
        }
        List<SequenceWatch> alive = alive();
        if (calm || alive.isEmpty()) {
            return false;
        }
        SequenceWatch watch = alive.get(random.nextInt(alive.size()));
        life.coverage.see(isRunning(watch), Condition.HELD);
        life.coverage.see(isRunning(watch) && life.isDrafting(watch), Condition.HELD_DRAFTING);
        scheduler.pause(Objects.requireNonNull(watch.id()));
        held.add(watch.id());
        everHeld.add(watch.id());
        return true;
    }

    /** Nobody is paused any more; false if nobody was. */
    boolean resumeAll() {
        boolean any = !held.isEmpty();
        held.forEach(scheduler::resume);
        held.clear();
        return any;
    }

    private void cancel(SequenceWatch watch) {
        boolean untouched = !watch.isInFlight() && scheduler.metrics().transfersInFlight() > 0;
        long withheld = scheduler.metrics().withheldBlocks();
        life.coverage.see(life.isCopyInFlight(watch), Condition.CANCEL_COPYING);
        life.coverage.see(isRunning(watch) && life.isDrafting(watch), Condition.CANCEL_DRAFTING);
        if (watch.isInFlight()) {
            life.coverage.saw(Condition.CANCEL_IN_FLIGHT);
        } else {
            life.coverage.see(isRunning(watch), Condition.CANCEL_RUNNING);
            life.coverage.see(isWaiting(watch), Condition.CANCEL_WAITING);
        }
        watch.leave();
        // No step in flight touches what it held, so a copy does.
        life.coverage.see(untouched && scheduler.metrics().withheldBlocks() > withheld, Condition.CANCEL_LOADING);
    }

    /** A client leaves whose sequence may be on its way up from the host; false if there is none. */
    boolean cancelLoading() {
        if (calm || scheduler.metrics().transfersInFlight() == 0 || random.nextInt(3) > 0) {
            return false;
        }
        List<SequenceWatch> loading = alive().stream()
                .filter(watch -> !watch.isInFlight() && isRunning(watch))
                .toList();
        if (loading.isEmpty()) {
            return false;
        }
        cancel(loading.get(random.nextInt(loading.size())));
        return true;
    }

    private boolean isRunning(SequenceWatch watch) {
        SequenceState state = state(watch);
        return state != null && state.running();
    }

    private boolean isWaiting(SequenceWatch watch) {
        SequenceState state = state(watch);
        return state != null && !state.running();
    }

    private boolean isPaused(SequenceWatch watch) {
        SequenceState state = state(watch);
        return state != null && state.paused();
    }

    private void fork(SequenceWatch parent) {
        parent.hasForked();
        life.coverage.see(life.isDrafting(parent), Condition.FORK_DRAFTING);
        SequenceWatch child = SequenceWatch.ofFork(life, forkOf(parent.plan), parent);
        newForks.add(child); // first: the copy of its page may begin before this returns
        submit(child, scheduler.fork(Objects.requireNonNull(parent.id())));
    }

    /** Inside the signal of a token: its client may do anything that it could do outside. */
    void callBack(SequenceWatch watch, boolean isLast) {
        if (!scenario.has(Event.REENTER) || calm || random.nextInt(2) > 0) {
            return;
        }
        ClientPlan plan = watch.plan;
        switch (random.nextInt(4)) {
            case 0 -> life.coverage.see(arrive(), Condition.REENTRANT_SUBMIT);
            case 1 -> {
                if (!isLast && watch.wantsMore() && !watch.beginsToStall()) {
                    life.coverage.saw(Condition.REENTRANT_REQUEST);
                    watch.asks(plan.nextRequest());
                }
            }
            case 2 -> {
                if (plan.forkAfter() != NEVER && watch.mayFork()) {
                    life.coverage.saw(Condition.REENTRANT_FORK);
                    fork(watch);
                }
            }
            default -> {
                if (plan.cancelAfter() != NEVER) {
                    life.coverage.saw(Condition.REENTRANT_CANCEL);
                    watch.leave();
                }
            }
        }
    }

    private ClientPlan forkOf(ClientPlan of) {
        long first = random.nextInt(3) == 0 ? random.nextInt(3) : Long.MAX_VALUE;
        int cancelAfter = scenario.has(Event.CANCEL) && random.nextInt(4) == 0 ? random.nextInt(3) : NEVER;
        int forkAfter = random.nextInt(3) == 0 ? random.nextInt(3) : NEVER;
        return new ClientPlan(of.spec(), of.sampling(), first, 2, NEVER, cancelAfter, forkAfter, 0);
    }

    private @Nullable SequenceState state(SequenceWatch watch) {
        return life.snapshot().sequences().stream()
                .filter(sequence -> sequence.id().equals(watch.id()))
                .findFirst()
                .orElse(null);
    }
}
