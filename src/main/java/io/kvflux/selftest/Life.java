package io.kvflux.selftest;

import io.kvflux.BlockScheduler;
import io.kvflux.api.SchedulerMetrics;
import io.kvflux.api.SchedulerSnapshot;
import io.kvflux.api.SequenceId;
import io.kvflux.api.Step;
import io.kvflux.core.QueuePolicy;
import io.kvflux.geometry.MultiKvCacheParams;
import io.kvflux.memory.CopyBatch;
import io.kvflux.memory.FaultyDeviceMemory;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.Disposables;

/**
 * One scheduler of a scenario, from its opening to its end, with its whole reactive face over a device that can fail:
 * clients, the paged model computing entries in any order that is allowed, and the dense model to hold every token and all
 * logits against.
 */
final class Life {

    /** After so many turns nothing fails and nobody pauses any more, so that the run ends. */
    private static final int WILD_TURNS = 3_000;
    /** A run has ended long before; a scheduler that goes round in circles has not. */
    private static final int MOST_TURNS = 200_000;

    /** Turns, on average, until somebody takes steps again. */
    private static final int TURNS_AWAY = 8;

    private static final int MOST_PATIENCE_MS = 3_000;
    private static final long NEVER = Long.MAX_VALUE;

    final Scenario scenario;
    final Coverage coverage;
    private final ScenarioRun run;
    /** Whether no scheduler was there before it. */
    private final boolean first;

    private final SplittableRandom random;
    private final VirtualTime time = new VirtualTime();
    private final Flights flights = new Flights(this::handedOut);
    private final StepWatch steps;
    private final OrderWatch order;
    private final @Nullable RetentionWatch retention;
    private final DraftWatch drafts;
    private final @Nullable DraftsBeside beside;
    private final LateWorkers workers = new LateWorkers(this::isWorkerLate);
    private final FaultyDeviceMemory device;
    private final BlockScheduler scheduler;
    private final ScenarioClients clients;
    private final PagedModel model;
    private final DeviceFaults faults;
    private final Deque<EventReplay> replays = new ArrayDeque<>();
    private Disposable running = Disposables.disposed();
    /** The first step of a sequence that failed: what it computes from there on is void. */
    private final Map<SequenceId, Long> doomed = new HashMap<>();

    private boolean calm;
    /** Whether nobody takes steps. */
    private boolean away;

    private boolean disposed;
    /** When the patience of a graceful disposal is at its end. */
    private long patientUntilNs = NEVER;

    /** Who comes to the next scheduler; null if there is to be none. */
    private @Nullable List<ScenarioClients.Arrival> next;

    private boolean forgotten;
    private boolean readWarm;

    /**
     * Opens a scheduler.
     *
     * @param arrivals who comes to it
     * @param first whether no scheduler was there before it
     */
    Life(ScenarioRun run, List<ScenarioClients.Arrival> arrivals, boolean first) {
        this.run = run;
        this.first = first;
        scenario = run.scenario;
        coverage = run.coverage;
        random = run.random;
        MultiKvCacheParams caches = scenario.caches();
        device = new FaultyDeviceMemory(run.memory, this::fault);
        scheduler = ScenarioScheduler.open(scenario, device, time, workers, run.disk, coverage);
        List<ReferenceModel> models = scenario.models();
        clients = new ScenarioClients(this, scheduler, models, arrivals, random);
        model = new PagedModel(
                models,
                caches,
                scheduler.memory(),
                run.attention,
                clients::sampling,
                new LogitsWatch(clients, this::found));
        drafts = new DraftWatch(scenario, coverage, clients, this::found);
        beside = scenario.has(Event.BESIDE)
                ? new DraftsBeside(scenario, scheduler, clients, coverage, this::found)
                : null;
        faults = new DeviceFaults(scenario, random, coverage, clients);
        order = new OrderWatch(scenario, coverage, clients, this::found);
        steps = new StepWatch(scenario, coverage, clients::isFork, flights::hasEntryOf, this::found);
        retention = scenario.has(Event.RETAIN) && scenario.hostBlocks() == 0
                ? new RetentionWatch(scenario, coverage, clients, steps, this::found)
                : null;
        if (retention != null) {
            scheduler.blockEvents().subscribe(retention);
        }
    }

