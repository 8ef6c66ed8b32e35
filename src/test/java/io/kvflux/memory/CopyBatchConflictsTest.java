package io.kvflux.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvflux.geometry.DataSize;
import io.kvflux.geometry.MultiKvCacheParams;
import io.kvflux.memory.chronicle.HostSlots;
import io.kvflux.memory.chronicle.HostSlots.Touch;
import io.kvflux.memory.host.HostMemoryDevice;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What a batch refuses, and with which others it conflicts, against the plain definitions, block by block. */
class CopyBatchConflictsTest {

    private static final int BLOCKS = 300;
    private static final int ROUNDS = 3000;

    private final MultiKvCacheParams caches = TransferContract.twoCaches();
    private final SlotLayout layout = SlotLayout.of(caches);
    private final HostMemoryDevice device = HostMemoryDevice.withBudget(DataSize.parse("16MiB"));
    private final List<BlockArenas> arenas =
            List.of(BlockArenas.allocate(device, caches, BLOCKS), BlockArenas.allocate(device, caches, BLOCKS));
    private final List<HostSlots> slots = List.of(
            HostSlots.allocate(BLOCKS, layout.bytes(), Touch.LAZY),
            HostSlots.allocate(BLOCKS, layout.bytes(), Touch.LAZY));
    private final SplittableRandom random = new SplittableRandom(20261127);

    @AfterEach
    void close() {
        device.close();
        slots.forEach(HostSlots::close);
    }

    /** A block or slot that is read or written. */
    private record Access(Object owner, int replica, int number, boolean written) {

        boolean isOfTheSame(Access other) {
            return owner == other.owner && replica == other.replica && number == other.number;
        }

        boolean conflictsWith(Access other) {
            return isOfTheSame(other) && (written || other.written);
        }
    }

    /** What was added to a batch in one call. */
    private record Added(boolean isFill, List<Access> accesses) {}

    /** A batch, and what was added to it. */
    private final class Watched {

        private final BlockArenas blocks = arenas.get(random.nextInt(2));
        private final HostSlots to = slots.get(random.nextInt(2));
        private final boolean within = random.nextBoolean();
        private final CopyBatch batch = within ? new CopyBatch(blocks) : new CopyBatch(blocks, to, layout);
        private final List<Added> added = new ArrayList<>();

        void refill() {
            batch.clear();
            added.clear();
            int origin = random.nextInt(BLOCKS);
            int width = 1 + random.nextInt(BLOCKS);
            for (int left = random.nextInt(40); left > 0; left--) {
                int replica = random.nextInt(2);
                int one = (origin + random.nextInt(width)) % BLOCKS;
                int other = (origin + random.nextInt(width)) % BLOCKS;
                for (int more = random.nextInt(4); more >= 0; more--) {
                    add(replica, (one + more) % BLOCKS, (other + more) % BLOCKS);
                }
            }
        }

        private void add(int replica, int one, int other) {
            boolean either = random.nextBoolean();
            if (within && either) {
                batch.fill(replica, one + 1);
                added.add(new Added(true, List.of(new Access(blocks, replica, one + 1, true))));
            } else if (within) {
                offer(
                        () -> batch.copy(replica, one + 1, other + 1),
                        new Access(blocks, replica, one + 1, false),
                        new Access(blocks, replica, other + 1, true));
            } else if (either) {
                offer(
                        () -> batch.offload(replica, one + 1, other),
                        new Access(blocks, replica, one + 1, false),
                        new Access(to, 0, other, true));
            } else {
                offer(
                        () -> batch.onload(replica, other, one + 1),
                        new Access(to, 0, other, false),
                        new Access(blocks, replica, one + 1, true));
            }
        }

        private void offer(Runnable adds, Access read, Access written) {
            boolean refused = read.isOfTheSame(written)
                    || added.stream()
                            .filter(one -> !one.isFill())
                            .flatMap(one -> one.accesses().stream())
                            .anyMatch(before -> before.conflictsWith(read) || before.conflictsWith(written));
            if (refused) {
                assertThatThrownBy(adds::run).isInstanceOf(IllegalArgumentException.class);
            } else {
                adds.run();
                added.add(new Added(false, List.of(read, written)));
            }
        }

        List<Access> accesses() {
            return added.stream().flatMap(one -> one.accesses().stream()).toList();
        }

        /** Of the blocks that are dealt with first, those to fill before all others. */
        List<Access> accessesOfFirstHalf() {
            return added.stream()
                    .sorted(Comparator.comparing(one -> !one.isFill()))
                    .limit(added.size() / 2)
                    .flatMap(one -> one.accesses().stream())
                    .toList();
        }
    }

    private static boolean conflict(List<Access> some, List<Access> others) {
        return some.stream().anyMatch(one -> others.stream().anyMatch(one::conflictsWith));
    }

    @Test
    void twoBatchesConflictExactlyIfOneWritesWhatTheOtherTouches() {
        List<Watched> batches = Stream.generate(() -> new Watched()).limit(24).toList();
        int conflicts = 0;
        for (int round = 0; round < ROUNDS; round++) {
            Watched one = batches.get(random.nextInt(batches.size()));
            Watched other = batches.get(random.nextInt(batches.size()));
            one.refill();
            boolean expected = conflict(one.accesses(), other.accesses());
            assertThat(one.batch.conflictsWith(other.batch)).isEqualTo(expected);
            assertThat(other.batch.conflictsWith(one.batch)).isEqualTo(expected);
            assertThat(one.batch.firstHalf().conflictsWith(other.batch))
                    .isEqualTo(conflict(one.accessesOfFirstHalf(), other.accesses()));
            conflicts += expected ? 1 : 0;
        }
        assertThat(conflicts).isBetween(ROUNDS / 10, ROUNDS * 9 / 10);
    }
}
