package io.kvflux.selftest;

import io.kvflux.api.SchedulerMetrics;
import io.kvflux.core.PreemptionMode;
import io.kvflux.core.SchedulerConfig;
import io.kvflux.core.VictimRule;
import io.kvflux.geometry.AttentionKind;
import io.kvflux.geometry.DType;
import io.kvflux.geometry.DataSize;
import io.kvflux.memory.BlockArenas;
import io.kvflux.memory.DeviceMemory;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * Carries out one scenario on one thread: one {@link Life} of a scheduler after another, mostly one, over the same device and
 * the same disk. Whatever happens follows from the scenario.
 */
final class ScenarioRun {

    private static final int OWN_RANDOM = -1000;
    private static final int MOST_RESTARTS = 3;

    final Scenario scenario;
    final Coverage coverage = new Coverage();
    final SplittableRandom random;
    final DeviceMemory memory;
    final AttentionPlace attention;
    final @Nullable ScenarioDisk disk;

    private Life life;
    private int restartsLeft;
    private long compared;
    private @Nullable Finding finding;

    private ScenarioRun(Scenario scenario, DeviceMemory memory, AttentionPlace attention) {
        this.scenario = scenario;
        this.memory = memory;
        this.attention = attention;
        random = new SplittableRandom(Seeds.mix(scenario.seed(), OWN_RANDOM));
        disk = scenario.diskSlots() == 0 ? null : new ScenarioDisk(scenario, random, coverage, this::found);
        try {
            life = new Life(this, ScenarioClients.arrivals(scenario), true);
        } catch (RuntimeException | Error thrown) {
            closeDisk();
            throw thrown;
        }
        restartsLeft = scenario.has(Event.RESTART) ? 1 + random.nextInt(MOST_RESTARTS) : 0;
        seeScenario();
    }

    /** Runs a scenario to its end, or to the first finding. */
    static ScenarioRun of(Scenario scenario, TestDevice device) {
        long bytes = BlockArenas.bytesPerBlock(scenario.caches()) * (scenario.blocks() + 1L);
        ScenarioRun run = of(scenario, device, device.open(new DataSize(bytes)));
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

    private static ScenarioRun of(Scenario scenario, TestDevice device, DeviceMemory memory) {
        AttentionPlace attention = null;
        try {
            attention = device.attention(memory);
            return new ScenarioRun(scenario, memory, attention);
        } catch (RuntimeException | Error thrown) {
            if (attention != null) {
                attention.close();
            }
            memory.close();
            throw thrown;
        }
    }

    private void run() {
        life.run();
        while (finding == null && life.hasNext()) {
            if (disk != null) {
                disk.changeHands();
            }
            life = new Life(this, life.comeNext(), false);
            life.run();
        }
        if (finding == null && disk != null && life.isForgotten()) {
            disk.mustBeEmpty();
        }
    }

    /** Whether a scheduler may be disposed for another one to come; it then is. */
    boolean takeRestart() {
        return restartsLeft > 0 && restartsLeft-- > 0;
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

    private void seeScenario() {
        coverage.pageSize(scenario.pageSize());
        seeIfCounted("TENSOR_PARALLEL_" + scenario.tensorParallel());
        seeIfCounted("DATA_PARALLEL_" + scenario.dataParallel());
        seeIfCounted("OVERLAP_" + scenario.overlap());
        boolean latent = scenario.shape().attention() == AttentionKind.MLA;
        coverage.saw(latent ? Condition.LATENT : Condition.GROUPED_QUERY);
        coverage.saw(scenario.shape().dtype() == DType.FLOAT32 ? Condition.FLOAT32 : Condition.BFLOAT16);
        coverage.see(latent && scenario.tensorParallel() > 1, Condition.LATENT_REPLICATED);
        coverage.see(scenario.draft(), Condition.DRAFT_MODEL);
        if (scenario.drafts() > 0) {
            seeIfCounted("DRAFTING_" + scenario.drafting());
            seeIfCounted("SPECULATION_OVERLAP_" + scenario.overlap());
        }
        coverage.see(!scenario.reservePrefills(), Condition.NO_RESERVE);
        coverage.see(!scenario.admitAfterPreemption(), Condition.NO_READMISSION);
        coverage.see(scenario.maxSkips() < SchedulerConfig.Builder.DEFAULT_MAX_SKIPS, Condition.FEW_SKIPS);
        coverage.see(scenario.blocks() == scenario.blocksOfLongest(), Condition.SMALLEST_POOL);
        coverage.see(!scenario.poison(), Condition.UNFILLED);
        coverage.see(scenario.lengths().growthMargin() != null, Condition.ROOM_FOR_GROWTH);
        if (scenario.hostBlocks() > 0) {
            seeIfCounted("HOST_" + scenario.hostPolicy());
            coverage.see(scenario.preemption() == PreemptionMode.RECOMPUTE, Condition.HOST_RECOMPUTE);
        }
    }

    /** A life of a scheduler has ended with these numbers. */
    void seeEnd(SchedulerMetrics metrics) {
        coverage.see(metrics.offloadedBlocks() > 0, Condition.OFFLOAD);
        coverage.see(metrics.onloadedBlocks() > 0, Condition.ONLOAD);
        coverage.see(metrics.droppedBlocks() > 0, Condition.HOST_DROPPED);
        coverage.see(metrics.offloadPreemptions() > 0, Condition.OFFLOAD_PREEMPTION);
        if (scenario.speculates()) {
            coverage.see(metrics.offloadPreemptions() > 0, Condition.SPECULATION_OFFLOAD);
            coverage.see(metrics.onloadedBlocks() > 0, Condition.SPECULATION_ONLOAD);
            coverage.see(metrics.diskFetchedBlocks() > 0, Condition.SPECULATION_DISK);
        }
        boolean any = metrics.preemptions() > 0;
        coverage.see(any && scenario.victim() == VictimRule.MOST_WORK, Condition.VICTIM_MOST_WORK);
        coverage.see(any && scenario.victim() == VictimRule.CHEAPEST_ROOM, Condition.VICTIM_CHEAPEST_ROOM);
    }

    /** A line may ask for more than is counted. */
    private void seeIfCounted(String name) {
        for (Condition condition : Condition.values()) {
            coverage.see(condition.name().equals(name), condition);
        }
    }

    private void close() {
        try {
            life.close();
            attention.close();
            memory.close();
        } catch (RuntimeException | Error thrown) {
            found(Finding.of(thrown));
        } finally {
            closeDisk();
        }
    }

    private void closeDisk() {
        if (disk != null) {
            disk.close();
        }
    }
}
