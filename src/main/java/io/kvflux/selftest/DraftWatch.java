package io.kvflux.selftest;

import io.kvflux.api.SchedulerMetrics;
import io.kvflux.api.SequenceId;
import io.kvflux.api.Step;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What must hold of drafts: credits add up at all times, nothing is granted beyond demand, limit and watermark, entries begin
 * where they say, and no token is shown before its step has been answered. Counts what is tried.
 */
final class DraftWatch {

    /** Rounds without a draft after which one is a probe. */
    private static final int PROBE_AFTER = 64;

    /** What was granted to a sequence by its newest entry, in how many blocks, after how many rounds without a grant. */
    private record Granted(int drafts, int blocks, int roundsWithout) {}

    /** Drafts that an entry of a step verifies. */
    private record Verified(long step, SequenceId sequence, int drafts) {}

    private final Scenario scenario;
    private final Coverage coverage;
    private final ScenarioClients clients;
    private final Consumer<Finding> found;
    private final Map<SequenceId, Granted> granted = new HashMap<>();
    private final Set<SequenceId> hits = new HashSet<>();
    private final List<Verified> verified = new ArrayList<>();
    /** Steps handed out and not answered. */
    private final TreeSet<Long> unanswered = new TreeSet<>();
    /** Where the tokens of each sequence end that were answered. */
    private final Map<SequenceId, Integer> answered = new HashMap<>();
    /** Replicas in which grants of the newest step opened pages, until credits are checked. */
    private final Set<Integer> opened = new HashSet<>();

    DraftWatch(Scenario scenario, Coverage coverage, ScenarioClients clients, Consumer<Finding> found) {
        this.scenario = scenario;
        this.coverage = coverage;
        this.clients = clients;
        this.found = found;
    }

    void handedOut(Step step) {
        unanswered.add(step.number());
        if (!scenario.speculates()) {
            return;
        }
        opened.clear();
        for (int entry = 0; entry < step.size(); entry++) {
            SequenceId sequence = step.sequence(entry);
            checkUnverified(step, entry);
            checkLimits(step, entry);
            Granted before = granted.get(sequence);
            see(step, entry, before);
            boolean without = step.samples(entry) && step.granted(entry) == 0;
            int rounds = before == null ? 0 : before.roundsWithout();
            granted.put(sequence, new Granted(step.granted(entry), step.blockCount(entry), without ? rounds + 1 : 0));
            if (step.drafts(entry) > 0) {
                verified.add(new Verified(step.number(), sequence, step.drafts(entry)));
            }
        }
    }

    private void see(Step step, int entry, @Nullable Granted before) {
        int count = step.tokenCount(entry);
        int end = step.cacheLength(entry) + count;
        int drafts = step.drafts(entry);
        boolean opens = pages(end + step.granted(entry)) > pages(end);
        if (opens) {
            opened.add(PagedModel.replicaOf(step, entry));
        }
        coverage.see(opens, Condition.DRAFT_PAGE_OPENED);
        boolean pending = step.token(entry, count - 1) == Step.PENDING_TOKEN;
        coverage.see(drafts > 0 && pending, Condition.DRAFTS_PENDING);
        if (before == null) {
            if (step.isPrefill(entry) && step.cacheLength(entry) > 0 && !clients.isFork(step.sequence(entry))) {
                hits.add(step.sequence(entry));
            }
        } else if (step.isPrefill(entry)) {
            boolean lost = before.drafts() > 0 && !clients.wasHeld(step.sequence(entry));
            coverage.see(lost, Condition.DRAFTS_PREEMPTED);
        } else {
            boolean shrunk = drafts < before.drafts() && end % scenario.pageSize() == 0 && !pending;
            coverage.see(shrunk, Condition.DRAFTS_GAVE_WAY);
            coverage.see(step.blockCount(entry) < before.blocks(), Condition.DRAFT_PAGE_RETURNED);
            boolean probe = step.granted(entry) == 1 && before.roundsWithout() >= PROBE_AFTER;
            coverage.see(probe && scenario.drafting() == Scenario.Drafting.ADAPTIVE, Condition.DRAFT_PROBE);
        }
    }

    private int pages(int tokens) {
        return (tokens + scenario.pageSize() - 1) / scenario.pageSize();
    }

    /** What an entry says of drafts that are verified in flight is what there is; a late device changes that on the way. */
    private void checkUnverified(Step step, int entry) {
        int inFlight = verified.stream()
                .filter(one -> one.step() < step.number() && one.sequence().equals(step.sequence(entry)))
                .mapToInt(Verified::drafts)
                .sum();
        int said = step.unverified(entry);
        boolean mayDiffer = scenario.has(Event.LATE) || scenario.has(Event.RERUN);
        if (said < inFlight || (said > inFlight && !mayDiffer)) {
            wrong(step, entry, "says unverified=" + said + ", in flight are " + inFlight);
        }
    }

