package io.kvflux.app;

import io.kvflux.geometry.DataSize;
import io.kvflux.memory.cuda.CudaException;
import io.kvflux.selftest.Selftest;
import io.kvflux.selftest.SelftestResult;
import io.kvflux.selftest.TestDevice;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.function.LongConsumer;
import java.util.function.LongPredicate;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code kvflux selftest}: shows on this machine that the output of a model does not depend on what happens to its pages. */
@Command(
        name = "selftest",
        mixinStandardHelpOptions = true,
        versionProvider = KvFluxCommand.Version.class,
        sortOptions = false,
        abbreviateSynopsis = true,
        description = "Prove by computation that blocks are right: a transformer reads its keys and values from the"
                + " scheduler's pages, and every token must be the one that it gives without KvFlux.",
        footerHeading = "%n",
        footer = {
            "Exit codes: 0 passed, 1 failed, 2 wrong usage, 130 interrupted (what was run until then is printed).",
            "docs/selftest.md says what is claimed and how it is shown."
        })
final class SelftestCommand implements Callable<Integer> {

    private static final int INTERRUPTED = 130;
    private static final long DEFAULT_SCENARIOS = 512;
    private static final DataSize PROBE = new DataSize(1 << 20);

    private final Interruption interruption;
    private final TestDevice host;
    private volatile boolean stopped;

    @Spec
    private CommandSpec spec;

    @Option(
            names = "--scenarios",
            paramLabel = "N",
            converter = Converters.LongCount.class,
            description =
                    "Scenarios to run. Default: " + DEFAULT_SCENARIOS + ", or without end if there is --duration.")
    private @Nullable Long scenarios;

    @Option(
            names = "--duration",
            paramLabel = "TIME",
            converter = Converters.Time.class,
            description = "How long to run scenarios, such as 90s, 10m or 1h30m.")
    private @Nullable Duration duration;

    @Option(names = "--seed", paramLabel = "N", description = "Seed of the scenarios. Default: 1.")
    private @Nullable Long seed;

    @Option(
            names = "--threads",
            paramLabel = "N",
            converter = Converters.Count.class,
            description = "Scenarios that run side by side. Default: one a processor.")
    private @Nullable Integer threads;

    @Option(
            names = "--device",
            paramLabel = "NAME",
            description = "Where the pages are: host (memory of this process), cuda (the first GPU), cuda:N, or"
                    + " cuda:N,N for the shards and replicas of a scenario on several. Default: host.")
    private String device = "host";

    @Option(
            names = "--no-kernels",
            description = "On a GPU: pages are copied by its copy engines, and attended to by the processor.")
    private boolean noKernels;

    @Option(
            names = "--scenario",
            paramLabel = "LINE",
            description = "Run this one scenario, as a failure prints it, and nothing else.")
    private @Nullable String scenario;

    @Option(names = "--json", description = "Print one JSON object in place of the tables.")
    private boolean json;

    @Option(names = "--quiet", description = "Show no progress.")
    private boolean quiet;

    SelftestCommand(Interruption interruption) {
        this(interruption, TestDevice.host());
    }

    /** With something else in place of host memory, for tests. */
    SelftestCommand(Interruption interruption, TestDevice host) {
        this.interruption = interruption;
        this.host = host;
    }

    @Override
    public Integer call() {
        TestDevice under = device();
        SelftestResult result = scenario == null ? run(under) : replay(under, scenario);
        PrintWriter out = spec.commandLine().getOut();
        if (!json) {
            SelftestTable.print(out, result, stopped);
            out.flush();
        }
        SelftestResult.Shrunk shrunk = result.failure() == null ? null : shrink(under, result.failure());
        if (json) {
            out.println(SelftestTable.json(result.with(shrunk), stopped));
        } else if (shrunk != null) {
            SelftestTable.printShrunk(out, shrunk);
        }
        out.flush();
        return !result.passed() ? Main.FAILURE : stopped ? INTERRUPTED : 0;
    }

    /** Looks for a shorter scenario, once everybody can see the failing one; Ctrl-C ends that. */
    private SelftestResult.@Nullable Shrunk shrink(TestDevice under, SelftestResult.Failure failure) {
        if (json) {
            PrintWriter err = spec.commandLine().getErr();
            SelftestTable.printFailure(err, failure);
            err.flush();
        }
        interruption.onStop(() -> stopped = true);
        return Selftest.shrink(under, failure, () -> !stopped);
    }

    private TestDevice device() {
        DeviceName name = DeviceName.parse("--device", device);
        if (name.isHost() && noKernels) {
            throw new UsageException("--no-kernels is about a GPU: give --device");
        }
        if (name.isHost()) {
            return host;
        }
        TestDevice gpus = TestDevice.cuda(name.ordinals(), !noKernels);
        try {
            gpus.open(PROBE).close(); // what is not there is told before anything is run
        } catch (CudaException refused) {
            throw noKernels
                    ? refused
                    : new FailureException(refused.getMessage() + "; --no-kernels does without kernels", refused);
        }
        return gpus;
    }

    private SelftestResult replay(TestDevice under, String line) {
        if (scenarios != null || duration != null || seed != null || threads != null) {
            throw new UsageException(
                    "--scenario is all there is to run: leave out --scenarios, --duration, --seed and --threads");
        }
        try {
            return Selftest.replay(under, line);
        } catch (IllegalArgumentException e) {
            throw new UsageException("--scenario: " + e.getMessage(), e);
        }
    }

    private Selftest selftest(TestDevice under, int side) {
        try {
            return new Selftest(under, seed == null ? 1 : seed, side);
        } catch (IllegalArgumentException e) {
            throw new UsageException("--threads: " + e.getMessage(), e);
        }
    }

    private SelftestResult run(TestDevice under) {
        int side = threads == null ? Runtime.getRuntime().availableProcessors() : threads;
        Selftest selftest = selftest(under, side);
        interruption.onStop(() -> stopped = true);
        long most = scenarios != null ? scenarios : duration != null ? Long.MAX_VALUE : DEFAULT_SCENARIOS;
        long until = duration == null ? Long.MAX_VALUE : duration.toNanos();
        long begin = System.nanoTime();
        LongPredicate goOn = number -> !stopped && number < most && System.nanoTime() - begin < until;
        if (!Progress.isWanted(quiet)) {
            return selftest.run(goOn, done -> {});
        }
        PrintWriter err = spec.commandLine().getErr();
        // Without an end in scenarios the bar shows the time that has passed.
        boolean timed = duration != null && scenarios == null;
        long total = timed ? duration.toSeconds() : most;
        try (Progress progress = Progress.start(err, "selftest", timed ? " s" : " scenarios", total)) {
            LongConsumer show = timed
                    ? done -> progress.onProgress(Math.min(total, (System.nanoTime() - begin) / 1_000_000_000), total)
                    : done -> progress.onProgress(done, total);
            return selftest.run(goOn, show);
        }
    }
}
