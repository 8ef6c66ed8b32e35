package io.kvflux.core;

import io.kvflux.api.BlockEvent;
import io.kvflux.api.FinishReason;
import io.kvflux.api.SchedulerSnapshot;
import io.kvflux.api.SequenceId;
import io.kvflux.api.SequenceSpec;
import io.kvflux.api.SequenceTooLongException;
import io.kvflux.api.Step;
import io.kvflux.api.StepResult;
import io.kvflux.block.BlockCounts;
import io.kvflux.draft.DraftLedger;
import io.kvflux.tier.Tiers;
import io.kvflux.tier.Transfer;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/**
 * The scheduling state machine. Signals go in by method calls; {@link #plan} gives the next step, {@link #complete} takes
 * its result; what happened to sequences is told to a {@link SchedulerListener} on the way.
 *
 * <p>Single-threaded, without clock, threads or I/O: the same calls give the same answers, always. Each operation checks
 * its arguments first; an argument error changes nothing.
 */
public final class SchedulerCore {

    private final SchedulerConfig config;
    private final Telling telling;
    private final Map<SequenceId, Sequence> live = new HashMap<>();
    private final WaitingQueue queue;
    private final Replica[] replicas;
    private final StepPlan[] ring;
    private final Planner planner;
    private final Preemption preemption;
    private final CoreView view;
    private final BlockCopies pendingCopies = new BlockCopies();
    private final MeasuredCosts costs = new MeasuredCosts();
    private final @Nullable Swapper swapper;
    private final @Nullable Drafts drafts;
    private final @Nullable OutputLengths lengths;
    private final Endings endings;
    private final Answers answers;

    private long lastId;
    private boolean retains;
    private long issued;
    private long completed;

    /**
     * A core with nothing in it.
     *
     * @param config everything it is told once
     * @param listener hears what happens to sequences
     */
    public SchedulerCore(SchedulerConfig config, SchedulerListener listener) {
        this.config = config;
        telling = new Telling(listener);
        lengths = config.learnsLengths() ? new OutputLengths() : null;
        queue = new WaitingQueue(config.policy(), config.ageing(), lengths);
        replicas = new Replica[config.replicas()];
        for (int i = 0; i < replicas.length; i++) {
            int replica = i;
            replicas[i] = new Replica(i, config);
            if (config.reportEmptied()) {
                replicas[i].pool.onEmptied(block -> telling.emptied(replica, block));
            }
        }
        ring = new StepPlan[config.maxStepsInFlight()];
        for (int i = 0; i < ring.length; i++) {
            ring[i] = new StepPlan(config);
        }
        Tiers tiers = config.newTiers();
        swapper = tiers == null ? null : new Swapper(config, tiers, replicas, costs, telling::transfer);
        drafts = config.speculates() ? new Drafts(config, telling, replicas, queue, swapper) : null;
        preemption = new Preemption(config, replicas, queue, swapper, drafts, costs, telling::preempted);
        endings = new Endings(live, queue, replicas, preemption, swapper, drafts, telling, lengths);
        answers = new Answers(config, replicas, swapper, drafts, endings, telling, lengths);
        planner = new Planner(config, this, telling, preemption, replicas, queue, swapper, drafts, lengths, ring[0]);
        view = new CoreView(config, replicas, live.values(), swapper);
    }

    /**
     * A sequence enters the queue.
     *
     * @param spec what is asked for
     * @param tokensAllowed tokens its consumer allows for now; Long.MAX_VALUE for all
     * @return its name
     * @throws SequenceTooLongException if the prompt and one more token need more blocks than a replica has
     */
    public SequenceId submit(SequenceSpec spec, long tokensAllowed) {
        telling.requireNotBusy();
        requireNotNegative("tokensAllowed", tokensAllowed);
        requireFits(spec.promptLength() + 1L);
        SequenceId id = new SequenceId(++lastId);
        Sequence sequence = new Sequence(id, spec, config.pageSize(), tokensAllowed);
        enter(sequence);
        queue.addLast(sequence);
        retains |= !spec.retentions().isEmpty();
        verifyIfAsked();
        return id;
    }

