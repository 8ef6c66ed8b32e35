package io.kvflux.app;

import io.kvflux.sim.RealtimeReplay;
import io.kvflux.sim.RealtimeResult;
import io.kvflux.sim.Replay;
import io.kvflux.sim.ReplayListener;
import io.kvflux.sim.ReplayResult;
import io.kvflux.sim.ReplaySummary;
import io.kvflux.sim.Workload;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code kvflux replay}: runs a workload through the scheduler under simulated time and tells what happened. */
@Command(
        name = "replay",
        mixinStandardHelpOptions = true,
        versionProvider = KvFluxCommand.Version.class,
        sortOptions = false,
        abbreviateSynopsis = true,
        description = "Replay a trace, or synthetic traffic, through the scheduler without a GPU.",
        footerHeading = "%n",
        footer = {
            "Exit codes: 0 done, 1 failure, 2 wrong usage, 130 interrupted (the partial summary is printed).",
            "docs/replay.md says what each number means."
        })
final class ReplayCommand implements Callable<Integer> {

    private static final int INTERRUPTED = 130;

    private final Interruption interruption;

    @Spec
    private CommandSpec spec;

    @ArgGroup(validate = false, heading = "%nWorkload%n", order = 1)
    private WorkloadOptions workloadOptions = new WorkloadOptions();

    @ArgGroup(validate = false, heading = "%nCache%n", order = 2)
    private CacheOptions cacheOptions = new CacheOptions();

    @ArgGroup(validate = false, heading = "%nTiers%n", order = 3)
    private TierOptions tierOptions = new TierOptions();

    @ArgGroup(validate = false, heading = "%nScheduling%n", order = 4)
    private SchedulingOptions schedulingOptions = new SchedulingOptions();

    @ArgGroup(validate = false, heading = "%nSpeculation%n", order = 5)
    private SpeculationOptions speculationOptions = new SpeculationOptions();

    @ArgGroup(validate = false, heading = "%nSimulated time%n", order = 6)
    private TimeOptions timeOptions = new TimeOptions();

    @ArgGroup(validate = false, heading = "%nOutput%n", order = 7)
    private OutputOptions outputOptions = new OutputOptions();

    ReplayCommand(Interruption interruption) {
        this.interruption = interruption;
    }

    @Override
    public Integer call() {
        checkOptions();
        ReplaySetup setup = setup();
        if (timeOptions.realtime) {
            return replayInRealTime(setup);
        }
        try (Outputs outputs = Outputs.open(outputOptions, List.of(inputs()));
                Workload workload = workloadOptions.open(cacheOptions.cacheOnly)) {
            tell(workload);
            return replay(workload, setup, outputs);
        }
    }

    private void checkOptions() {
        Contradictions.refuseRepeated(spec);
        Contradictions.check(
                workloadOptions,
                cacheOptions,
                tierOptions,
                schedulingOptions,
                speculationOptions,
                timeOptions,
                outputOptions);
    }

    /** What {@code compare} asks of the options of a variant, before anything is run. */
    void check() {
        checkOptions();
        if (timeOptions.realtime || cacheOptions.withMemory) {
            throw new UsageException("variants are compared in simulated time, without pages: leave out --realtime and"
                    + " --with-memory");
        }
        if (outputOptions.ticks != null || outputOptions.perRequest != null) {
            throw new UsageException("--ticks and --per-request are of one replay: leave them out");
        }
        setup();
    }

    ReplaySetup setup() {
        return ReplaySetup.of(
                workloadOptions, cacheOptions, tierOptions, schedulingOptions, speculationOptions, timeOptions);
    }

    Workload workload() {
        return workloadOptions.open(cacheOptions.cacheOnly);
    }

