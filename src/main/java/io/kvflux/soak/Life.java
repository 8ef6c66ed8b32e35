package io.kvflux.soak;

import io.kvflux.BlockScheduler;
import io.kvflux.api.QueueFullException;
import io.kvflux.api.SchedulerDisposedException;
import io.kvflux.api.SchedulerSnapshot;
import io.kvflux.api.SequenceId;
import io.kvflux.geometry.DataSize;
import io.kvflux.memory.BlockArenas;
import io.kvflux.memory.DeviceMemory;
import io.kvflux.memory.FaultyDeviceMemory;
import io.kvflux.memory.FaultyDeviceMemory.InjectedFaultException;
import io.kvflux.memory.host.HostMemoryDevice;
import java.lang.ref.WeakReference;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** One scheduler with its clients, from its opening to its end: rounds of sequences, with a quiet point after each. */
final class Life {

    /** Ended clients that may be reached by what is used again later. */
    static final int MOST_KEPT = 8;

    private static final Duration GRACE = Duration.ofSeconds(1);

    final Soak soak;
    final LifeSettings settings;
    final FaultyDeviceMemory device;
    private final BlockScheduler scheduler;
    private final SoakModel model;
    private final Later later = new Later();
    private final List<Seat> seats = new ArrayList<>();
    private final Set<Client> clients = ConcurrentHashMap.newKeySet();
    private final Queue<WeakReference<Client>> gone = new ConcurrentLinkedQueue<>();
    private final AtomicInteger parked = new AtomicInteger();
    private final AtomicLong admitted = new AtomicLong();
    private final AtomicLong begun = new AtomicLong();
    private final AtomicLong received = new AtomicLong();
    private final Onlookers onlookers;
    private volatile long buffered;
    private volatile long quota;
    private volatile boolean stopped;
    private volatile boolean ending;
    private long verifiedAt;

    /** Opens its scheduler. */
    Life(Soak soak, LifeSettings settings) {
        this.soak = soak;
        this.settings = settings;
        long seed = soak.options.seed() * 1_000 + settings.number();
        SplittableRandom random = new SplittableRandom(seed);
        DataSize budget = new DataSize(
                Math.multiplyExact(BlockArenas.bytesPerBlock(LifeSettings.caches()), soak.scale.deviceBlocks() + 1L));
        DeviceMemory host = HostMemoryDevice.withBudget(budget);
        device = new FaultyDeviceMemory(host, new SoakFaults(seed));
        scheduler = settings.open(soak.scale, device, soak.disk, soak.threads, soak.recorder);
        model = new SoakModel(
                scheduler.memory(),
                LifeSettings.caches().params().size(),
                LifeSettings.PAGE_SIZE,
                random.split(),
                soak.threads,
                this::onStep);
        for (int i = 0; i < soak.scale.seats(); i++) {
            seats.add(new Seat(this, random.split()));
        }
        onlookers = new Onlookers(this, random.split());
        scheduler.run(model).subscribe(nothing -> {}, this::stopped);
        if (settings.drafting() == LifeSettings.Drafting.BESIDE) {
            scheduler.draft(new SoakDrafter()).subscribe(nothing -> {}, this::stopped);
        }
    }

    String name() {
        return "life " + (settings.number() + 1);
    }

    BlockScheduler scheduler() {
        return scheduler;
    }

    SoakModel model() {
        return model;
    }

    int priorities() {
        return settings.priorities();
    }

    int clients() {
        return clients.size();
    }

    long step() {
        return model.steps();
    }

    /** Clients that the scheduler was given. */
    long begun() {
        return begun.get();
    }

    // ---- of the clients, on any thread

    void found(Finding.Kind kind, String sentence) {
        soak.found(kind, sentence, this);
    }

    void later(int steps, Runnable task) {
        later.at(model.steps() + steps, task);
    }

    /** Whether a seat may ask for a sequence; if not, it waits for the next round. */
    boolean admits(Seat seat) {
        if (admitted.getAndIncrement() < quota) {
            return true;
        }
        parked.incrementAndGet();
        return false;
    }

    void born(Client client) {
        begun.incrementAndGet();
        clients.add(client);
    }

    void gone(Client client) {
        clients.remove(client);
        received.addAndGet(client.received);
        gone.add(new WeakReference<>(client));
    }

    void turnEnded(Turn turn) {
        soak.ended(this, turn);
    }

    void branchEnded(Branch branch) {
        soak.forked(this, branch);
    }

