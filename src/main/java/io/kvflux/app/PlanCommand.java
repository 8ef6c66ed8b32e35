package io.kvflux.app;

import io.kvflux.geometry.DataSize;
import io.kvflux.geometry.MultiKvCacheParams;
import io.kvflux.models.ModelShape;
import java.io.PrintWriter;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code kvflux plan}: what fits into the memory of some devices. */
@Command(
        name = "plan",
        mixinStandardHelpOptions = true,
        versionProvider = KvFluxCommand.Version.class,
        sortOptions = false,
        abbreviateSynopsis = true,
        description = "Compute what a block costs and how many fit.")
final class PlanCommand implements Callable<Integer> {

    @Spec
    private CommandSpec spec;

    @Option(
            names = "--model",
            paramLabel = "NAME|FILE",
            required = true,
            description = "Preset (${COMPLETION-CANDIDATES}) or path of a Hugging Face config.json. Give it twice, or"
                    + " --draft-model beside it, for a target and its draft model.",
            completionCandidates = ModelNames.class)
    private List<String> models = List.of();

    @Option(
            names = "--draft-model",
            paramLabel = "NAME|FILE",
            description = "Draft model, whose cache lies beside the model's. Default: none.",
            completionCandidates = ModelNames.class)
    private @Nullable String draftModel;

    @Option(
            names = "--device-memory",
            paramLabel = "SIZE",
            required = true,
            converter = Converters.Size.class,
            description = "KV memory of one device, such as 40GiB; all devices have the same.")
    private DataSize deviceMemory = new DataSize(0);

    @Option(
            names = "--tensor-parallel",
            paramLabel = "N",
            converter = Converters.Count.class,
            description = "Devices that share one replica. Default: 1.")
    private int tensorParallel = 1;

    @Option(
            names = "--data-parallel",
            paramLabel = "N",
            converter = Converters.Count.class,
            description = "Replicas, each with its own pool. Default: 1.")
    private int dataParallel = 1;

    @Option(
            names = "--host-memory",
            paramLabel = "SIZE",
            converter = Converters.Size.class,
            description = "Host memory of one replica for swapped blocks. Default: none.")
    private @Nullable DataSize hostMemory;

    @Option(
            names = "--page-size",
            paramLabel = "N",
            converter = Converters.Count.class,
            description = "Tokens in a page. Default: " + KvCaches.DEFAULT_PAGE_SIZE + ".")
    private int pageSize = KvCaches.DEFAULT_PAGE_SIZE;

    @Option(names = "--json", description = "Print one JSON object in place of the table.")
    private boolean json;

    @Override
    public Integer call() {
        Plan plan = plan(Stream.concat(models.stream(), Stream.ofNullable(draftModel))
                .map(KvCaches::model)
                .toList());
        PrintWriter out = spec.commandLine().getOut();
        if (json) {
            out.println(SummaryJson.print(plan));
        } else {
            PlanTable.print(out, plan);
        }
        return 0;
    }

    private Plan plan(List<ModelShape> shapes) {
        try {
            MultiKvCacheParams caches =
                    KvCaches.of(shapes, pageSize, tensorParallel, dataParallel, true, hostMemory, 0);
            long total = KvCaches.totalBytes(deviceMemory, tensorParallel, dataParallel);
            return Plan.of(shapes, caches, deviceMemory, total);
        } catch (IllegalArgumentException e) {
            throw new UsageException(e.getMessage(), e);
        }
    }
}
