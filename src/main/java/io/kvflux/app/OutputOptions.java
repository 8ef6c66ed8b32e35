package io.kvflux.app;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What is written, and where. */
final class OutputOptions {

    @Option(names = "--report", paramLabel = "FILE.html", description = "Write one self-contained page with charts.")
    @Nullable
    Path report;

    @Option(names = "--per-request", paramLabel = "FILE.csv", description = "Write one row per request.")
    @Nullable
    Path perRequest;

    @Option(names = "--ticks", paramLabel = "FILE.csv", description = "Write one row per simulated second.")
    @Nullable
    Path ticks;

    @Option(names = "--json", description = "Print one JSON object on stdout in place of the table.")
    boolean json;

    @Option(names = "--quiet", description = "Nothing on stderr but errors: no notices, no progress bar.")
    boolean quiet;
}
