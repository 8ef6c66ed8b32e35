package io.kvflux.tier.disk;

import static io.kvflux.tier.disk.Pages.hash;
import static org.assertj.core.api.Assertions.assertThat;

import io.kvflux.api.BlockHash;
import io.kvflux.tier.HashIndex;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A store and an index as their owner uses them, over many restarts, with damage and a disk that has too little room. */
class RestartTest {

    private static final int PAYLOAD = 300;
    private static final SegmentPlan PLAN = Pages.plan(PAYLOAD, 14, 4);
    private static final int PAGES = 30;

    @TempDir
    Path folder;

    /** What is stored, least recent first. */
    private final LinkedHashMap<BlockHash, Integer> stored = new LinkedHashMap<>();

    /** The same pages in order of writing. */
    private final LinkedHashMap<BlockHash, Integer> written = new LinkedHashMap<>();

    private boolean lastSegmentHasRoom;
    private int segments;
    private DiskStore store;
    private HashIndex index;

    /** Has no room for the last segment until it is told. */
    private final DiskSpace space = new DiskSpace() {
        @Override
        public long usableBytes(Path directory) {
            return lastSegmentHasRoom || segments < 3 ? Long.MAX_VALUE : 0;
        }

        @Override
        public void fill(RandomAccessFile file, long from, long to) throws IOException {
            segments++;
            REAL.fill(file, from, to);
        }
    };

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void whatWasStoredIsFoundAgainAndNothingElse(long seed) {
        System.out.println("RestartTest seed=" + seed);
        SplittableRandom random = new SplittableRandom(seed);
        for (int run = 0; run < 30; run++) {
            lastSegmentHasRoom = run > 0;
            start();
            for (int i = 0; i < 200; i++) {
                BlockHash page = hash(random.nextInt(PAGES));
                int choice = random.nextInt(20);
                if (choice == 0) {
                    give(page);
                } else if (choice == 1) {
                    damage(page);
                } else {
                    use(page);
                }
                index.verify();
                assertThat(index.stored()).isEqualTo(stored.size());
            }
            store.close();
        }
    }

    private void start() {
        store = DiskStore.open(folder, PLAN, space);
        index = new HashIndex(store.slots());
        assertThat(store.recovery()).isEqualTo(new DiskRecovery(stored.size(), 0, 0, 0, 0, 0));
        store.forEachRecovered(
                (slot, hash) -> assertThat(index.restore(slot, hash)).isEqualTo(HashIndex.NONE));
        assertThat(written).isEqualTo(stored);
        stored.clear();
        stored.putAll(written);
    }

    private void use(BlockHash page) {
        int slot = index.find(page);
        assertThat(slot).isEqualTo(stored.getOrDefault(page, HashIndex.NONE));
        if (slot == HashIndex.NONE) {
            put(page);
            return;
        }
        index.pin(slot);
        DiskRead read = Pages.read(store, slot, page);
        index.unpin(slot);
        assertThat(read).isEqualTo(DiskRead.HIT);
        stored.put(page, stored.remove(page));
    }

    private void put(BlockHash page) {
        int slot = index.reserve(page);
        if (index.dropped() != null) {
            Iterator<Map.Entry<BlockHash, Integer>> oldest = stored.entrySet().iterator();
            assertThat(oldest.next()).isEqualTo(Map.entry(index.dropped(), slot));
            oldest.remove();
            written.remove(index.dropped());
        }
        if (Pages.write(store, slot, page) == DiskWrite.NO_ROOM) {
            assertThat(lastSegmentHasRoom).isFalse();
            index.withdraw(slot);
            return;
        }
        index.publish(slot);
        stored.put(page, slot);
        written.remove(page);
        written.put(page, slot);
    }

    private void give(BlockHash page) {
        int slot = index.find(page);
        if (slot != HashIndex.NONE) {
            index.drop(slot);
            store.erase(slot);
            stored.remove(page);
            written.remove(page);
        }
    }

    /** What the owner does with a page that turns out to be damaged. */
    private void damage(BlockHash page) {
        int slot = index.find(page);
        if (slot == HashIndex.NONE) {
            return;
        }
        flipAByte(slot);
        index.pin(slot);
        assertThat(Pages.read(store, slot, page)).isEqualTo(DiskRead.CORRUPT);
        index.drop(slot);
        index.unpin(slot);
        stored.remove(page);
        written.remove(page);
    }

    private void flipAByte(int slot) {
        Path file = folder.resolve("segment-00000" + PLAN.segmentOf(slot) + ".kvflux");
        long at = PLAN.slotsAt() + slot % PLAN.slotsPerSegment() * PLAN.slotBytes() + 7;
        try (RandomAccessFile open = new RandomAccessFile(file.toFile(), "rw")) {
            open.seek(at);
            int value = open.read();
            open.seek(at);
            open.write(value ^ 1);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
