package io.kvflux;

import io.kvflux.api.SchedulerMetrics;
import io.kvflux.block.BlockCounts;
import io.kvflux.core.SchedulerCore;
import io.kvflux.draft.DraftLedger;
import io.kvflux.tier.Tiers;
import java.util.concurrent.atomic.AtomicLongArray;

/** Counts on the loop, shows what was counted to every thread each time the loop comes to rest. */
final class LiveMetrics implements SchedulerMetrics {

    private static final int USABLE = 0;
    private static final int FREE = 1;
    private static final int HELD = 2;
    private static final int CACHED = 3;
    private static final int WITHHELD = 4;
    private static final int RUNNING = 5;
    private static final int WAITING = 6;
    private static final int STEPS_IN_FLIGHT = 7;
    private static final int PREEMPTIONS = 8;
    private static final int OFFLOAD_PREEMPTIONS = 9;
    private static final int HOST = 10;
    private static final int HOST_RESIDENT = 11;
    private static final int OFFLOADED = 12;
    private static final int ONLOADED = 13;
    private static final int DROPPED = 14;
    private static final int TRANSFERS_IN_FLIGHT = 15;
    private static final int FIRST_OWN = 16;
    static final int PENDING = 16;
    static final int DELAYED = 17;
    static final int STEPS_COMPLETED = 18;
    static final int STEPS_FAILED = 19;
    static final int SUBMITTED = 20;
    static final int REFUSED = 21;
    static final int FINISHED = 22;
    static final int CANCELLED = 23;
    static final int FAILED = 24;
    static final int PROMPT_TOKENS = 25;
    static final int CACHED_TOKENS = 26;
    static final int GENERATED_TOKENS = 27;
    static final int TRANSFERS_FAILED = 28;
    private static final int DISK_STORED = 29;
    private static final int DISK_FETCHED = 30;
    private static final int DISK = 31;
    private static final int DISK_RESIDENT = 32;
    private static final int DISK_DROPPED = 33;
    private static final int DISK_SPOILED = 34;
    private static final int DRAFTS_GRANTED = 35;
    private static final int DRAFTS_ACCEPTED = 36;
    private static final int DRAFTS_REJECTED = 37;
    private static final int DRAFTS_ABORTED = 38;
    private static final int DRAFTS_IN_FLIGHT = 39;
    static final int DRAFTERS_FAILED = 40;
    private static final int REPLICAS_LOST = 41;
    private static final int HOST_WRITING = 42;
    private static final int COUNT = 43;

    private final long[] counted = new long[COUNT];
    private final AtomicLongArray shown = new AtomicLongArray(COUNT);

    /** Adds to one of the counters kept here; on the loop. */
    void add(int counter, long n) {
        counted[counter] += n;
    }

    /** One of the counters kept here, as it is now; on the loop. */
    long now(int counter) {
        return counted[counter];
    }

    /** Shows the present state; on the loop. */
    void show(SchedulerCore core, int replicas) {
        for (int i = 0; i < FIRST_OWN; i++) {
            counted[i] = 0;
        }
        for (int replica = 0; replica < replicas; replica++) {
            if (core.isLost(replica)) {
                continue;
            }
            BlockCounts pool = core.pool(replica);
            counted[USABLE] += pool.usableBlocks();
            counted[FREE] += pool.freeBlocks();
            counted[HELD] += pool.heldBlocks();
            counted[CACHED] += pool.cachedBlocks();
            counted[WITHHELD] += pool.withheldBlocks();
        }
        counted[REPLICAS_LOST] = (long) replicas - core.replicasLeft();
        counted[RUNNING] = core.running();
        counted[WAITING] = core.waiting();
        counted[STEPS_IN_FLIGHT] = core.stepsInFlight();
        counted[PREEMPTIONS] = core.preemptions();
        counted[OFFLOAD_PREEMPTIONS] = core.offloadPreemptions();
        Tiers tiers = core.tiers();
        if (tiers != null) {
            counted[HOST] = tiers.hostBlocks();
            counted[HOST_RESIDENT] = tiers.residentBlocks();
            counted[HOST_WRITING] = tiers.writingBlocks();
            counted[OFFLOADED] = tiers.offloadedBlocks();
            counted[ONLOADED] = tiers.onloadedBlocks();
            counted[DROPPED] = tiers.droppedBlocks();
            counted[DISK] = tiers.diskBlocks();
            counted[DISK_RESIDENT] = tiers.diskResidentBlocks();
            counted[DISK_STORED] = tiers.diskStoredBlocks();
            counted[DISK_FETCHED] = tiers.diskFetchedBlocks();
            counted[DISK_DROPPED] = tiers.diskDroppedBlocks();
            counted[DISK_SPOILED] = tiers.diskSpoiledBlocks();
            counted[TRANSFERS_IN_FLIGHT] = core.transfersInFlight();
        }
        DraftLedger drafts = core.drafts();
        if (drafts != null) {
            counted[DRAFTS_GRANTED] = drafts.granted();
            counted[DRAFTS_ACCEPTED] = drafts.accepted();
            counted[DRAFTS_REJECTED] = drafts.rejected();
            counted[DRAFTS_ABORTED] = drafts.aborted();
            counted[DRAFTS_IN_FLIGHT] = drafts.inFlight();
        }
        for (int i = 0; i < COUNT; i++) {
            shown.lazySet(i, counted[i]);
        }
    }

