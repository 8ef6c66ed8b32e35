package io.kvflux.sim;

import io.kvflux.api.FinishReason;
import io.kvflux.api.SequenceId;
import io.kvflux.api.SequenceSpec;
import io.kvflux.api.SequenceTooLongException;
import io.kvflux.api.Step;
import io.kvflux.api.StepResult;
import io.kvflux.core.SchedulerConfig;
import io.kvflux.core.SchedulerCore;
import io.kvflux.core.SchedulerListener;
import io.kvflux.tier.Transfer;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.SplittableRandom;
import java.util.function.BiConsumer;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Replay with time. A virtual clock jumps from event to event: an arrival, or the end of the oldest step in flight. The
 * simulated device carries out one step after another; all replicas run their part of a step together, so a step takes as
 * long as its slowest replica. The device alone knows how long outputs are: it samples the stop token at their end.
 */
final class TimedReplay implements SchedulerListener {

    private record InFlight(Step step, double seconds, double end) {}

    /** What is remembered of a request until it ends. */
    private static final class Live {
        final SimRequest request;
        final double arrival;
        final String tenant;
        final TimedMemory.Content content;
        final Decoding decoding;
        double admitted = Double.NaN;
        double firstToken = Double.NaN;
        int tokens;
        int hitTokens;
        int preemptions;

        Live(SimRequest request, double arrival, String tenant) {
            this.request = request;
            this.arrival = arrival;
            this.tenant = tenant;
            content = new TimedMemory.Content(request);
            decoding = new Decoding(request);
        }
    }

    private static final double NEVER = Double.POSITIVE_INFINITY;

    /** Blocks on their way, and when they will be there. */
    private record Copy(Transfer transfer, double seconds, double end) {}

    private final Workload workload;
    private final ReplayOptions options;
    private final ReplayListener listener;
    private final BooleanSupplier stopped;
    private BiConsumer<Step, SchedulerCore> planned = (step, core) -> {};
    private final SchedulerCore core;
    private final SchedulerConfig config;
    private final ReplayClock clock;
    private final SplittableRandom dealer;
    private final Map<SequenceId, Live> live = new HashMap<>();
    private final Deque<InFlight> inFlight = new ArrayDeque<>();
    private final PriorityQueue<Copy> copies = new PriorityQueue<>(Comparator.comparingDouble(Copy::end));
    /** When the link of each replica is free in each direction. */
    private final double[][] linkFree;
    /** When the disk is, which takes one transfer after another for all replicas. */
    private double diskFree;

    private final @Nullable TimedMemory memory;
    private final StepResult result = new StepResult();
    private final Samples ttft = new Samples();
    private final Samples tpot = new Samples();
    private final Samples latency = new Samples();

    private @Nullable SimRequest next;
    private long firstArrivalNanos;
    private double deviceFree;
    private boolean ending;

    private long requests;
    private long completed;
    private long rejected;
    private long failed;
    private long promptTokens;
    private long hostHitBlocks;
    private long diskHitBlocks;
    private long verifiedRounds;
    /** Whether the sequence that was admitted last had never been before. */
    private boolean admittedFirst;

    TimedReplay(Workload workload, ReplayOptions options, ReplayListener listener, BooleanSupplier stopped) {
        this.workload = workload;
        this.options = options;
        this.listener = listener;
        this.stopped = stopped;
        config = options.scheduler();
        core = new SchedulerCore(config, this);
        clock = new ReplayClock(core, config, listener);
        linkFree = new double[config.replicas()][Transfer.Direction.values().length];
        dealer = new SplittableRandom(options.seed());
        memory = options.withMemory() ? new TimedMemory(options) : null;
        if (core.tiers() != null && disk() != null) {
            disk().below(core.tiers());
        }
    }

    private @Nullable PatternDisk disk() {
        return memory == null ? null : memory.pages().disk();
    }

    @Nullable
    TimedMemory memory() {
        return memory;
    }

    /** Who looks at every step right after it was planned. */
    void onPlan(BiConsumer<Step, SchedulerCore> look) {
        planned = look;
    }

    ReplayResult run() {
        try {
            return replay();
        } finally {
            if (memory != null) {
                memory.close();
            }
        }
    }

    private ReplayResult replay() {
        long begin = System.nanoTime();
        next = workload.next();
        firstArrivalNanos = next == null ? 0 : next.arrivalNanos();
        while (!stopped.getAsBoolean() && advance()) {
            submitArrivals();
            issueSteps();
        }
        boolean partial = next != null || !live.isEmpty();
        end();
        double[] sortedTtft = ttft.sorted();
        double[] sortedTpot = tpot.sorted();
        double[] sortedLatency = latency.sorted();
        ReplaySummary summary = summary(
                ReplaySummary.Distribution.ofSorted(sortedTtft),
                ReplaySummary.Distribution.ofSorted(sortedTpot),
                ReplaySummary.Distribution.ofSorted(sortedLatency),
                (System.nanoTime() - begin) / 1e9);
        return new ReplayResult(
                summary,
                sortedTtft,
                sortedTpot,
                sortedLatency,
                memory == null ? null : memory.checkedBlocks(),
                partial);
    }

