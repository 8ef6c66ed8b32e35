package io.kvflux.app;

import io.kvflux.core.PreemptionMode;
import io.kvflux.geometry.DataSize;
import io.kvflux.tier.HostPolicy;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The memory below the devices. */
final class TierOptions {

    static final String DEFAULT_BANDWIDTH = "24GiB/s";

    @Option(
            names = "--host-memory",
            paramLabel = "SIZE",
            converter = Converters.Size.class,
            description = "Host memory for pages that leave the devices, of all replicas together, such as 64GiB."
                    + " Default: none.")
    @Nullable
    DataSize hostMemory;

    @Option(
            names = "--host-blocks",
            paramLabel = "N",
            converter = Converters.Blocks.class,
            description = "The same as a number of blocks.")
    @Nullable
    Integer hostBlocks;

    @Option(
            names = "--host-policy",
            paramLabel = "P",
            converter = Converters.HostPolicyName.class,
            description = "exclusive (a page is on one tier), inclusive (what came back stays on the host too) or"
                    + " write-through (a page is copied when it is computed). Default: inclusive.")
    @Nullable
    HostPolicy hostPolicy;

    @Option(
            names = "--host-bandwidth",
            paramLabel = "SIZE/s",
            converter = Converters.Bandwidth.class,
            description = "Bytes a second between host and one replica, in each direction. Default: "
                    + DEFAULT_BANDWIDTH + ".")
    @Nullable
    DataSize hostBandwidth;

    @Option(
            names = "--preemption",
            paramLabel = "MODE",
            converter = Converters.Preemption.class,
            description =
                    "How a preempted sequence's KV comes back: auto (as is cheaper by what was measured), recompute,"
                            + " offload (to the host). Default: auto.")
    @Nullable
    PreemptionMode preemption;

    boolean hasHost() {
        return hostMemory != null || hostBlocks != null;
    }
}
