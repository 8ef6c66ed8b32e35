package io.kvflux.tier.disk;

import static io.kvflux.tier.disk.Pages.hash;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files that are not what was written: whatever is wrong with them, no read brings wrong bytes or an exception. */
class DamageTest {

    private static final int PAYLOAD = 100;
    private static final int RECORDS = SegmentPlan.HEADER_BYTES;
    private static final int SLOTS_AT = 8192;
    private static final SegmentPlan PLAN = Pages.plan(PAYLOAD, 3, 3);

    @TempDir
    Path folder;

    private Path file;
    private byte[] good;

    @BeforeEach
    void writePages() throws IOException {
        file = folder.resolve("segment-000000.kvflux");
        try (DiskStore store = Pages.open(folder, PLAN)) {
            for (int slot = 0; slot < 3; slot++) {
                Pages.write(store, slot, hash(slot));
            }
        }
        good = Files.readAllBytes(file);
    }

    /** Opens a damaged file, reads every slot, writes and reads it anew; tells what was found, or null if refused. */
    private Found open(byte[] content) throws IOException {
        Files.write(file, content);
        try (DiskStore store = Pages.open(folder, PLAN)) {
            DiskRead[] reads = new DiskRead[3];
            for (int slot = 0; slot < 3; slot++) {
                reads[slot] = Pages.read(store, slot, hash(slot));
                if (Pages.write(store, slot, hash(10 + slot)) == DiskWrite.WRITTEN) {
                    assertThat(Pages.read(store, slot, hash(10 + slot))).isEqualTo(DiskRead.HIT);
                }
            }
            return new Found(store.recovery(), reads);
        } catch (DiskException refused) {
            assertThat(Files.readAllBytes(file)).isEqualTo(content);
            return new Found(null, new DiskRead[0]);
        }
    }

    private record Found(DiskRecovery recovery, DiskRead[] reads) {

        boolean refused() {
            return recovery == null;
        }

        void isOnly(DiskRead first, DiskRead second, DiskRead third) {
            assertThat(reads).containsExactly(first, second, third);
        }
    }

    private byte[] flipped(int at) {
        byte[] content = good.clone();
        content[at] ^= (byte) (1 << at % 8);
        return content;
    }

    @Test
    void aFlippedBitInTheHeaderIsNeverTakenForOurs() {
        for (int at = 0; at < SegmentPlan.HEADER_BYTES; at++) {
            for (int bit = 0; bit < 8; bit++) {
                byte[] header = Arrays.copyOf(good, SegmentPlan.HEADER_BYTES);
                header[at] ^= (byte) (1 << bit);
                Class<?> expected = at < 8
                        ? SegmentHeader.Foreign.class
                        : at < 12 ? SegmentHeader.Refused.class : SegmentHeader.Damaged.class;
                assertThat(SegmentHeader.judge(header, PLAN, 0)).isInstanceOf(expected);
            }
        }
    }

    /** Every byte that means something, and some of those that follow. */
    @Test
    void aFlippedByteInTheHeaderIsARefusalOrLosesTheSegment() throws IOException {
        int refusals = 0;
        int damaged = 0;
        int foreign = 0;
        int tried = 0;
        for (int at = 0; at < SegmentPlan.HEADER_BYTES; at += at < 128 ? 1 : 97) {
            Found found = open(flipped(at));
            tried++;
            if (found.refused()) {
                refusals++;
            } else {
                found.isOnly(DiskRead.MISSING, DiskRead.MISSING, DiskRead.MISSING);
                assertThat(found.recovery().recovered()).isZero();
                damaged += found.recovery().damagedSegments();
                foreign += found.recovery().foreignFiles();
            }
        }
        assertThat(foreign).as("in the magic").isEqualTo(8);
        assertThat(refusals).as("in the version").isEqualTo(4);
        assertThat(damaged).isEqualTo(tried - 12);
    }

    @Test
    void aFlippedByteInARecordLosesThatPage() throws IOException {
        for (int at = 0; at < SegmentPlan.RECORD_BYTES; at++) {
            Found found = open(flipped(RECORDS + SegmentPlan.RECORD_BYTES + at));
            found.isOnly(DiskRead.HIT, DiskRead.MISSING, DiskRead.HIT);
            assertThat(found.recovery()).isEqualTo(new DiskRecovery(2, 0, 1, 0, 0, 0));
        }
    }

    @Test
    void aFlippedByteInAPayloadIsFoundByTheReader() throws IOException {
        for (int at = 0; at < PAYLOAD; at++) {
            Found found = open(flipped(SLOTS_AT + 4096 + at));
            found.isOnly(DiskRead.HIT, DiskRead.CORRUPT, DiskRead.HIT);
            assertThat(found.recovery()).isEqualTo(new DiskRecovery(3, 0, 0, 0, 0, 0));
        }
    }

