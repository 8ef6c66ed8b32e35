package io.kvflux.app;

import java.util.Objects;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/** {@code kvflux} without a command prints the help. */
@Command(
        name = "kvflux",
        versionProvider = KvFluxCommand.Version.class,
        mixinStandardHelpOptions = true,
        description = "KV-cache memory and batch scheduling for LLM serving.",
        synopsisSubcommandLabel = "(doctor | replay | compare | plan | selftest | soak | serve | bench)",
        footerHeading = "%n",
        footer = {
            "Exit codes: 0 done, 1 failure, 2 wrong usage, 130 interrupted.",
            "JVM options go in the environment variable KVFLUX_JAVA_OPTS, for example KVFLUX_JAVA_OPTS=-Xmx8g."
        })
final class KvFluxCommand implements Runnable {

    @Spec
    private CommandSpec spec;

    @Option(names = "--stacktrace", hidden = true, scope = ScopeType.INHERIT)
    private boolean stackTrace;

    @Override
    public void run() {
        spec.commandLine().usage(spec.commandLine().getOut());
    }

    /** Whether the user asked for the Java side of a failure. */
    static boolean wantsStackTrace(CommandLine command) {
        CommandLine root = command;
        while (root.getParent() != null) {
            root = root.getParent();
        }
        return ((KvFluxCommand) root.getCommand()).stackTrace;
    }

    /** The version in the jar's manifest. */
    static final class Version implements IVersionProvider {

        @Override
        public String[] getVersion() {
            return new String[] {"kvflux " + text() + " (Java " + Runtime.version() + ")"};
        }

        static String text() {
            return Objects.requireNonNullElse(
                    KvFluxCommand.class.getPackage().getImplementationVersion(), "development build");
        }
    }
}
