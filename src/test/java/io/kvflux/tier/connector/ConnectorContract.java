package io.kvflux.tier.connector;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvflux.api.BlockHash;
import io.kvflux.geometry.AttentionKind;
import io.kvflux.geometry.DType;
import io.kvflux.geometry.DataSize;
import io.kvflux.geometry.DeviceRef;
import io.kvflux.geometry.KvCacheParams;
import io.kvflux.geometry.KvConnectorType;
import io.kvflux.geometry.MultiKvCacheParams;
import io.kvflux.memory.BlockArenas;
import io.kvflux.memory.DeviceMemory;
import io.kvflux.memory.FaultyDeviceMemory;
import io.kvflux.memory.FaultyDeviceMemory.Fault;
import io.kvflux.memory.PageArena;
import io.kvflux.memory.SlotLayout;
import io.kvflux.memory.chronicle.HostSlots;
import io.kvflux.memory.chronicle.MappedRegion;
import io.kvflux.memory.chronicle.Region;
import io.kvflux.memory.host.HostMemoryDevice;
import io.kvflux.tier.Transfer;
import io.kvflux.tier.Transfer.Direction;
import io.kvflux.tier.disk.DiskLayout;
import io.kvflux.tier.disk.DiskStore;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What every connector promises; the numbers are those of {@link Connector}. */
abstract class ConnectorContract {

    static final int BLOCKS = 24;
    static final int SLOTS = 20;

    /** Two caches, the second the same on both shards, on two replicas. */
    static final MultiKvCacheParams CACHES = caches();

    static final SlotLayout LAYOUT = SlotLayout.of(CACHES);

    @TempDir
    Path folder;

    private final long regionsBefore = Region.liveBytes();
    private final long filesBefore = MappedRegion.liveBytes();
    /** What becomes of copies between device and host. */
    volatile Fault copies = Fault.NONE;

    FaultyDeviceMemory device;
    BlockArenas arenas;
    Connector connector;

    abstract Connector open(BlockArenas over);

    /** The device of the blocks, of at least 1 MiB. */
    DeviceMemory memory() {
        return HostMemoryDevice.withBudget(DataSize.parse("1MiB"));
    }

    LocalConnector local(BlockArenas over) {
        HostSlots slots = HostSlots.allocate(SLOTS, LAYOUT.bytes(), HostSlots.Touch.LAZY);
        return new LocalConnector(over, slots, LAYOUT, CopyWorkers.own(), System::nanoTime);
    }

    TieredConnector tiered(BlockArenas over) {
        DiskStore disk = DiskStore.open(folder.resolve("store"), DiskLayout.of(CACHES), DataSize.parse("256KiB"));
        return new TieredConnector(local(over), disk);
    }

    private static MultiKvCacheParams caches() {
        KvCacheParams.Builder params = KvCacheParams.builder()
                .dtype(DType.FLOAT32)
                .numLayers(1)
                .numKvHeads(2)
                .headDim(3)
                .pageSize(4)
                .devices(DeviceRef.gpus(4))
                .dataParallelDegree(2);
        return MultiKvCacheParams.fromParams(
                params.build(),
                params.attention(AttentionKind.MLA).numQueryHeads(2).build());
    }

    @BeforeEach
    void open() {
        device = new FaultyDeviceMemory(memory(), (number, batch) -> copies);
        arenas = BlockArenas.allocate(device, CACHES, BLOCKS);
        connector = open(arenas);
    }

    @AfterEach
    void nothingLeaks() {
        connector.close();
        arenas.close();
        device.close();
        assertThat(Region.liveBytes()).isLessThanOrEqualTo(regionsBefore); // others may still be giving theirs back
        assertThat(MappedRegion.liveBytes()).isEqualTo(filesBefore);
    }

    void reopen() {
        connector.close();
        connector = open(arenas);
    }

    boolean hasHost() {
        return connector.type() != KvConnectorType.NULL;
    }

    boolean hasStore() {
        return connector.storeSlots() > 0;
    }

    // ---- transfers

    record Blocks(Direction direction, int replica, int[] blocks, int[] slots, int firstName) implements Transfer {

        @Override
        public int size() {
            return blocks.length;
        }

        @Override
        public int block(int index) {
            return blocks[index];
        }

        @Override
        public int slot(int index) {
            return slots[index];
        }

        @Override
        public BlockHash name(int index) {
            return ConnectorContract.name(firstName + index);
        }
    }

    /** A transfer of so many blocks, or slots of the store, from these on. */
    static Transfer transfer(Direction direction, int replica, int block, int slot, int size) {
        return new Blocks(
                direction,
                replica,
                IntStream.range(block, block + size).toArray(),
                IntStream.range(slot, slot + size).toArray(),
                block);
    }