    /**
     * The consumer of a sequence allows more tokens. Without this a sequence is not scheduled beyond what was allowed,
     * and its blocks are the first to go under pressure; it resumes with the same tokens.
     *
     * @param id a sequence; one that has ended is ignored
     * @param tokens at least 0
     */
    public void request(SequenceId id, long tokens) {
        telling.requireNotBusy();
        requireNotNegative("tokens", tokens);
        Sequence sequence = live.get(id);
        if (sequence == null) {
            return;
        }
        sequence.granted = sequence.granted > Long.MAX_VALUE - tokens ? Long.MAX_VALUE : sequence.granted + tokens;
        queue.unpark(sequence);
        verifyIfAsked();
    }

    /**
     * A sequence ends at once; what steps in flight compute for it is void.
     *
     * @param id a sequence
     * @return false if it had ended already
     */
    public boolean cancel(SequenceId id) {
        telling.requireNotBusy();
        Sequence sequence = live.get(id);
        if (sequence == null) {
            return false;
        }
        endings.finish(sequence, FinishReason.CANCELLED, null);
        verifyIfAsked();
        return true;
    }

    /**
     * A second sequence that begins with the tokens known of another. A decoding parent shares its committed blocks; its
     * open page is copied by the next step, so neither sees the other's later tokens. The fork runs at once if fewer than
     * maxBatchSize sequences run on the parent's replica and the copy leaves the watermark. Otherwise, and if the parent
     * waits, prefills or is a fork whose own copy is in flight, the fork waits in its parent's place in the queue, just
     * behind it, and computes what it does not find.
     *
     * @param parent a sequence that has not ended
     * @param tokensAllowed tokens the fork's consumer allows for now, those generated before the fork included
     * @return the fork's name
     * @throws IllegalArgumentException if the parent has ended
     */
    public SequenceId fork(SequenceId parent, long tokensAllowed) {
        telling.requireNotBusy();
        requireNotNegative("tokensAllowed", tokensAllowed);
        Sequence from = live.get(parent);
        if (from == null) {
            throw new IllegalArgumentException("only a sequence that has not ended can be forked, parent=" + parent);
        }
        SequenceId id = new SequenceId(++lastId);
        Sequence child = new Sequence(id, from, tokensAllowed);
        enter(child);
        if (from.state != Sequence.State.RUNNING || from.prefilling() || from.computed == 0 || !share(from, child)) {
            queue.addBeside(child, from);
        }
        verifyIfAsked();
        return id;
    }

    /** {@return whether a sequence was ever submitted that has {@linkplain SequenceSpec#retain something retained}} */
    public boolean retains() {
        return retains;
    }

    /**
     * What time it is, for how long cached content is to be {@linkplain SequenceSpec#retain retained}.
     *
     * @param nanos time in nanoseconds from any origin; never less than before
     */
    public void time(long nanos) {
        for (Replica replica : replicas) {
            replica.pool.time(nanos);
        }
    }

    /**
     * Plans the next step.
     *
     * @return the step, valid until its result has been taken; null if as many steps as allowed are in flight, or there is
     *     nothing to compute now
     */
    public @Nullable Step plan() {
        telling.requireNotBusy();
        if (stepsInFlight() == ring.length) {
            return null;
        }
        StepPlan plan = ring[(int) (issued % ring.length)];
        plan.begin(issued + 1);
        if (lengths != null) {
            lengths.begin(plan.number());
        }
        queue.begin(plan.number());
        endings.planning = true;
        planner.fill(plan);
        endings.planning = false;
        if (swapper != null) {
            swapper.keepAhead();
        }
        pendingCopies.moveTo(plan.copies);
        if (plan.isEmpty()) {
            settle();
            return null;
        }
        issued++;
        settle();
        return plan;
    }

    /**
     * Takes the result of the oldest step in flight.
     *
     * @param result a token for every entry that samples, or a failure; and what became of drafts. A sequence of which more
     *     drafts are accepted than were made fails
     * @throws IllegalArgumentException if it is for another step, or a token is missing or one too many
     */
    public void complete(StepResult result) {
        telling.requireNotBusy();
        StepPlan plan = oldest(result.step());
        result.requireAnswers(plan);
        advance(plan);
        answers.take(plan, result);
        plan.clear();
        preemption.suspendIdle();
        settle();
    }

