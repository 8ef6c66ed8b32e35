package io.kvflux.selftest;

import io.kvflux.BlockScheduler;
import io.kvflux.api.SchedulerMetrics;
import io.kvflux.api.SchedulerSnapshot;
import io.kvflux.api.SequenceId;
import io.kvflux.api.Step;
import io.kvflux.geometry.AttentionKind;
import io.kvflux.geometry.DType;
import io.kvflux.geometry.DataSize;
import io.kvflux.geometry.MultiKvCacheParams;
import io.kvflux.memory.BlockArenas;
import io.kvflux.memory.DeviceMemory;
import io.kvflux.memory.FaultyDeviceMemory;
import io.kvflux.memory.PageArena;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import reactor.core.scheduler.Schedulers;

/**
 * Carries out one scenario on one thread: a scheduler with its whole reactive face over a device that can fail, clients, the
 * paged model computing entries in any order that is allowed, and the dense model to hold every token and all logits
 * against. Whatever happens follows from the scenario.
 */
final class ScenarioRun {

    /** After so many turns nothing fails and nobody pauses any more, so that the run ends. */
    private static final int WILD_TURNS = 3_000;
    /** A run has ended long before; a scheduler that goes round in circles has not. */
    private static final int MOST_TURNS = 200_000;

    private static final int ANY_NUMBER_OF_FAILURES = Integer.MAX_VALUE;
    private static final int OWN_RANDOM = -1000;

    final Scenario scenario;
    final Coverage coverage = new Coverage();
    private final SplittableRandom random;
    private final VirtualTime time = new VirtualTime();
    private final Flights flights = new Flights(this::planned);
    private final DeviceMemory memory;
    private final FaultyDeviceMemory device;
    private final BlockScheduler scheduler;
    private final ScenarioClients clients;
    private final PagedModel model;
    /** The first step of a sequence that failed: what it computes from there on is void. */
    private final Map<SequenceId, Long> doomed = new HashMap<>();

    private long compared;
    private boolean calm;
    private boolean disposed;
    private @Nullable Finding finding;

    private ScenarioRun(Scenario scenario, TestDevice testDevice) {
        this.scenario = scenario;
        random = new SplittableRandom(Seeds.mix(scenario.seed(), OWN_RANDOM));
        MultiKvCacheParams caches = scenario.caches();
        memory = testDevice.open(new DataSize(BlockArenas.bytesPerBlock(caches) * (scenario.blocks() + 1L)));
        device = new FaultyDeviceMemory(memory, batch -> fault());
        scheduler = scheduler(caches);
        List<ReferenceModel> models = scenario.models();
        clients = new ScenarioClients(this, scheduler, models, random);
        model = new PagedModel(models, caches, scheduler.memory(), clients::sampling, this::chosenFrom);
        poisonNullBlocks(caches);
        seeScenario();
    }

    /** Runs a scenario to its end, or to the first finding. */
    static ScenarioRun of(Scenario scenario, TestDevice device) {
        ScenarioRun run = new ScenarioRun(scenario, device);
        try {
            run.run();
        } catch (VirtualMachineError | LinkageError broken) {
            throw broken; // says nothing of the scheduler
        } catch (RuntimeException | Error thrown) {
            run.found(Finding.of(thrown));
        } finally {
            run.close();
        }
        return run;
    }

    private BlockScheduler scheduler(MultiKvCacheParams caches) {
        return BlockScheduler.builder(caches)
                .device(device)
                .deviceBlocks(scenario.blocks())
                .poisonOnRelease(true)
                .tokenBuffer(scenario.tokenBuffer())
                .vocabularySize(scenario.shape().vocabulary())
                .maxExecutorFailures(ANY_NUMBER_OF_FAILURES)
                .loopOn(time)
                .deliverOn(Schedulers.immediate())
                .scheduling(core -> core.maxBatchSize(scenario.maxBatchSize())
                        .maxBatchTokens(scenario.maxBatchTokens())
                        .minChunkTokens(scenario.minChunkTokens())
                        .maxStepsInFlight(scenario.overlap())
                        .policy(scenario.policy())
                        .victimRule(scenario.victim())
                        .watermark(scenario.watermark())
                        .prefixCaching(scenario.caching())
                        .verifyInvariants(scenario.verify()))
                .build();
    }

    /** Unused cells of a lookup table name the null block: whoever reads it is found out as well. */
    private void poisonNullBlocks(MultiKvCacheParams caches) {
        for (int replica = 0; replica < caches.dataParallelDegree(); replica++) {
            for (int cache = 0; cache < caches.params().size(); cache++) {
                for (int shard = 0; shard < caches.tensorParallelDegree(); shard++) {
                    PageArena arena = scheduler.memory().arena(cache, replica, shard);
                    byte[] poison = new byte[(int) arena.spec().pageBytes()];
                    Arrays.fill(poison, (byte) 0xFF);
                    arena.write(0, 0, poison);
                }
            }
        }
    }

