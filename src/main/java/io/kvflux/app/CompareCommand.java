package io.kvflux.app;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kvflux.sim.Replay;
import io.kvflux.sim.ReplayListener;
import io.kvflux.sim.ReplayResult;
import io.kvflux.sim.Tick;
import io.kvflux.sim.Workload;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.Spec;
import picocli.CommandLine.Unmatched;

/** {@code kvflux compare}: several configurations of one replay, side by side. */
@Command(
        name = "compare",
        mixinStandardHelpOptions = true,
        versionProvider = KvFluxCommand.Version.class,
        sortOptions = false,
        description = "Replay the same requests with several configurations and show them side by side.",
        customSynopsis = "kvflux compare --variants A,B,... [OPTIONS OF replay]",
        footerHeading = "%n",
        footer = {
            "All other options are those of replay, for all variants, such as --trace or --host-memory.",
            "Exit codes: 0 done, 1 failure, 2 wrong usage, 130 interrupted (what was done is shown).",
            "docs/replay.md says more."
        })
final class CompareCommand implements Callable<Integer> {

    private static final int INTERRUPTED = 130;

    /** Between variants; one before a digit or a dot is within a number. */
    private static final Pattern COMMA = Pattern.compile(",(?![0-9.])");

    /** What is replayed and what is written is the same for all. */
    private static final Set<String> OF_ALL =
            Set.of("--trace", "--format", "--limit", "--seed", "--report", "--json", "--quiet", "--help", "--version");

    /** A variant that was run. */
    record Run(Variant variant, ReplaySetup setup, ReplayResult result, TickSeries ticks) {}

    private final Interruption interruption;
    private volatile boolean stopped;

    @Spec
    private CommandSpec spec;

    @Option(
            names = "--variants",
            required = true,
            paramLabel = "A,B,...",
            description =
                    "What is compared, the first with all others: vllm (as --engine vllm, no host), default, no-host,"
                            + " in-order, short-first, adaptive-eviction; several joined by +, such as no-host+short-first; options of replay in quotes,"
                            + " such as '--policy fair'; or both, such as 'short-first --ageing 900'.")
    private String variants = "";

    @Option(names = "--report", paramLabel = "FILE.html", description = "Write one self-contained page with charts.")
    @Nullable
    private Path report;

    @Option(names = "--json", description = "Print one JSON object on stdout in place of the table.")
    private boolean json;

    @Option(names = "--quiet", description = "Nothing on stderr but errors: no notices, no progress bar.")
    private boolean quiet;

    @Unmatched
    private List<String> common = new ArrayList<>();

    CompareCommand(Interruption interruption) {
        this.interruption = interruption;
    }

    @Override
    public Integer call() {
        List<ReplayCommand> commands = new ArrayList<>();
        List<Variant> read = new ArrayList<>();
        for (String text : COMMA.split(variants, -1)) {
            Variant variant = Variant.of(text, common);
            read.add(variant);
            commands.add(parsed(variant));
        }
        OutputOptions files = new OutputOptions();
        files.report = report;
        try (Outputs outputs =
                Outputs.open(files, commands.stream().map(ReplayCommand::inputs).toList())) {
            List<Run> runs = new ArrayList<>();
            for (int i = 0; i < commands.size() && !stopped; i++) {
                runs.add(run(read.get(i), commands.get(i), i == 0));
            }
            if (outputs.report() != null) {
                ComparePage.write(outputs.report(), runs);
            }
            outputs.commit();
            print(runs);
            return stopped ? INTERRUPTED : 0;
        }
    }

    private ReplayCommand parsed(Variant variant) {
        try {
            for (OptionSpec option :
                    parse(new ReplayCommand(interruption), variant.given()).matchedOptions()) {
                if (OF_ALL.contains(option.longestName())) {
                    throw new UsageException(option.longestName()
                            + " may not differ between variants: give it for all of them, outside --variants");
                }
            }
            ReplayCommand command = new ReplayCommand(interruption);
            parse(command, variant.args());
            command.check();
            return command;
        } catch (CommandLine.ParameterException | UsageException e) {
            throw new UsageException("variant " + variant.name() + ": " + e.getMessage(), e);
        }
    }

    private static ParseResult parse(ReplayCommand command, List<String> args) {
        return new CommandLine(command).parseArgs(args.toArray(String[]::new));
    }

    private Run run(Variant variant, ReplayCommand command, boolean first) {
        ReplaySetup setup = command.setup();
        TickSeries ticks = new TickSeries();
        ReplayListener series = new ReplayListener() {
            @Override
            public void onTick(Tick tick) {
                ticks.add(tick);
            }
        };
        try (Workload workload = command.workload()) {
            if (first && !quiet) {
                workload.notices().forEach(notice -> spec.commandLine().getErr().println("kvflux: " + notice));
            }
            if (!Progress.isWanted(quiet)) {
                return new Run(variant, setup, replay(workload, setup, series), ticks);
            }
            try (Progress progress =
                    Progress.start(spec.commandLine().getErr(), variant.name(), " requests", workload.size())) {
                ReplayListener both = new Listeners(List.of(series, progress));
                return new Run(variant, setup, replay(workload, setup, both), ticks);
            }
        }
    }

    private ReplayResult replay(Workload workload, ReplaySetup setup, ReplayListener listener) {
        Replay replay = new Replay(workload, setup.options(), listener);
        interruption.onStop(() -> {
            stopped = true;
            replay.stop();
        });
        if (stopped) {
            // While this one's workload was opened an interruption stopped the replay before it, which had ended.
            replay.stop();
        }
        return replay.run();
    }

    private void print(List<Run> runs) {
        if (json) {
            spec.commandLine().getOut().println(json(runs));
        } else {
            CompareTable.print(spec.commandLine().getOut(), runs);
        }
        spec.commandLine().getOut().flush();
    }

    private static String json(List<Run> runs) {
        ObjectMapper mapper = new ObjectMapper();
        ObjectNode all = mapper.createObjectNode();
        all.put("trace", runs.get(0).result().summary().trace());
        ArrayNode each = all.putArray("variants");
        for (Run run : runs) {
            ObjectNode one = each.addObject();
            one.put("name", run.variant().name());
            one.set("options", mapper.valueToTree(run.variant().args()));
            one.set("summary", mapper.valueToTree(run.result().summary()));
            if (run.result().partial()) {
                one.put("partial", true);
            }
        }
        return SummaryJson.print(all);
    }
}
