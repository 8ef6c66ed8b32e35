package io.kvflux.soak;

import io.kvflux.selftest.TemporaryDirectory;
import java.lang.ref.WeakReference;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/**
 * A soak: lives of schedulers one after another, each with twice as many sequences as the one before, until the time is up,
 * the sequences are, or something is wrong.
 */
public final class Soak {

    private static final long TICK_NS = 500_000;
    private static final double SAMPLE_SECONDS = 1;
    private static final int CLEARS_EVERY = 4;
    private static final int THREADS = 4;

    final SoakOptions options;
    final Scale scale;
    final Path disk;
    final Scheduler threads;
    final Findings findings = new Findings();
    final SoakRecorder recorder = new SoakRecorder();
    private final Plant plant;
    private final BooleanSupplier goOn;
    private final LongConsumer progress;
    private final Timeline timeline = new Timeline();
    private final Samples samples = new Samples();
    private final SoakCounts counts = new SoakCounts();
    private final Leftovers leftovers = new Leftovers();
    private final AtomicLong ended = new AtomicLong();
    private final AtomicLong forks = new AtomicLong();
    private final AtomicLong verified = new AtomicLong();
    private final long beginNs = System.nanoTime();
    private final long nativeBefore = ProcessProbe.nativeBytes();
    private @Nullable SampleTaker taker;
    private double sampledAt;
    private long tokens;
    private int lives;
    private boolean over;

    Soak(
            SoakOptions options,
            Scale scale,
            Plant plant,
            Path disk,
            Scheduler threads,
            BooleanSupplier goOn,
            LongConsumer progress) {
        this.options = options;
        this.scale = scale;
        this.plant = plant;
        this.disk = disk;
        this.threads = threads;
        this.goOn = goOn;
        this.progress = progress;
    }

    /**
     * Runs a soak.
     *
     * @param options what to do
     * @param goOn asked all the time; when it says no, the soak ends early, in good order
     * @param progress hears of the seconds that have passed
     * @return what was measured and what was found
     */
    public static SoakResult run(SoakOptions options, BooleanSupplier goOn, LongConsumer progress) {
        return run(options, Scale.FULL, Plant.NONE, goOn, progress);
    }

    static SoakResult run(SoakOptions options, Scale scale, Plant plant, BooleanSupplier goOn, LongConsumer progress) {
        Scheduler threads = Schedulers.newParallel("soak", THREADS, true);
        try (TemporaryDirectory directory = TemporaryDirectory.makeUntilClosed("soak")) {
            return new Soak(options, scale, plant, directory.path(), threads, goOn, progress).listenAndRun();
        } finally {
            threads.dispose();
        }
    }

    private SoakResult listenAndRun() {
        StrayFailures listening = new StrayFailures(this::stray);
        try (listening) {
            return run();
        }
    }

    private void stray(String sentence) {
        findings.add(Finding.Kind.UNEXPECTED_FAILURE, "after " + ended.get() + " sequences, " + sentence);
    }

    private SoakResult run() {
        for (long sequences = scale.firstLife(); !isOver() || lives == 0; sequences *= lives == 1 ? 1 : 2) {
            // The first is short: the whole structure is checked after every change.
            WeakReference<?> scheduler = live(lives == 0 ? Math.min(sequences, scale.checkedLife()) : sequences);
            if (findings.isEmpty()) {
                leftovers
                        .look(scheduler)
                        .forEach(left -> findings.add(
                                Finding.Kind.LEAK,
                                "life " + lives + " is over, its scheduler is disposed, and " + left));
            }
        }
        counts.add(forks.get(), verified.get());
        for (TrendLine line : timeline.trends()) {
            if (line.grows()) {
                findings.add(Finding.Kind.LEAK, Sentences.leak(line));
            }
        }
        recorder.turn();
        return new SoakResult(
                options.seed(),
                seconds(),
                lives,
                timeline.count(),
                ended.get(),
                tokens,
                counts.all(),
                recorder.times(),
                timeline.trends(),
                samples,
                timeline.samples(),
                findings.list());
    }

    /** One scheduler, for so many sequences. */
    private WeakReference<?> live(long sequences) {
        Life life = new Life(this, new LifeSettings(lives, lives == 0));
        lives++;
        taker = new SampleTaker(life, recorder, ended.get());
        long left = sequences;
        for (int round = 1; left > 0 && !isOver(); round++) {
            long most = Math.min(left, Math.max(1, options.sequences() - ended.get()));
            long now = Math.min(scale.quietEvery(), most);
            left -= now;
            if (life.round(now)) {
                quiet(life, round % CLEARS_EVERY == 0 || left == 0 || isOver());
            }
        }
        counts.add(life);
        tokens += life.received();
        life.end();
        requireGivenBack(life);
        taker = null;
        return new WeakReference<>(life.scheduler());
    }

    private void quiet(Life life, boolean clears) {
        new QuietPoint(life).look(clears);
        if (findings.isEmpty()) {
            WeakReference<Object> unreachable = new WeakReference<>(new Object());
            System.gc();
            boolean collected = unreachable.get() == null; // else the JVM was told to ignore such calls
            timeline.add(seconds(), lives - 1, taker.quiet(collected));
            if (collected && life.kept() > Life.MOST_KEPT) {
                found(
                        Finding.Kind.ACCOUNT,
                        life.kept() + " clients that have ended can still be reached, where " + Life.MOST_KEPT
                                + " are allowed",
                        life);
            }
        }
    }

    private void requireGivenBack(Life life) {
        long device = life.device.allocatedBytes();
        long regions = ProcessProbe.nativeBytes() - nativeBefore;
        if (findings.isEmpty() && device + regions != 0) {
            findings.add(
                    Finding.Kind.ACCOUNT,
                    "the scheduler of " + life.name()
                            + " is disposed and has not given everything back, bytes of arenas=" + device
                            + ", bytes of native regions and mapped files=" + regions);
        }
    }

    private double seconds() {
        return (System.nanoTime() - beginNs) / 1e9;
    }

    private boolean isOver() {
        over |= !goOn.getAsBoolean()
                || !findings.isEmpty()
                || seconds() >= options.duration().toNanos() / 1e9
                || ended.get() >= options.sequences();
        return over;
    }

    // ---- of a life

    /** Half a millisecond of the driver's: measures if it is time; whether no further sequence is to begin. */
    boolean tick(Life life) {
        LockSupport.parkNanos(TICK_NS);
        double now = seconds();
        if (now - sampledAt >= SAMPLE_SECONDS) {
            samples.add(now, taker.sample(now - sampledAt, ended.get()));
            sampledAt = now;
            life.lookForStuck();
            life.lookAtStreams();
            progress.accept((long) now);
        }
        return isOver();
    }

    long endedSequences() {
        return ended.get();
    }

    void ended(Life life, Client client) {
        plant.ended(life.scheduler(), ended.incrementAndGet(), client);
    }

    void forked(Life life, Branch branch) {
        forks.incrementAndGet();
        ended(life, branch);
    }

    void verified() {
        verified.incrementAndGet();
    }

    void found(Finding.Kind kind, String sentence, Life life) {
        findings.add(kind, life.name() + ", after " + ended.get() + " sequences: " + sentence);
    }
}
