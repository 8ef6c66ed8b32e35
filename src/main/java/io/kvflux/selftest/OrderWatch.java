package io.kvflux.selftest;

import io.kvflux.api.SchedulerMetrics;
import io.kvflux.api.SchedulerSnapshot.SequenceState;
import io.kvflux.api.SequenceId;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/**
 * Where work decides who is admitted: nobody may go before a sequence who was submitted more than ageing steps after it, but
 * past one that does not fit, so often as is allowed. Seen from one turn of a scenario to the next.
 */
final class OrderWatch {

    private final Scenario scenario;
    private final Coverage coverage;
    private final ScenarioClients clients;
    private final Consumer<Finding> found;
    /** Steps by which the newest that was handed out may be behind the newest that was planned, and one more. */
    private final int unseen;

    private Map<SequenceId, SequenceState> before = Map.of();
    /** Who stood in the queue then. */
    private Set<SequenceId> queued = new HashSet<>();
    /** How often somebody who had come too late was admitted before one that waited. */
    private final Map<SequenceId, Integer> passed = new HashMap<>();

    private long preemptions;
    private long stepsFailed;
    private long lastStep;

    /**
     * Has seen nothing.
     *
     * @param found takes what is wrong
     */
    OrderWatch(Scenario scenario, Coverage coverage, ScenarioClients clients, Consumer<Finding> found) {
        this.scenario = scenario;
        this.coverage = coverage;
        this.clients = clients;
        this.found = found;
        unseen = scenario.overlap() + 1;
    }

    /** A turn is over. */
    void turn(List<SequenceState> sequences, long step, SchedulerMetrics metrics) {
        Map<SequenceId, SequenceState> now = new HashMap<>();
        sequences.forEach(sequence -> now.put(sequence.id(), sequence));
        Set<SequenceId> waiting =
                sequences.stream().filter(this::isQueued).map(SequenceState::id).collect(Collectors.toSet());
        queued.retainAll(waiting);
        boolean preempted = metrics.preemptions() != preemptions;
        boolean admitted = false;
        for (SequenceState sequence : sequences) {
            if (sequence.running()) {
                passed.remove(sequence.id());
                if (wasAdmitted(sequence.id())) {
                    admitted = true;
                    queued.forEach(other -> admittedBefore(sequence.id(), other, preempted));
                }
            }
        }
        if (preempted) { // one may have been admitted in between, and counts anew
            passed.clear();
        }
        // A step that preempted for itself admits nobody then.
        boolean levelled = scenario.lengths().levelling() && !scenario.admitAfterPreemption();
        boolean oneStep = step == lastStep + 1 && metrics.stepsFailed() == stepsFailed;
        coverage.see(levelled && oneStep && preempted && admitted, Condition.LEVELLED);
        before = now;
        queued = waiting;
        preemptions = metrics.preemptions();
        stepsFailed = metrics.stepsFailed();
        lastStep = step;
    }

    /** Whether one that runs has come from the queue since the last turn: a fork may have begun to run without it. */
    private boolean wasAdmitted(SequenceId sequence) {
        SequenceState state = before.get(sequence);
        return state == null ? !clients.isFork(sequence) : !state.running();
    }

    /** Who waits for the last tokens that it may have, from a step in flight, is not to be admitted. */
    private boolean isQueued(SequenceState sequence) {
        return !sequence.running()
                && !sequence.paused()
                && !clients.of(sequence.id()).isInFlight();
    }

    private void admittedBefore(SequenceId admitted, SequenceId other, boolean preempted) {
        long later = clients.of(admitted).submittedAfter() - clients.of(other).submittedAfter();
        coverage.see(later > 0, Condition.OVERTAKEN);
        coverage.see(-later > scenario.lengths().ageing() + unseen, Condition.AGEING);
        if (later > scenario.lengths().ageing() + unseen && !preempted) {
            int times = passed.merge(other, 1, Integer::sum);
            if (times > scenario.maxSkips()) {
                found.accept(new Finding(
                        Finding.Kind.WRONG_ORDER,
                        admitted + " was submitted " + later + " steps after " + other
                                + " and admitted before it, with ageing="
                                + scenario.lengths().ageing() + ", so often="
                                + times + ", maxSkips=" + scenario.maxSkips()));
            }
        }
    }
}