    private void run() {
        scheduler.run(flights).subscribe(nothing -> {}, cause -> found(Finding.of(cause)));
        for (int turn = 0; finding == null && !isOver(); turn++) {
            if (turn == WILD_TURNS) {
                calm = true;
                clients.calmDown();
            }
            if (!act(random.nextInt(100)) && !actSomehow()) {
                stuck("nothing is left to do");
            } else if (turn == MOST_TURNS) {
                stuck("it goes round in circles");
            }
        }
        if (finding == null) {
            checkEnd();
        }
    }

    /** What broke the claim first; null if nothing did. */
    @Nullable
    Finding finding() {
        return finding;
    }

    /** {@return tokens held against the dense model's} */
    long comparedTokens() {
        return compared;
    }

    void compared() {
        compared++;
    }

    void found(Finding what) {
        if (finding == null) {
            finding = what;
        }
    }

    void finished(SequenceWatch watch) {
        clients.finished(watch);
    }

    boolean isDisposed() {
        return disposed;
    }

    boolean isInFlight(SequenceId sequence) {
        return flights.hasEntryOf(sequence);
    }

    SchedulerSnapshot snapshot() {
        return Objects.requireNonNull(scheduler.snapshot().toFuture().getNow(null));
    }

    private boolean isOver() {
        return clients.areOver() && flights.isEmpty() && device.delayed() == 0 && !time.isWaiting();
    }

    private void stuck(String why) {
        found(new Finding(Finding.Kind.STUCK, why + ", " + snapshot()));
    }

    // ---- what happens

    private boolean act(int choice) {
        if (choice < 8) {
            return clients.arriveIfQuiet();
        } else if (choice < 28) {
            return clients.act();
        } else if (choice < 66) {
            return compute();
        } else if (choice < 88) {
            return complete();
        } else if (choice < 92) {
            return releaseBatch();
        } else if (choice < 95) {
            return passTime();
        }
        return !calm && disturb(choice);
    }

    /** What keeps a run going, whatever chance says. */
    private boolean actSomehow() {
        if (compute() || complete() || releaseBatch() || passTime()) {
            return true;
        }
        SequenceWatch starving = clients.starving();
        if (starving != null && !disposed) {
            stuck("nothing is in flight, and yet " + starving.id() + " has not got what it asked for");
            return true;
        }
        return clients.arrive() || clients.askAll();
    }

    private boolean disturb(int choice) {
        return switch (choice) {
            case 95 -> scenario.has(Event.CLEAR) && clearCache();
            case 96 -> scenario.has(Event.DISPOSE) && random.nextInt(6) == 0 && dispose();
            case 97 -> scenario.has(Event.STEP_FAULT) && random.nextInt(4) == 0 && failStep();
            default -> false;
        };
    }

    private boolean compute() {
        Flights.Entry entry = flights.computable(random);
        if (entry == null) {
            return false;
        }
        SequenceId sequence = entry.sequence();
        long step = entry.flight().step.number();
        if (step > doomed.getOrDefault(sequence, Long.MAX_VALUE) || clients.hasFailed(sequence)) {
            // It counts for nothing, and it may lack what it builds on. But it still writes its slots.
            entry.garble(model);
        } else if (scenario.has(Event.ENTRY_FAULT) && !calm && random.nextInt(60) == 0) {
            coverage.saw(Condition.ENTRY_FAILED);
            doomed.put(sequence, step);
            entry.garble(model);
            entry.fail(new InjectedFailure("entry", Set.of(sequence)));
        } else {
            entry.compute(model);
        }
        return true;
    }

    private boolean complete() {
        Flights.Flight flight = flights.takeComputed(random);
        if (flight == null) {
            return false;
        }
        flight.succeed();
        return true;
    }

    private boolean failStep() {
        Flights.Flight flight = flights.takeAny(random);
        if (flight == null) {
            return false;
        }
        coverage.saw(Condition.STEP_FAILED);
        Set<SequenceId> mayFail = flight.sequences();
        mayFail.forEach(sequence -> doomed.merge(sequence, flight.step.number(), Math::min));
        if (flight.step.copies() > 0) {
            mayFail.addAll(clients.names()); // forks whose copy it carried need not have an entry in it
        }
        flight.fail(model, new InjectedFailure("step", mayFail));
        return true;
    }

    private boolean releaseBatch() {
        boolean any = device.delayed() > 0;
        device.releaseNext();
        return any;
    }

    private boolean passTime() {
        boolean any = time.isWaiting();
        time.pass();
        return any;
    }