    /** Whoever drafts may get all of it: its client, and its token limit, allow that much. */
    private void checkLimits(Step step, int entry) {
        int granted = step.granted(entry);
        SequenceWatch watch = clients.find(step.sequence(entry));
        if (watch == null || watch.isOver() || (granted == 0 && step.drafts(entry) == 0)) {
            return;
        }
        int most = step.cacheLength(entry) + step.tokenCount(entry) + 1 + (granted == 0 ? 0 : granted + 1);
        if (!watch.mayReach(most)) {
            wrong(
                    step,
                    entry,
                    "drafts=" + step.drafts(entry) + " and granted=" + granted + " go beyond what is wanted");
        }
    }

    private void wrong(Step step, int entry, String what) {
        found.accept(new Finding(
                Finding.Kind.WRONG_CREDITS,
                step.sequence(entry) + " in step " + step.number() + ", cacheLength=" + step.cacheLength(entry) + ": "
                        + what));
    }

    /** An entry was computed; {@code later} whether a later step in flight builds on it. */
    void computed(Step step, int entry, PagedModel.Answer answer, boolean later) {
        if (step.drafts(entry) == 0) {
            return;
        }
        SequenceId sequence = step.sequence(entry);
        coverage.see(answer.accepted() > 0, Condition.DRAFTS_ACCEPTED);
        coverage.see(answer.accepted() > 0 && hits.contains(sequence), Condition.DRAFTS_AFTER_HIT);
        coverage.see(answer.accepted() < answer.verified(), Condition.DRAFTS_REJECTED);
        if (scenario.has(Event.BESIDE) && step.token(entry, step.tokenCount(entry) - 1) != Step.PENDING_TOKEN) {
            boolean pending = step.token(entry, 0) == Step.PENDING_TOKEN;
            coverage.see(answer.accepted() > 0, Condition.BESIDE_ACCEPTED);
            coverage.see(answer.accepted() > 0 && pending, Condition.BESIDE_ACCEPTED_PENDING);
            coverage.see(answer.accepted() < answer.verified(), Condition.BESIDE_REJECTED);
        }
        coverage.see(answer.accepted() < step.drafts(entry) && later, Condition.DRAFTS_REJECTED_LATE);
        coverage.see(answer.verified() < step.drafts(entry), Condition.DRAFTS_NOT_MADE);
        SequenceWatch watch = clients.of(sequence);
        for (int i = 1; i <= answer.accepted() && !watch.isOver(); i++) {
            coverage.see(watch.stopsAt(answer.position() - i), Condition.STOP_IN_DRAFTS);
        }
        coverage.see(answer.accepted() > 0 && watch.isLast(answer.position()), Condition.LIMIT_AFTER_DRAFTS);
    }

    /** A step is about to be answered, or to fail. */
    void answers(Flights.Flight flight, boolean fails) {
        unanswered.remove(flight.step.number());
        for (int entry = 0; entry < flight.answers.length; entry++) {
            PagedModel.Answer answer = flight.answers[entry];
            if (!fails && answer != null && flight.step.samples(entry)) {
                answered.merge(flight.step.sequence(entry), answer.position() + 1, Math::max);
            }
        }
        long oldest = unanswered.isEmpty() ? Long.MAX_VALUE : unanswered.first();
        verified.removeIf(one -> one.step() < oldest);
    }

    /** Whether the token at a position may be shown: the step that sampled or accepted it has been answered. */
    boolean mayShow(SequenceId sequence, int position) {
        return position < answered.getOrDefault(sequence, 0);
    }

    /** Whether a sequence has drafts that its newest entry was granted, or that steps in flight verify. */
    boolean isDrafting(@Nullable SequenceId sequence) {
        Granted newest = granted.get(sequence);
        return (newest != null && newest.drafts() > 0)
                || verified.stream().anyMatch(one -> one.sequence().equals(sequence));
    }

    /** At every instant granted = accepted + rejected + aborted + in flight, within the bound; what is verified is in flight. */
    void checkCredits(SchedulerMetrics metrics, boolean isOver) {
        long inFlight = metrics.draftsInFlight();
        long back = metrics.draftsAccepted() + metrics.draftsRejected() + metrics.draftsAborted();
        long verifying = verified.stream().mapToInt(Verified::drafts).sum();
        coverage.see(scenario.credits() > 0 && inFlight == scenario.credits(), Condition.CREDITS_USED_UP);
        if (metrics.draftsGranted() != back + inFlight
                || inFlight > scenario.mostDraftsInFlight()
                || inFlight < (isOver ? 0 : verifying)
                || (isOver && inFlight > 0)) {
            found.accept(new Finding(
                    Finding.Kind.WRONG_CREDITS,
                    "credits of drafts do not add up, in steps in flight=" + verifying + ", " + metrics));
        }
        checkWatermark(metrics);
    }

    /** Where steps are handed out as they are planned, nothing has taken blocks since the newest one opened pages for drafts. */
    private void checkWatermark(SchedulerMetrics metrics) {
        boolean atOnce = !scenario.has(Event.LATE) && !scenario.has(Event.RERUN) && scenario.hostBlocks() == 0;
        long available = metrics.freeBlocks() + metrics.cachedBlocks();
        int watermark = (int) (scenario.watermark() * scenario.blocks());
        if (atOnce && available < (long) watermark * opened.size()) {
            found.accept(new Finding(
                    Finding.Kind.WRONG_CREDITS,
                    "a grant opened a page below the watermark=" + watermark + ", " + metrics));
        }
        opened.clear();
    }
}
