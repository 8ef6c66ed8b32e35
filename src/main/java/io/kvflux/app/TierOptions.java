package io.kvflux.app;

import io.kvflux.core.PreemptionMode;
import io.kvflux.geometry.DataSize;
import io.kvflux.sim.ReplayDisk;
import io.kvflux.tier.HostPolicy;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The memory below the devices. */
final class TierOptions {

    static final String DEFAULT_BANDWIDTH = "24GiB/s";
    static final String DEFAULT_DISK_BANDWIDTH = "1GiB/s";

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

    @Option(
            names = "--disk",
            paramLabel = "DIR",
            description =
                    "Directory in which pages that come to the host are kept, for later runs too. Needs --disk-size"
                            + " and real bytes. Default: none.")
    @Nullable
    Path disk;

    @Option(
            names = "--disk-size",
            paramLabel = "SIZE",
            converter = Converters.Size.class,
            description = "Most bytes of its files, such as 100GiB.")
    @Nullable
    DataSize diskSize;

    @Option(
            names = "--disk-bandwidth",
            paramLabel = "SIZE/s",
            converter = Converters.Bandwidth.class,
            description = "Bytes a second that the disk reads or writes, in simulated time. Default: "
                    + DEFAULT_DISK_BANDWIDTH + ".")
    @Nullable
    DataSize diskBandwidth;

    boolean hasHost() {
        return hostMemory != null || hostBlocks != null;
    }

    @Nullable
    ReplayDisk disk() {
        return disk == null || diskSize == null
                ? null
                : new ReplayDisk(
                        disk,
                        diskSize,
                        diskBandwidth == null ? ReplayDisk.DEFAULT_BYTES_PER_SECOND : diskBandwidth.bytes());
    }
}
