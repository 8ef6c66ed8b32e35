package io.kvflux.app;

import io.kvflux.sim.EvictionBench;
import io.kvflux.sim.EvictionBench.Result;
import io.kvflux.sim.EvictionBench.Row;
import io.kvflux.sim.ReplayListener;
import io.kvflux.sim.SpeculationBench.Table;
import io.kvflux.sim.Workload;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code kvflux bench eviction}: what eviction hits, and what it would if it knew what comes. */
@Command(
        name = "eviction",
        mixinStandardHelpOptions = true,
        versionProvider = KvFluxCommand.Version.class,
        sortOptions = false,
        customSynopsis = "kvflux bench eviction --device-blocks N,... [--trace FILE] [--page-size N] [OPTIONS]",
        description = "What the eviction policies hit of a trace, and what those would that know what comes.",
        footerHeading = "%n",
        footer = {
            "Exit codes: 0 done, 1 failure, 2 wrong usage, 130 interrupted (what was done is shown).",
            "docs/benchmarks.md says what the rows mean."
        })
final class BenchEvictionCommand implements Callable<Integer> {

    private static final int INTERRUPTED = 130;

    /** Blocks of each pool. */
    record Sizes(List<Integer> blocks) {}

    private final Interruption interruption;

    @Spec
    private CommandSpec spec;

    @ArgGroup(validate = false, heading = "%nWorkload, as of replay --cache-only%n", order = 1)
    private WorkloadOptions workloadOptions = new WorkloadOptions();

    @Option(
            names = "--page-size",
            paramLabel = "N",
            converter = Converters.Count.class,
            description = "Tokens in a page. Default: " + KvCaches.DEFAULT_PAGE_SIZE + ".")
    private int pageSize = KvCaches.DEFAULT_PAGE_SIZE;

    @Option(
            names = "--device-blocks",
            required = true,
            paramLabel = "N,...",
            converter = Converters.ListOfBlocks.class,
            description = "Usable blocks of the pool: sizes, each larger than the one before.")
    private Sizes deviceBlocks = new Sizes(List.of());

    @Option(names = "--json", description = "Print one JSON object on stdout in place of the table.")
    private boolean json;

    @Option(names = "--quiet", description = "Nothing on stderr but errors: no progress bar.")
    private boolean quiet;

    BenchEvictionCommand(Interruption interruption) {
        this.interruption = interruption;
    }

    @Override
    public Integer call() {
        check();
        Result result = run();
        if (json) {
            spec.commandLine().getOut().println(SummaryJson.print(result));
        } else {
            spec.commandLine().getOut().print(BenchCommand.markdown(table(result)));
            if (result.partial()) {
                spec.commandLine().getOut().println("\nInterrupted: what has no number was not finished.");
            }
        }
        spec.commandLine().getOut().flush();
        return result.partial() ? INTERRUPTED : 0;
    }

    private void check() {
        Contradictions.refuseRepeated(spec);
        if (workloadOptions.trace == null && workloadOptions.format != null) {
            throw new UsageException("--format says how to read a trace, but there is no --trace");
        }
        if (workloadOptions.tenants != null) {
            throw new UsageException("a look at the cache alone knows no tenants: leave out --tenants");
        }
        if (workloadOptions.lengthHints != null) {
            throw new UsageException("a look at the cache alone knows no outputs: leave out --length-hints");
        }
        List<Integer> sizes = deviceBlocks.blocks();
        for (int i = 1; i < sizes.size(); i++) {
            if (sizes.get(i) <= sizes.get(i - 1)) {
                throw new UsageException("--device-blocks are sizes, each larger than the one before, found "
                        + sizes.get(i) + " after " + sizes.get(i - 1));
            }
        }
    }

    private Result run() {
        if (!Progress.isWanted(quiet)) {
            return run(new ReplayListener() {});
        }
        try (Progress progress = Progress.start(spec.commandLine().getErr(), "eviction", " requests", requests())) {
            return run(progress);
        }
    }

    private Result run(ReplayListener listener) {
        EvictionBench bench = new EvictionBench(this::open, pageSize, deviceBlocks.blocks(), listener);
        interruption.onStop(bench::stop);
        return bench.run();
    }

    private long requests() {
        try (Workload workload = open()) {
            return EvictionBench.requests(workload, deviceBlocks.blocks().size());
        }
    }

    private Workload open() {
        return workloadOptions.open(true);
    }

    private static Table table(Result result) {
        List<String> header = new ArrayList<>(List.of("policy"));
        result.deviceBlocks().forEach(blocks -> header.add(Numbers.count(blocks) + " blocks"));
        List<List<Object>> rows = new ArrayList<>();
        for (Row row : result.policies()) {
            List<Object> cells = new ArrayList<>(List.of(row.policy()));
            for (Long hits : row.hitBlocks()) {
                cells.add(hits == null ? "-" : Numbers.percent(hits, result.promptBlocks()));
            }
            rows.add(cells);
        }
        String title = "Hits of " + result.trace() + ", in percent of " + Numbers.count(result.promptBlocks())
                + " prompt blocks";
        return new Table(title, header, rows, List.of());
    }
}