    boolean mayEndBy(Throwable failure) {
        return failure instanceof InjectedFailure
                || failure instanceof InjectedFaultException
                || failure instanceof QueueFullException
                || (ending && failure instanceof SchedulerDisposedException)
                || stopped;
    }

    private void onStep(long step) {
        later.reached(step);
        if (device.delayed() > 0) {
            device.releaseNext();
        }
    }

    /** A question was answered with a failure. */
    void failedToAnswer(Throwable cause) {
        if (!stopped) {
            found(Finding.Kind.INVARIANT, "the scheduler does not answer: " + Sentences.causes(cause));
        }
    }

    private void stopped(Throwable cause) {
        stopped = true;
        found(Finding.Kind.INVARIANT, "the scheduler stopped: " + Sentences.causes(cause));
    }

    // ---- of the driver

    /** Tokens that clients which have ended got. */
    long received() {
        return received.get();
    }

    /**
     * Lets so many sequences begin, and waits until all have ended.
     *
     * @return whether they have; if not, something was found
     */
    boolean round(long sequences) {
        parked.set(0);
        admitted.set(0);
        quota = sequences;
        seats.forEach(Seat::next);
        long step = -1;
        long ended = -1;
        Patience patience = new Patience(soak.scale.patience());
        while (!isQuiet() && !stopped) {
            if (soak.tick(this)) {
                quota = 0;
            }
            onlookers.tick();
            releaseDelayed();
            verify();
            if (step != model.steps() || ended != soak.endedSequences()) {
                patience.begin();
            } else {
                later.hurry();
            }
            step = model.steps();
            ended = soak.endedSequences();
            if (patience.isOver()) {
                foundStuck();
                break;
            }
        }
        onlookers.leave();
        return isQuiet() && !stopped;
    }

    private boolean isQuiet() {
        return parked.get() == seats.size() && clients.isEmpty() && later.isEmpty();
    }

    void releaseDelayed() {
        for (int left = device.delayed(); left > 0; left--) {
            device.releaseNext();
        }
    }

    private void verify() {
        if (model.steps() - verifiedAt >= soak.scale.verifyEvery() && !stopped) {
            verifiedAt = model.steps();
            scheduler
                    .verify()
                    .subscribe(
                            good -> soak.verified(),
                            bad -> found(Finding.Kind.INVARIANT, "the structure is broken: " + Sentences.causes(bad)));
        }
    }

    /** Tokens that were on their way to clients when that was last looked at. */
    long buffered() {
        return buffered;
    }

    /** Looks how many tokens are on their way; the answer comes a little later. */
    void lookAtStreams() {
        scheduler.snapshot().subscribe(this::countBuffered, this::failedToAnswer);
    }

    private void countBuffered(SchedulerSnapshot now) {
        Map<SequenceId, Integer> generated = new HashMap<>();
        for (SchedulerSnapshot.SequenceState sequence : now.sequences()) {
            generated.put(sequence.id(), sequence.generatedTokens());
        }
        long sum = 0;
        for (Client client : clients) {
            SequenceId id = client.id;
            Integer count = id == null || client instanceof Branch ? null : generated.get(id);
            sum += count == null ? 0 : Math.max(0, count - client.received);
        }
        buffered = sum;
    }

    /** Looks whether somebody waits for longer than it may take. */
    void lookForStuck() {
        long now = model.steps();
        for (Client client : clients) {
            long since = client.waitsSince();
            if (now - since > soak.scale.stuckSteps()) {
                found(
                        Finding.Kind.STUCK,
                        client + " wants tokens and got none since step " + since + " of " + now + "; "
                                + scheduler.metrics());
                return;
            }
        }
    }

    private void foundStuck() {
        Client one = clients.stream().findFirst().orElse(null);
        found(
                Finding.Kind.STUCK,
                "no step for " + soak.scale.patience().toSeconds() + " s, clients=" + clients.size() + ", one of them: "
                        + one + "; " + scheduler.metrics());
    }

    /** Clients that have ended and can still be reached, after a collection. */
    int kept() {
        gone.removeIf(reference -> reference.get() == null);
        return gone.size();
    }

    /** Disposes the scheduler, and looks whether all is given back. */
    void end() {
        ending = true; // who is still there was told of already
        try {
            scheduler.disposeGracefully(GRACE).block(soak.scale.patience());
            releaseDelayed();
            device.close();
        } catch (RuntimeException refused) {
            found(Finding.Kind.ACCOUNT, "the scheduler could not be disposed: " + Sentences.causes(refused));
        }
    }
}
