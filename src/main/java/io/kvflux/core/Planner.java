package io.kvflux.core;

import io.kvflux.block.PrefixMatch;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Plans one step: decodes first, then the next chunks of admitted prompts, then admissions. Blocks are taken as an entry
 * is placed, so a plan that was returned can be carried out as it is.
 */
final class Planner {

    /** Candidates that may fail to fit in one plan before it stops looking; each costs a walk through its prompt. */
    private static final int MAX_REFUSED = 8;

    /** More than any victim costs that is neither overdue nor paused, and whole numbers near it are exact. */
    private static final double OVERDUE = 1e15;

    private static final double PAUSED = 4e15;

    private final SchedulerConfig config;
    private final SchedulerCore core;
    private final Telling telling;
    private final Preemption preemption;
    private final Replica[] replicas;
    private final WaitingQueue queue;
    private final PrefixMatch[] matches;
    private final @Nullable Swapper swapper;
    private final @Nullable Drafts drafts;
    private final @Nullable GrowthForecast[] forecasts;
    private final @Nullable Levelling levelling;
    private final List<Sequence> refused = new ArrayList<>();
    private StepPlan plan;
    private boolean preempted;
    /** Whether some that were to be placed run no more, and are still in their replica's list. */
    private boolean stopped;

    Planner(
            SchedulerConfig config,
            SchedulerCore core,
            Telling telling,
            Preemption preemption,
            Replica[] replicas,
            WaitingQueue queue,
            @Nullable Swapper swapper,
            @Nullable Drafts drafts,
            @Nullable OutputLengths lengths,
            StepPlan first) {
        this.config = config;
        this.core = core;
        this.telling = telling;
        this.preemption = preemption;
        this.replicas = replicas;
        this.queue = queue;
        this.swapper = swapper;
        this.drafts = drafts;
        plan = first;
        forecasts = new GrowthForecast[config.growthMargin() == null ? 0 : replicas.length];
        for (int i = 0; i < forecasts.length; i++) {
            forecasts[i] = new GrowthForecast(
                    Objects.requireNonNull(lengths), config.pageSize(), Objects.requireNonNull(config.growthMargin()));
        }
        levelling = config.levelling() ? new Levelling(config, queue, preemption, this) : null;
        matches = new PrefixMatch[replicas.length];
        for (int i = 0; i < matches.length; i++) {
            matches[i] = new PrefixMatch();
        }
    }

    void fill(StepPlan target) {
        plan = target;
        if (levelling != null) {
            levelling.level(replicas);
        }
        do {
            // A plan that only preempted is no step yet: what it freed is given out in another pass.
            preempted = false;
            for (Replica replica : replicas) {
                replica.beginPlan();
                stopped = false;
                keepForEldest(replica);
                if (placeDecodes(replica)) {
                    placePrefills(replica);
                }
                if (stopped) {
                    replica.dropStopped();
                }
            }
            admit();
            if (config.verifyInvariants()) {
                verifyCounted();
            }
            plan.seal();
        } while (preempted && plan.size() == 0);
        if (drafts != null) {
            drafts.grant(plan);
        }
    }

    /**
     * By victim rules of length: of those that run the one that was submitted first, if it is overdue and does not pause. It
     * gets its blocks before anybody else does, and gives way to nobody, so it runs to its end.
     */
    @Nullable
    Sequence eldest(Replica replica) {
        Sequence eldest = null;
        if (config.victimRule().isByLength()) {
            for (int i = 0; i < replica.running.size(); i++) {
                Sequence sequence = replica.running.get(i);
                if (sequence.state == Sequence.State.RUNNING
                        && !sequence.suspending
                        && !sequence.paused()
                        && (eldest == null || sequence.submittedAfter < eldest.submittedAfter)) {
                    eldest = sequence;
                }
            }
        }
        return eldest == null || !queue.isOverdue(eldest) ? null : eldest;
    }