    @Override
    public long usableBlocks() {
        return shown.get(USABLE);
    }

    @Override
    public long freeBlocks() {
        return shown.get(FREE);
    }

    @Override
    public long heldBlocks() {
        return shown.get(HELD);
    }

    @Override
    public long cachedBlocks() {
        return shown.get(CACHED);
    }

    @Override
    public long withheldBlocks() {
        return shown.get(WITHHELD);
    }

    @Override
    public long replicasLost() {
        return shown.get(REPLICAS_LOST);
    }

    @Override
    public long running() {
        return shown.get(RUNNING);
    }

    @Override
    public long waiting() {
        return shown.get(WAITING);
    }

    @Override
    public long pending() {
        return shown.get(PENDING);
    }

    @Override
    public long delayed() {
        return shown.get(DELAYED);
    }

    @Override
    public long stepsInFlight() {
        return shown.get(STEPS_IN_FLIGHT);
    }

    @Override
    public long stepsCompleted() {
        return shown.get(STEPS_COMPLETED);
    }

    @Override
    public long stepsFailed() {
        return shown.get(STEPS_FAILED);
    }

    @Override
    public long submitted() {
        return shown.get(SUBMITTED);
    }

    @Override
    public long refused() {
        return shown.get(REFUSED);
    }

    @Override
    public long finished() {
        return shown.get(FINISHED);
    }

    @Override
    public long cancelled() {
        return shown.get(CANCELLED);
    }

    @Override
    public long failed() {
        return shown.get(FAILED);
    }

    @Override
    public long preemptions() {
        return shown.get(PREEMPTIONS);
    }

    @Override
    public long offloadPreemptions() {
        return shown.get(OFFLOAD_PREEMPTIONS);
    }

    @Override
    public long hostBlocks() {
        return shown.get(HOST);
    }

    @Override
    public long hostResidentBlocks() {
        return shown.get(HOST_RESIDENT);
    }

    @Override
    public long hostWritingBlocks() {
        return shown.get(HOST_WRITING);
    }

    @Override
    public long offloadedBlocks() {
        return shown.get(OFFLOADED);
    }

    @Override
    public long onloadedBlocks() {
        return shown.get(ONLOADED);
    }

    @Override
    public long droppedBlocks() {
        return shown.get(DROPPED);
    }

    @Override
    public long diskBlocks() {
        return shown.get(DISK);
    }

    @Override
    public long diskResidentBlocks() {
        return shown.get(DISK_RESIDENT);
    }

    @Override
    public long diskStoredBlocks() {
        return shown.get(DISK_STORED);
    }

    @Override
    public long diskFetchedBlocks() {
        return shown.get(DISK_FETCHED);
    }

    @Override
    public long diskDroppedBlocks() {
        return shown.get(DISK_DROPPED);
    }

    @Override
    public long diskSpoiledBlocks() {
        return shown.get(DISK_SPOILED);
    }

    @Override
    public long transfersInFlight() {
        return shown.get(TRANSFERS_IN_FLIGHT);
    }

    @Override
    public long transfersFailed() {
        return shown.get(TRANSFERS_FAILED);
    }

    @Override
    public long draftsGranted() {
        return shown.get(DRAFTS_GRANTED);
    }

    @Override
    public long draftsAccepted() {
        return shown.get(DRAFTS_ACCEPTED);
    }

    @Override
    public long draftsRejected() {
        return shown.get(DRAFTS_REJECTED);
    }

    @Override
    public long draftsAborted() {
        return shown.get(DRAFTS_ABORTED);
    }

    @Override
    public long draftsInFlight() {
        return shown.get(DRAFTS_IN_FLIGHT);
    }

    @Override
    public long draftersFailed() {
        return shown.get(DRAFTERS_FAILED);
    }

    @Override
    public long promptTokens() {
        return shown.get(PROMPT_TOKENS);
    }

    @Override
    public long cachedTokens() {
        return shown.get(CACHED_TOKENS);
    }

    @Override
    public long generatedTokens() {
        return shown.get(GENERATED_TOKENS);
    }

    @Override
    public String toString() {
        return "SchedulerMetrics[blocks free=" + freeBlocks() + ", held=" + heldBlocks() + ", cached=" + cachedBlocks()
                + ", withheld=" + withheldBlocks() + ", usable=" + usableBlocks() + "; sequences running=" + running()
                + ", waiting=" + waiting() + ", pending=" + pending() + ", finished=" + finished() + ", cancelled="
                + cancelled() + ", failed=" + failed() + ", refused=" + refused() + "]";
    }
}
