package io.kvflux;

import io.kvflux.api.DraftContext;
import io.kvflux.api.FinishReason;
import io.kvflux.api.QueueFullException;
import io.kvflux.api.SchedulerDisposedException;
import io.kvflux.api.SchedulerRecorder;
import io.kvflux.api.SequenceId;
import io.kvflux.api.SequenceSpec;
import io.kvflux.api.SequenceTooLongException;
import io.kvflux.api.Tier;
import io.kvflux.core.SchedulerCore;
import io.kvflux.core.SchedulerListener;
import io.kvflux.tier.Transfer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Schedulers;

/**
 * What stands behind the public face: sequences on their way into the core and out of it. Everything but the final fields
 * belongs to the loop.
 */
final class Shell implements Loop.Work, SchedulerListener {

    private enum State {
        OPEN,
        /** No sequence enters; those inside go on. */
        CLOSING,
        /** Every sequence has ended; steps in flight may still come back. */
        CLOSED,
        RELEASING,
        RELEASED
    }

    final Settings settings;
    final Loop loop;
    /** Where clients hear tokens, block events, answers and disposals. */
    final Lanes clients;
    /** Where steps are handed out, so that clients who block do not hold them up. */
    final Lanes inner;

    /** Null if the blocks' bytes are somebody else's. */
    final @Nullable StepMemory memory;

    /** Null without a host tier. */
    final @Nullable HostSwap swap;

    final SchedulerCore core;
    final Steps steps;
    final Losses losses;
    final EventHub events;
    final Drafting drafting;
    final LiveMetrics metrics = new LiveMetrics();
    private final SchedulerRecorder recorder;
    /** Completes when nothing enters any more. */
    final Sinks.Empty<Void> closed = Sinks.empty();

    private final Map<SequenceId, SequenceFlow> flows = new HashMap<>();
    /** In order of submission; a set, because any of them may leave. */
    private final LinkedHashSet<SequenceFlow> waitingForRoom = new LinkedHashSet<>();

    private final List<SequenceFlow> touched = new ArrayList<>();
    private final List<ArrivalGate> gates = new ArrayList<>();
    private final List<Closer> closers = new ArrayList<>();
    private final Release release;
    private final Outlet closedNotice = new Outlet() {
        @Override
        void run() {}

        @Override
        void deliver() {
            closed.tryEmitEmpty();
        }
    };

    private State state = State.OPEN;
    private int pending;
    private @Nullable SequenceFlow forking;
    private @Nullable Throwable abortCause;
    private @Nullable Throwable stopCause;
    private @Nullable Throwable bug;

    Shell(Settings settings, @Nullable StepMemory memory, @Nullable HostSwap swap) {
        this.settings = settings;
        this.memory = memory;
        this.swap = swap;
        recorder = new GuardedRecorder(settings.recorder());
        loop = new Loop(settings.loopOn(), this);
        clients = new Lanes(settings.deliverOn(), settings.deliveryLanes());
        inner = new Lanes(settings.deliverOn(), settings.deliveryLanes());
        core = new SchedulerCore(settings.config(), this);
        steps = new Steps(this, core, settings);
        losses = new Losses(this, core, settings.config().replicas());
        events = new EventHub(core);
        drafting = new Drafting(this);
        release = new Release(this, this::giveBack);
        if (swap != null) {
            swap.of(this);
        }
        metrics.show(core, settings.config().replicas());
    }

    // ---- what the loop works for

    @Override
    public void settle() {
        if (bug != null) {
            releaseWhenIdle();
            return;
        }
        boolean again;
        do {
            fillRoom();
            again = steps.plan() && !waitingForRoom.isEmpty() && hasRoom();
        } while (again);
        if (swap != null && memory != null) {
            swap.begin(memory, steps.filling());
        }
        openGates();
        if (state == State.CLOSING && flows.isEmpty() && waitingForRoom.isEmpty()) {
            end(null);
        }
        releaseWhenIdle();
        metrics.show(core, settings.config().replicas());
    }

    private void releaseWhenIdle() {
        if (state == State.CLOSED && steps.idle() && (swap == null || swap.idle())) {
            state = State.RELEASING;
            if (bug == null) {
                core.close();
            }
            inner.offer(release);
        }
    }

    @Override
    public void broken(@Nullable Signal signal, Throwable thrown) {
        if (bug == null) {
            bug = thrown;
            endBroken();
        } else {
            Lanes.drop(thrown);
        }
        if (signal != null) {
            signal.abort(broken());
        }
    }

