package io.kvflux.app;

import io.kvflux.geometry.DataSize;
import io.kvflux.sim.ReplayDevice;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The model's KV cache and the memory it has. */
final class CacheOptions {

    static final String DEFAULT_MODEL = "llama-3.1-8b";

    @Option(
            names = "--model",
            paramLabel = "NAME|FILE",
            defaultValue = DEFAULT_MODEL,
            description = "Preset (${COMPLETION-CANDIDATES}) or path of a Hugging Face config.json. Default: "
                    + DEFAULT_MODEL + ".",
            completionCandidates = ModelNames.class)
    String model = DEFAULT_MODEL;

    @Option(
            names = "--page-size",
            paramLabel = "N",
            converter = Converters.Count.class,
            description = "Tokens in a page. Default: " + KvCaches.DEFAULT_PAGE_SIZE + ".")
    int pageSize = KvCaches.DEFAULT_PAGE_SIZE;

    @Option(
            names = "--device-blocks",
            paramLabel = "N",
            converter = Converters.Blocks.class,
            description = "Usable blocks of one replica.")
    @Nullable
    Integer deviceBlocks;

    @Option(
            names = "--device-memory",
            paramLabel = "SIZE",
            converter = Converters.Size.class,
            description = "KV memory of one device, such as 40GiB. Default of both: 90 %% of the profile's memory, less"
                    + " the weights.")
    @Nullable
    DataSize deviceMemory;

    @Option(
            names = "--tensor-parallel",
            paramLabel = "N",
            converter = Converters.Count.class,
            description = "Devices that share one replica. Default: 1.")
    int tensorParallel = 1;

    @Option(
            names = "--data-parallel",
            paramLabel = "N",
            converter = Converters.Count.class,
            description = "Replicas, each with its own pool. Default: 1.")
    int dataParallel = 1;

    @Option(names = "--no-prefix-cache", description = "Keep and share no full pages. Default: they are shared.")
    boolean noPrefixCache;

    @Option(
            names = "--cache-only",
            description = "Look at the cache alone: prompts one after another in file order, no time, no outputs.")
    boolean cacheOnly;

    @Option(
            names = "--with-memory",
            description = "Put memory behind the blocks of every tier: pages are filled with a pattern of their"
                    + " content, really copied, and checked at every hit (slow). Default: off.")
    boolean withMemory;

    @Option(
            names = "--device",
            paramLabel = "NAME",
            description = "Where --with-memory puts the pages of the device: host, cuda (the first GPU), cuda:N, or"
                    + " cuda:N,N for shards and replicas on several. Default: host.")
    @Nullable
    String device;

    /** The GPUs of --device, null for host memory. */
    @Nullable
    ReplayDevice replayDevice() {
        DeviceName name = device == null ? DeviceName.HOST : DeviceName.parse("--device", device);
        return name.isHost() ? null : name.forReplay();
    }
}
