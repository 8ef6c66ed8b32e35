package io.kvflux.tier.disk;

import static io.kvflux.tier.disk.Pages.hash;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.kvflux.geometry.DataSize;
import io.kvflux.geometry.HashAlgorithm;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** What a directory may hold when a store is opened in it. */
class OpeningTest {

    private static final int PAYLOAD = 100;
    private static final SegmentPlan PLAN = Pages.plan(PAYLOAD, 10, 4);

    @TempDir
    Path folder;

    private Path segment(int number) {
        return folder.resolve("segment-00000" + number + ".kvflux");
    }

    /** Writes pages 0 to 9 into slots 0 to 9. */
    private void fill() {
        try (DiskStore store = Pages.open(folder, PLAN)) {
            for (int slot = 0; slot < store.slots(); slot++) {
                Pages.write(store, slot, hash(slot));
            }
        }
    }

    private String refusal(SegmentPlan plan) {
        return catchThrowableOfType(
                        DiskException.class, () -> Pages.open(folder, plan).close())
                .getMessage();
    }

    private Map<String, String> content() throws IOException {
        Map<String, String> files = new TreeMap<>();
        try (Stream<Path> entries = Files.list(folder)) {
            for (Path each : entries.toList()) {
                files.put(
                        each.getFileName().toString(),
                        new String(Files.readAllBytes(each), StandardCharsets.ISO_8859_1));
            }
        }
        return files;
    }

    @Test
    void anotherLayoutIsRefusedWithBothAndNothingIsTouched() throws IOException {
        fill();
        Map<String, String> before = content();
        DiskLayout other = new DiskLayout("another layout", 32, HashAlgorithm.SHA_256_64, PAYLOAD);
        assertThat(refusal(new SegmentPlan(other, 2, 4)))
                .startsWith("a disk store keeps pages of one layout, directory=" + folder
                        + ", found='a layout for tests' pageSize=16 hashing=1 payloadBytes=100 slotsPerSegment=4"
                        + " fingerprint=")
                .contains(", expected='another layout' pageSize=32 hashing=2 payloadBytes=100 slotsPerSegment=4"
                        + " fingerprint=")
                .endsWith(": choose another directory, or delete the segments in this one");
        assertThat(content()).isEqualTo(before);
        try (DiskStore store = Pages.open(folder, PLAN)) {
            assertThat(store.recovery().recovered()).isEqualTo(10);
        }
    }

    @Test
    void aLayoutThatDiffersInAnythingIsRefused() {
        fill();
        for (DiskLayout other : new DiskLayout[] {
            new DiskLayout("a layout for testz", 16, HashAlgorithm.SHA_256, PAYLOAD),
            new DiskLayout("a layout for tests", 17, HashAlgorithm.SHA_256, PAYLOAD),
            new DiskLayout("a layout for tests", 16, HashAlgorithm.SHA_256_64, PAYLOAD),
            new DiskLayout("a layout for tests", 16, HashAlgorithm.SHA_256, PAYLOAD + 1)
        }) {
            assertThat(refusal(new SegmentPlan(other, 10, 4))).startsWith("a disk store keeps pages of one layout");
        }
        assertThat(refusal(Pages.plan(PAYLOAD, 10, 5)))
                .contains("slotsPerSegment=4")
                .contains("slotsPerSegment=5");
    }

    /** What does not fit a header is compared all the same. */
    @Test
    void longLayoutsThatDifferAtTheirEndsAreRefused() {
        String form = "x".repeat(9000);
        DiskLayout layout = new DiskLayout(form + "1", 16, HashAlgorithm.SHA_256, PAYLOAD);
        try (DiskStore store = Pages.open(folder, new SegmentPlan(layout, 1, 1))) {
            Pages.write(store, 0, hash(1));
        }
        DiskLayout other = new DiskLayout(form + "2", 16, HashAlgorithm.SHA_256, PAYLOAD);
        assertThat(refusal(new SegmentPlan(other, 1, 1))).startsWith("a disk store keeps pages of one layout");
        try (DiskStore store = Pages.open(folder, new SegmentPlan(layout, 1, 1))) {
            assertThat(store.recovery().recovered()).isEqualTo(1);
        }
    }

