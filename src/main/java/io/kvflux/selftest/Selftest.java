package io.kvflux.selftest;

import io.kvflux.memory.DeviceLostException;
import io.kvflux.memory.OutOfDeviceMemoryException;
import io.kvflux.memory.cuda.CudaException;
import io.kvflux.memory.cuda.CudaUnavailableException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.function.LongConsumer;
import java.util.function.LongFunction;
import java.util.function.LongPredicate;
import org.jspecify.annotations.Nullable;

/**
 * Runs the adversary: scenario after scenario, in each of which the paged output must equal the dense output, token for
 * token and logit for logit, whatever happens to memory. A seed and a number make a scenario, so the same seed runs the same
 * ones, on however many threads. Usable once.
 */
public final class Selftest {

    private static final int MOST_THREADS = 1024;
    /** A thousand times what a scenario takes. */
    private static final Duration LIMIT = Duration.ofMinutes(2);

    private final TestDevice device;
    private final LongFunction<Scenario> scenarios;
    private final long seed;
    private final int threads;
    private final Duration limit;
    private final Coverage coverage = new Coverage();
    /** Where the scenarios' models attended; null before the first was run. */
    private @Nullable String attention;

    private final AtomicLong next = new AtomicLong();
    private long done;
    private long tokens;
    private long failedNumber = Long.MAX_VALUE;
    private SelftestResult.@Nullable Failure failure;
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
        this(device, new Scenarios(seed)::scenario, seed, threads, LIMIT);
    }

    /** With a limit to what a scenario may take; one that takes longer hangs. */
    Selftest(TestDevice device, LongFunction<Scenario> scenarios, long seed, int threads, Duration limit) {
        if (threads < 1 || threads > MOST_THREADS) {
            throw new IllegalArgumentException("threads must be from 1 to " + MOST_THREADS + ", threads=" + threads);
        }
        this.device = device;
        this.scenarios = scenarios;
        this.seed = seed;
        this.threads = threads;
        this.limit = limit;
    }

    /**
     * Runs scenarios until one fails, or as long as it is told to. One that does not end within two minutes has failed too; the
     * thread that hangs in it is left behind. Blocks the calling thread.
     *
     * @param goOn whether the scenario of this number, counted from 0, is to be run; asked from any of the threads
     * @param progress is told how many are done, from any of the threads, one at a time
     * @return what was found
     */
    public SelftestResult run(LongPredicate goOn, LongConsumer progress) {
        long begin = System.nanoTime();
        List<WatchedThread> watched = new ArrayList<>();
        for (int i = 0; i < threads; i++) {
            WatchedThread thread = new WatchedThread("selftest-" + i, device, own -> work(own, goOn, progress));
            thread.start();
            watched.add(thread);
        }
        WatchedThread.awaitAll(watched, limit, this::hung);
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
        return new Selftest(device, number -> scenario, scenario.seed(), 1, LIMIT)
                .run(number -> number == 0, done -> {});
    }

    /**
     * Looks for a shorter scenario that fails in the same way. Blocks the calling thread.
     *
     * @param device the device under test
     * @param failure that was found on it
     * @param goOn whether to look on; asked before each scenario
     * @return the shortest that was found; null if not even the failing one was run again, or it hangs
     */
    public static SelftestResult.@Nullable Shrunk shrink(
            TestDevice device, SelftestResult.Failure failure, BooleanSupplier goOn) {
        if (failure.hangs()) {
            return null;
        }
        Shrinker shrinker = new Shrinker(ScenarioText.parse(failure.scenario()), goOn);
        WatchedThread thread = new WatchedThread("selftest-shrinker", device, shrinker::shrink);
        thread.start();
        // Should a shorter one hang, what was found until then is what there is.
        WatchedThread.awaitAll(List.of(thread), LIMIT, hanging -> {});
        return shrinker.shortest();
    }

    private void work(WatchedThread own, LongPredicate goOn, LongConsumer progress) {
        try {
            long number = next.getAndIncrement();
            while (mayFailAt(number) && goOn.test(number)) {
                Scenario scenario = scenarios.apply(number);
                take(number, scenario, own.run(number, scenario), progress);
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
        attention = run.attention.toString();
        if (run.finding() != null) {
            failed(number, scenario, run.finding(), false);
        }
        progress.accept(done);
    }

    private synchronized void hung(WatchedThread.Running hanging) {
        String sentence = "it has not ended after " + limit.toSeconds() + " s, the longest that a scenario may take";
        failed(hanging.number(), hanging.scenario(), new Finding(Finding.Kind.STUCK, sentence), true);
    }

    private void failed(long number, Scenario scenario, Finding finding, boolean hangs) {
        if (number < failedNumber) {
            failedNumber = number;
            failure = new SelftestResult.Failure(scenario.toString(), finding.toString(), hangs, null);
        }
    }

    private synchronized SelftestResult result(double seconds) {
        if (died instanceof Error broken) {
            throw broken; // such as one for want of memory
        } else if (died instanceof OutOfDeviceMemoryException
                || died instanceof DeviceLostException
                || died instanceof CudaException
                || died instanceof CudaUnavailableException) {
            throw (RuntimeException) died; // the device's affair, and no bug
        } else if (died != null) {
            throw new IllegalStateException("a thread of the self-test died", died);
        }
        return new SelftestResult(device.name(), attention, seed, done, tokens, seconds, coverage, failure);
    }
}