    @Test
    void aPageIsFoundCorruptOnce() throws IOException {
        Files.write(file, flipped(SLOTS_AT));
        try (DiskStore store = Pages.open(folder, PLAN)) {
            assertThat(Pages.read(store, 0, hash(0))).isEqualTo(DiskRead.CORRUPT);
            assertThat(Pages.read(store, 0, hash(0))).isEqualTo(DiskRead.MISSING);
            assertThat(store.counts()).isEqualTo(new DiskCounts(0, 0, 0, 1, 1));
        }
        try (DiskStore store = Pages.open(folder, PLAN)) {
            assertThat(store.recovery().recovered()).isEqualTo(2);
        }
    }

    /** As if the process had died before the mark was set; its bytes may even be whole. */
    @Test
    void aPageWithoutItsCommitMarkIsTorn() throws IOException {
        byte[] content = good.clone();
        Arrays.fill(content, RECORDS, RECORDS + 8, (byte) 0);
        Found found = open(content);
        found.isOnly(DiskRead.MISSING, DiskRead.HIT, DiskRead.HIT);
        assertThat(found.recovery()).isEqualTo(new DiskRecovery(2, 1, 0, 0, 0, 0));
    }

    @Test
    void aRecordIsGoodForItsOwnSlotOnly() throws IOException {
        byte[] content = good.clone();
        System.arraycopy(good, RECORDS, content, RECORDS + SegmentPlan.RECORD_BYTES, SegmentPlan.RECORD_BYTES);
        System.arraycopy(good, SLOTS_AT, content, SLOTS_AT + 4096, PAYLOAD);
        Found found = open(content);
        found.isOnly(DiskRead.HIT, DiskRead.MISSING, DiskRead.HIT);
        assertThat(found.recovery()).isEqualTo(new DiskRecovery(2, 0, 1, 0, 0, 0));
    }

    /** After a loss of power the record may be there and the payload that it was to follow not. */
    @Test
    void aRecordWithoutItsPayloadIsCorrupt() throws IOException {
        byte[] content = good.clone();
        Arrays.fill(content, SLOTS_AT + 2 * 4096, content.length, (byte) 0);
        open(content).isOnly(DiskRead.HIT, DiskRead.HIT, DiskRead.CORRUPT);
    }

    @Test
    void aFileCutOffAnywhereLosesWhatIsGone() throws IOException {
        TreeSet<Integer> lengths = new TreeSet<>();
        for (int edge : new int[] {
            8,
            12,
            56,
            4096,
            4096 + 128,
            4096 + 256,
            4096 + 384,
            8192,
            8192 + PAYLOAD,
            12_288,
            12_288 + PAYLOAD,
            16_384,
            16_384 + PAYLOAD,
            20_480
        }) {
            lengths.addAll(List.of(edge - 1, edge, edge + 1));
        }
        lengths.addAll(List.of(0, 1, 2));
        lengths.remove(20_481);
        for (int length : lengths) {
            Found found = open(Arrays.copyOf(good, length));
            for (int slot = 0; slot < 3; slot++) {
                boolean whole = length >= SLOTS_AT + 4096 * slot + PAYLOAD;
                assertThat(!found.refused() && found.reads()[slot] == DiskRead.HIT)
                        .as("slot %s of a file of %s bytes", slot, length)
                        .isEqualTo(whole);
            }
        }
    }

    @Test
    void aFileThatGrewIsCutBack() throws IOException {
        open(Arrays.copyOf(good, 30_000)).isOnly(DiskRead.HIT, DiskRead.HIT, DiskRead.HIT);
        assertThat(Files.size(file)).isEqualTo(20_480);
    }

    @Test
    void aFileOfZerosIsMadeAnew() throws IOException {
        Found found = open(new byte[good.length]);
        found.isOnly(DiskRead.MISSING, DiskRead.MISSING, DiskRead.MISSING);
        assertThat(found.recovery()).isEqualTo(new DiskRecovery(0, 0, 0, 0, 1, 0));
        assertThat(Arrays.copyOf(Files.readAllBytes(file), SegmentPlan.HEADER_BYTES))
                .isEqualTo(Arrays.copyOf(good, SegmentPlan.HEADER_BYTES));
    }

    /** Any number of bytes anywhere, also in headers and records. */
    @Test
    void randomDamageNeverBringsWrongBytes() throws IOException {
        SplittableRandom random = new SplittableRandom(11);
        for (int round = 0; round < 300; round++) {
            byte[] content = good.clone();
            int from = random.nextInt(content.length);
            int to = Math.min(content.length, from + 1 + random.nextInt(1 << random.nextInt(1, 14)));
            for (int at = from; at < to; at++) {
                content[at] = (byte) random.nextInt(256);
            }
            open(content);
        }
    }
}