    private void endBroken() {
        SchedulerDisposedException end = broken();
        // The core is not to be asked any more, so its sequences end here.
        flows.values().forEach(flow -> flow.abort(end));
        flows.clear();
        waitingForRoom.forEach(flow -> refuse(flow, end));
        waitingForRoom.clear();
        gates.clear();
        if (state == State.OPEN || state == State.CLOSING) {
            state = State.CLOSED;
        }
        steps.breakOff(end);
        if (swap != null) {
            swap.breakOff();
        }
        events.end(end);
        drafting.end(end);
        inner.offer(closedNotice);
    }

    @Override
    public void rest() {
        inner.wake();
        drafting.lanes.wake();
        clients.wake();
    }

    /** Refuses to ask a broken core. */
    void requireWhole() {
        if (bug != null) {
            throw broken();
        }
    }

    boolean isWhole() {
        return bug == null;
    }

    private SchedulerDisposedException broken() {
        return new SchedulerDisposedException(
                "the scheduler found its own state broken and has stopped; please report this", bug);
    }

    // ---- sequences

    void enter(SequenceFlow flow) {
        metrics.add(LiveMetrics.SUBMITTED, 1);
        if (flow.gate != null) {
            flow.gate.arrived();
        }
        if (state != State.OPEN) {
            refuse(flow, bug == null ? disposed() : broken());
            return;
        }
        flow.submitted(nowNs());
        if (hasRoom() && waitingForRoom.isEmpty()) {
            submit(flow);
        } else if (flow.gate != null || settings.whenFull() == WhenFull.DELAY) {
            flow.phase = SequenceFlow.Phase.WAITING_FOR_ROOM;
            waitingForRoom.add(flow);
            metrics.add(LiveMetrics.DELAYED, 1);
        } else {
            refuse(flow, new QueueFullException(pending, settings.maxPending()));
        }
    }

    void grant(SequenceFlow flow) {
        long more = flow.ungranted();
        if (more > 0) {
            flow.granted(more);
            core.request(flow.name(), more);
        }
    }

    /** The client of a sequence wants no more. */
    void cancel(SequenceFlow flow) {
        leave(flow, null);
    }

    /** A sequence ends because its client broke a rule. */
    void abort(SequenceFlow flow, Throwable cause) {
        leave(flow, cause);
    }

    private void leave(SequenceFlow flow, @Nullable Throwable cause) {
        switch (flow.phase) {
            case NEW -> {
                if (flow.gate != null) {
                    flow.gate.arrived();
                }
                flow.end(cause);
            }
            case WAITING_FOR_ROOM -> {
                waitingForRoom.remove(flow);
                metrics.add(LiveMetrics.DELAYED, -1);
                metrics.add(cause == null ? LiveMetrics.CANCELLED : LiveMetrics.FAILED, 1);
                flow.end(cause);
                ended(flow, cause == null ? FinishReason.CANCELLED : FinishReason.FAILED);
            }
            case LIVE -> {
                if (bug == null) {
                    abortCause = cause;
                    core.cancel(flow.name());
                    abortCause = null;
                }
            }
            case ENDED -> {}
        }
        clients.offer(flow);
    }

    private void submit(SequenceFlow flow) {
        pending(1);
        try {
            SequenceId id = flow.parent == null ? submitNew(flow) : submitFork(flow);
            flow.live(id);
            flows.put(id, flow);
        } catch (SequenceTooLongException | IllegalArgumentException refused) {
            pending(-1);
            refuse(flow, refused);
        }
    }

    private SequenceId submitNew(SequenceFlow flow) {
        SequenceSpec spec = flow.spec();
        if (flow.gate != null) {
            settings.requireInVocabulary(spec); // else it was looked at when it was handed in
        }
        flow.begin(spec, spec.promptLength(), 0);
        long allowed = flow.ungranted();
        SequenceId id = core.submit(spec, allowed);
        flow.granted(allowed);
        return id;
    }

    private SequenceId submitFork(SequenceFlow flow) {
        SequenceFlow from = flows.get(flow.parent);
        if (from == null) {
            throw new IllegalArgumentException(
                    "only a live sequence of this scheduler can be forked, it is unknown or has ended: " + flow.parent);
        }
        flow.begin(from.spec(), from.promptTokens() + from.generatedTokens(), from.outputTokens());
        long allowed = flow.ungranted();
        forking = flow;
        SequenceId id = core.fork(from.name(), allowed);
        forking = null;
        flow.granted(allowed);
        return id;
    }

    private void refuse(SequenceFlow flow, Throwable cause) {
        metrics.add(LiveMetrics.REFUSED, 1);
        recorder.refused(cause);
        flow.end(cause);
        clients.offer(flow);
    }

    private boolean hasRoom() {
        return pending < settings.maxPending();
    }

