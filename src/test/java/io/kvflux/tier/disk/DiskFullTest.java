package io.kvflux.tier.disk;

import static io.kvflux.tier.disk.Pages.hash;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A disk that is full is an outcome; the store goes on with what it has. */
class DiskFullTest {

    private static final int PAYLOAD = 4096;
    private static final SegmentPlan PLAN = Pages.plan(PAYLOAD, 12, 4);
    private static final long SEGMENT = PLAN.bytesOfSegment(0);

    @TempDir
    Path folder;

    /** Has room for so many bytes, and says so if it is honest. */
    private static final class SmallDisk implements DiskSpace {

        private final boolean honest;
        private long room;
        private int fills;

        SmallDisk(long room, boolean honest) {
            this.room = room;
            this.honest = honest;
        }

        @Override
        public long usableBytes(Path directory) {
            return honest ? room : 1L << 40;
        }

        @Override
        public void fill(RandomAccessFile file, long from, long to) throws IOException {
            fills++;
            long written = Math.min(room, to - from);
            REAL.fill(file, from, from + written);
            room -= written;
            if (from + written < to) {
                room += written;
                throw new IOException("No space left on device");
            }
        }
    }

    @Test
    void aFullDiskIsNoRoomAndTheStoreGoesOn() {
        SmallDisk disk = new SmallDisk(SEGMENT + 5000, true);
        try (DiskStore store = DiskStore.open(folder, PLAN, disk)) {
            assertThat(Pages.write(store, 0, hash(0))).isEqualTo(DiskWrite.WRITTEN);
            for (int slot = 4; slot < 12; slot++) {
                assertThat(Pages.write(store, slot, hash(slot))).isEqualTo(DiskWrite.NO_ROOM);
                assertThat(Pages.read(store, slot, hash(slot))).isEqualTo(DiskRead.MISSING);
            }
            assertThat(Pages.write(store, 1, hash(1))).isEqualTo(DiskWrite.WRITTEN);
            assertThat(Pages.read(store, 0, hash(0))).isEqualTo(DiskRead.HIT);
            assertThat(disk.fills)
                    .as("a disk that says it is full is not tried")
                    .isEqualTo(1);
            assertThat(store.counts()).isEqualTo(new DiskCounts(2, 8, 1, 8, 0));

            disk.room = SEGMENT;
            assertThat(Pages.write(store, 4, hash(4))).isEqualTo(DiskWrite.WRITTEN);
        }
    }

    /** As with a quota, or space that somebody else takes at the same time. */
    @Test
    void aDiskThatFailsInTheMiddleLeavesNothingBehind() throws IOException {
        for (long room : new long[] {0, 1, 4095, 4096, 5000, SEGMENT - 1}) {
            SmallDisk disk = new SmallDisk(room, false);
            try (DiskStore store = DiskStore.open(folder, PLAN, disk)) {
                for (int slot = 0; slot < 12; slot++) {
                    assertThat(Pages.write(store, slot, hash(slot))).isEqualTo(DiskWrite.NO_ROOM);
                }
                assertThat(disk.fills)
                        .as("not tried again while nothing changes")
                        .isEqualTo(1);
                assertThat(store.counts().noRoom()).isEqualTo(12);
            }
            try (var files = Files.list(folder)) {
                assertThat(files.toList()).containsExactly(folder.resolve(DirectoryLock.FILE));
            }
        }
    }

    /** Or what was cleared, or written before others, would be found another day. */
    @Test
    void aSegmentThatCannotBeMadeWholeAgainIsGivenUp() throws IOException {
        try (DiskStore store = DiskStore.open(folder, PLAN, DiskSpace.REAL)) {
            for (int slot : new int[] {4, 0, 1, 2, 3}) {
                Pages.write(store, slot, hash(slot));
            }
        }
        Path file = folder.resolve("segment-000000.kvflux");
        try (RandomAccessFile open = new RandomAccessFile(file.toFile(), "rw")) {
            open.setLength(SEGMENT - 1000);
        }
        try (DiskStore store = DiskStore.open(folder, PLAN, new SmallDisk(0, true))) {
            assertThat(store.recovery()).isEqualTo(new DiskRecovery(1, 0, 0, 4, 0, 0));
            assertThat(Files.exists(file)).isFalse();
            assertThat(Pages.read(store, 0, hash(0))).isEqualTo(DiskRead.MISSING);
            assertThat(Pages.write(store, 1, hash(1))).isEqualTo(DiskWrite.NO_ROOM);
            for (int slot : new int[] {5, 6, 7}) {
                assertThat(Pages.write(store, slot, hash(slot))).isEqualTo(DiskWrite.WRITTEN);
            }
        }
        try (DiskStore store = DiskStore.open(folder, PLAN, DiskSpace.REAL)) {
            List<Integer> order = new ArrayList<>();
            store.forEachRecovered((slot, name) -> order.add(slot));
            assertThat(order).containsExactly(4, 5, 6, 7);
            assertThat(Pages.write(store, 0, hash(10))).isEqualTo(DiskWrite.WRITTEN);
        }
        assertThat(Files.size(file)).isEqualTo(SEGMENT);
    }

    /** Files copied from elsewhere may have numbers twice. */
    @Test
    void pagesOfTheSameGenerationAreAllFound() throws IOException {
        for (String run : List.of("a", "b")) {
            try (DiskStore store = DiskStore.open(folder.resolve(run), PLAN, DiskSpace.REAL)) {
                for (int slot = run.equals("a") ? 0 : 4; slot < (run.equals("a") ? 3 : 7); slot++) {
                    Pages.write(store, slot, hash(slot));
                }
            }
        }
        Files.copy(folder.resolve("b/segment-000001.kvflux"), folder.resolve("a/segment-000001.kvflux"));
        try (DiskStore store = DiskStore.open(folder.resolve("a"), PLAN, DiskSpace.REAL)) {
            List<Integer> order = new ArrayList<>();
            store.forEachRecovered((slot, name) -> order.add(slot));
            assertThat(order).containsExactly(0, 4, 1, 5, 2, 6);
        }
    }
}
