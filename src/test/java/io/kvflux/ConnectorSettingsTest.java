package io.kvflux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvflux.api.BlockHash;
import io.kvflux.geometry.DType;
import io.kvflux.geometry.DataSize;
import io.kvflux.geometry.DeviceRef;
import io.kvflux.geometry.KvCacheParams;
import io.kvflux.geometry.KvConnectorType;
import io.kvflux.geometry.MultiKvCacheParams;
import io.kvflux.memory.BlockArenas;
import io.kvflux.memory.SlotLayout;
import io.kvflux.memory.chronicle.HostSlots;
import io.kvflux.memory.chronicle.Region;
import io.kvflux.tier.connector.Connector;
import io.kvflux.tier.connector.CopyWorkers;
import io.kvflux.tier.connector.LocalConnector;
import io.kvflux.tier.connector.NullConnector;
import io.kvflux.tier.connector.SharedStoreConnector;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Where blocks go that leave the devices: as the caches name it, or as the builder is told. */
class ConnectorSettingsTest {

    /** A MiB, of slots of 4 KiB. */
    private static final double GIB = 1.0 / 1024;

    private static final Duration PATIENCE = Duration.ofSeconds(60);

    @TempDir
    Path folder;

    private static KvCacheParams.Builder cache() {
        return KvCacheParams.builder()
                .dtype(DType.FLOAT32)
                .numLayers(1)
                .numKvHeads(1)
                .headDim(4)
                .pageSize(4)
                .devices(DeviceRef.gpus(2))
                .dataParallelDegree(2);
    }

    private static BlockSchedulerBuilder builder(KvCacheParams... caches) {
        return BlockScheduler.builder(MultiKvCacheParams.fromParams(caches)).deviceBlocks(4);
    }

    private static KvCacheParams.Builder cache(KvConnectorType connector) {
        return cache().kvConnector(connector).hostKvCacheSwapSpaceGb(GIB);
    }

    private static long hostBlocks(BlockSchedulerBuilder builder) {
        BlockScheduler scheduler = builder.build();
        scheduler.disposeLater().block(PATIENCE);
        return scheduler.metrics().hostBlocks();
    }

    @Test
    void nothingIsKeptUnlessSomebodySaysSo() {
        assertThat(hostBlocks(builder(cache().build()))).isZero();
        assertThat(hostBlocks(builder(cache().hostKvCacheSwapSpaceGb(GIB).build())))
                .isZero();
    }

    /** The caches count a replica, the builder all of them. */
    @Test
    void theCachesSayHowMuchHostMemoryAReplicaHas() {
        assertThat(hostBlocks(builder(cache(KvConnectorType.LOCAL).build()))).isEqualTo(2 * 256);
        assertThat(hostBlocks(builder(cache(KvConnectorType.LOCAL).build()).hostSwapBlocks(7)))
                .isEqualTo(7);
        assertThat(hostBlocks(builder(cache(KvConnectorType.LOCAL).build()).hostSwap(DataSize.parse("64KiB"))))
                .isEqualTo(16);
        assertThat(hostBlocks(builder(cache().build()).hostSwapBlocks(7))).isEqualTo(7);
    }

    @Test
    void theCachesSayWhereTheDiskIs() {
        Path store = folder.resolve("store");
        KvCacheParams.Builder cache = cache(KvConnectorType.TIERED);
        assertThat(hostBlocks(builder(
                        cache.build(),
                        cache.diskOffloadDir(store).diskOffloadMaxGb(GIB).build())))
                .isEqualTo(2 * 256);
        assertThat(Files.exists(store.resolve("store.lock"))).isTrue();
        Path other = folder.resolve("other");
        hostBlocks(builder(cache.build()).disk(other, DataSize.parse("1MiB")));
        assertThat(Files.exists(other.resolve("store.lock"))).isTrue();
    }

    @Test
    void aDiskThatNobodyDescribesIsRefused() {
        assertThatThrownBy(() -> builder(cache(KvConnectorType.TIERED)
                                .diskOffloadDir(folder)
                                .build())
                        .build())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("kvConnector=TIERED needs one directory and one size for all caches: set diskOffloadDir and"
                        + " diskOffloadMaxGb of one of them, or disk(...), diskOffloadDir=[" + folder
                        + "], diskOffloadMaxGb=[absent]");
    }

    @Test
    void cachesThatDisagreeOnTheDiskAreRefused() {
        KvCacheParams.Builder cache = cache(KvConnectorType.TIERED).diskOffloadMaxGb(GIB);
        KvCacheParams one = cache.diskOffloadDir(folder.resolve("a")).build();
        KvCacheParams other = cache.diskOffloadDir(folder.resolve("b")).build();
        assertThatThrownBy(() -> builder(one, other).build())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("needs one directory and one size")
                .hasMessageContaining("a, " + folder.resolve("b"));
    }