    @Test
    void anotherFormatVersionIsRefusedWithBoth() throws IOException {
        fill();
        try (FileChannel file = FileChannel.open(segment(1), StandardOpenOption.WRITE)) {
            file.write(ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(0, 7), 8);
        }
        assertThat(refusal(PLAN))
                .isEqualTo("a disk store keeps pages of one format version, directory=" + folder
                        + ", found=7, expected=1: choose another directory, or delete the segments in this one");
    }

    @Test
    void foreignFilesAreCountedAndLeftAsTheyAre() throws IOException {
        fill();
        Files.writeString(folder.resolve("notes.txt"), "mine");
        Files.createDirectory(folder.resolve("segment-000007.kvflux"));
        Files.copy(segment(0), segment(5));
        Files.writeString(segment(1), "not a segment");
        Map<String, String> before = new TreeMap<>();
        for (Path each : new Path[] {folder.resolve("notes.txt"), segment(5), segment(1)}) {
            before.put(each.toString(), new String(Files.readAllBytes(each), StandardCharsets.ISO_8859_1));
        }
        try (DiskStore store = Pages.open(folder, PLAN)) {
            assertThat(store.recovery()).isEqualTo(new DiskRecovery(6, 0, 0, 0, 0, 4));
            for (int slot = 0; slot < 10; slot++) {
                boolean taken = slot / 4 == 1;
                assertThat(Pages.read(store, slot, hash(slot))).isEqualTo(taken ? DiskRead.MISSING : DiskRead.HIT);
                assertThat(Pages.write(store, slot, hash(-slot)))
                        .isEqualTo(taken ? DiskWrite.NO_ROOM : DiskWrite.WRITTEN);
            }
        }
        for (Map.Entry<String, String> each : before.entrySet()) {
            assertThat(new String(Files.readAllBytes(Path.of(each.getKey())), StandardCharsets.ISO_8859_1))
                    .isEqualTo(each.getValue());
        }
        assertThat(folder.resolve("segment-000007.kvflux")).isEmptyDirectory();
    }

    @Test
    void aFileThatTakesASegmentsNameLaterIsLeftAsItIs() throws IOException {
        try (DiskStore store = Pages.open(folder, PLAN)) {
            Files.writeString(segment(1), "late");
            assertThat(Pages.write(store, 4, hash(4))).isEqualTo(DiskWrite.NO_ROOM);
            assertThat(Pages.write(store, 5, hash(5))).isEqualTo(DiskWrite.NO_ROOM);
            assertThat(Pages.write(store, 8, hash(8))).isEqualTo(DiskWrite.WRITTEN);
        }
        assertThat(segment(1)).hasContent("late");
    }

    @Test
    void anUnfinishedSegmentIsSweptUp() throws IOException {
        Path unfinished = folder.resolve("segment-000001.new");
        Files.write(unfinished, new byte[5000]);
        try (DiskStore store = Pages.open(folder, PLAN)) {
            assertThat(unfinished).doesNotExist();
            assertThat(Pages.write(store, 4, hash(4))).isEqualTo(DiskWrite.WRITTEN);
            assertThat(store.recovery()).isEqualTo(new DiskRecovery(0, 0, 0, 0, 0, 0));
        }
    }

    @Test
    void aSmallerStoreGivesUpWhatIsBeyondItAndALargerOneGrows() throws IOException {
        fill();
        try (DiskStore store = Pages.open(folder, Pages.plan(PAYLOAD, 3, 4))) {
            assertThat(store.slots()).isEqualTo(3);
            assertThat(store.recovery()).isEqualTo(new DiskRecovery(3, 0, 0, 7, 0, 0));
            assertThat(segment(1)).doesNotExist();
            assertThat(segment(2)).doesNotExist();
            assertThat(Files.size(segment(0))).isEqualTo(8192 + 3 * 4096);
            assertThat(Pages.read(store, 2, hash(2))).isEqualTo(DiskRead.HIT);
        }
        try (DiskStore store = Pages.open(folder, Pages.plan(PAYLOAD, 20, 4))) {
            assertThat(store.recovery()).isEqualTo(new DiskRecovery(3, 0, 0, 0, 0, 0));
            for (int slot = 0; slot < 20; slot++) {
                assertThat(Pages.read(store, slot, hash(slot))).isEqualTo(slot < 3 ? DiskRead.HIT : DiskRead.MISSING);
                assertThat(Pages.write(store, slot, hash(-slot))).isEqualTo(DiskWrite.WRITTEN);
                assertThat(Pages.read(store, slot, hash(-slot))).isEqualTo(DiskRead.HIT);
            }
        }
    }