    /** Runs it to its end, or to the first finding. */
    void run() {
        takeSteps();
        for (int turn = 0; run.finding() == null && !isOver(); turn++) {
            if (turn == WILD_TURNS) {
                calm = true;
                faults.calmDown();
                clients.calmDown();
            }
            if (!act(random.nextInt(100)) && !actSomehow()) {
                stuck("nothing is left to do");
            } else if (turn == MOST_TURNS) {
                stuck("it goes round in circles");
            }
            clients.nameNew();
            seeWarmHit();
            checkOrder();
            checkCredits(false);
        }
        if (run.finding() == null) {
            if (next == null && !isClosing() && run.takeRestart()) {
                coverage.saw(Condition.RESTARTED);
                next = clients.comeAgain();
            }
            checkEnd();
        }
    }

    /** Whether another scheduler follows. */
    boolean hasNext() {
        return next != null;
    }

    /** {@return who comes to it} */
    List<ScenarioClients.Arrival> comeNext() {
        return Objects.requireNonNull(next);
    }

    /** Whether all that was cached was cleared at its end. */
    boolean isForgotten() {
        return forgotten;
    }

    void compared() {
        run.compared();
    }

    void found(Finding what) {
        run.found(what);
    }

    void finished(SequenceWatch watch) {
        clients.finished(watch);
    }

    /** A disposal has ended or refused a sequence: its client comes to the next scheduler, if there is one. */
    void turnedOut(SequenceWatch watch) {
        if (next != null) {
            next.add(new ScenarioClients.Arrival(watch.plan, 0));
        }
    }

    /** Inside the signal of a token. */
    void calledBack(SequenceWatch watch, boolean isLast) {
        clients.callBack(watch, isLast);
    }

    /** Whether sequences may end because of a disposal. */
    boolean isDisposed() {
        return disposed || (isClosing() && time.nowNs() >= patientUntilNs);
    }

    /** Whether sequences may be refused because a disposal has begun. */
    boolean isClosing() {
        return disposed || patientUntilNs != NEVER;
    }

    /** Whether as many sequences are there as may wait, beside the one that asks. */
    boolean mayBeFull() {
        return clients.alive().size() > scenario.maxPending();
    }

    /** Whether a failed batch may have ended a sequence. */
    boolean mayEnd(SequenceWatch watch, FaultyDeviceMemory.InjectedFaultException cause) {
        return faults.mayEnd(watch, cause);
    }

    boolean isCopyInFlight(SequenceWatch watch) {
        return flights.copies(watch);
    }

    boolean isDrafting(SequenceWatch watch) {
        return drafts.isDrafting(watch.id()) || (beside != null && beside.isDrafting(watch.id()));
    }

    /** Whether a token may be shown. */
    boolean mayShow(SequenceId sequence, int position) {
        return drafts.mayShow(sequence, position);
    }

    /** The newest step that was handed out. */
    long lastStep() {
        return steps.last();
    }

    boolean isInFlight(SequenceId sequence) {
        return flights.hasEntryOf(sequence);
    }

    SchedulerSnapshot snapshot() {
        return Objects.requireNonNull(scheduler.snapshot().toFuture().getNow(null));
    }

    private boolean isOver() {
        return clients.areOver()
                && !away
                && flights.isEmpty()
                && device.delayed() == 0
                && workers.isIdle()
                && !time.isWaiting();
    }

    private void stuck(String why) {
        found(new Finding(Finding.Kind.STUCK, why + ", " + snapshot()));
    }

    // ---- what happens

    private boolean act(int choice) {
        if (beside != null && !calm && beside.act()) {
            return true;
        } else if (away && random.nextInt(TURNS_AWAY) == 0) {
            return takeStepsAgain();
        } else if (scenario.has(Event.CANCEL) && clients.cancelLoading()) {
            return true;
        } else if (choice < 8) {
            return clearIfNobodyIsThere() || clients.arriveIfQuiet();
        } else if (choice < 28) {
            return clients.act();
        } else if (choice < 66) {
            return compute();
        } else if (choice < 88) {
            return complete();
        } else if (choice < 92) {
            return releaseBatch();
        } else if (choice < 93) {
            return passTime();
        }
        return !calm && disturb(choice);
    }

