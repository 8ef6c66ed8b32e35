package io.kvflux;

import io.kvflux.geometry.DataSize;
import io.kvflux.geometry.KvCacheParams;
import io.kvflux.geometry.KvConnectorType;
import io.kvflux.geometry.MultiKvCacheParams;
import io.kvflux.memory.BlockArenas;
import io.kvflux.memory.SlotArena;
import io.kvflux.memory.SlotLayout;
import io.kvflux.memory.chronicle.HostSlots;
import io.kvflux.tier.connector.Connector;
import io.kvflux.tier.connector.CopyWorkers;
import io.kvflux.tier.connector.LocalConnector;
import io.kvflux.tier.connector.NullConnector;
import io.kvflux.tier.connector.TieredConnector;
import io.kvflux.tier.disk.DiskLayout;
import io.kvflux.tier.disk.DiskStore;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import reactor.core.scheduler.Scheduler;

/** Where blocks go that leave the devices: what the builder was told, and what the caches say where it was told nothing. */
final class ConnectorSettings {

    private final MultiKvCacheParams caches;
    private final SlotLayout layout;
    private @Nullable DataSize hostSwap;
    private @Nullable Integer hostSwapBlocks;
    private @Nullable Path diskDirectory;
    private @Nullable DataSize diskSize;
    HostSlots.Touch touch = HostSlots.Touch.LAZY;

    @Nullable
    Scheduler copyOn;

    Connector.@Nullable Factory factory;

    ConnectorSettings(MultiKvCacheParams caches) {
        this.caches = caches;
        layout = SlotLayout.of(caches);
    }

    void hostSwap(DataSize size) {
        hostSwap = Objects.requireNonNull(size, "hostSwap");
    }

    void hostSwapBlocks(int blocks) {
        hostSwapBlocks = blocks;
    }

    void disk(Path directory, DataSize size) {
        diskDirectory = directory;
        diskSize = Objects.requireNonNull(size, "size");
    }

    /** {@return blocks that the host will have room for; 0 for none, and 1 as long as only a connector of the user's knows} */
    int hostBlocks() {
        if (factory != null) {
            return 1;
        }
        if (hostSwapBlocks != null) {
            return Math.max(0, hostSwapBlocks);
        }
        DataSize size = size();
        return size == null ? 0 : Math.min(Integer.MAX_VALUE - 1, HostSlots.slotsThatFit(size.bytes(), layout.bytes()));
    }

    /** Bytes for the host, of all replicas. */
    private @Nullable DataSize size() {
        if (hostSwap != null || !caches.kvConnector().needsHostMemory()) {
            return hostSwap;
        }
        double gibPerReplica = Objects.requireNonNull(caches.hostKvCacheSwapSpaceGb());
        return new DataSize((long) (gibPerReplica * (1L << 30) * caches.dataParallelDegree()));
    }

    private boolean hasHost() {
        return hostSwap != null
                || hostSwapBlocks != null
                || caches.kvConnector().needsHostMemory();
    }

    private boolean hasDisk() {
        return diskDirectory != null || caches.kvConnector() == KvConnectorType.TIERED;
    }

    private @Nullable Path directory() {
        return diskDirectory != null ? diskDirectory : only(KvCacheParams::diskOffloadDir);
    }

    private @Nullable DataSize diskBytes() {
        Double gib = only(KvCacheParams::diskOffloadMaxGb);
        return diskSize != null || gib == null ? diskSize : new DataSize((long) (gib * (1L << 30)));
    }

    /** What all caches say that say something; null if none does, or if they disagree. */
    private <T> @Nullable T only(Function<KvCacheParams, @Nullable T> value) {
        List<T> said = caches.params().stream()
                .map(value)
                .filter(Objects::nonNull)
                .distinct()
                .toList();
        return said.size() == 1 ? said.get(0) : null;
    }

