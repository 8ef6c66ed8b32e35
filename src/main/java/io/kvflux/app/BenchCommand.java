package io.kvflux.app;

import io.kvflux.sim.SpeculationBench;
import io.kvflux.sim.SpeculationBench.Claim;
import io.kvflux.sim.SpeculationBench.Table;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code kvflux bench}: prints the tables of docs/benchmarks.md that are simulated, and so the same everywhere. */
@Command(
        name = "bench",
        mixinStandardHelpOptions = true,
        versionProvider = KvFluxCommand.Version.class,
        sortOptions = false,
        synopsisSubcommandLabel = "(speculation | eviction)",
        description = "Measure in simulated time, without a GPU.",
        subcommands = BenchCommand.SpeculationCommand.class)
final class BenchCommand implements Runnable {

    @Spec
    private CommandSpec spec;

    /** Of subcommands too: one of them can be interrupted. */
    static CommandLine line(Interruption interruption) {
        return new CommandLine(new BenchCommand()).addSubcommand(new BenchEvictionCommand(interruption));
    }

    @Override
    public void run() {
        spec.commandLine().usage(spec.commandLine().getOut());
    }

    /** {@code kvflux bench speculation}. */
    @Command(
            name = "speculation",
            mixinStandardHelpOptions = true,
            versionProvider = KvFluxCommand.Version.class,
            description = "What drafts bring, and whether what is claimed of them comes out. Takes a minute or so.",
            footerHeading = "%n",
            footer = "Exit codes: 0 done, 1 a claim does not hold, 2 wrong usage.")
    static final class SpeculationCommand implements Callable<Integer> {

        @Spec
        private CommandSpec spec;

        @Option(names = "--json", description = "Print one JSON array in place of the tables.")
        private boolean json;

        @Override
        public Integer call() {
            CommandLine line = spec.commandLine();
            List<Table> tables = SpeculationBench.all();
            if (json) {
                line.getOut().println(SummaryJson.print(tables));
            } else {
                tables.forEach(table -> line.getOut().println(markdown(table)));
            }
            line.getOut().flush();
            return verdict(tables);
        }
    }

    /** Success if every claim holds; else one sentence that names those that do not. */
    static int verdict(List<Table> tables) {
        String broken = tables.stream()
                .flatMap(table -> table.claims().stream())
                .filter(claim -> !claim.holds())
                .map(Claim::text)
                .collect(Collectors.joining("; "));
        if (!broken.isEmpty()) {
            throw new FailureException("this does not hold: " + broken);
        }
        return 0;
    }

    /** A table as the docs show it. */
    static String markdown(Table table) {
        StringBuilder text = new StringBuilder("**" + table.title() + "**\n\n");
        text.append(row(table.header()));
        text.append(row(table.header().stream().map(any -> "---").toList()));
        table.rows().forEach(row -> text.append(row(row)));
        return text.toString();
    }

    private static String row(List<?> cells) {
        return cells.stream().map(Object::toString).collect(Collectors.joining(" | ", "| ", " |\n"));
    }
}
