package io.kvflux.sim;

import io.kvflux.api.Step;
import io.kvflux.core.SchedulerConfig;
import io.kvflux.core.SchedulerCore;
import io.kvflux.draft.DraftLedger;
import org.jspecify.annotations.Nullable;

/**
 * Simulated time, and what is measured along it: time-weighted use of blocks, and a tick at every whole second. While
 * nothing runs or waits, only the first and the last second of the pause have a tick.
 */
final class ReplayClock {

    private final SchedulerCore core;
    private final SchedulerConfig config;
    private final ReplayListener listener;
    private final long totalBlocks;

    private double now;
    private double nextTick;
    private double lastStepEnd;
    private double heldSeconds;
    private double heldSecondsInSteps;
    private double emptySlotSeconds;
    private long peakHeld;
    private long steps;
    private long promptBlocks;
    private long hitBlocks;
    private long outputTokens;
    private long prefillSinceTick;
    private long outputSinceTick;
    private long grantedAtTick;
    private long acceptedAtTick;
    private long rejectedAtTick;

    ReplayClock(SchedulerCore core, SchedulerConfig config, ReplayListener listener) {
        this.core = core;
        this.config = config;
        this.listener = listener;
        totalBlocks = (long) config.replicas() * config.blocksPerReplica();
    }

    double now() {
        return now;
    }

    void advanceTo(double time) {
        long held = held();
        heldSeconds += (time - now) * held;
        emptySlotSeconds += (time - now) * core.emptySlots();
        boolean idle = core.running() + core.waiting() == 0;
        while (nextTick <= time) {
            listener.onTick(tick(nextTick, held));
            prefillSinceTick = 0;
            outputSinceTick = 0;
            nextTick = idle && time - nextTick > 2 ? Math.floor(time) : nextTick + 1;
        }
        now = time;
    }

    void issued(Step step) {
        steps++;
        peakHeld = Math.max(peakHeld, held());
    }

    /** A step ends now; it must not have been given back yet. */
    void completed(Step step) {
        lastStepEnd = now;
        heldSecondsInSteps = heldSeconds;
        for (int i = 0; i < step.size(); i++) {
            prefillSinceTick += step.isPrefill(i) ? step.tokenCount(i) : 0;
        }
    }

    void admitted(int pages, int hitPages) {
        promptBlocks += pages;
        hitBlocks += hitPages;
    }

    void generated() {
        outputTokens++;
        outputSinceTick++;
    }

    /** The end of the last step: what arrives later and is refused makes a replay no longer. */
    double lastStepEnd() {
        return lastStepEnd;
    }

    long totalBlocks() {
        return totalBlocks;
    }

    long peakHeld() {
        return peakHeld;
    }

    long steps() {
        return steps;
    }

    long promptBlocks() {
        return promptBlocks;
    }

    long hitBlocks() {
        return hitBlocks;
    }

    long outputTokens() {
        return outputTokens;
    }

    @Nullable
    Double meanUsedFraction() {
        return lastStepEnd > 0 ? heldSecondsInSteps / (lastStepEnd * totalBlocks) : null;
    }

    @Nullable
    Double wastedSlotFraction() {
        return heldSeconds > 0 ? emptySlotSeconds / (heldSeconds * config.pageSize()) : null;
    }

    private long held() {
        long held = 0;
        for (int replica = 0; replica < config.replicas(); replica++) {
            held += core.pool(replica).heldBlocks();
        }
        return held;
    }

    private Tick tick(double seconds, long held) {
        long cached = 0;
        long free = 0;
        for (int replica = 0; replica < config.replicas(); replica++) {
            cached += core.pool(replica).cachedBlocks();
            free += core.pool(replica).availableBlocks();
        }
        DraftLedger drafts = core.drafts();
        long granted = drafts == null ? 0 : drafts.granted();
        long accepted = drafts == null ? 0 : drafts.accepted();
        long rejected = drafts == null ? 0 : drafts.rejected();
        Tick tick = new Tick(
                seconds,
                core.running(),
                core.waiting(),
                held,
                cached,
                totalBlocks,
                prefillSinceTick,
                outputSinceTick,
                promptBlocks,
                hitBlocks,
                core.preemptions(),
                free,
                granted - grantedAtTick,
                accepted - acceptedAtTick,
                rejected - rejectedAtTick);
        grantedAtTick = granted;
        acceptedAtTick = accepted;
        rejectedAtTick = rejected;
        return tick;
    }
}