    /**
     * Tells how long the oldest step in flight took, whose result is about to come. Copying is compared with computing by it,
     * and drafts are granted by what steps take.
     *
     * @param step number of the step
     * @param seconds from the end of the step before it, or its own begin if that was later
     */
    public void took(long step, double seconds) {
        StepPlan plan = oldest(step);
        if (drafts != null) {
            drafts.took(plan, seconds);
        }
        long prefillTokens = 0;
        for (EntryList part : plan.parts) {
            for (int i = 0; i < part.size; i++) {
                prefillTokens += part.prefill[i] ? part.counts[i] : 0;
            }
        }
        costs.computed(prefillTokens, seconds);
    }

    /**
     * A transfer is over, and touches nothing any more. What was to be brought back and did not land is computed again.
     *
     * @param transfer a transfer that the listener has heard of
     * @param landed how many of its blocks are where they were to be: the first ones
     * @param seconds how long it took by itself, 0 if unknown
     * @param byPage of one that did not land whole, whether the first page that is not there is the reason: not in the store,
     *     or without room there; then it is given up, and otherwise may be tried again
     * @throws IllegalArgumentException if it has landed before, or not that many blocks can have
     */
    public void landed(Transfer transfer, int landed, double seconds, boolean byPage) {
        telling.requireNotBusy();
        if (swapper == null) {
            throw new IllegalArgumentException("without a host tier nothing lands, " + transfer);
        }
        Sequence sequence = swapper.landed(transfer, landed, seconds, byPage);
        if (sequence != null && sequence.held) {
            preemption.pause(sequence);
        }
        settle();
    }

    /**
     * A sequence gives up its device blocks and is not scheduled until it is {@linkplain #resume resumed}; then it goes on
     * with the same tokens. With a host tier its KV is kept there, else it is computed again.
     *
     * @param id a sequence; one that has ended is ignored
     */
    public void pause(SequenceId id) {
        telling.requireNotBusy();
        Sequence sequence = live.get(id);
        if (sequence == null || sequence.held) {
            return;
        }
        if (sequence.state == Sequence.State.WAITING) {
            queue.remove(sequence);
            sequence.held = true;
            queue.put(sequence);
        } else {
            sequence.held = true;
            if (sequence.loading == null && !sequence.suspending) {
                preemption.pause(sequence);
            }
        }
        settle();
    }

    /**
     * A sequence that was {@linkplain #pause paused} may be scheduled again.
     *
     * @param id a sequence; one that has ended or was not paused is ignored
     */
    public void resume(SequenceId id) {
        telling.requireNotBusy();
        Sequence sequence = live.get(id);
        if (sequence != null && sequence.held) {
            sequence.held = false;
            queue.unpark(sequence);
            settle();
        }
    }

    /**
     * The oldest step in flight failed as a whole, and no longer touches any block. Its sequences end with the cause, unless
     * a replica was {@linkplain #loseReplica lost} while it was in flight: then they are preempted, and compute again.
     *
     * @param step number of the step
     * @param cause why
     * @throws IllegalArgumentException if another step is the oldest in flight
     */
    public void fail(long step, Throwable cause) {
        telling.requireNotBusy();
        Objects.requireNonNull(cause, "cause");
        StepPlan plan = oldest(step);
        advance(plan);
        endings.fail(plan, inFlight(), cause);
        plan.clear();
        preemption.suspendIdle();
        settle();
    }

    /**
     * The block copies of a step in flight failed, and no longer touch any block. The forks they were for end with the
     * cause, but for those preempted since; what the step computes for them is void. The other sequences go on.
     *
     * @param step number of a step in flight
     * @param cause why
     * @throws IllegalArgumentException if the step is not in flight
     */
    public void failCopies(long step, Throwable cause) {
        telling.requireNotBusy();
        Objects.requireNonNull(cause, "cause");
        if (step <= completed || step > issued) {
            throw new IllegalArgumentException("only a step in flight has copies, step=" + step + ", completed="
                    + completed + ", issued=" + issued);
        }
        endings.failForks(inFlight((int) (step - completed - 1)), cause);
        verifyIfAsked();
    }

