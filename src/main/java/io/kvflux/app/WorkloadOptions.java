package io.kvflux.app;

import io.kvflux.sim.LengthHints;
import io.kvflux.sim.SyntheticWorkload;
import io.kvflux.sim.TraceFormat;
import io.kvflux.sim.Traces;
import io.kvflux.sim.Workload;
import java.nio.file.Path;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What is replayed. */
final class WorkloadOptions {

    static final long DEFAULT_SYNTHETIC_REQUESTS = 1000;
    static final int DEFAULT_TENANTS = 1;

    @Option(
            names = "--trace",
            paramLabel = "FILE",
            description = "Trace to replay, plain or gzip. Default: seeded synthetic traffic (chat, RAG, agents).")
    @Nullable
    Path trace;

    @Option(
            names = "--format",
            paramLabel = "F",
            converter = Converters.Format.class,
            description = "Form of the trace: auto, mooncake, azure, blocks. Default: auto, by the first line.")
    @Nullable
    TraceFormat format;

    @Option(
            names = "--limit",
            paramLabel = "N",
            converter = Converters.LongCount.class,
            description = "Most requests, in file order. Default: the whole trace, " + DEFAULT_SYNTHETIC_REQUESTS
                    + " synthetic ones.")
    @Nullable
    Long limit;

    @Option(
            names = "--seed",
            paramLabel = "N",
            description = "Seed of the synthetic traffic, of the tokens and of the tenants. Default: 0.")
    long seed;

    @Option(
            names = "--tenants",
            paramLabel = "N",
            converter = Converters.Count.class,
            description = "Deal the requests to N tenants, by seed. Default: " + DEFAULT_TENANTS + ".")
    @Nullable
    Integer tenants;

    @Option(
            names = "--length-hints",
            paramLabel = "ERROR",
            converter = Converters.Decimal.class,
            description =
                    "Tell the scheduler how long outputs will be, as a predictor would whose error has this standard"
                            + " deviation in the logarithm, 0 for exact. For rules that go by length. Default: it is told"
                            + " nothing.")
    @Nullable
    Double lengthHints;

    int tenantsOrDefault() {
        return Objects.requireNonNullElse(tenants, DEFAULT_TENANTS);
    }

    /** A trace in order of time, or as {@code --cache-only} wants it: in the order of the file. */
    Workload open(boolean fileOrder) {
        Workload workload = openPlain(fileOrder);
        return lengthHints == null ? workload : new LengthHints(workload, lengthHints, seed);
    }

    private Workload openPlain(boolean fileOrder) {
        if (trace == null) {
            return SyntheticWorkload.of(seed, Objects.requireNonNullElse(limit, DEFAULT_SYNTHETIC_REQUESTS));
        }
        TraceFormat form = Objects.requireNonNullElse(format, TraceFormat.AUTO);
        long rows = Objects.requireNonNullElse(limit, Long.MAX_VALUE);
        return fileOrder ? Traces.openUnsorted(trace, form, rows, seed) : Traces.open(trace, form, rows, seed);
    }
}