    /** What keeps a run going, whatever chance says. */
    private boolean actSomehow() {
        if (compute() || complete() || releaseBatch() || passTime() || takeStepsAgain() || clients.resumeAll()) {
            return true;
        }
        SequenceWatch starving = clients.starving();
        if (starving != null && !isDisposed()) {
            stuck("nothing is in flight, and yet " + starving.id() + " has not got what it asked for");
            return true;
        }
        return clients.arrive() || clients.askAll();
    }

    private boolean disturb(int choice) {
        return switch (choice) {
            case 93 -> scenario.has(Event.HOLD) && clients.hold();
            case 95 -> scenario.has(Event.CLEAR) && clearCache();
            case 96 ->
                (scenario.has(Event.DISPOSE) && random.nextInt(5) == 0 && dispose())
                        || (scenario.has(Event.DRAIN) && random.nextInt(5) == 0 && drain());
            case 97 -> scenario.has(Event.STEP_FAULT) && random.nextInt(3) == 0 && failStep();
            case 94 ->
                (scenario.has(Event.DISK_FAULT) && rot()) || (scenario.has(Event.RERUN) && !away && letGoOfSteps());
            case 98 -> scenario.has(Event.RERUN) && !away && letGoOfSteps();
            default ->
                (scenario.has(Event.RESTART) && random.nextInt(3) == 0 && restart())
                        || (scenario.has(Event.DISK_FAULT) && rot())
                        || (scenario.has(Event.BLOCK_EVENTS) && random.nextInt(5) == 0 && listen());
        };
    }

    private void takeSteps() {
        running = scheduler.run(flights).subscribe(nothing -> {}, cause -> found(Finding.of(cause)));
    }

    private boolean letGoOfSteps() {
        running.dispose();
        away = true;
        return true;
    }

    private boolean takeStepsAgain() {
        if (!away) {
            return false;
        }
        coverage.see(!flights.isEmpty(), Condition.RERUN);
        away = false;
        takeSteps();
        return true;
    }

    /** Somebody begins to follow block events; a third makes the first go. */
    private boolean listen() {
        EventReplay replay = new EventReplay(this::found);
        scheduler.blockEvents().subscribe(replay);
        replays.add(replay);
        if (replays.size() > 2) {
            replays.remove().cancel();
        }
        return true;
    }

    private boolean compute() {
        Flights.Entry entry = flights.computable(random);
        if (entry == null) {
            return false;
        }
        SequenceId sequence = entry.sequence();
        long step = entry.flight().step.number();
        SequenceWatch client = clients.of(sequence);
        boolean isVoid = step > doomed.getOrDefault(sequence, Long.MAX_VALUE) || client.isVoid();
        boolean fresh =
                !scenario.poison() || isVoid || client.isFork() || entry.isFresh(model, !doomed.containsKey(sequence));
        if (!fresh) { // a fork's page is copied with what is in flight
            found(new Finding(
                    Finding.Kind.DIRTY_SLOT, sequence + " was to write slots that are not fresh, in step " + step));
        }
        if (isVoid) {
            // It counts for nothing, and it may lack what it builds on. But it still writes its slots.
            entry.garble(model);
        } else if (scenario.has(Event.ENTRY_FAULT) && !calm && random.nextInt(60) == 0) {
            coverage.saw(Condition.ENTRY_FAILED);
            coverage.see(entry.drafts() > 0, Condition.ENTRY_FAILED_DRAFTING);
            coverage.see(flights.hasLaterEntryOf(sequence, step), Condition.ENTRY_FAILED_BELOW);
            doomed.put(sequence, step);
            entry.garble(model);
            entry.fail(new InjectedFailure("entry", Set.of(sequence)));
        } else {
            PagedModel.Answer answer = entry.compute(model, draftsToMake(entry.granted()));
            if (entry.drafts() > 0) {
                steps.verified(sequence, answer.position());
            }
            drafts.computed(entry.flight().step, entry.index(), answer, flights.hasLaterEntryOf(sequence, step));
        }
        return true;
    }