    @Test
    void aDirectoryMustBeOne() throws IOException {
        Path file = Files.writeString(folder.resolve("file"), "text");
        for (Path directory : new Path[] {file, file.resolve("below")}) {
            assertThatThrownBy(() -> Pages.open(directory, PLAN))
                    .isInstanceOf(DiskException.class)
                    .hasMessageStartingWith("a disk store needs a directory, directory=" + directory);
        }
        assertThat(catchThrowableOfType(DiskException.class, () -> Pages.open(file, PLAN)))
                .hasMessage("a disk store needs a directory, directory=" + file + ", found='" + file
                        + "', which is none: choose another");
    }

    /** No permission stops the superuser, so this one cannot be written to for another reason. */
    @Test
    void aDirectoryMustBeWritable() throws IOException {
        Files.createDirectory(folder.resolve(DirectoryLock.FILE));
        assertThat(refusal(PLAN))
                .startsWith("a disk store must be able to lock a file in its directory, directory=" + folder
                        + ", failure='")
                .endsWith("': make the directory writable, or choose another");
    }

    @Test
    @DisabledOnOs(OS.WINDOWS)
    void aLockThatIsAPipeIsNotWaitedFor() throws IOException, InterruptedException {
        Path pipe = folder.resolve(DirectoryLock.FILE);
        assertThat(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor())
                .isZero();
        assertThat(refusal(PLAN))
                .isEqualTo("the lock of a disk store is a plain file, found='" + pipe
                        + "', which is a pipe or the like: delete it, or choose another directory");
    }

    @Test
    void aDirectoryBelongsToOneStoreAtATime() {
        DiskStore first = Pages.open(folder, PLAN);
        for (int i = 0; i < 2; i++) {
            assertThat(refusal(PLAN))
                    .isEqualTo("a disk store belongs to one process at a time, and to one store in it, directory="
                            + folder
                            + ", heldBy=this process: close the other store, or choose another directory");
        }
        first.close();
        Pages.open(folder, PLAN).close();
    }

    /** Even after a second store of the same process was refused. */
    @Test
    @Timeout(60)
    void aDirectoryBelongsToOneProcessAtATime() throws Exception {
        DiskStore first = Pages.open(folder, PLAN);
        assertThat(refusal(PLAN)).contains("this process");
        assertThat(openInAnotherProcess())
                .isEqualTo("a disk store belongs to one process at a time, and to one store in it, directory="
                        + folder + ", heldBy=process "
                        + ProcessHandle.current().pid()
                        + ": close the other store, or choose another directory");
        first.close();
        assertThat(openInAnotherProcess()).isEqualTo("opened");
    }

    private String openInAnotherProcess() throws Exception {
        Process child = ChildJvm.start(Opening.class, folder.toString());
        String said = new String(child.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(child.waitFor()).isZero();
        return said;
    }

    /** What the other process runs. */
    static final class Opening {

        private Opening() {}

        public static void main(String[] args) {
            try (DiskStore store = Pages.open(Path.of(args[0]), PLAN)) {
                System.out.print(store.slots() == 10 ? "opened" : "?");
            } catch (DiskException e) {
                System.out.print(e.getMessage());
            }
        }
    }

    @Test
    void aSizeMustHoldASlot() {
        assertThatThrownBy(() -> DiskStore.open(folder, Pages.layout(PAYLOAD), new DataSize(5)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("size=5, needed=");
        assertThat(folder).isEmptyDirectory();
    }
}