    void check(List<String> faults, boolean externalMemory) {
        if (hostSwap != null && hostSwapBlocks != null) {
            faults.add("hostSwap and hostSwapBlocks both say how many blocks the host has room for: set one of them,"
                    + " hostSwap=" + hostSwap + ", hostSwapBlocks=" + hostSwapBlocks);
        }
        if (factory != null) {
            checkOwn(faults, externalMemory);
            return;
        }
        if (caches.kvConnector() == KvConnectorType.DKV) {
            faults.add("kvConnector=DKV needs a connector to the shared store: set connector(...)");
        }
        if (externalMemory && hasHost()) {
            faults.add("externalMemory excludes hostSwap: the scheduler cannot copy what it cannot see, hostSwap="
                    + size() + ", hostSwapBlocks=" + hostSwapBlocks);
        }
        if (hostSwapBlocks != null && hostSwapBlocks < 1) {
            faults.add("hostSwapBlocks must be positive, hostSwapBlocks=" + hostSwapBlocks);
        } else if (hasHost() && hostBlocks() == 0) {
            faults.add("hostSwap must hold a block, hostSwap=" + size() + ", bytes of a block on host="
                    + HostSlots.strideBytes(layout.bytes()));
        }
        if (hasDisk()) {
            checkDisk(faults);
        }
    }

    private void checkOwn(List<String> faults, boolean externalMemory) {
        if (hostSwap != null || hostSwapBlocks != null || diskDirectory != null) {
            faults.add("connector excludes hostSwap and disk, which it brings itself, hostSwap=" + hostSwap
                    + ", hostSwapBlocks=" + hostSwapBlocks + ", disk=" + diskDirectory);
        }
        if (externalMemory) {
            faults.add("externalMemory excludes connector: there is no memory for it to copy from");
        }
    }

    private void checkDisk(List<String> faults) {
        if (!hasHost()) {
            faults.add("disk needs hostSwap, through which pages go to it and come back, disk=" + diskDirectory);
        }
        Path where = directory();
        if (where != null && where.toString().isBlank()) {
            faults.add("disk needs the name of a directory, disk='" + where + "'");
        }
        if (where == null || diskBytes() == null) {
            faults.add("kvConnector=TIERED needs one directory and one size for all caches: set diskOffloadDir and"
                    + " diskOffloadMaxGb of one of them, or disk(...), diskOffloadDir="
                    + all(KvCacheParams::diskOffloadDir) + ", diskOffloadMaxGb="
                    + all(KvCacheParams::diskOffloadMaxGb));
        }
    }

    private List<String> all(Function<KvCacheParams, ? extends @Nullable Object> value) {
        return caches.params().stream()
                .map(cache -> value.apply(cache) == null ? "absent" : String.valueOf(value.apply(cache)))
                .toList();
    }

    /** Opens what was asked for; after a check. */
    Connector open(BlockArenas arenas, LongSupplier clock) {
        if (factory != null) {
            return checked(factory.open(arenas));
        }
        if (!hasHost()) {
            return new NullConnector();
        }
        DiskStore disk = hasDisk()
                ? DiskStore.open(
                        Objects.requireNonNull(directory()), DiskLayout.of(caches), Objects.requireNonNull(diskBytes()))
                : null;
        HostSlots slots;
        try {
            slots = HostSlots.allocate(hostBlocks(), layout.bytes(), touch);
        } catch (RuntimeException | Error refused) {
            if (disk != null) {
                disk.close();
            }
            throw refused;
        }
        CopyWorkers workers = copyOn == null ? CopyWorkers.own() : CopyWorkers.on(copyOn::schedule);
        LocalConnector local;
        try {
            local = new LocalConnector(arenas, slots, layout, workers, clock);
        } catch (RuntimeException | Error refused) {
            workers.close();
            slots.close();
            if (disk != null) {
                disk.close();
            }
            throw refused;
        }
        return disk == null ? local : new TieredConnector(local, disk);
    }

    private Connector checked(@Nullable Connector own) {
        if (own == null) {
            throw new IllegalArgumentException("a connector's factory opens one, connector=null");
        }
        try {
            SlotArena host = own.hostMemory();
            if (host != null && host.slotBytes() != layout.bytes()) {
                throw new IllegalArgumentException("a slot of the host holds a block, connector=" + own.type()
                        + ", slotBytes=" + host.slotBytes() + ", bytes of a block on host=" + layout.bytes());
            }
            if (own.storeSlots() < 0 || (own.storeSlots() > 0 && host == null)) {
                throw new IllegalArgumentException("a store has slots, and a host above it, connector=" + own.type()
                        + ", storeSlots=" + own.storeSlots() + ", hostMemory=" + host);
            }
            return own;
        } catch (RuntimeException | Error refused) {
            BlockSchedulerBuilder.closeAfter(refused, own);
            throw refused;
        }
    }
}