    /**
     * The memory of a replica is lost for good. Who runs on it ends with the cause; who waits goes to another. Nobody is
     * admitted to it any more, its cached content is forgotten, and what steps in flight compute there counts for nothing.
     * Its blocks are never given out again; its pool stays, and gets back what steps and copies in flight withhold.
     *
     * @param replica in [0, replicas)
     * @param cause why
     * @throws IllegalArgumentException if it is lost already
     */
    public void loseReplica(int replica, Throwable cause) {
        telling.requireNotBusy();
        Objects.requireNonNull(cause, "cause");
        if (isLost(replica)) {
            throw new IllegalArgumentException("a replica is lost once, replica=" + replica);
        }
        pendingCopies.drop(replica);
        endings.lose(replicas[replica], inFlight(), issued, cause);
        settle();
    }

    /**
     * Whether a replica is {@linkplain #loseReplica lost}.
     *
     * @param replica in [0, replicas)
     * @return whether nobody runs on it any more
     */
    public boolean isLost(int replica) {
        return replicas[replica].lost;
    }

    /** {@return replicas that are not {@linkplain #loseReplica lost}} */
    public int replicasLeft() {
        int left = 0;
        for (Replica replica : replicas) {
            left += replica.lost ? 0 : 1;
        }
        return left;
    }

    /**
     * Whether a replica was lost while a step was in flight, so that its failure ends nobody.
     *
     * @param step number of a step that was planned
     * @return whether it was planned before a replica was lost, and had not completed by then
     */
    public boolean spares(long step) {
        return endings.spares(step);
    }

    /**
     * How much of a prompt the cache holds now, that of the host included. Advisory: by the time it is submitted this may have changed. Changes
     * nothing, the order of eviction included.
     *
     * @param spec a prompt with its salt, adapter and media
     * @return tokens that need not be computed on the best replica, a multiple of the page size, at most its length - 1
     */
    public int match(SequenceSpec spec) {
        telling.requireNotBusy();
        return view.match(spec);
    }

    /** {@return a copy of the state: sequences in order of submission, pools by replica, steps in flight} */
    public SchedulerSnapshot snapshot() {
        return view.snapshot(
                LongStream.rangeClosed(completed + 1, issued).boxed().toList());
    }

    /**
     * Tells from now on what becomes findable in the cache and what no longer is. If it does so already, it goes on as it
     * did, and only the content is given.
     *
     * @param at number of the last event before
     * @param numbers gives each event its number
     * @param sink takes the events as they happen; must not call the core
     * @return all that is findable now on any tier, parents before their children on a device, under the number {@code at}
     */
    public List<BlockEvent.Stored> startBlockEvents(long at, LongSupplier numbers, Consumer<BlockEvent> sink) {
        telling.requireNotBusy();
        return view.startBlockEvents(at, numbers, sink);
    }

    /** Tells no more of block events. */
    public void stopBlockEvents() {
        telling.requireNotBusy();
        for (Replica replica : replicas) {
            replica.pool.stopEvents();
        }
        if (swapper != null) {
            swapper.tiers().stopEvents();
        }
    }

    /**
     * Who drafts: a drafter beside the steps, which the listener is asked to ask, or the steps themselves. A sequence goes
     * over when it has no drafts in flight.
     *
     * @param beside whether it is a drafter, from now on
     * @throws IllegalStateException if nobody drafts
     */
    public void draftBeside(boolean beside) {
        telling.requireNotBusy();
        requireDrafts().turn(beside, live.values());
        verifyIfAsked();
    }

    /**
     * The drafter has made its next draft of a sequence.
     *
     * @param id a sequence
     * @param token the token id, not negative
     * @return false if it was not asked for, or is not wanted any more; then nothing has changed
     */
    public boolean drafted(SequenceId id, int token) {
        telling.requireNotBusy();
        requireNotNegative("token", token);
        Sequence sequence = live.get(id);
        if (sequence == null || !requireDrafts().brought(sequence, token)) {
            return false;
        }
        verifyIfAsked();
        return true;
    }

