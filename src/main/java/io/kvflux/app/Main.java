package io.kvflux.app;

import io.kvflux.memory.DeviceLostException;
import io.kvflux.memory.OutOfDeviceMemoryException;
import io.kvflux.memory.chronicle.MissingFlagsException;
import io.kvflux.memory.cuda.CudaException;
import io.kvflux.memory.cuda.CudaUnavailableException;
import io.kvflux.models.ModelConfigException;
import io.kvflux.selftest.TemporaryDirectoryException;
import io.kvflux.sim.LongStepException;
import io.kvflux.sim.PageMismatchException;
import io.kvflux.sim.TraceException;
import io.kvflux.tier.disk.DiskException;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.UnmatchedArgumentException;

/** Entry point: turns every outcome into an exit code and, where it failed, one sentence on stderr. */
public final class Main {

    static final int FAILURE = 1;
    static final int USAGE = 2;

    private Main() {}

    public static void main(String[] args) {
        PrintWriter out = new PrintWriter(new FileOutputStream(FileDescriptor.out), false, StandardCharsets.UTF_8);
        PrintWriter err = new PrintWriter(new FileOutputStream(FileDescriptor.err), true, StandardCharsets.UTF_8);
        Interruption interruption = new Interruption();
        Runtime.getRuntime().addShutdownHook(new Thread(interruption::stopAndAwaitEnd, "interruption"));
        int code;
        try {
            code = run(out, err, interruption, args);
        } finally {
            interruption.ended();
        }
        System.exit(code);
    }

    static int run(PrintWriter out, PrintWriter err, Interruption interruption, String... args) {
        CommandLine line = commandLine(interruption).setOut(out).setErr(err);
        int code;
        try {
            code = line.execute(args);
        } catch (OutOfMemoryError e) {
            return fail(err, "not enough memory: give more, for example with KVFLUX_JAVA_OPTS=-Xmx8g", FAILURE);
        } catch (InternalError e) {
            return fail(
                    err,
                    "a file of the disk was cut off, or could not be read, while it was in use: leave the directory of"
                            + " --disk alone during a run (" + oneLine(String.valueOf(e.getMessage())) + ")",
                    FAILURE);
        }
        out.flush();
        if (out.checkError() && code == 0) {
            return fail(err, "standard output was closed before everything was written", FAILURE);
        }
        return code;
    }

    private static CommandLine commandLine(Interruption interruption) {
        CommandLine line = new CommandLine(new KvFluxCommand());
        line.addSubcommand(new DoctorCommand())
                .addSubcommand(new ReplayCommand(interruption))
                .addSubcommand(new CompareCommand(interruption))
                .addSubcommand(new PlanCommand())
                .addSubcommand(new SelftestCommand(interruption))
                .addSubcommand(new ServeCommand(interruption))
                .addSubcommand(new SoakCommand(interruption))
                .addSubcommand(BenchCommand.line(interruption));
        line.setParameterExceptionHandler(Main::usageError);
        line.setExecutionExceptionHandler(Main::executionError);
        line.setUsageHelpWidth(100);
        return line;
    }

    private static int usageError(ParameterException e, String[] args) {
        CommandLine command = e.getCommandLine();
        return fail(
                command.getErr(),
                sentence(e) + " (see " + command.getCommandSpec().qualifiedName() + " --help)",
                USAGE);
    }

    private static String sentence(ParameterException e) {
        if (e instanceof UnmatchedArgumentException unmatched) {
            String unknown = unmatched.getUnmatched().get(0);
            String what = unmatched.isUnknownOption() ? "unknown option " : "unexpected argument ";
            return what + "'" + unknown + "'" + suggestion(unmatched);
        }
        return oneLine(e.getMessage());
    }

    private static String suggestion(UnmatchedArgumentException unmatched) {
        return unmatched.getSuggestions().isEmpty()
                ? ""
                : ", did you mean " + unmatched.getSuggestions().get(0) + "?";
    }

    private static int executionError(Exception e, CommandLine command, ParseResult parsed) {
        if (KvFluxCommand.wantsStackTrace(command)) {
            e.printStackTrace(command.getErr());
        }
        if (e instanceof UsageException) {
            String help = " (see " + command.getCommandSpec().qualifiedName() + " --help)";
            return fail(command.getErr(), oneLine(e.getMessage()) + help, USAGE);
        }
        if (e instanceof FailureException
                || e instanceof TraceException
                || e instanceof ModelConfigException
                || e instanceof PageMismatchException
                || e instanceof LongStepException
                || e instanceof DiskException
                || e instanceof MissingFlagsException
                || e instanceof TemporaryDirectoryException
                || e instanceof OutOfDeviceMemoryException
                || e instanceof CudaUnavailableException
                || e instanceof CudaException
                || e instanceof DeviceLostException) {
            return fail(command.getErr(), oneLine(e.getMessage()), FAILURE);
        }
        return fail(
                command.getErr(),
                "this is a bug in kvflux, please report it with what --stacktrace prints: " + oneLine(e.toString()),
                FAILURE);
    }

    private static int fail(PrintWriter err, String sentence, int code) {
        err.println("kvflux: " + sentence);
        err.flush();
        return code;
    }

    private static String oneLine(String message) {
        return message.strip().replaceAll("\\s*\\R\\s*", " ");
    }
}
