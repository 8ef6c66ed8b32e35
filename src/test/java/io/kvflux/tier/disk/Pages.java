package io.kvflux.tier.disk;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvflux.api.BlockHash;
import io.kvflux.geometry.HashAlgorithm;
import io.kvflux.memory.chronicle.Region;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.SplittableRandom;

/** Pages whose bytes follow from their name, and small stores to put them in. */
public final class Pages {

    private Pages() {}

    public static BlockHash hash(long number) {
        byte[] bytes = new byte[BlockHash.BYTES];
        SplittableRandom random = new SplittableRandom(number);
        for (int i = 0; i < bytes.length; i += Long.BYTES) {
            ByteBuffer.wrap(bytes).putLong(i, random.nextLong());
        }
        return new BlockHash(bytes);
    }

    /** The bytes of a page: random ones, which are repeated with a number in front, since making them takes time. */
    static byte[] bytes(BlockHash hash, int length) {
        byte[] bytes = new byte[length];
        byte[] pattern = new byte[4096];
        new SplittableRandom(hash.toLong()).nextBytes(pattern);
        for (int at = 0; at < length; at += pattern.length) {
            pattern[0] = (byte) (at >> 12);
            pattern[1] = (byte) (at >> 20);
            System.arraycopy(pattern, 0, bytes, at, Math.min(pattern.length, length - at));
        }
        return bytes;
    }

    static DiskLayout layout(long payloadBytes) {
        return new DiskLayout("a layout for tests", 16, HashAlgorithm.SHA_256, payloadBytes);
    }

    static SegmentPlan plan(long payloadBytes, int slots, int slotsPerSegment) {
        return new SegmentPlan(layout(payloadBytes), slots, slotsPerSegment);
    }

    static DiskStore open(Path directory, SegmentPlan plan) {
        return DiskStore.open(directory, plan, DiskSpace.REAL);
    }

    /** Space that costs nothing, for large stores. */
    static final DiskSpace SPARSE = new DiskSpace() {
        @Override
        public long usableBytes(Path directory) {
            return Long.MAX_VALUE;
        }

        @Override
        public void fill(RandomAccessFile file, long from, long to) throws IOException {
            file.setLength(to);
        }
    };

    static DiskWrite write(DiskStore store, int slot, BlockHash hash) {
        int length = (int) store.layout().payloadBytes();
        try (Region region = Region.allocate(length + 8, 8)) {
            region.write(3, bytes(hash, length));
            return store.write(slot, hash, region, 3);
        }
    }

    /** Reads a page; one that is a hit must be the right one. */
    static DiskRead read(DiskStore store, int slot, BlockHash hash) {
        int length = (int) store.layout().payloadBytes();
        try (Region region = Region.allocate(length + 8, 8)) {
            DiskRead outcome = store.read(slot, hash, region, 5);
            if (outcome == DiskRead.HIT) {
                byte[] read = new byte[length];
                region.read(5, read);
                assertThat(read).as("slot %s, page %s", slot, hash).isEqualTo(bytes(hash, length));
            }
            return outcome;
        }
    }
}
