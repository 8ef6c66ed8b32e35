package io.kvflux.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvflux.geometry.DataSize;
import io.kvflux.geometry.MultiKvCacheParams;
import io.kvflux.memory.chronicle.HostSlots;
import io.kvflux.memory.chronicle.HostSlots.Touch;
import io.kvflux.memory.host.HostMemoryDevice;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What a batch between blocks and slots gives to a device, and what it refuses. */
class CopyBatchTest {

    private final MultiKvCacheParams caches = TransferContract.twoCaches();
    private final SlotLayout layout = SlotLayout.of(caches);
    private final HostMemoryDevice device = HostMemoryDevice.withBudget(DataSize.parse("1MiB"));
    private final BlockArenas arenas = BlockArenas.allocate(device, caches, 20);
    private final HostSlots slots = HostSlots.allocate(20, layout.bytes(), Touch.LAZY);
    private final CopyBatch batch = new CopyBatch(arenas, slots, layout);

    @AfterEach
    void close() {
        device.close();
        slots.close();
    }

    /** What a device is given, in one line each. */
    private static List<String> given(CopyBatch batch) {
        List<String> given = new ArrayList<>();
        batch.forEach(new CopyBatch.Work() {
            @Override
            public void fill(PageArena arena, int page, int count, byte value) {
                given.add("fill " + page);
            }

            @Override
            public void copy(PageArena arena, int source, int destination, int count) {
                given.add("copy " + source);
            }

            @Override
            public void offload(PageArena arena, int page, SlotArena slots, int slot, long offset, int count) {
                given.add("down " + name(arena) + " pages " + page + " slots " + slot + " at " + offset + " x" + count);
            }

            @Override
            public void onload(SlotArena slots, int slot, long offset, PageArena arena, int page, int count) {
                given.add("up " + name(arena) + " pages " + page + " slots " + slot + " at " + offset + " x" + count);
            }

            @Override
            public void given(int blocks) {
                given.add("given " + blocks);
            }
        });
        return given;
    }

    private static String name(PageArena arena) {
        return arena.spec().cache() + "/" + arena.spec().replica() + "/"
                + arena.spec().shard();
    }

    @Test
    void whatIsReplicatedGoesDownOnceAndComesUpToEveryShard() {
        batch.offload(1, 3, 7);
        batch.offload(1, 4, 8);
        batch.onload(0, 2, 9);
        assertThat(given(batch))
                .containsExactly(
                        "down 0/1/0 pages 3 slots 7 at 0 x2",
                        "down 0/1/1 pages 3 slots 7 at 96 x2",
                        "down 1/1/0 pages 3 slots 7 at 192 x2",
                        "given 2",
                        "up 0/0/0 pages 9 slots 2 at 0 x1",
                        "up 0/0/1 pages 9 slots 2 at 96 x1",
                        "up 1/0/0 pages 9 slots 2 at 192 x1",
                        "up 1/0/1 pages 9 slots 2 at 192 x1",
                        "given 3");
        assertThat(batch.transferredBlocks()).isEqualTo(3);
        assertThat(batch.runs()).isEqualTo(2);
        assertThat(batch.slots()).isSameAs(slots);
        assertThat(batch.isEmpty()).isFalse();
        batch.clear();
        assertThat(batch.isEmpty()).isTrue();
        assertThat(given(batch)).isEmpty();
    }

    @Test
    void aRunGrowsAtEitherEnd() {
        int[] blocks = {5, 6, 4, 7, 3};
        for (int block : blocks) {
            batch.offload(0, block, block + 2);
        }
        assertThat(batch.runs()).isEqualTo(1);
        assertThat(given(batch))
                .startsWith("down 0/0/0 pages 3 slots 5 at 0 x5")
                .endsWith("given 5");
        assertThat(batch.firstHalf().transferredBlocks()).isEqualTo(2);
        assertThat(given(batch.firstHalf())).startsWith("down 0/0/0 pages 5 slots 7 at 0 x2");
    }

    @Test
    void onlyNeighboursOnBothSidesMakeARun() {
        batch.offload(0, 5, 5);
        batch.offload(0, 6, 7); // the slot is no neighbour
        batch.offload(0, 8, 8); // the block is none
        batch.offload(0, 9, 4); // up here, down there
        batch.offload(0, 10, 3);
        batch.offload(1, 11, 2); // another replica
        batch.onload(1, 1, 12); // another direction
        assertThat(batch.runs()).isEqualTo(7);
    }