    /**
     * The drafter makes no more drafts of a sequence from where it was asked to begin.
     *
     * @param id a sequence; one that has ended is ignored
     * @param failed whether it is not to be asked about this sequence any more
     */
    public void draftsEnded(SequenceId id, boolean failed) {
        telling.requireNotBusy();
        Sequence sequence = live.get(id);
        if (sequence != null) {
            requireDrafts().ended(sequence, failed);
            verifyIfAsked();
        }
    }

    private DraftStreams requireDrafts() {
        if (drafts == null) {
            throw new IllegalStateException("nobody drafts: the caches have no draft tokens, or the policy is off");
        }
        return drafts.streams();
    }

    /** {@return sequences that have not ended} */
    public int liveSequences() {
        return live.size();
    }

    /**
     * Forgets all cached content, on every tier.
     *
     * @return false, with nothing changed, if a sequence runs, or a step in flight or a transfer holds a block
     */
    public boolean clearCache() {
        telling.requireNotBusy();
        // One that runs without a block may keep pages of the host that are to be brought to it.
        if (running() + transfersInFlight() > 0) {
            return false;
        }
        for (Replica replica : replicas) {
            if (!replica.lost && replica.pool.heldBlocks() + replica.pool.withheldBlocks() > 0) {
                return false;
            }
        }
        for (Replica replica : replicas) {
            replica.pool.clearCache(); // of one that is lost there is nothing to clear
        }
        if (swapper != null) {
            swapper.tiers().clear(telling::erase);
        }
        verifyIfAsked();
        return true;
    }

    /**
     * No step will be planned any more: blocks that wait for the next one, because it was to copy them for a fork, are let go.
     *
     * @throws IllegalStateException if a sequence has not ended, or a step or a transfer is in flight
     */
    public void close() {
        telling.requireNotBusy();
        if (!live.isEmpty() || stepsInFlight() > 0 || transfersInFlight() > 0) {
            throw new IllegalStateException("a core is closed when everything has ended, sequences=" + live.size()
                    + ", stepsInFlight=" + stepsInFlight() + ", transfersInFlight=" + transfersInFlight());
        }
        pendingCopies.clear();
        issued++;
        completed = issued;
        for (Replica replica : replicas) {
            replica.pool.completed(completed);
        }
        verifyIfAsked();
    }

    /** {@return steps issued whose result is not in} */
    public int stepsInFlight() {
        return (int) (issued - completed);
    }

    /** {@return sequences that hold blocks} */
    public int running() {
        return view.running();
    }

    /** {@return sequences that wait for admission, or for their consumer} */
    public int waiting() {
        return queue.size();
    }

    /** {@return transfers begun that have not landed} */
    public int transfersInFlight() {
        return swapper == null ? 0 : swapper.inFlight().size();
    }

    /** {@return preemptions so far} */
    public long preemptions() {
        return preemption.recomputed() + preemption.offloaded();
    }

    /** {@return of those, the ones whose KV went to the host} */
    public long offloadPreemptions() {
        return preemption.offloaded();
    }

    /** {@return drafts granted and what became of them, live; null if nobody drafts} */
    public @Nullable DraftLedger drafts() {
        return drafts == null ? null : drafts.ledger();
    }

    /** {@return what the tiers below the devices hold, live; null if there are none} */
    public @Nullable Tiers tiers() {
        return swapper == null ? null : swapper.tiers();
    }

    /**
     * The counters of a replica's pool.
     *
     * @param replica in [0, replicas)
     * @return its counters, live
     */
    public BlockCounts pool(int replica) {
        return replicas[replica].pool;
    }

    /** {@return slots in held blocks that no token of their sequence has been placed in; walks the running sequences} */
    public long emptySlots() {
        return view.emptySlots();
    }