    /** Before anybody is placed: blocks for the eldest are there or will be, and nobody else takes them. */
    private void keepForEldest(Replica replica) {
        Sequence eldest = eldest(replica);
        replica.eldest = eldest;
        int blocks = eldest == null ? 0 : wanted(replica, eldest);
        if (drafts != null && blocks > 0) {
            drafts.giveWay(replica, blocks);
        }
        while (replica.pool.availableBlocks() + coming(replica) < blocks) {
            Sequence victim = victim(replica, Objects.requireNonNull(eldest));
            preempted = true;
            stopped = true;
            preemption.preempt(victim);
            if (victim == eldest) {
                return;
            }
        }
        replica.kept = blocks;
    }

    /** Blocks that the next entry of one that runs takes at most, or what is to be brought back of it. */
    private int wanted(Replica replica, Sequence sequence) {
        if (sequence.awaitsLoad()) {
            return sequence.reserved ? 0 : sequence.claimed;
        }
        int tokens = sequence.prefilling() ? chunk(replica, sequence.scheduled, sequence.prefillTarget) : 1;
        int blocks = replica.blocks(sequence.scheduled + tokens);
        return sequence.placeable() && blocks <= replica.pool.usableBlocks()
                ? Math.max(0, blocks - sequence.table.size())
                : 0;
    }

    /** Whether there are others: that prefill, or wait for what the host has of them. */
    private boolean placeDecodes(Replica replica) {
        if (drafts != null) {
            drafts.begin(replica);
        }
        int count = replica.running.size();
        int start = replica.cursor;
        int firstLeftOut = -1;
        boolean others = false;
        for (int i = 0; i < count; i++) {
            int at = start + i < count ? start + i : start + i - count;
            Sequence sequence = replica.running.get(at);
            others |= sequence.prefilling() || sequence.awaitsLoad();
            if (!sequence.placeable() || sequence.prefilling()) {
                replica.pausing |= sequence.paused();
                continue;
            }
            if (!replica.hasRoomFor(1, sequence.scheduled + 1)) {
                firstLeftOut = firstLeftOut < 0 ? at : firstLeftOut;
                continue;
            }
            int verified = drafts == null ? 0 : drafts.toVerify(replica, sequence);
            if (secure(replica, sequence, sequence.scheduled + 1 + verified)) {
                place(replica, sequence, 1 + verified, verified, false);
            }
        }
        replica.cursor = Math.max(0, firstLeftOut);
        return others;
    }

    private void placePrefills(Replica replica) {
        for (int i = 0; i < replica.running.size(); i++) {
            Sequence sequence = replica.running.get(i);
            if (sequence.awaitsLoad() && sequence.state == Sequence.State.RUNNING) {
                load(replica, sequence);
            }
            if (!sequence.placeable() || !sequence.prefilling()) {
                continue;
            }
            int chunk = chunk(replica, sequence.scheduled, sequence.prefillTarget);
            if (chunk == 0) {
                // Those admitted past it would decode beside its next chunk, and could keep it out for ever.
                replica.closed = true;
            } else if (secure(replica, sequence, sequence.scheduled + chunk)) {
                place(replica, sequence, chunk, 0, true);
            }
        }
    }

    /** Brings back what a sequence found on the host, preempting others if there are no blocks for it otherwise. */
    private void load(Replica replica, Sequence sequence) {
        if (sequence.reserved || obtain(replica, sequence, sequence.claimed)) {
            Objects.requireNonNull(swapper).load(replica, sequence);
        }
    }

    /** The tokens that fit of a prompt computed up to {@code from}; 0 if none. */
    private int chunk(Replica replica, int from, int target) {
        int remaining = target - from;
        int chunk = Math.min(remaining, replica.tokensLeft);
        if (chunk < remaining && remaining - chunk < config.minChunkTokens()) {
            chunk = Math.max(0, remaining - config.minChunkTokens());
        }
        return replica.hasRoomFor(chunk, from + chunk) ? chunk : 0;
    }

    private void place(Replica replica, Sequence sequence, int tokens, int verified, boolean prefill) {
        int context = sequence.scheduled + tokens;
        boolean samples = !prefill || context == sequence.prefillTarget;
        replica.place(tokens, context);
        plan.parts[replica.index].add(sequence, tokens, verified, prefill, samples);
        sequence.table.touch(plan.number());
        sequence.scheduled = context;
        sequence.pending += samples ? 1 + verified : 0;
        if (drafts != null) {
            drafts.issued(sequence, verified);
        }
        sequence.placedIn = plan.number();
        queue.charge(sequence, tokens);
    }