    /** Goes to the next event and, if it is the end of a step, takes its result; false when nothing is to come. */
    private boolean advance() {
        InFlight oldest = inFlight.peek();
        double arrival = next == null ? NEVER : seconds(next);
        double end = oldest == null ? NEVER : oldest.end;
        double copied = copies.isEmpty() ? NEVER : copies.peek().end;
        if (arrival == NEVER && end == NEVER && copied == NEVER) {
            if (!live.isEmpty()) {
                throw new IllegalStateException("every sequence comes to an end, left=" + live.size() + ", " + core);
            }
            return false;
        }
        clock.advanceTo(Math.min(Math.min(arrival, end), copied));
        if (copied <= Math.min(arrival, end)) {
            Copy copy = copies.remove();
            landed(copy.transfer, copy.seconds);
        } else if (end <= arrival) {
            clock.completed(oldest.step);
            core.took(oldest.step.number(), oldest.seconds);
            complete(inFlight.remove().step);
        }
        return true;
    }

    private void submitArrivals() {
        while (next != null && seconds(next) <= clock.now()) {
            submit(next);
            next = workload.next();
        }
    }

    private void submit(SimRequest request) {
        requests++;
        promptTokens += request.inputLength();
        String tenant = "tenant-" + dealer.nextInt(options.tenants());
        Live entry = new Live(request, seconds(request), tenant);
        SequenceSpec spec = SequenceSpec.of(request.promptTokens())
                .stopTokens(SimRequest.STOP_TOKEN)
                .expectedTokens(request.expectedTokens())
                .tenant(tenant);
        try {
            live.put(core.submit(spec, Long.MAX_VALUE), entry);
        } catch (SequenceTooLongException e) {
            rejected++;
            ended(entry, "rejected");
        }
    }

    private void issueSteps() {
        Step step;
        while ((step = core.plan()) != null) {
            planned.accept(step, core);
            double seconds = StepCost.seconds(step, options);
            deviceFree = Math.max(clock.now(), deviceFree) + seconds;
            inFlight.add(new InFlight(step, seconds, deviceFree));
            clock.issued(step);
        }
    }

    private void landed(Transfer transfer, double seconds) {
        int landed = memory == null ? transfer.size() : memory.landed(transfer);
        core.landed(transfer, landed, seconds, true);
    }

    private void complete(Step step) {
        if (memory != null) {
            computeInMemory(step);
        }
        result.reset(step);
        for (int i = 0; i < step.size(); i++) {
            if (step.samples(i)) {
                Live entryOf = live.get(step.sequence(i));
                verifiedRounds += entryOf != null && step.drafts(i) > 0 ? 1 : 0;
                Decoding.answer(step, i, entryOf == null ? null : entryOf.decoding, result, options);
            }
        }
        core.complete(result);
    }

    private void computeInMemory(Step step) {
        for (int replica = 0; replica < step.replicas(); replica++) {
            for (int entry = step.firstEntry(replica); entry < step.firstEntry(replica + 1); entry++) {
                Live entryOf = live.get(step.sequence(entry));
                if (entryOf != null) {
                    int begin = entryOf.decoding.begin(step, entry);
                    int accepted = entryOf.decoding.accepted(step, entry, options);
                    memory.compute(step, replica, entry, entryOf.content, begin, accepted);
                }
            }
        }
    }

    /** Cancels what is left of a replay that was stopped, and lets the device finish, so that every block is back. */
    private void end() {
        ending = true;
        List.copyOf(live.keySet()).forEach(core::cancel);
        live.clear();
        do {
            while (!inFlight.isEmpty()) {
                complete(inFlight.remove().step);
            }
            while (!copies.isEmpty()) {
                landed(copies.remove().transfer, 0);
            }
            issueSteps();
        } while (!inFlight.isEmpty() || !copies.isEmpty());
    }

    /** The copies of a direction take turns, first come first served, and so do those of the disk. */
    @Override
    public void transfer(Transfer transfer) {
        double bytes = transfer.size() * (double) config.caches().hostBytesPerBlock();
        if (transfer.direction().isOfStore()) {
            double seconds = bytes / options.disk().bytesPerSecond();
            diskFree = Math.max(clock.now(), diskFree) + seconds;
            copies.add(new Copy(transfer, seconds, diskFree));
            countFetched(transfer);
            return;
        }
        double seconds = bytes / options.hostBytesPerSecond();
        double[] free = linkFree[transfer.replica()];
        int direction = transfer.direction().ordinal();
        free[direction] = Math.max(clock.now(), free[direction]) + seconds;
        copies.add(new Copy(transfer, seconds, free[direction]));
    }

