package io.kvflux.selftest;

import io.kvflux.BlockScheduler;
import io.kvflux.BlockSchedulerBuilder;
import io.kvflux.api.SchedulerMetrics;
import io.kvflux.geometry.DType;
import io.kvflux.geometry.DataSize;
import io.kvflux.tier.disk.DiskException;
import io.kvflux.tier.disk.DiskLayout;
import io.kvflux.tier.disk.DiskRecovery;
import io.kvflux.tier.disk.DiskStore;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import reactor.core.scheduler.Schedulers;

/**
 * The disk of a scenario, which outlives its schedulers: a directory of its own, and what must hold of it whenever nobody
 * has it. As long as nothing was damaged it must hold exactly what the schedulers have stored.
 */
final class ScenarioDisk implements AutoCloseable {

    private static final int UNKNOWN = -1;

    private final Scenario scenario;
    private final SplittableRandom random;
    private final Coverage coverage;
    private final Consumer<Finding> found;
    private final TemporaryDirectory directory = TemporaryDirectory.make("selftest");
    private final DiskLayout layout;
    private final DataSize size;
    private final DiskDamage damage;

    /** Pages that the next scheduler must find, or UNKNOWN. */
    private int pages;

    ScenarioDisk(Scenario scenario, SplittableRandom random, Coverage coverage, Consumer<Finding> found) {
        this.scenario = scenario;
        this.random = random;
        this.coverage = coverage;
        this.found = found;
        layout = DiskLayout.of(scenario.caches());
        size = DiskStore.sizeOf(layout, scenario.diskSlots());
        damage = new DiskDamage(directory.path, scenario.diskSlots(), random);
        if (scenario.has(Event.DISK_FAULT) && random.nextInt(8) == 0) {
            damage.takeName();
        }
    }

    void giveTo(BlockSchedulerBuilder builder) {
        builder.disk(directory.path, size);
    }

    /** Damages what a scheduler has, in a way that it survives. */
    boolean rot() {
        return damage.inUse();
    }

    boolean isDamaged() {
        return damage.isDone();
    }

    /** The cache was cleared: how many pages that left is not known. */
    void cleared() {
        pages = UNKNOWN;
    }

    /**
     * A scheduler is gone that had the disk.
     *
     * @param failed transfers that failed, but for those between device and host that were made to
     */
    void closed(SchedulerMetrics metrics, long failed) {
        coverage.see(failed > 0 && !damage.isForeign() && isDamaged(), Condition.DISK_MISS);
        coverage.see(failed > 0 && damage.isForeign(), Condition.DISK_NO_ROOM);
        if (failed > 0 && !isDamaged()) {
            wrong("nobody damaged it, and yet " + failed + " transfers failed");
        }
        coverage.see(metrics.diskStoredBlocks() > 0, Condition.DISK_STORED);
        coverage.see(metrics.diskStoredBlocks() > scenario.diskSlots(), Condition.DISK_REUSED);
        coverage.see(metrics.diskFetchedBlocks() > 0, Condition.DISK_FETCHED);
        if (pages != UNKNOWN) {
            pages = (int) Math.min(scenario.diskSlots(), pages + metrics.diskStoredBlocks());
        }
    }

    /** Between two schedulers: looks at the disk, has others try to take it, and damages it. */
    void changeHands() {
        boolean damagedFirst = scenario.has(Event.DISK_FAULT) && random.nextBoolean() && damage.atRest();
        lookInto();
        refuseOtherGeometry();
        if (scenario.has(Event.DISK_FAULT) && !damagedFirst && random.nextInt(4) > 0) {
            damage.atRest();
        }
    }

    private void lookInto() {
        try (DiskStore store = DiskStore.open(directory.path, layout, size)) {
            DiskRecovery recovery = store.recovery();
            int bad = recovery.torn() + recovery.corrupt() + recovery.stale() + recovery.damagedSegments();
            coverage.see(bad > 0, Condition.DISK_DAMAGE_FOUND);
            boolean lost = pages != UNKNOWN && recovery.recovered() != pages;
            if (!isDamaged() && (bad + recovery.foreignFiles() > 0 || lost)) {
                wrong("nobody damaged it, and it must hold " + (pages == UNKNOWN ? "any number of" : pages) + " pages, "
                        + recovery);
            }
            pages = recovery.recovered();
            mustRefuse(scenario, "heldBy=", Condition.DISK_LOCKED);
        }
    }

    /** With all pages cleared nothing must be left for later runs. */
    void mustBeEmpty() {
        if (isDamaged()) {
            return;
        }
        try (DiskStore store = DiskStore.open(directory.path, layout, size)) {
            if (store.recovery().recovered() > 0) {
                wrong("it was cleared, " + store.recovery());
            }
        }
    }

    private void refuseOtherGeometry() {
        if (!damage.leftOurs()) {
            return;
        }
        ScenarioText text = ScenarioText.of(scenario);
        int tensorParallel = scenario.tensorParallel();
        boolean single = scenario.shape().dtype() == DType.FLOAT32;
        ScenarioText other = switch (random.nextInt(tensorParallel > 1 ? 3 : 2)) {
            case 0 -> text.with("page", "" + (scenario.pageSize() + 1));
            case 1 -> text.with("dtype", single ? "bfloat16" : "float32");
            default -> text.with("tp", "" + tensorParallel / 2);
        };
        mustRefuse(other.scenario(), "expected=", Condition.DISK_REFUSED);
    }

    /** A scheduler must not get the directory, and must not change it. */
    private void mustRefuse(Scenario other, String because, Condition seen) {
        Map<String, Long> before = damage.sums();
        try {
            BlockScheduler opened = BlockScheduler.builder(other.caches())
                    .deviceBlocks(1)
                    .hostSwapBlocks(1)
                    .copyOn(Schedulers.immediate())
                    .loopOn(Schedulers.immediate())
                    .disk(directory.path, new DataSize(2 * size.bytes()))
                    .build();
            opened.disposeLater().subscribe();
            wrong("it gave itself to a scheduler with " + other);
        } catch (DiskException refused) {
            coverage.saw(seen);
            if (!refused.getMessage().contains(because) || !before.equals(damage.sums())) {
                wrong("a scheduler that it refused changed it, or it does not say why: " + refused.getMessage());
            }
        }
    }

    private void wrong(String sentence) {
        found.accept(new Finding(Finding.Kind.WRONG_DISK, "the disk: " + sentence));
    }

    @Override
    public void close() {
        directory.close();
    }
}