    /**
     * Gets the blocks for {@code tokens} tokens, preempting others if it must.
     *
     * @return false if the sequence cannot be placed in this step; then it may have been preempted or have failed itself
     */
    private boolean secure(Replica replica, Sequence sequence, int tokens) {
        int extra = replica.blocks(tokens) - sequence.table.size();
        if (extra <= 0) {
            return true;
        }
        if (replica.blocks(tokens) > replica.pool.usableBlocks()) {
            if (sequence.pending == 0) {
                core.outgrown(sequence, tokens);
                stopped = true;
            }
            return false;
        }
        return obtain(replica, sequence, extra);
    }

    private boolean obtain(Replica replica, Sequence sequence, int extra) {
        if (drafts != null) {
            drafts.giveWay(replica, extra);
        }
        while (!grow(replica, sequence, extra)) {
            if (replica.pool.availableBlocks() + coming(replica) >= extra + replica.keptFrom(sequence)) {
                return false;
            }
            Sequence victim = victim(replica, sequence);
            preempted = true;
            stopped = true;
            preemption.preempt(victim);
            if (victim == sequence) {
                return false;
            }
        }
        return true;
    }

    /** Blocks that come back without anybody being preempted: from steps in flight, and from copies. */
    private int coming(Replica replica) {
        return replica.pool.withheldBlocks() + (swapper == null ? 0 : replica.suspendingBlocks());
    }

    private boolean grow(Replica replica, Sequence sequence, int extra) {
        int blocks = extra + replica.keptFrom(sequence);
        if (swapper == null ? replica.pool.availableBlocks() < blocks : !swapper.makeRoom(replica, blocks)) {
            return false;
        }
        if (sequence == replica.eldest) {
            replica.kept = 0;
        }
        return replica.pool.grow(sequence.table, extra);
    }

    /**
     * Among those not placed in this step the one that costs least, of equals the last admitted. The asker is one; the eldest is
     * only if it asks and there is nobody else.
     */
    private Sequence victim(Replica replica, Sequence asker) {
        Sequence best = null;
        double least = 0;
        for (int i = replica.running.size() - 1; i >= 0; i--) {
            Sequence sequence = replica.running.get(i);
            if (sequence.state != Sequence.State.RUNNING
                    || sequence.placedIn == plan.number()
                    || sequence.suspending
                    || sequence.reserved
                    || sequence == replica.eldest) {
                continue;
            }
            double cost = cost(replica, sequence);
            if (best == null || cost < least) {
                best = sequence;
                least = cost;
            }
        }
        if (best == null && asker == replica.eldest) {
            return asker;
        }
        if (best == null) {
            throw new IllegalStateException(
                    "a sequence that needs a block is running itself, replica=" + replica.index);
        }
        return best;
    }

    /**
     * What preempting a sequence costs by the rule; least goes first. One that would free no block goes last, one whose
     * consumer pauses before all others, and by rules of length who is overdue after all that are not.
     */
    private double cost(Replica replica, Sequence sequence) {
        int freed = replica.pool.exclusiveBlocks(sequence.table);
        VictimRule rule = config.victimRule();
        if (freed == 0) {
            return rule == VictimRule.LAST_ADMITTED ? 0 : Double.POSITIVE_INFINITY;
        }
        long lost = sequence.scheduled - (long) (sequence.table.size() - freed) * config.pageSize();
        double cost = switch (rule) {
            case LAST_ADMITTED -> 0;
            case LEAST_COST -> preemption.cost(lost, freed);
            case MOST_WORK -> -sequence.work();
            case CHEAPEST_ROOM -> preemption.cost(lost, freed) / ((double) freed * sequence.remaining());
        };
        if (rule.isByLength() && queue.isOverdue(sequence)) {
            cost = OVERDUE - sequence.submittedAfter;
        }
        return sequence.paused() ? cost - PAUSED : cost;
    }

    private void admit() {
        refused.clear();
        for (Replica replica : replicas) {
            replica.beginAdmissions();
        }
        for (GrowthForecast forecast : forecasts) {
            forecast.expire();
        }
        Sequence sequence;
        while (mayAdmit() && (sequence = queue.candidate(refused)) != null) {
            if (admit(sequence)) {
                if (passedOver()) {
                    return;
                }
            } else if (sequence.skips >= config.maxSkips() || refused.size() == MAX_REFUSED) {
                return;
            } else {
                refused.add(sequence);
            }
        }
    }