    /** Files that are read, by the options that name them; some of which may name something else. */
    Map<String, Path> inputs() {
        Map<String, Path> inputs = new LinkedHashMap<>();
        if (workloadOptions.trace != null) {
            inputs.put("--trace", workloadOptions.trace);
        }
        inputs.put("--model", Path.of(cacheOptions.model));
        speculationOptions.putInputs(inputs);
        return inputs;
    }

    private int replayInRealTime(ReplaySetup setup) {
        ReplaySummary virtual;
        try (Workload workload = workloadOptions.open(false)) {
            tell(workload);
            Replay replay = new Replay(workload, setup.options().withoutDisk(), new Listeners(List.of()));
            interruption.onStop(replay::stop);
            ReplayResult result = replay.run();
            if (result.partial()) {
                print(result, setup);
                return INTERRUPTED;
            }
            virtual = result.summary();
        }
        try (Workload workload = workloadOptions.open(false)) {
            RealtimeResult result = realtime(workload, setup);
            PrintWriter out = spec.commandLine().getOut();
            RealtimeTable.print(out, result, virtual, setup, outputOptions.json);
            out.flush();
            if (result.partial()) {
                return INTERRUPTED;
            }
            return RealtimeTable.holds(result, virtual) ? 0 : 1;
        }
    }

    private RealtimeResult realtime(Workload workload, ReplaySetup setup) {
        if (!Progress.isWanted(outputOptions.quiet)) {
            return realtime(workload, setup, new Listeners(List.of()));
        }
        try (Progress progress = Progress.start(err(), "replay", " requests", workload.size())) {
            return realtime(workload, setup, progress);
        }
    }

    private RealtimeResult realtime(Workload workload, ReplaySetup setup, ReplayListener listener) {
        RealtimeReplay replay = new RealtimeReplay(workload, setup.options(), timeOptions.speedOrDefault(), listener);
        interruption.onStop(replay::stop);
        return replay.run();
    }

    private void tell(Workload workload) {
        if (!outputOptions.quiet) {
            workload.notices().forEach(notice -> err().println("kvflux: " + notice));
        }
    }

    private int replay(Workload workload, ReplaySetup setup, Outputs outputs) {
        List<ReplayListener> listeners = new ArrayList<>();
        ReportWriter report = report(outputs, setup, listeners);
        if (outputs.perRequest() != null) {
            listeners.add(new RequestCsv(outputs.perRequest()));
        }
        if (outputs.ticks() != null) {
            listeners.add(new TickCsv(outputs.ticks()));
        }
        ReplayResult result = run(workload, setup, listeners);
        if (report != null) {
            report.write(result);
        }
        outputs.commit();
        print(result, setup);
        return result.partial() ? INTERRUPTED : 0;
    }

    private static @Nullable ReportWriter report(Outputs outputs, ReplaySetup setup, List<ReplayListener> listeners) {
        OutputFile file = outputs.report();
        if (file == null) {
            return null;
        }
        ReportWriter report = new ReportWriter(file, setup);
        listeners.add(report);
        return report;
    }

    private ReplayResult run(Workload workload, ReplaySetup setup, List<ReplayListener> listeners) {
        if (!Progress.isWanted(outputOptions.quiet)) {
            return run(workload, setup, new Listeners(listeners));
        }
        try (Progress progress = Progress.start(err(), "replay", " requests", workload.size())) {
            listeners.add(progress);
            return run(workload, setup, new Listeners(listeners));
        }
    }

    private ReplayResult run(Workload workload, ReplaySetup setup, ReplayListener listener) {
        Replay replay = new Replay(workload, setup.options(), listener);
        interruption.onStop(replay::stop);
        return replay.run();
    }

    private void print(ReplayResult result, ReplaySetup setup) {
        PrintWriter out = spec.commandLine().getOut();
        if (outputOptions.json) {
            out.println(SummaryJson.of(result));
        } else {
            SummaryTable.print(out, result, setup);
        }
        out.flush();
    }

    private PrintWriter err() {
        return spec.commandLine().getErr();
    }
}