    private void fillRoom() {
        while (hasRoom() && !waitingForRoom.isEmpty()) {
            submit(nextWaiting());
        }
    }

    private SequenceFlow nextWaiting() {
        Iterator<SequenceFlow> first = waitingForRoom.iterator();
        SequenceFlow flow = first.next();
        first.remove();
        metrics.add(LiveMetrics.DELAYED, -1);
        return flow;
    }

    private void pending(int change) {
        pending += change;
        metrics.add(LiveMetrics.PENDING, change);
    }

    // ---- arrivals

    void open(ArrivalGate gate) {
        if (state == State.OPEN) {
            gates.add(gate);
        }
    }

    void close(ArrivalGate gate) {
        gates.remove(gate);
    }

    /**
     * Asks for as many sequences as can wait, shared evenly among those who bring them. What was asked for cannot be taken
     * back, so no source is asked for so much that one that brings nothing keeps the others waiting.
     */
    private void openGates() {
        if (gates.isEmpty() || state != State.OPEN) {
            return;
        }
        long room = (long) settings.maxPending() - pending - waitingForRoom.size();
        for (ArrivalGate gate : gates) {
            room -= gate.promised();
        }
        for (int i = 0; i < gates.size() && room > 0; i++) {
            long share = Math.max(1, room / (gates.size() - i));
            room -= gates.get(i).promise(share, settings.arrivalsWindow());
        }
        if (gates.size() > 1) {
            gates.add(gates.remove(0)); // the first to be asked takes turns
        }
    }

    // ---- what the core says

    @Override
    public void admitted(SequenceId id, int replica, int hitTokens, int hostTokens) {
        SequenceFlow flow = forking != null ? forking : flows.get(id);
        if (!flow.admitted(hitTokens)) {
            return;
        }
        pending(-1);
        metrics.add(LiveMetrics.PROMPT_TOKENS, flow.promptTokens());
        metrics.add(LiveMetrics.CACHED_TOKENS, hitTokens);
        recorder.admitted(nowNs() - flow.submittedNs(), flow.promptTokens(), hitTokens);
    }

    @Override
    public void token(SequenceId id, int index, int token) {
        SequenceFlow flow = flows.get(id);
        flow.token(token);
        if (touched.isEmpty() || touched.get(touched.size() - 1) != flow) {
            touched.add(flow);
        }
        metrics.add(LiveMetrics.GENERATED_TOKENS, 1);
        long since = flow.sinceLastTokenNs(nowNs());
        if (flow.isFirstToken()) {
            recorder.firstToken(since);
        } else {
            recorder.nextToken(since);
        }
    }

    @Override
    public void preempted(SequenceId id) {
        recorder.preempted();
    }

    @Override
    public void finished(SequenceId id, FinishReason reason, @Nullable Throwable cause) {
        SequenceFlow flow = flows.remove(id);
        drafting.forget(id);
        if (!flow.isAdmitted()) {
            pending(-1);
        }
        FinishReason told = reason == FinishReason.CANCELLED && abortCause != null ? FinishReason.FAILED : reason;
        switch (told) {
            case STOP, LENGTH -> {
                flow.finish(told);
                metrics.add(LiveMetrics.FINISHED, 1);
            }
            case CANCELLED -> {
                flow.end(null);
                metrics.add(LiveMetrics.CANCELLED, 1);
            }
            case FAILED -> {
                flow.end(cause == null ? abortCause : cause);
                metrics.add(LiveMetrics.FAILED, 1);
            }
        }
        clients.offer(flow);
        ended(flow, told);
    }

    private void ended(SequenceFlow flow, FinishReason reason) {
        recorder.ended(reason, nowNs() - flow.submittedNs(), flow.usage());
    }

    // ---- drafts beside the steps

    @Override
    public void draft(DraftContext context, int demand) {
        drafting.begin(context, demand);
    }

    @Override
    public void draftMore(SequenceId id, int demand) {
        drafting.more(id, demand);
    }

    @Override
    public void draftNoMore(SequenceId id) {
        drafting.noMore(id);
    }

    /** A drafter is not asked about a sequence any more. */
    void drafterFailed(Throwable cause) {
        metrics.add(LiveMetrics.DRAFTERS_FAILED, 1);
        recorder.drafterFailed(cause);
    }

    // ---- transfers

    @Override
    public void transfer(Transfer transfer) {
        if (swap != null) {
            swap.add(transfer);
        }
    }

    @Override
    public void erase(int diskSlot) {
        // A disk that is given back is the next scheduler's, with what is on it.
        if (swap != null && state.compareTo(State.RELEASING) < 0) {
            swap.erase(diskSlot);
        }
    }

