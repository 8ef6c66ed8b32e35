package io.kvflux.sim;

import io.kvflux.core.SchedulerConfig;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * How a workload is replayed.
 *
 * @param scheduler the scheduler's configuration; with cacheOnly only its page size, blocks of one replica, eviction, host
 *     tier and verifyInvariants count
 * @param cost how long a step takes; unused with cacheOnly
 * @param hostBytesPerSecond what the link between the host and one replica carries in each direction; unused without a host
 *     tier, and with cacheOnly
 * @param tenants how many tenants the requests are dealt to, at least 1
 * @param seed of the dealing, and of the drafts' luck
 * @param cacheOnly whether to look at the cache alone: requests one after another in file order, no time, no output
 * @param withMemory whether there is memory behind the blocks, whose bytes are written, copied and checked at every hit
 * @param disk what is below the host tier, null for nothing
 * @param speculation how drafts fare, null where the scheduler never drafts
 * @param device where the pages are, null for host memory; unused without withMemory
 */
public record ReplayOptions(
        SchedulerConfig scheduler,
        CostModel cost,
        double hostBytesPerSecond,
        int tenants,
        long seed,
        boolean cacheOnly,
        boolean withMemory,
        @Nullable ReplayDisk disk,
        @Nullable Speculation speculation,
        @Nullable ReplayDevice device) {

    /** What a PCIe 4.0 link of sixteen lanes carries, in bytes a second. */
    public static final double DEFAULT_HOST_BYTES_PER_SECOND = 24L << 30;

    /**
     * Checks the values.
     *
     * @param scheduler the scheduler's configuration
     * @param cost how long a step takes
     * @param hostBytesPerSecond positive and finite
     * @param tenants at least 1
     * @param seed of the dealing
     * @param cacheOnly whether to look at the cache alone
     * @param withMemory whether there is memory behind the blocks
     * @param disk what is below the host tier, null for nothing
     * @param speculation how drafts fare, null where the scheduler never drafts
     * @param device where the pages are, null for host memory
     * @throws IllegalArgumentException if tenants or hostBytesPerSecond is not positive, cacheOnly has several replicas or no
     *     prefix caching, a disk has no host tier above it, or the scheduler drafts and it is not said how drafts fare
     */
    public ReplayOptions {
        if (tenants < 1) {
            throw new IllegalArgumentException("tenants must be positive, tenants=" + tenants);
        }
        if (!(hostBytesPerSecond > 0) || Double.isInfinite(hostBytesPerSecond)) {
            throw new IllegalArgumentException(
                    "hostBytesPerSecond must be positive and finite, hostBytesPerSecond=" + hostBytesPerSecond);
        }
        if (cacheOnly && (scheduler.replicas() != 1 || !scheduler.prefixCaching())) {
            throw new IllegalArgumentException(
                    "a look at the cache alone needs one replica with prefix caching, replicas=" + scheduler.replicas()
                            + ", prefixCaching=" + scheduler.prefixCaching());
        }
        if (disk != null && scheduler.hostBlocks() == 0) {
            throw new IllegalArgumentException(
                    "a disk needs a host tier, through which pages go to it and come back, hostBlocks=0, disk=" + disk);
        }
        if (scheduler.speculates() && speculation == null) {
            throw new IllegalArgumentException("a replay with drafts needs to know how they fare, numDraftTokens="
                    + scheduler.caches().numDraftTokens() + ", speculation=absent");
        }
    }

    /**
     * The options of a replay without drafts.
     *
     * @param scheduler the scheduler's configuration
     * @param cost how long a step takes
     * @param hostBytesPerSecond positive and finite
     * @param tenants at least 1
     * @param seed of the dealing
     * @param cacheOnly whether to look at the cache alone
     * @param withMemory whether there is memory behind the blocks
     * @param disk what is below the host tier, null for nothing
     */
    public ReplayOptions(
            SchedulerConfig scheduler,
            CostModel cost,
            double hostBytesPerSecond,
            int tenants,
            long seed,
            boolean cacheOnly,
            boolean withMemory,
            @Nullable ReplayDisk disk) {
        this(scheduler, cost, hostBytesPerSecond, tenants, seed, cacheOnly, withMemory, disk, null, null);
    }

    /**
     * The options of a replay without drafts, memory and disk.
     *
     * @param scheduler the scheduler's configuration
     * @param cost how long a step takes
     * @param hostBytesPerSecond positive and finite
     * @param tenants at least 1
     * @param seed of the dealing
     * @param cacheOnly whether to look at the cache alone
     */
    public ReplayOptions(
            SchedulerConfig scheduler,
            CostModel cost,
            double hostBytesPerSecond,
            int tenants,
            long seed,
            boolean cacheOnly) {
        this(scheduler, cost, hostBytesPerSecond, tenants, seed, cacheOnly, false, null);
    }

    /** {@return the same without a disk} */
    public ReplayOptions withoutDisk() {
        return new ReplayOptions(
                scheduler, cost, hostBytesPerSecond, tenants, seed, cacheOnly, withMemory, null, speculation, device);
    }

    /**
     * The same with the pages elsewhere.
     *
     * @param where the device, null for host memory
     * @return the options
     */
    public ReplayOptions on(@Nullable ReplayDevice where) {
        return new ReplayOptions(
                scheduler, cost, hostBytesPerSecond, tenants, seed, cacheOnly, withMemory, disk, speculation, where);
    }

    Speculation requireSpeculation() {
        return Objects.requireNonNull(speculation, "speculation");
    }
}
