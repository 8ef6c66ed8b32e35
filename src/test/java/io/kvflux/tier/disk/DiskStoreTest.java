package io.kvflux.tier.disk;

import static io.kvflux.tier.disk.Pages.hash;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvflux.api.BlockHash;
import io.kvflux.geometry.DataSize;
import io.kvflux.memory.chronicle.MappedRegion;
import io.kvflux.memory.chronicle.Region;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DiskStoreTest {

    private static final int PAYLOAD = 5000;
    /** Three segments: two of 4 slots, one of 2. */
    private static final SegmentPlan PLAN = Pages.plan(PAYLOAD, 10, 4);

    @TempDir
    Path directory;

    private long mapped;

    @BeforeEach
    void countMappings() {
        mapped = MappedRegion.liveBytes();
    }

    @AfterEach
    void nothingIsMapped() {
        assertThat(MappedRegion.liveBytes()).isEqualTo(mapped);
    }

    private static Map<Integer, BlockHash> recovered(DiskStore store) {
        Map<Integer, BlockHash> pages = new LinkedHashMap<>();
        store.forEachRecovered((slot, hash) -> assertThat(pages.put(slot, hash)).isNull());
        return pages;
    }

    @Test
    void aWarmRestartHitsWhatAnEarlierRunStored() {
        try (DiskStore store = Pages.open(directory, PLAN)) {
            assertThat(store.slots()).isEqualTo(10);
            assertThat(store.recovery()).isEqualTo(new DiskRecovery(0, 0, 0, 0, 0, 0));
            for (int slot : List.of(9, 0, 4)) {
                assertThat(Pages.write(store, slot, hash(slot))).isEqualTo(DiskWrite.WRITTEN);
            }
            assertThat(Pages.write(store, 0, hash(100))).isEqualTo(DiskWrite.WRITTEN);
            assertThat(Pages.read(store, 0, hash(100))).isEqualTo(DiskRead.HIT);
        }
        try (DiskStore store = Pages.open(directory, PLAN)) {
            assertThat(store.recovery()).isEqualTo(new DiskRecovery(3, 0, 0, 0, 0, 0));
            assertThat(recovered(store).toString())
                    .isEqualTo(Map.of(9, hash(9)).toString().replace("}", ", ") + "4=" + hash(4) + ", 0=" + hash(100)
                            + "}");
            assertThat(Pages.read(store, 9, hash(9))).isEqualTo(DiskRead.HIT);
            assertThat(Pages.read(store, 4, hash(4))).isEqualTo(DiskRead.HIT);
            assertThat(Pages.read(store, 0, hash(100))).isEqualTo(DiskRead.HIT);
            assertThat(store.counts()).isEqualTo(new DiskCounts(0, 0, 3, 0, 0));
        }
    }

    /** Sums are made of blocks of 64 KiB. */
    @Test
    void pagesOfSeveralBlocksAreCheckedInAllOfThem() throws IOException {
        int block = 64 << 10;
        for (int payload : new int[] {1, block - 1, block, block + 1, 2 * block, 3 * block + 7}) {
            SegmentPlan plan = Pages.plan(payload, 1, 1);
            Path file = directory.resolve("of " + payload + "/segment-000000.kvflux");
            for (int at = 0; at < payload; at += at < payload - 1 ? Math.min(block / 2, payload - 1 - at) : 1) {
                try (DiskStore store = Pages.open(file.getParent(), plan)) {
                    Pages.write(store, 0, hash(payload));
                    assertThat(Pages.read(store, 0, hash(payload))).isEqualTo(DiskRead.HIT);
                }
                byte[] content = Files.readAllBytes(file);
                content[(int) plan.slotsAt() + at] ^= 1;
                Files.write(file, content);
                try (DiskStore store = Pages.open(file.getParent(), plan)) {
                    assertThat(Pages.read(store, 0, hash(payload))).isEqualTo(DiskRead.CORRUPT);
                }
            }
        }
    }

    @Test
    void generationsGoOnAfterARestart() {
        for (int run = 0; run < 4; run++) {
            try (DiskStore store = Pages.open(directory, PLAN)) {
                assertThat(recovered(store).keySet())
                        .containsExactlyElementsOf(List.of(3, 2, 1).subList(0, run));
                Pages.write(store, 3 - run, hash(run));
            }
        }
    }

    @Test
    void anEmptySlotAndAnotherPageAreMissing() {
        try (DiskStore store = Pages.open(directory, PLAN)) {
            assertThat(Pages.read(store, 9, hash(1))).isEqualTo(DiskRead.MISSING);
            Pages.write(store, 9, hash(1));
            assertThat(Pages.read(store, 8, hash(1))).isEqualTo(DiskRead.MISSING);
            assertThat(Pages.read(store, 9, hash(2))).isEqualTo(DiskRead.MISSING);
            Pages.write(store, 9, hash(2));
            assertThat(Pages.read(store, 9, hash(1))).isEqualTo(DiskRead.MISSING);
            assertThat(Pages.read(store, 9, hash(2))).isEqualTo(DiskRead.HIT);
            assertThat(store.counts()).isEqualTo(new DiskCounts(2, 0, 1, 4, 0));
        }
    }

    @Test
    void anErasedPageIsGoneForGood() {
        try (DiskStore store = Pages.open(directory, PLAN)) {
            Pages.write(store, 5, hash(1));
            store.erase(5);
            store.erase(0);
            assertThat(Pages.read(store, 5, hash(1))).isEqualTo(DiskRead.MISSING);
        }
        try (DiskStore store = Pages.open(directory, PLAN)) {
            assertThat(store.recovery()).isEqualTo(new DiskRecovery(0, 0, 0, 0, 0, 0));
        }
    }

    @Test
    void segmentsAreMadeWhenTheyAreNeeded() throws IOException {
        try (DiskStore store = Pages.open(directory, PLAN)) {
            assertThat(directory).isDirectoryContaining("glob:**/store.lock");
            assertThat(directory).isDirectoryNotContaining("glob:**/segment-*");
            Pages.write(store, 9, hash(1));
            assertThat(directory).isDirectoryNotContaining("glob:**/segment-000000.kvflux");
            assertThat(Files.size(directory.resolve("segment-000002.kvflux"))).isEqualTo(4096 + 4096 + 2 * 8192);
            Pages.write(store, 0, hash(2));
            assertThat(Files.size(directory.resolve("segment-000000.kvflux"))).isEqualTo(4096 + 4096 + 4 * 8192);
            store.force();
        }
    }

    @Test
    void theWholeTakesNoMoreThanItsSize() throws IOException {
        DataSize size = new DataSize(3 << 20);
        try (DiskStore store = DiskStore.open(directory.resolve("a/b"), Pages.layout(PAYLOAD), size)) {
            for (int slot = 0; slot < store.slots(); slot++) {
                assertThat(Pages.write(store, slot, hash(slot))).isEqualTo(DiskWrite.WRITTEN);
            }
            assertThat(store.slots()).isGreaterThan(300);
            assertThat(Files.size(directory.resolve("a/b/segment-000000.kvflux")))
                    .isLessThanOrEqualTo(size.bytes());
        }
    }

    /** 5 GiB, of which little is written. */
    @Test
    void storesOfSeveralGigabytesWork() {
        SegmentPlan plan = SegmentPlan.of(Pages.layout(4 << 20), DataSize.ofGiB(5), 3L << 30);
        try (DiskStore store = DiskStore.open(directory, plan, Pages.SPARSE)) {
            for (int slot = 0; slot < store.slots(); slot += 100) {
                assertThat(Pages.write(store, slot, hash(slot))).isEqualTo(DiskWrite.WRITTEN);
            }
            assertThat(Pages.write(store, store.slots() - 1, hash(-1))).isEqualTo(DiskWrite.WRITTEN);
        }
        try (DiskStore store = DiskStore.open(directory, plan, Pages.SPARSE)) {
            assertThat(store.recovery().recovered()).isEqualTo(store.slots() / 100 + 2);
            for (int slot = 0; slot < store.slots(); slot += 100) {
                assertThat(Pages.read(store, slot, hash(slot))).isEqualTo(DiskRead.HIT);
            }
            assertThat(Pages.read(store, store.slots() - 1, hash(-1))).isEqualTo(DiskRead.HIT);
        }
    }

    @Test
    void aSlotMustExistAndAPageMustLieInItsRegion() {
        try (DiskStore store = Pages.open(directory, PLAN);
                Region region = Region.allocate(PAYLOAD, 8)) {
            for (int slot : new int[] {-1, 10}) {
                assertThatThrownBy(() -> store.write(slot, hash(1), region, 0))
                        .isInstanceOf(IndexOutOfBoundsException.class)
                        .hasMessage("a slot must exist, slot=" + slot + ", slots=10");
                assertThatThrownBy(() -> store.read(slot, hash(1), region, 0))
                        .isInstanceOf(IndexOutOfBoundsException.class);
                assertThatThrownBy(() -> store.erase(slot)).isInstanceOf(IndexOutOfBoundsException.class);
            }
            Pages.write(store, 0, hash(1));
            assertThatThrownBy(() -> store.write(0, hash(2), region, 1))
                    .isInstanceOf(IndexOutOfBoundsException.class)
                    .hasMessage("a page must lie in its region, offset=1, payloadBytes=5000, regionBytes=5000");
            assertThatThrownBy(() -> store.read(0, hash(1), region, -1)).isInstanceOf(IndexOutOfBoundsException.class);
        }
    }

    @Test
    void aRegionThatIsClosedChangesNothing() {
        Region region = Region.allocate(PAYLOAD, 8);
        region.close();
        try (DiskStore store = Pages.open(directory, PLAN)) {
            Pages.write(store, 0, hash(1));
            assertThatThrownBy(() -> store.write(0, hash(2), region, 0)).isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(() -> store.read(0, hash(1), region, 0)).isInstanceOf(IllegalStateException.class);
            assertThat(Pages.read(store, 0, hash(1))).isEqualTo(DiskRead.HIT);
        }
    }

    @Test
    void nothingIsDoneWithAClosedStore() {
        DiskStore store = Pages.open(directory, PLAN);
        Pages.write(store, 0, hash(1));
        store.close();
        store.close();
        assertThatThrownBy(() -> Pages.read(store, 0, hash(1)))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("the disk store is closed, directory=" + directory);
        assertThatThrownBy(() -> Pages.write(store, 0, hash(1))).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> store.erase(0)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> store.forEachRecovered((slot, hash) -> {})).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(store::force).isInstanceOf(IllegalStateException.class);
        assertThat(store.slots()).isEqualTo(10);
        assertThat(store.counts().written()).isEqualTo(1);
    }

    @Test
    void anInterruptedThreadWritesAndReads() {
        try (DiskStore store = Pages.open(directory, PLAN)) {
            Thread.currentThread().interrupt();
            try {
                assertThat(Pages.write(store, 0, hash(1))).isEqualTo(DiskWrite.WRITTEN);
                assertThat(Pages.read(store, 0, hash(1))).isEqualTo(DiskRead.HIT);
                store.force();
            } finally {
                assertThat(Thread.interrupted()).isTrue();
            }
            assertThat(Pages.write(store, 5, hash(2))).isEqualTo(DiskWrite.WRITTEN);
        }
    }
}
