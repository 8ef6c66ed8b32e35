package io.kvflux.soak;

import io.kvflux.BlockScheduler;
import io.kvflux.api.SchedulerMetrics;
import io.kvflux.api.SchedulerSnapshot;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** When all sequences have ended, nothing must be held: counts of the scheduler, to the last block. */
final class QuietPoint {

    private static final long MILLISECOND = 1_000_000;
    /** What has just ended may still be on its way through the loop, or be erased by a worker. */
    private static final int LOOKS = 1_000;

    private final Life life;
    private final BlockScheduler scheduler;
    private final SchedulerMetrics metrics;

    QuietPoint(Life life) {
        this.life = life;
        scheduler = life.scheduler();
        metrics = scheduler.metrics();
    }

    /** Waits for what is in flight, then looks. */
    void look(boolean clears) {
        awaitTransfers();
        List<String> wrong = eventually(this::faults);
        if (clears && wrong.isEmpty()) {
            wrong = clear();
        }
        if (!wrong.isEmpty()) {
            life.found(Finding.Kind.ACCOUNT, "with no sequence left, " + String.join("; ", wrong) + "; " + metrics);
        }
    }

    private void awaitTransfers() {
        long end = System.nanoTime() + life.soak.scale.patience().toNanos();
        while (isBusy() && System.nanoTime() < end) {
            life.releaseDelayed();
            LockSupport.parkNanos(MILLISECOND);
        }
    }

    private boolean isBusy() {
        return metrics.stepsInFlight() + metrics.transfersInFlight() + life.device.delayed() > 0;
    }

    private List<String> faults() {
        List<String> wrong = new ArrayList<>();
        SchedulerSnapshot now = ask(scheduler.snapshot(), wrong);
        if (now == null) {
            return wrong;
        }
        if (!now.sequences().isEmpty()) {
            wrong.add("the scheduler has " + now.sequences().size() + " sequences, the first is "
                    + now.sequences().get(0));
        }
        int held = 0;
        int withheld = 0;
        int lost = 0;
        for (SchedulerSnapshot.ReplicaState replica : now.replicas()) {
            held += replica.held();
            withheld += replica.withheld();
            lost += life.soak.scale.deviceBlocks()
                    - replica.free()
                    - replica.cached()
                    - replica.held()
                    - replica.withheld();
        }
        none(wrong, "blocks are held", held);
        none(wrong, "blocks are withheld", withheld);
        none(wrong, "blocks are in no count", lost);
        none(wrong, "steps are in flight", now.stepsInFlight().size());
        none(wrong, "transfers are in flight", metrics.transfersInFlight());
        none(wrong, "slots of the host are being written to", metrics.hostWritingBlocks());
        none(wrong, "batches are delayed", life.device.delayed());
        none(wrong, "drafts are in flight", metrics.draftsInFlight());
        none(wrong, "sequences run or wait", metrics.running() + metrics.waiting() + metrics.delayed());
        none(wrong, "replicas are lost", metrics.replicasLost());
        none(
                wrong,
                "sequences were submitted and have not ended",
                metrics.submitted() - metrics.finished() - metrics.cancelled() - metrics.failed() - metrics.refused());
        ask(scheduler.verify(), wrong);
        return wrong;
    }

    private List<String> clear() {
        List<String> wrong = new ArrayList<>();
        Boolean cleared = ask(scheduler.clearCache(), wrong);
        if (!Boolean.TRUE.equals(cleared)) {
            wrong.add("the cache cannot be cleared");
            return wrong;
        }
        return eventually(this::leftovers);
    }

    private List<String> leftovers() {
        List<String> wrong = new ArrayList<>();
        none(wrong, "blocks are cached although the cache was cleared", metrics.cachedBlocks());
        none(wrong, "pages are on the host although the cache was cleared", metrics.hostResidentBlocks());
        none(wrong, "pages are on the disk although the cache was cleared", metrics.diskResidentBlocks());
        long usable = (long) LifeSettings.REPLICAS * life.soak.scale.deviceBlocks();
        none(wrong, "blocks are not free although the cache was cleared", usable - metrics.freeBlocks());
        return wrong;
    }

    private static List<String> eventually(Supplier<List<String>> look) {
        List<String> wrong = look.get();
        for (int i = 0; i < LOOKS && !wrong.isEmpty(); i++) {
            LockSupport.parkNanos(MILLISECOND);
            wrong = look.get();
        }
        return wrong;
    }

    private <T> @Nullable T ask(Mono<T> question, List<String> wrong) {
        try {
            return question.block(life.soak.scale.patience());
        } catch (RuntimeException refused) {
            wrong.add("the scheduler does not answer: " + Sentences.causes(refused));
            return null;
        }
    }

    private static void none(List<String> wrong, String what, long count) {
        if (count != 0) {
            wrong.add(count + " " + what);
        }
    }
}