    private boolean clearCache() {
        boolean any = scheduler.metrics().cachedBlocks() > 0;
        boolean cleared = now(scheduler.clearCache().toFuture());
        see(cleared && any, Condition.CACHE_CLEARED);
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

    private FaultyDeviceMemory.Fault fault() {
        if (!calm && scenario.has(Event.LATE) && random.nextInt(3) == 0) {
            coverage.saw(Condition.BATCH_LATE);
            return FaultyDeviceMemory.Fault.DELAY;
        } else if (!calm && scenario.has(Event.BATCH_FAULT) && random.nextInt(8) == 0) {
            coverage.saw(Condition.BATCH_FAILED);
            return FaultyDeviceMemory.Fault.FAIL;
        }
        return FaultyDeviceMemory.Fault.NONE;
    }

    private static <T> T now(CompletableFuture<T> future) {
        return Objects.requireNonNull(future.getNow(null), "on one thread an answer is there at once");
    }

    // ---- what is seen

    private void seeScenario() {
        coverage.pageSize(scenario.pageSize());
        coverage.saw(Condition.valueOf("TENSOR_PARALLEL_" + scenario.tensorParallel()));
        coverage.saw(Condition.valueOf("DATA_PARALLEL_" + scenario.dataParallel()));
        coverage.saw(Condition.valueOf("OVERLAP_" + scenario.overlap()));
        boolean latent = scenario.shape().attention() == AttentionKind.MLA;
        coverage.saw(latent ? Condition.LATENT : Condition.GROUPED_QUERY);
        coverage.saw(scenario.shape().dtype() == DType.FLOAT32 ? Condition.FLOAT32 : Condition.BFLOAT16);
        see(latent && scenario.tensorParallel() > 1, Condition.LATENT_REPLICATED);
        see(scenario.draft(), Condition.DRAFT_MODEL);
        see(scenario.blocks() == scenario.blocksOfLongest(), Condition.SMALLEST_POOL);
    }

    private void see(boolean seen, Condition condition) {
        if (seen) {
            coverage.saw(condition);
        }
    }

    private void planned(Step step) {
        see(step.copies() > 0, Condition.COPY_ON_WRITE);
        for (int entry = 0; entry < step.size(); entry++) {
            boolean part = step.cacheLength(entry) > 0 || !step.samples(entry);
            if (step.isPrefill(entry) && part) {
                coverage.chunk(step.tokenCount(entry));
            }
            see(step.isPrefill(entry) && !step.samples(entry), Condition.CHUNKED_PREFILL);
            see(step.token(entry, step.tokenCount(entry) - 1) == Step.PENDING_TOKEN, Condition.PENDING_TOKEN);
        }
    }

    /** A token is about to be chosen: all logits must be the dense model's, whether or not anybody will see the token. */
    private void chosenFrom(SequenceId sequence, int position, int ofModel, float[] logits) {
        long expected = clients.of(sequence).dense().fingerprint(ofModel, position);
        if (Logits.fingerprint(logits) == expected) {
            return;
        }
        boolean poison = Logits.hasNaN(logits);
        found(new Finding(
                poison ? Finding.Kind.POISON_READ : Finding.Kind.WRONG_LOGITS,
                sequence + ": for position " + position + ", logits of model " + ofModel
                        + (poison
                                ? " are NaN: it read a page that is not its own"
                                : " are not those of the dense model")));
    }

    private void checkEnd() {
        coverage.saw(Condition.RECOMPUTE, scheduler.metrics().preemptions());
        SchedulerSnapshot end = snapshot();
        boolean cleared = now(scheduler.clearCache().toFuture());
        boolean allFree = snapshot().replicas().stream().allMatch(pool -> pool.free() == pool.usable());
        boolean allBack = cleared
                && allFree
                && end.sequences().isEmpty()
                && end.stepsInFlight().isEmpty()
                && end.replicas().stream().allMatch(pool -> pool.free() + pool.cached() == pool.usable());
        SchedulerMetrics metrics = scheduler.metrics();
        long ended = metrics.finished() + metrics.cancelled() + metrics.failed() + metrics.refused();
        if (!allBack || metrics.submitted() != ended) {
            found(new Finding(Finding.Kind.LEAK, "after everything has ended: " + end + ", " + metrics));
        }
        CompletableFuture<?> released = scheduler.disposeLater().toFuture();
        if (finding == null
                && (!released.isDone() || released.isCompletedExceptionally() || memory.allocatedBytes() != 0)) {
            found(new Finding(
                    Finding.Kind.LEAK,
                    "after the disposal: done=" + released.isDone() + ", allocatedBytes=" + memory.allocatedBytes()));
        }
    }

    private void close() {
        try {
            scheduler.disposeLater().subscribe();
            memory.close();
        } catch (RuntimeException | Error thrown) {
            found(Finding.of(thrown));
        }
    }
}