    /** What the page is called that goes to a slot of the store. */
    static BlockHash name(int storeSlot) {
        byte[] bytes = new byte[BlockHash.BYTES];
        Arrays.fill(bytes, (byte) (storeSlot + 1));
        return new BlockHash(bytes);
    }

    /** How a transfer ended. */
    static final class End implements Connector.Listener {

        final CountDownLatch over = new CountDownLatch(1);
        final AtomicInteger times = new AtomicInteger();
        volatile Transfer transfer;
        volatile int landed;
        volatile long tookNs;
        volatile Throwable failure;

        @Override
        public void ended(Transfer same, int blocks, long durationNs, Throwable cause) {
            times.incrementAndGet();
            transfer = same;
            landed = blocks;
            tookNs = durationNs;
            failure = cause;
            over.countDown();
        }

        End await() {
            try {
                over.await();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
            return this;
        }
    }

    End begin(Transfer transfer) {
        End end = new End();
        connector.begin(transfer, end);
        return end;
    }

    void carryOut(Transfer transfer) {
        End end = begin(transfer).await();
        assertThat(end.failure).isNull();
        assertThat(end.landed).isEqualTo(transfer.size());
        assertThat(end.transfer).isSameAs(transfer);
        assertThat(end.tookNs).isNotNegative();
        assertThat(end.times).hasValue(1);
    }

    // ---- bytes

    private static byte[] pattern(int content, int cache, int shard, long bytes) {
        byte[] pattern = new byte[(int) bytes];
        new SplittableRandom((content * 31L + cache) * 31 + shard).nextBytes(pattern);
        return pattern;
    }

    /** The shard whose bytes a cache's page has: the first one's where all keep the same. */
    private static int source(int cache, int shard) {
        return LAYOUT.isReplicated(cache) ? 0 : shard;
    }

    void fill(int replica, int block, int content) {
        for (int cache = 0; cache < LAYOUT.caches(); cache++) {
            for (int shard = 0; shard < LAYOUT.shards(); shard++) {
                PageArena arena = arenas.arena(cache, replica, shard);
                arena.write(
                        block,
                        0,
                        pattern(
                                content,
                                cache,
                                source(cache, shard),
                                arena.spec().pageBytes()));
            }
        }
    }

    boolean holds(int replica, int block, int content) {
        boolean same = true;
        for (int cache = 0; cache < LAYOUT.caches(); cache++) {
            for (int shard = 0; shard < LAYOUT.shards(); shard++) {
                PageArena arena = arenas.arena(cache, replica, shard);
                byte[] page = new byte[(int) arena.spec().pageBytes()];
                arena.read(block, 0, page);
                same &= Arrays.equals(page, pattern(content, cache, source(cache, shard), page.length));
            }
        }
        return same;
    }

    // ---- the contract

    @Test
    void itIsOfItsKind() {
        assertThat(hasHost()).isEqualTo(connector.hostMemory() != null);
        assertThat(connector.type() == KvConnectorType.TIERED || connector.type() == KvConnectorType.DKV)
                .isEqualTo(hasStore());
        if (hasHost()) {
            assertThat(connector.hostMemory().slots()).isEqualTo(SLOTS);
            assertThat(connector.hostMemory().slotBytes()).isEqualTo(LAYOUT.bytes());
        }
        List<Integer> found = new ArrayList<>();
        connector.forEachStored((slot, name) -> found.add(slot));
        assertThat(found).isEmpty();
    }

    /** 1: what it has no way for is refused, and nobody hears of it. */
    @Test
    void aWayThatIsNotThereIsRefused() {
        for (Direction direction : Direction.values()) {
            if (direction.isOfStore() ? hasStore() : hasHost()) {
                continue;
            }
            End end = new End();
            assertThatThrownBy(() -> connector.begin(transfer(direction, 0, 1, 0, 1), end))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("connector=" + connector.type())
                    .hasMessageContaining(direction.toString());
            assertThat(end.times).hasValue(0);
        }
        if (!hasStore()) {
            assertThatThrownBy(() -> connector.erase(List.of(1), failure -> {}))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("storeSlots=[1]");
        }
    }

    /** 6 */
    @Test
    void aClosedOneTakesNothing() {
        connector.close();
        connector.close();
        End end = new End();
        for (Direction direction : Direction.values()) {
            assertThatThrownBy(() -> connector.begin(transfer(direction, 0, 1, 0, 1), end))
                    .isInstanceOf(IllegalStateException.class);
        }
        assertThatThrownBy(() -> connector.erase(List.of(0), failure -> {})).isInstanceOf(IllegalStateException.class);
        assertThat(end.times).hasValue(0);
    }
}