    /**
     * Checks the whole structure: every sequence in one place, every block accounted for, every count equal to what is
     * counted.
     *
     * @throws IllegalStateException naming the first rule that does not hold, with its values
     */
    public void verify() {
        new CoreVerifier(config, replicas, queue, live, this).verify();
    }

    @Override
    public String toString() {
        return "SchedulerCore[stepsInFlight=" + stepsInFlight() + ", sequences=" + live.values() + "]";
    }

    /** What has to hold after every operation. */
    private void settle() {
        if (swapper != null) {
            swapper.flush();
        }
        verifyIfAsked();
    }

    void outgrown(Sequence sequence, int tokens) {
        endings.finish(sequence, FinishReason.FAILED, tooLong(tokens));
    }

    /** Tenants whose accounts are kept. */
    int knownTenants() {
        return queue.lanes();
    }

    /** The step's plan by its age, 0 for the oldest in flight. */
    StepPlan inFlight(int age) {
        return ring[(int) ((completed + age) % ring.length)];
    }

    /** The plans of all steps in flight, the oldest first. */
    private List<StepPlan> inFlight() {
        return IntStream.range(0, stepsInFlight()).mapToObj(this::inFlight).toList();
    }

    private void enter(Sequence sequence) {
        live.put(sequence.id, sequence);
        if (lengths != null) {
            lengths.enter(sequence);
        }
        queue.enter(sequence);
        if (drafts != null) {
            drafts.enter(sequence);
        }
    }

    /** Lets a fork run at once if its parent decodes and an admission would leave as much room. */
    private boolean share(Sequence from, Sequence child) {
        if (completed < from.copiedIn && from.copiedIn <= issued) {
            return false; // should the step fail, the open page was never written
        }
        Replica replica = replicas[from.replica];
        int committed = from.table.committed();
        int open = replica.blocks(from.computed) - committed;
        if (replica.running.size() >= config.maxBatchSize()
                || open > replica.pool.availableBlocks() - replica.watermarkBlocks()
                || (swapper != null && !swapper.makeRoom(replica, open))
                || !replica.pool.fork(from.table, child.table, open)) {
            return false;
        }
        for (int i = committed; i < committed + open; i++) {
            int source = pendingCopies.origin(from.replica, from.table.block(i));
            pendingCopies.add(from.replica, source, child.table.block(i), child);
        }
        if (open > 0) {
            // The copy is part of the next step: until that has completed both ends stay where they are.
            from.table.touch(issued + 1);
            child.table.touch(issued + 1);
            child.copiedIn = issued + 1;
        }
        child.state = Sequence.State.RUNNING;
        child.replica = from.replica;
        child.computed = from.computed;
        child.scheduled = from.computed;
        child.prefillTarget = child.length - child.computed > 1 ? child.length : child.computed;
        replica.running.add(child);
        telling.admitted(child, child.computed, 0);
        return true;
    }

    private StepPlan oldest(long step) {
        if (stepsInFlight() == 0 || step != completed + 1) {
            throw new IllegalArgumentException("results come in the order of steps, expected="
                    + (stepsInFlight() == 0 ? "none" : completed + 1) + ", step=" + step);
        }
        return inFlight(0);
    }

    private void advance(StepPlan plan) {
        completed = plan.number();
        for (Replica replica : replicas) {
            replica.pool.completed(completed);
        }
    }

    private void requireFits(long tokens) {
        long needed = (tokens + config.pageSize() - 1) / config.pageSize();
        if (needed > config.blocksPerReplica()) {
            throw tooLong(tokens);
        }
    }

    private SequenceTooLongException tooLong(long tokens) {
        long needed = (tokens + config.pageSize() - 1) / config.pageSize();
        return new SequenceTooLongException(
                (int) Math.min(Integer.MAX_VALUE, tokens),
                (int) Math.min(Integer.MAX_VALUE, needed),
                config.blocksPerReplica(),
                config.pageSize());
    }

    private void verifyIfAsked() {
        if (config.verifyInvariants()) {
            verify();
        }
    }

    private static void requireNotNegative(String name, long value) {
        if (value < 0) {
            throw new IllegalArgumentException(name + " must not be negative, " + name + "=" + value);
        }
    }
}
