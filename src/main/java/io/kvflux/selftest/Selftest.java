package io.kvflux.selftest;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongConsumer;
import java.util.function.LongPredicate;
import org.jspecify.annotations.Nullable;

/**
 * Runs the adversary: scenario after scenario, in each of which the paged output must equal the dense output, token for
 * token and logit for logit, whatever happens to memory. A seed and a number make a scenario, so the same seed runs the same
 * ones, on however many threads. Usable once.
 */
public final class Selftest {

    private static final int MOST_THREADS = 1024;

    private final TestDevice device;
    private final Scenarios scenarios;
    private final long seed;
    private final int threads;
    private final Coverage coverage = new Coverage();
    private final AtomicLong next = new AtomicLong();
    private long done;
    private long tokens;
    private long failedNumber = Long.MAX_VALUE;
    private @Nullable Scenario failed;
    private @Nullable Finding finding;
    /** What ended a thread that runs scenarios; nothing can be said then. */
    private @Nullable Throwable died;

    /**
     * A self-test that has not begun.
     *
     * @param device the device under test
     * @param seed of the scenarios
     * @param threads that run scenarios side by side, 1 to 1024
     * @throws IllegalArgumentException if threads is out of range
     */
    public Selftest(TestDevice device, long seed, int threads) {
        if (threads < 1 || threads > MOST_THREADS) {
            throw new IllegalArgumentException("threads must be from 1 to " + MOST_THREADS + ", threads=" + threads);
        }
        this.device = device;
        this.seed = seed;
        this.threads = threads;
        scenarios = new Scenarios(seed);
    }

    /**
     * Runs scenarios until one fails, which is then shrunk, or as long as it is told to. Blocks the calling thread.
     *
     * @param goOn whether the scenario of this number, counted from 0, is to be run; asked from any of the threads
     * @param progress is told how many are done, from any of the threads, one at a time
     * @return what was found
     */
    public SelftestResult run(LongPredicate goOn, LongConsumer progress) {
        long begin = System.nanoTime();
        List<Thread> others = new ArrayList<>();
        for (int i = 1; i < threads; i++) {
            Thread thread = new Thread(() -> work(goOn, progress), "selftest-" + i);
            thread.start();
            others.add(thread);
        }
        work(goOn, progress);
        others.forEach(Selftest::join);
        if (died != null) {
            throw new IllegalStateException("a thread of the self-test died", died);
        }
        return result((System.nanoTime() - begin) / 1e9);
    }

    /**
     * Runs the one scenario of a line.
     *
     * @param device the device under test
     * @param line as a failure shows it
     * @return what was found
     * @throws IllegalArgumentException if the line is malformed, naming the field
     */
    public static SelftestResult replay(TestDevice device, String line) {
        Scenario scenario = ScenarioText.parse(line).scenario();
        Selftest one = new Selftest(device, scenario.seed(), 1);
        long begin = System.nanoTime();
        one.take(0, scenario, ScenarioRun.of(scenario, device), done -> {});
        return one.result((System.nanoTime() - begin) / 1e9);
    }

    private void work(LongPredicate goOn, LongConsumer progress) {
        try {
            long number = next.getAndIncrement();
            while (mayFailAt(number) && goOn.test(number)) {
                Scenario scenario = scenarios.scenario(number);
                take(number, scenario, ScenarioRun.of(scenario, device), progress);
                number = next.getAndIncrement();
            }
        } catch (RuntimeException | Error thrown) {
            died(thrown);
        }
    }

    /** Whether a scenario is to be run: none that comes after one that failed, so that the first to fail is told. */
    private synchronized boolean mayFailAt(long number) {
        return number < failedNumber && died == null;
    }

    private synchronized void died(Throwable thrown) {
        died = died == null ? thrown : died;
    }

    private synchronized void take(long number, Scenario scenario, ScenarioRun run, LongConsumer progress) {
        done++;
        tokens += run.comparedTokens();
        coverage.add(run.coverage);
        if (run.finding() != null && number < failedNumber) {
            failedNumber = number;
            failed = scenario;
            finding = run.finding();
        }
        progress.accept(done);
    }

    private synchronized SelftestResult result(double seconds) {
        return new SelftestResult(device.name(), seed, done, tokens, seconds, coverage, failure());
    }

    private SelftestResult.@Nullable Failure failure() {
        if (failed == null || finding == null) {
            return null;
        }
        Shrinker shrinker = new Shrinker(failed, finding, device).shrink();
        return new SelftestResult.Failure(
                failed.toString(),
                finding.toString(),
                shrinker.shortest().toString(),
                shrinker.finding().toString(),
                shrinker.runs());
    }

    private static void join(Thread thread) {
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true; // they end by themselves, soon
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