    /** A transfer is over. */
    void landed(Landing landing) {
        Transfer transfer = landing.transfer();
        Throwable failure = landing.failure();
        if (failure != null) {
            metrics.add(LiveMetrics.TRANSFERS_FAILED, 1);
            recorder.transferFailed(from(transfer), to(transfer), failure);
        }
        if (bug == null) {
            if (failure != null && !transfer.direction().isOfStore()) {
                losses.look();
            }
            core.landed(transfer, landing.landed(), landing.seconds(), landing.endedByPage());
        }
    }

    private static Tier from(Transfer transfer) {
        return switch (transfer.direction()) {
            case OFFLOAD -> Tier.DEVICE;
            case ONLOAD, STORE -> Tier.HOST;
            case FETCH -> Tier.DISK;
        };
    }

    private static Tier to(Transfer transfer) {
        return switch (transfer.direction()) {
            case ONLOAD -> Tier.DEVICE;
            case OFFLOAD, FETCH -> Tier.HOST;
            case STORE -> Tier.DISK;
        };
    }

    /** Slots of the store could not be emptied. */
    void notErased(Throwable cause) {
        metrics.add(LiveMetrics.TRANSFERS_FAILED, 1);
        recorder.transferFailed(Tier.DISK, Tier.DISK, cause);
    }

    private void giveBack() {
        try {
            if (swap != null) {
                swap.close();
            }
        } finally {
            if (memory != null) {
                memory.close();
            }
        }
    }

    // ---- steps

    @Override
    public void emptied(int replica, int block) {
        if (memory != null) {
            memory.emptied(replica, block);
        }
    }

    /** The result of a step is in the core: what it gave goes to the clients. */
    void stepTaken(Slot slot, int entries, boolean failed) {
        for (int i = 0; i < touched.size(); i++) {
            SequenceFlow flow = touched.get(i);
            flow.flush();
            clients.offer(flow);
        }
        touched.clear();
        metrics.add(LiveMetrics.STEPS_COMPLETED, 1);
        metrics.add(LiveMetrics.STEPS_FAILED, failed ? 1 : 0);
        recorder.stepCompleted(entries, slot.tokens, nowNs() - slot.plannedNs, failed);
    }

    // ---- the end

    /** Who ran on a replica has ended, because its memory is lost. */
    void replicaLost(int replica, Throwable cause) {
        recorder.replicaLost(replica, cause);
    }

    /** Stops for good: the executor does not work, or no memory is left. */
    void stop(Throwable cause) {
        end(cause);
    }

    /** No sequence enters from now on. */
    void closeSoon() {
        if (state == State.OPEN) {
            state = State.CLOSING;
            inner.offer(closedNotice);
        }
    }

    /** Every sequence ends now. */
    void end(@Nullable Throwable cause) {
        if (state != State.OPEN && state != State.CLOSING) {
            return;
        }
        closeSoon();
        state = State.CLOSED;
        stopCause = cause;
        abortCause = disposed();
        for (SequenceFlow flow : new ArrayList<>(flows.values())) {
            core.cancel(flow.name());
        }
        abortCause = null;
        while (!waitingForRoom.isEmpty()) {
            refuse(nextWaiting(), disposed());
        }
        gates.clear();
        events.end(null);
        drafting.end(cause);
        steps.end(cause);
    }

    void add(Closer closer) {
        if (state == State.RELEASED) {
            closer.end(failureOfTheEnd());
        } else {
            closers.add(closer);
        }
    }

    /** Memory is given back; on the loop. */
    void released() {
        state = State.RELEASED;
        closers.forEach(closer -> closer.end(failureOfTheEnd()));
        closers.clear();
    }

    private @Nullable Throwable failureOfTheEnd() {
        return bug == null ? release.failure() : bug;
    }

    /** Raises a signal after a time; until then it can be disposed. */
    Disposable after(Duration delay, Signal signal) {
        Runnable raise = () -> loop.raise(signal);
        try {
            return settings.loopOn().schedule(raise, delay.toNanos(), TimeUnit.NANOSECONDS);
        } catch (RejectedExecutionException noClock) {
            return Schedulers.parallel().schedule(raise, delay.toNanos(), TimeUnit.NANOSECONDS);
        }
    }

    long clockNs() {
        return settings.clock().getAsLong();
    }

    long nowNs() {
        return settings.recorder() == null && swap == null && !settings.config().speculates()
                ? 0
                : settings.clock().getAsLong();
    }

    private SchedulerDisposedException disposed() {
        return stopCause == null
                ? new SchedulerDisposedException("the scheduler is disposed and takes no more sequences", null)
                : new SchedulerDisposedException("the scheduler has stopped: " + stopCause.getMessage(), stopCause);
    }
}