    /** Checks what this plan has counted of those that run, so as not to walk them again. */
    private void verifyCounted() {
        for (Replica replica : replicas) {
            replica.verifyOwed();
            if (!replica.pausing && replica.running.stream().anyMatch(this::mayGo)) {
                throw new IllegalStateException("invariant broken: it is known whether somebody pauses, replica="
                        + replica.index + ", running=" + replica.running);
            }
        }
    }

    /** Counts an admission against those it went past; true when everybody is to wait for one of them from now on. */
    private boolean passedOver() {
        boolean enough = false;
        for (int i = 0; i < refused.size(); i++) {
            enough |= ++refused.get(i).skips >= config.maxSkips();
        }
        return enough;
    }

    private boolean mayAdmit() {
        if (preempted && !config.admitAfterPreemption()) {
            return false;
        }
        for (Replica replica : replicas) {
            if (replica.hasRoom()) {
                return true;
            }
        }
        return false;
    }

    /** Whether the queue has got rid of the sequence: by admitting it, as a rule. */
    private boolean admit(Sequence sequence) {
        if (sequence.pending > 0) {
            return false; // its last tokens are still on their way
        }
        if (replicas[0].blocks(sequence.length) > config.blocksPerReplica()) {
            core.outgrown(sequence, sequence.length); // it was preempted just when it outgrew its replica
            return true;
        }
        Replica best = null;
        for (Replica replica : replicas) {
            if (replica.hasRoom()) {
                match(replica, sequence);
                if (fits(replica, sequence)
                        && firstChunk(replica, sequence) > 0
                        && (best == null || isBetter(replica, best))) {
                    best = replica;
                }
            }
        }
        if (best == null) {
            best = afterPreemptingPaused(sequence);
        }
        if (best == null) {
            return false;
        }
        admit(best, sequence);
        return true;
    }

    private void admit(Replica replica, Sequence sequence) {
        PrefixMatch match = matches[replica.index];
        int hitTokens = match.pages() * config.pageSize();
        int chunk = firstChunk(replica, sequence);
        int newBlocks = replica.blocks(hitTokens + chunk) - match.pages();
        int allTokens = swapper == null ? hitTokens : swapper.match(replica, sequence, match);
        if (!replica.pool.open(sequence.table, sequence.scope, match, swapper == null ? newBlocks : 0)) {
            throw new IllegalStateException("a whole prompt fits but its first chunk does not, newBlocks=" + newBlocks);
        }
        queue.admit(sequence);
        sequence.state = Sequence.State.RUNNING;
        sequence.replica = replica.index;
        sequence.computed = hitTokens;
        sequence.scheduled = hitTokens;
        sequence.prefillTarget = sequence.length;
        sequence.skips = 0;
        replica.running.add(sequence);
        if (forecasts.length > 0) {
            Objects.requireNonNull(forecasts[replica.index]).admitted(sequence, heldHits(replica));
        }
        if (swapper == null) {
            telling.admitted(sequence, hitTokens, 0);
            place(replica, sequence, chunk, 0, true);
        } else {
            swapper.claim(sequence, allTokens); // which the host may have no room for
            telling.admitted(sequence, sequence.claimedTokens, sequence.claimedTokens - hitTokens);
            begin(swapper, replica, sequence, chunk);
        }
        replica.admitted();
    }

    /** A sequence that was admitted brings back what the host has of it, or is placed if there are blocks for it already. */
    private void begin(Swapper swapper, Replica replica, Sequence sequence, int chunk) {
        swapper.fetch(sequence);
        if (sequence.claimed > 0) {
            replica.slotsLeft--;
            if (grow(replica, sequence, sequence.claimed)) {
                swapper.load(replica, sequence);
            }
            return;
        }
        int extra = replica.blocks(sequence.scheduled + chunk) - sequence.table.size();
        if (grow(replica, sequence, extra)) {
            place(replica, sequence, chunk, 0, true);
        }
    }