    @Test
    void aBlockOrSlotThatIsWrittenIsInTheBatchOnce() {
        batch.offload(0, 1, 1);
        batch.offload(0, 1, 2);
        batch.onload(0, 5, 6);
        batch.onload(1, 5, 6);
        assertThatThrownBy(() -> batch.offload(0, 2, 1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("within a batch a block or slot is written once, and not also read, replica=0, block=2,"
                        + " slot=1");
        assertThatThrownBy(() -> batch.onload(0, 1, 9)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> batch.onload(0, 9, 1)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> batch.onload(0, 9, 6)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> batch.offload(0, 6, 9)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> batch.offload(0, 9, 5)).isInstanceOf(IllegalArgumentException.class);
        assertThat(batch.transferredBlocks()).as("what is refused is not added").isEqualTo(4);
    }

    @Test
    void whatABatchTouchedIsKnownHoweverMuchItIsAndForgottenWithIt() {
        for (int round = 0; round < 3; round++) {
            batch.clear();
            for (int block = 1; block <= 20; block++) {
                batch.offload(0, block, (block * 7 + round) % 20);
            }
            for (int i = 0; i < 20; i++) {
                int number = i;
                assertThatThrownBy(() -> batch.offload(1, 1, number)).isInstanceOf(IllegalArgumentException.class);
                assertThatThrownBy(() -> batch.onload(0, number, number + 1))
                        .isInstanceOf(IllegalArgumentException.class);
            }
        }
        batch.clear();
        for (int block = 1; block <= 20; block++) {
            batch.onload(1, block - 1, block);
        }
        assertThat(batch.runs()).isEqualTo(1);
    }

    @Test
    void blocksAndSlotsThatAreNotThereAreRefused() {
        assertThatThrownBy(() -> batch.offload(0, 0, 1)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> batch.onload(2, 0, 1)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> batch.onload(0, -1, 1)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> batch.offload(0, 1, 20))
                .isInstanceOf(IndexOutOfBoundsException.class)
                .hasMessage("a slot must be in [0, slots), slot=20, slots=20");
        assertThat(batch.isEmpty()).isTrue();
    }

    @Test
    void aBatchIsForSlotsOrForTheDevice() {
        assertThatThrownBy(() -> batch.fill(0, 1)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> batch.copy(0, 1, 2))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageStartingWith("a batch with slots neither fills nor copies within the device, host slots[");
        CopyBatch within = new CopyBatch(arenas);
        assertThatThrownBy(() -> within.offload(0, 1, 1))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("to copy to and from slots a batch must be made with them");
        assertThatThrownBy(() -> within.onload(0, 1, 1)).isInstanceOf(IllegalStateException.class);
        assertThat(within.slots()).isNull();
        assertThat(within.transferredBlocks()).isZero();
    }

    @Test
    void slotsAndArenasAreLaidOutAlike() {
        MultiKvCacheParams one = MultiKvCacheParams.fromParams(caches.params().get(0));
        assertThatThrownBy(() -> new CopyBatch(arenas, slots, SlotLayout.of(one)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a slot is laid out for the caches that the arenas are for, layout=slot of 192 bytes for 1"
                        + " caches on 2 shards, arenasOfAReplica=4, shards=2");
        MultiKvCacheParams same = MultiKvCacheParams.fromParams(
                caches.params().get(0), caches.params().get(0));
        assertThatThrownBy(() -> new CopyBatch(arenas, slots, SlotLayout.of(same)))
                .isInstanceOf(IllegalArgumentException.class);
        try (HostSlots larger = HostSlots.allocate(1, layout.bytes() + 1, Touch.LAZY)) {
            assertThatThrownBy(() -> new CopyBatch(arenas, larger, layout))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("a slot must be as large as its layout says, slotBytes=" + (layout.bytes() + 1)
                            + ", layoutBytes=" + layout.bytes());
        }
    }

    @Test
    void batchesConflictIfOneWritesWhatTheOtherTouches() {
        batch.offload(0, 5, 7);
        batch.offload(0, 6, 8);
        assertThat(conflicts(within -> within.fill(0, 6))).isTrue();
        assertThat(conflicts(within -> within.fill(0, 7))).isFalse();
        assertThat(conflicts(within -> within.fill(1, 6))).isFalse();
        assertThat(conflicts(within -> within.copy(0, 6, 9))).as("both read it").isFalse();
        assertThat(conflicts(within -> within.copy(0, 9, 5))).isTrue();
        CopyBatch other = new CopyBatch(arenas, slots, layout);
        other.onload(1, 8, 1);
        assertThat(batch.conflictsWith(other)).isTrue();
        other.clear();
        other.onload(1, 9, 5);
        other.offload(0, 6, 10);
        assertThat(batch.conflictsWith(other)).isFalse();
        BlockArenas others = BlockArenas.allocate(device, caches, 20);
        CopyBatch elsewhere = new CopyBatch(others);
        elsewhere.fill(0, 6);
        assertThat(batch.conflictsWith(elsewhere)).isFalse();
        CopyBatch sameSlots = new CopyBatch(others, slots, layout);
        sameSlots.offload(0, 6, 8);
        assertThat(batch.conflictsWith(sameSlots)).isTrue();
    }

    private boolean conflicts(Consumer<CopyBatch> adds) {
        CopyBatch within = new CopyBatch(arenas);
        adds.accept(within);
        boolean one = batch.conflictsWith(within);
        assertThat(within.conflictsWith(batch)).isEqualTo(one);
        return one;
    }
}