    /** All that were granted, mostly. */
    private int draftsToMake(int granted) {
        return granted > 0 && random.nextInt(4) == 0 ? random.nextInt(granted + 1) : granted;
    }

    private boolean complete() {
        Flights.Flight flight = flights.takeComputed(random);
        if (flight == null) {
            return false;
        }
        if (flight.step.copies() > 0 && scenario.has(Event.STEP_FAULT) && !calm && random.nextBoolean()) {
            fail(flight);
        } else {
            drafts.answers(flight, false);
            if (scenario.speculates() || scenario.has(Event.RETAIN)) {
                time.take(flight.cost());
            }
            flight.succeed();
        }
        return true;
    }

    private boolean failStep() {
        Flights.Flight flight = flights.takeAny(random);
        if (flight == null) {
            return false;
        }
        fail(flight);
        return true;
    }

    private void fail(Flights.Flight flight) {
        coverage.saw(Condition.STEP_FAILED);
        coverage.see(flight.step.copies() > 0, Condition.STEP_FAILED_COPYING);
        Set<SequenceId> mayFail = flight.sequences();
        mayFail.forEach(sequence -> doomed.merge(sequence, flight.step.number(), Math::min));
        for (SequenceWatch fork : flight.copied) {
            if (fork.ranAtOnce() && fork.id() != null) {
                mayFail.add(fork.id()); // it need not have an entry in the step that carried its copy
            }
        }
        drafts.answers(flight, true);
        flight.fail(model, new InjectedFailure("step", mayFail));
    }

    private boolean releaseBatch() {
        if (!workers.isIdle() && (device.delayed() == 0 || random.nextBoolean())) {
            workers.runOne(random);
            return true;
        }
        boolean any = device.delayed() > 0;
        device.releaseNext();
        return any;
    }

    private boolean passTime() {
        boolean any = time.isWaiting();
        time.pass();
        return any;
    }

    private boolean clearIfNobodyIsThere() {
        return !calm && scenario.has(Event.CLEAR) && clients.alive().isEmpty() && random.nextBoolean() && clearCache();
    }

    private boolean clearCache() {
        boolean any = scheduler.metrics().cachedBlocks() > 0;
        boolean cleared = now(scheduler.clearCache().toFuture());
        coverage.see(cleared && any, Condition.CACHE_CLEARED);
        if (cleared && run.disk != null) {
            workers.runAll(); // what is erased must not be what is written next
            run.disk.cleared();
        }
        return cleared;
    }

    private boolean dispose() {
        if (!clients.alive().isEmpty()) {
            coverage.saw(Condition.DISPOSED);
        }
        disposed = true;
        clients.turnAway();
        scheduler.disposeLater().subscribe();
        return true;
    }

    private boolean drain() {
        if (isClosing()) {
            return false;
        }
        coverage.see(!clients.alive().isEmpty(), Condition.DRAINED);
        Duration patience = Duration.ofMillis(1 + random.nextInt(MOST_PATIENCE_MS));
        patientUntilNs = time.nowNs() + patience.toNanos();
        scheduler.disposeGracefully(patience).subscribe();
        return true;
    }

    /** Another scheduler is to come; those whose sequences end here for that come to it again. */
    private boolean restart() {
        if (isClosing() || !run.takeRestart()) {
            return false;
        }
        coverage.see(!clients.alive().isEmpty(), Condition.RESTARTED_ALIVE);
        next = clients.turnAway();
        return random.nextBoolean() ? dispose() : drain();
    }

    private boolean rot() {
        boolean any = run.disk != null && run.disk.rot();
        coverage.see(any, Condition.DISK_ROT);
        return any;
    }

    private boolean isWorkerLate() {
        boolean late = scenario.has(Event.LATE) && !calm && random.nextBoolean();
        coverage.see(late, Condition.WORKER_LATE);
        return late;
    }

