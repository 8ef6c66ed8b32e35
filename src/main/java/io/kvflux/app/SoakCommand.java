package io.kvflux.app;

import io.kvflux.soak.Soak;
import io.kvflux.soak.SoakOptions;
import io.kvflux.soak.SoakResult;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code kvflux soak}: a serving loop under full load for as long as wanted, and a verdict. */
@Command(
        name = "soak",
        mixinStandardHelpOptions = true,
        versionProvider = KvFluxCommand.Version.class,
        sortOptions = false,
        abbreviateSynopsis = true,
        description = "Run a scheduler at full speed under clients that misbehave and memory that fails, measure what"
                + " could creep up, and say whether anything leaks, breaks or gets stuck.",
        footerHeading = "%n",
        footer = {
            "Exit codes: 0 passed, 1 failed, 2 wrong usage, 130 interrupted (the verdict on what was run is printed).",
            "docs/soak.md says what is run, how it is measured and how a leak is told from noise."
        })
final class SoakCommand implements Callable<Integer> {

    private static final int INTERRUPTED = 130;
    private static final Duration DEFAULT_DURATION = Duration.ofMinutes(2);

    private final Interruption interruption;
    private volatile boolean stopped;

    @Spec
    private CommandSpec spec;

    @Option(
            names = "--duration",
            paramLabel = "TIME",
            converter = Converters.Time.class,
            description = "How long, such as 90s, 10m or 1h30m. Default: 2m.")
    private @Nullable Duration duration;

    @Option(
            names = "--sequences",
            paramLabel = "N",
            converter = Converters.LongCount.class,
            description = "End after so many sequences, if that is earlier.")
    private @Nullable Long sequences;

    @Option(names = "--seed", paramLabel = "N", description = "Seed of the load and the faults. Default: 1.")
    private @Nullable Long seed;

    @Option(names = "--report", paramLabel = "FILE.html", description = "Write one self-contained page with charts.")
    private @Nullable Path report;

    @Option(names = "--json", description = "Print one JSON object in place of the table.")
    private boolean json;

    @Option(names = "--quiet", description = "Show no progress.")
    private boolean quiet;

    SoakCommand(Interruption interruption) {
        this.interruption = interruption;
    }

    @Override
    public Integer call() {
        SoakOptions options = new SoakOptions(
                seed == null ? 1 : seed,
                duration == null ? DEFAULT_DURATION : duration,
                sequences == null ? Long.MAX_VALUE : sequences);
        interruption.onStop(() -> stopped = true);
        SoakResult result;
        if (report == null) {
            result = run(options);
            print(result);
        } else {
            try (OutputFile file = OutputFile.open("--report", report)) {
                result = run(options);
                print(result); // the verdict is told even if the report cannot be written
                SoakReport.write(file, result, stopped);
                file.finish();
                file.commit();
            }
        }
        return !result.passed() ? Main.FAILURE : stopped ? INTERRUPTED : 0;
    }

    private void print(SoakResult result) {
        PrintWriter out = spec.commandLine().getOut();
        if (json) {
            out.println(SoakTable.json(result, stopped));
        } else {
            SoakTable.print(out, result, stopped);
        }
        out.flush();
    }

    private SoakResult run(SoakOptions options) {
        if (!Progress.isWanted(quiet)) {
            return Soak.run(options, () -> !stopped, seconds -> {});
        }
        long total = options.duration().toSeconds();
        try (Progress progress = Progress.start(spec.commandLine().getErr(), "soak", " s", total)) {
            LongConsumer show = seconds -> progress.onProgress(Math.min(total, seconds), total);
            return Soak.run(options, () -> !stopped, show);
        }
    }
}