    private int firstChunk(Replica replica, Sequence sequence) {
        return chunk(replica, matches[replica.index].pages() * config.pageSize(), sequence.length);
    }

    private void match(Replica replica, Sequence sequence) {
        int maxPages = config.prefixCaching() ? (sequence.length - 1) / config.pageSize() : 0;
        replica.pool.match(sequence.scope, sequence.tokens, maxPages, sequence.keys, matches[replica.index]);
    }

    /** The gate: all that is known of the sequence must fit. */
    private boolean fits(Replica replica, Sequence sequence) {
        return missing(replica, sequence) <= 0;
    }

    /** Blocks that lack for the gate. Unless nobody holds a block, some are left to those that are admitted. */
    private int missing(Replica replica, Sequence sequence) {
        int now = missingNow(replica, sequence);
        if (now > 0 || forecasts.length == 0 || replica.running.isEmpty() || sequence.hurried) {
            return now;
        }
        GrowthForecast forecast = Objects.requireNonNull(forecasts[replica.index]);
        return forecast.peak(replica, sequence, heldHits(replica)) - config.blocksPerReplica();
    }

    /** Blocks that lack for a sequence to be admitted now, and are not on their way back. */
    int lacking(Replica replica, Sequence sequence) {
        match(replica, sequence);
        return missingNow(replica, sequence) - coming(replica);
    }

    private int missingNow(Replica replica, Sequence sequence) {
        int need = replica.blocks(sequence.length) - heldHits(replica);
        int spare = replica.pool.availableBlocks() - replica.kept;
        if (!replica.running.isEmpty()) {
            spare -= replica.watermarkBlocks() + replica.owedBlocks();
        }
        return need - spare;
    }

    /** Blocks of the match that others hold. */
    private int heldHits(Replica replica) {
        PrefixMatch match = matches[replica.index];
        return match.pages() - match.cachedPages();
    }

    private boolean isBetter(Replica replica, Replica best) {
        int pages = matches[replica.index].pages();
        int bestPages = matches[best.index].pages();
        return pages > bestPages || (pages == bestPages && replica.pool.heldBlocks() < best.pool.heldBlocks());
    }

    /** A paused consumer must not keep others out: its blocks go before anybody waits for them. */
    private @Nullable Replica afterPreemptingPaused(Sequence sequence) {
        Replica best = null;
        for (Replica replica : replicas) {
            if (replica.hasRoom()
                    && firstChunk(replica, sequence) > 0
                    && pausedHoldEnough(replica, sequence)
                    && (best == null || isBetter(replica, best))) {
                best = replica;
            }
        }
        return best != null && preemptPaused(best, sequence) && mayAdmit() ? best : null;
    }

    /**
     * Whether preempting all that pause is sure to help, so that none is preempted in vain. Blocks that only paused
     * sequences share are left out, unless nobody else runs.
     */
    private boolean pausedHoldEnough(Replica replica, Sequence sequence) {
        int freed = coming(replica);
        boolean onlyPaused = replica.pausing && !replica.running.isEmpty();
        for (int i = 0; replica.pausing && i < replica.running.size(); i++) {
            Sequence other = replica.running.get(i);
            boolean goes = mayGo(other);
            freed += goes ? replica.pool.exclusiveBlocks(other.table) : 0;
            onlyPaused &= goes;
        }
        return onlyPaused || missing(replica, sequence) <= freed;
    }

    /** Preempts as few as it takes; false if what steps in flight withhold has to come back first. */
    private boolean preemptPaused(Replica replica, Sequence sequence) {
        for (int i = replica.running.size() - 1; i >= 0 && missing(replica, sequence) > coming(replica); i--) {
            Sequence paused = replica.running.get(i);
            if (mayGo(paused)) {
                preempted = true;
                preemption.preempt(paused);
                replica.dropStopped();
                if (forecasts.length > 0) {
                    Objects.requireNonNull(forecasts[replica.index]).expire();
                }
                match(replica, sequence);
            }
        }
        return fits(replica, sequence) && firstChunk(replica, sequence) > 0;
    }

    private boolean mayGo(Sequence sequence) {
        return sequence.paused() && sequence.placedIn != plan.number() && !sequence.suspending && !sequence.reserved;
    }
}