    private FaultyDeviceMemory.Fault fault(int number, CopyBatch batch) {
        return faults.of(number, batch);
    }

    private static <T> T now(CompletableFuture<T> future) {
        return Objects.requireNonNull(future.getNow(null), "on one thread an answer is there at once");
    }

    // ---- what is seen

    /** What is read from the disk before anything is written to it, an earlier scheduler has written. */
    private void seeWarmHit() {
        if (!first && !readWarm && scheduler.metrics().diskFetchedBlocks() > 0) {
            readWarm = true;
            coverage.see(scheduler.metrics().diskStoredBlocks() == 0, Condition.WARM_HIT);
        }
    }

    /** A step is there; gives those whose open pages were copied for it. */
    private Set<SequenceWatch> handedOut(Step step) {
        steps.handedOut(step);
        drafts.handedOut(step);
        return step.copies() > 0 ? faults.nextCopied() : Set.of();
    }

    private void checkOrder() {
        if (scenario.policy() == QueuePolicy.SHORTEST && !isClosing()) {
            order.turn(snapshot().sequences(), steps.last(), scheduler.metrics());
        }
        if (retention != null && !isClosing()) {
            retention.turn(snapshot().sequences(), scheduler.metrics(), time.nowNs());
        }
    }

    private void checkCredits(boolean atEnd) {
        if (scenario.speculates() && !isClosing()) {
            drafts.checkCredits(scheduler.metrics(), atEnd);
            if (beside != null) {
                beside.check(scheduler.metrics(), atEnd);
            }
        }
    }

    private void checkEnd() {
        checkCredits(true);
        SchedulerSnapshot end = snapshot();
        checkEvents(scheduler.metrics().cachedBlocks());
        // What a disk is to keep for the next scheduler must not be cleared.
        forgotten = !hasNext() && !isClosing();
        boolean cleared = hasNext() || now(scheduler.clearCache().toFuture());
        if (!hasNext()) {
            checkEvents(0);
        }
        boolean allFree = hasNext() || snapshot().replicas().stream().allMatch(pool -> pool.free() == pool.usable());
        boolean allBack = cleared
                && allFree
                && end.sequences().isEmpty()
                && end.stepsInFlight().isEmpty()
                && end.replicas().stream().allMatch(pool -> pool.free() + pool.cached() == pool.usable());
        SchedulerMetrics metrics = scheduler.metrics();
        run.seeEnd(metrics);
        long ended = metrics.finished() + metrics.cancelled() + metrics.failed() + metrics.refused();
        if (!allBack || metrics.submitted() != ended) {
            found(new Finding(Finding.Kind.LEAK, "after everything has ended: " + end + ", " + metrics));
        }
        CompletableFuture<?> released = scheduler.disposeLater().toFuture();
        workers.runAll();
        if (run.disk != null) {
            run.disk.closed(metrics, metrics.transfersFailed() - faults.failedTransfers());
        }
        if (run.finding() == null
                && (!released.isDone() || released.isCompletedExceptionally() || run.memory.allocatedBytes() != 0)) {
            found(new Finding(
                    Finding.Kind.LEAK,
                    "after the disposal: done=" + released.isDone() + ", allocatedBytes="
                            + run.memory.allocatedBytes()));
        }
    }

    /** Whoever followed the events since he came must know what one knows who comes now. */
    private void checkEvents(long pages) {
        if (replays.isEmpty() || isClosing()) {
            return;
        }
        EventReplay now = new EventReplay(this::found);
        scheduler.blockEvents().subscribe(now);
        for (EventReplay replay : replays) {
            if (!replay.findable().equals(now.findable()) || replay.pages() != pages) {
                found(new Finding(
                        Finding.Kind.WRONG_EVENTS,
                        "the events gave " + replay.pages() + " pages, the cache has " + pages + ", of which "
                                + now.pages() + " are told to who asks now"));
            }
        }
        coverage.see(pages > 0, Condition.EVENTS_REPLAYED);
        now.cancel();
    }

    void close() {
        scheduler.disposeLater().subscribe();
    }
}