    /** What a sequence finds on the disk is asked for as soon as it is admitted. */
    private void countFetched(Transfer transfer) {
        if (transfer.direction() == Transfer.Direction.FETCH && admittedFirst) {
            hostHitBlocks -= transfer.size();
            diskHitBlocks += transfer.size();
            admittedFirst = false;
        }
    }

    @Override
    public void admitted(SequenceId id, int replica, int hitTokens, int hostTokens) {
        Live entry = live.get(id);
        entry.content.admitted(hitTokens, hostTokens);
        admittedFirst = Double.isNaN(entry.admitted);
        if (admittedFirst) {
            entry.admitted = clock.now();
            entry.hitTokens = hitTokens;
            hostHitBlocks += hostTokens / config.pageSize();
            clock.admitted(
                    entry.request.inputLength() / config.pageSize(), (hitTokens - hostTokens) / config.pageSize());
        }
    }

    @Override
    public void token(SequenceId id, int index, int token) {
        Live entry = live.get(id);
        entry.tokens++;
        clock.generated();
        if (index == 0) {
            entry.firstToken = clock.now();
        }
    }

    @Override
    public void preempted(SequenceId id) {
        live.get(id).preemptions++;
    }

    @Override
    public void finished(SequenceId id, FinishReason reason, @Nullable Throwable cause) {
        if (ending) {
            return;
        }
        Live entry = live.remove(id);
        if (reason == FinishReason.FAILED) {
            failed++;
            ended(entry, "failed");
            return;
        }
        completed++;
        ttft.add(entry.firstToken - entry.arrival);
        latency.add(clock.now() - entry.arrival);
        if (entry.tokens > 1) {
            tpot.add((clock.now() - entry.firstToken) / (entry.tokens - 1));
        }
        ended(entry, "completed");
    }

    private void ended(Live entry, String outcome) {
        listener.onRequest(new RequestRow(
                entry.request.index(),
                entry.tenant,
                entry.request.inputLength(),
                entry.tokens,
                entry.hitTokens,
                entry.preemptions,
                entry.arrival,
                entry.admitted,
                entry.firstToken,
                clock.now(),
                outcome));
        listener.onProgress(completed + rejected + failed, workload.size());
    }

    private double seconds(SimRequest request) {
        return (request.arrivalNanos() - firstArrivalNanos) / 1e9;
    }

    private ReplaySummary summary(
            ReplaySummary.Distribution ttftSeconds,
            ReplaySummary.Distribution tpotSeconds,
            ReplaySummary.Distribution latencySeconds,
            double wallSeconds) {
        long inserted = 0;
        long evicted = 0;
        long available = 0;
        for (int replica = 0; replica < config.replicas(); replica++) {
            inserted += core.pool(replica).insertedPages();
            evicted += core.pool(replica).evictedPages();
            available += core.pool(replica).availableBlocks();
        }
        return new ReplaySummary(
                workload.name(),
                requests,
                completed,
                rejected,
                failed,
                promptTokens,
                clock.outputTokens(),
                clock.promptBlocks(),
                clock.hitBlocks(),
                clock.hitBlocks() * config.pageSize(),
                inserted,
                evicted,
                clock.totalBlocks() - available,
                clock.steps(),
                new ReplaySummary.Preemptions(
                        core.preemptions() - core.offloadPreemptions(), core.offloadPreemptions()),
                ttftSeconds,
                tpotSeconds,
                latencySeconds,
                clock.lastStepEnd(),
                clock.lastStepEnd() > 0 ? clock.outputTokens() / clock.lastStepEnd() : null,
                new ReplaySummary.Blocks(
                        clock.totalBlocks(), clock.peakHeld(), clock.meanUsedFraction(), clock.wastedSlotFraction()),
                ReplaySummary.Tiers.of(core.tiers(), hostHitBlocks, diskSummary()),
                ReplaySummary.Drafts.of(core.drafts(), verifiedRounds),
                wallSeconds);
    }

    private ReplaySummary.@Nullable Disk diskSummary() {
        requireSound(hostHitBlocks >= 0, 0);
        if (core.tiers() == null || disk() == null) {
            return null;
        }
        ReplaySummary.Disk disk = disk().summary(core.tiers(), diskHitBlocks);
        boolean allAreFirst = core.preemptions() == 0 && disk.corruptBlocks() == 0;
        requireSound(!allAreFirst || disk.fetchedBlocks() == diskHitBlocks, disk.fetchedBlocks());
        return disk;
    }

    private void requireSound(boolean holds, long fetched) {
        if (!holds) {
            throw new IllegalStateException("a page hits on one tier, hostHits=" + hostHitBlocks + ", diskHits="
                    + diskHitBlocks + ", fetched=" + fetched);
        }
    }
}