    @Test
    void aHostThatTheSchedulerCannotCopyToIsRefused() {
        assertThatThrownBy(() -> builder(cache(KvConnectorType.LOCAL).build())
                        .externalMemory()
                        .build())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("externalMemory excludes hostSwap");
    }

    @Test
    void aSharedStoreNeedsAConnector() {
        assertThatThrownBy(() -> builder(cache(KvConnectorType.DKV).build()).build())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("kvConnector=DKV needs a connector to the shared store: set connector(...)");
    }

    private static LocalConnector local(BlockArenas arenas, SlotLayout layout) {
        HostSlots slots = HostSlots.allocate(40, layout.bytes(), HostSlots.Touch.LAZY);
        return new LocalConnector(arenas, slots, layout, CopyWorkers.own(), System::nanoTime);
    }

    @Test
    void aConnectorOfOnesOwnSaysWhatItHas() {
        MultiKvCacheParams caches =
                MultiKvCacheParams.fromParams(cache(KvConnectorType.DKV).build());
        SharedStoreConnector.Store store = new SharedStoreConnector.Store();
        Connector.Factory factory = arenas -> new SharedStoreConnector(local(arenas, SlotLayout.of(caches)), store, 10);
        assertThat(hostBlocks(BlockScheduler.builder(caches).deviceBlocks(4).connector(factory)))
                .isEqualTo(40);
        assertThat(hostBlocks(BlockScheduler.builder(caches).deviceBlocks(4).connector(arenas -> new NullConnector())))
                .isZero();
    }

    @Test
    void aConnectorOfOnesOwnBringsItsHostMemory() {
        assertThatThrownBy(() -> builder(cache().build())
                        .hostSwapBlocks(4)
                        .externalMemory()
                        .connector(arenas -> new NullConnector())
                        .build())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContainingAll(
                        "connector excludes hostSwap and disk, which it brings itself, hostSwap=null, hostSwapBlocks=4",
                        "externalMemory excludes connector: there is no memory for it to copy from");
    }

    @Test
    void aConnectorWithSlotsOfOtherBlocksIsRefusedAndClosed() {
        long before = Region.liveBytes();
        assertThatThrownBy(() -> builder(cache().build())
                        .connector(arenas -> local(
                                arenas,
                                SlotLayout.of(MultiKvCacheParams.fromParams(
                                        cache().headDim(8).build()))))
                        .build())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a slot of the host holds a block, connector=LOCAL, slotBytes=256,"
                        + " bytes of a block on host=128");
        assertThat(Region.liveBytes()).isLessThanOrEqualTo(before);
    }

    @Test
    void aFactoryThatFailsLeavesNothingBehind() {
        long before = Region.liveBytes();
        assertThatThrownBy(() -> builder(cache().build())
                        .connector(arenas -> {
                            throw new IllegalStateException("no store at hand");
                        })
                        .build())
                .hasMessage("no store at hand");
        assertThat(Region.liveBytes()).isLessThanOrEqualTo(before);
    }

    @Test
    void aFactoryThatOpensNothingIsRefused() {
        assertThatThrownBy(
                        () -> builder(cache().build()).connector(arenas -> null).build())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a connector's factory opens one, connector=null");
    }

    /** The first failure is told, and the device's memory is given back though the connector cannot be closed. */
    @Test
    void aConnectorThatFailsAtEverythingLeavesNothingBehind() {
        long before = Region.liveBytes();
        LocalConnector[] good = new LocalConnector[1];
        MultiKvCacheParams caches = MultiKvCacheParams.fromParams(cache().build());
        assertThatThrownBy(() -> BlockScheduler.builder(caches)
                        .deviceBlocks(4)
                        .connector(arenas -> {
                            good[0] = local(arenas, SlotLayout.of(caches));
                            return new SharedStoreConnector(good[0], new SharedStoreConnector.Store(), 4) {
                                @Override
                                public void forEachStored(StoredPages pages) {
                                    pages.page(9, name());
                                }

                                @Override
                                public void close() {
                                    throw new IllegalStateException("and cannot be closed");
                                }
                            };
                        })
                        .build())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a connector lists slots that its store has, connector=DKV, slot=9, storeSlots=4")
                .satisfies(failure -> assertThat(failure.getSuppressed()).hasSize(1));
        good[0].close();
        assertThat(Region.liveBytes()).isLessThanOrEqualTo(before);
    }

    private static BlockHash name() {
        return new BlockHash(new byte[BlockHash.BYTES]);
    }

    @Test
    void aDirectoryWithoutANameIsRefused() {
        assertThatThrownBy(() -> builder(cache().build())
                        .hostSwapBlocks(4)
                        .disk(Path.of(""), DataSize.ofGiB(1))
                        .build())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("disk needs the name of a directory, disk=''");
    }
}
