package io.kvflux.app;

import io.kvflux.geometry.DataSize;
import io.kvflux.memory.OutOfDeviceMemoryException;
import io.kvflux.serve.CannotListenException;
import io.kvflux.serve.CompletionServer;
import io.kvflux.serve.ServerOptions;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code kvflux serve}: the reference model behind the OpenAI completions API, until it is interrupted. */
@Command(
        name = "serve",
        mixinStandardHelpOptions = true,
        versionProvider = KvFluxCommand.Version.class,
        sortOptions = false,
        abbreviateSynopsis = true,
        description = "Serve a reference model, whose output means nothing, over the OpenAI completions API.",
        footerHeading = "%n",
        footer = {
            "Exit codes: 1 failure, 2 wrong usage, 130 interrupted.",
            "docs/serving.md says what clients may ask for, and what happens to those that read slowly or leave."
        })
final class ServeCommand implements Callable<Integer> {

    private static final int INTERRUPTED = 130;

    private final Interruption interruption;

    @Spec
    private CommandSpec spec;

    @Option(
            names = "--host",
            paramLabel = "NAME",
            description = "Where to listen; 0.0.0.0 lets other machines in. Default: " + ServerOptions.DEFAULT_HOST
                    + ", for this one alone.")
    private String host = ServerOptions.DEFAULT_HOST;

    @Option(
            names = "--port",
            paramLabel = "N",
            converter = Converters.Port.class,
            description = "Port; 0 takes any that is free. Default: " + ServerOptions.DEFAULT_PORT + ".")
    private int port = ServerOptions.DEFAULT_PORT;

    @Option(
            names = "--device-memory",
            paramLabel = "SIZE",
            converter = Converters.Size.class,
            description = "Memory for the KV blocks, such as 64MiB. Default: 16 MiB.")
    private @Nullable DataSize deviceMemory;

    @Option(
            names = "--device-blocks",
            paramLabel = "N",
            converter = Converters.Blocks.class,
            description = "Usable blocks, in place of --device-memory.")
    private @Nullable Integer deviceBlocks;

    @Option(
            names = "--page-size",
            paramLabel = "N",
            converter = Converters.Count.class,
            description = "Tokens in a page. Default: " + ServerOptions.DEFAULT_PAGE_SIZE + ".")
    private int pageSize = ServerOptions.DEFAULT_PAGE_SIZE;

    @Option(
            names = "--max-batch-size",
            paramLabel = "N",
            converter = Converters.Count.class,
            description = "Most sequences in a step. Default: " + ServerOptions.DEFAULT_MAX_BATCH_SIZE + ".")
    private int maxBatchSize = ServerOptions.DEFAULT_MAX_BATCH_SIZE;

    @Option(
            names = "--max-pending",
            paramLabel = "N",
            converter = Converters.Count.class,
            description = "Most sequences that wait for their first admission; more get status 429. Default: "
                    + ServerOptions.DEFAULT_MAX_PENDING + ".")
    private int maxPending = ServerOptions.DEFAULT_MAX_PENDING;

    @Option(names = "--seed", paramLabel = "N", description = "Seed of the model's weights. Default: 0.")
    private long seed;

    ServeCommand(Interruption interruption) {
        this.interruption = interruption;
    }

    @Override
    public Integer call() {
        if (deviceBlocks != null && deviceMemory != null) {
            throw new UsageException("--device-blocks and --device-memory contradict each other, give one of them");
        }
        CompletionServer server = start();
        interruption.onStop(() -> server.disposeLater().subscribe());
        tell(server);
        try {
            server.stopped().block();
        } catch (RuntimeException e) {
            throw new FailureException("the server stopped: " + e.getMessage(), e);
        }
        return INTERRUPTED;
    }

    private CompletionServer start() {
        try {
            return CompletionServer.start(options());
        } catch (IllegalArgumentException e) {
            throw new UsageException(e.getMessage(), e);
        } catch (OutOfDeviceMemoryException e) {
            throw new FailureException(
                    "there is not the memory for so many blocks: give less with --device-memory or --device-blocks", e);
        } catch (CannotListenException e) {
            throw new FailureException(e.getMessage() + "; choose where with --host and --port", e);
        }
    }

    private ServerOptions options() {
        ServerOptions options = ServerOptions.defaults()
                .host(host)
                .port(port)
                .pageSize(pageSize)
                .maxBatchSize(maxBatchSize)
                .maxPending(maxPending)
                .seed(seed);
        options = deviceMemory == null ? options : options.deviceMemory(deviceMemory);
        return deviceBlocks == null ? options : options.deviceBlocks(deviceBlocks);
    }

    private void tell(CompletionServer server) {
        PrintWriter out = spec.commandLine().getOut();
        out.println("Serving on " + server.url() + " until Ctrl-C. Try: curl -N " + server.url()
                + "/v1/completions -d '{\"prompt\": \"Hello\", \"max_tokens\": 40, \"stream\": true}'");
        out.flush();
    }
}
