package io.kvflux.tier.disk;

import io.kvflux.api.BlockHash;
import io.kvflux.memory.chronicle.MappedRegion;
import io.kvflux.memory.chronicle.Region;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * The records and slots of one mapped segment file. A record says what its slot holds:
 *
 * <pre>
 *      0        8          16           24              32                40     72
 *      | commit | checksum | generation | payloadLength | payloadChecksum | hash | zeros | to 128
 * </pre>
 *
 * <p>The commit mark is cleared before anything else of a slot or its record is written, and set after everything else
 * has been. So when the process dies, in whatever instruction, a slot with a mark is whole. When the machine dies, parts
 * may be missing in any combination, which the checksums show: the record's (XXH64 of its bytes from 16 on, starting from
 * the layout and the slot's number, so that a record is good in one place only) and the payload's (XXH64 of its first 64
 * KiB, which the sum of the next 64 KiB starts from, and so on).
 *
 * <p>Numbers are in the machine's order, little endian wherever this runs; a header of the other order is foreign.
 */
final class Segment {

    /** What a record says of its slot. */
    enum State {
        /** Never written, or erased. */
        EMPTY,
        /** Being written, or was when a process or the machine died. */
        TORN,
        /** Not something that was written. */
        CORRUPT,
        /** Holds a page. */
        COMMITTED
    }

    private static final int COMMIT_AT = 0;
    private static final int CHECKSUM_AT = 8;
    private static final int GENERATION_AT = 16;
    private static final int LENGTH_AT = 24;
    private static final int PAYLOAD_CHECKSUM_AT = 32;
    private static final int HASH_AT = 40;

    /** "COMMITED", which is eight bytes long. */
    private static final long COMMITTED_MARK = 0x444554494D4D4F43L;

    /** A payload's sum is made block by block, each beginning with the sum before it, while the block is in the cache. */
    private static final long BLOCK = 64 << 10;

    private static final byte[] EMPTY_RECORD = new byte[SegmentPlan.RECORD_BYTES];

    private final MappedRegion region;
    private final SegmentPlan plan;
    /** Number in the store of the segment's first slot. */
    private final long firstSlot;

    private final long layoutSeed;

    private Segment(MappedRegion region, SegmentPlan plan, int number) {
        this.region = region;
        this.plan = plan;
        firstSlot = (long) number * plan.slotsPerSegment();
        layoutSeed = ByteBuffer.wrap(plan.layout().fingerprint()).getLong();
    }

    static Segment map(Path file, SegmentPlan plan, int number) throws IOException {
        return new Segment(MappedRegion.map(file, plan.bytesOfSegment(number)), plan, number);
    }

    /** A segment of which only records are wanted. */
    static Segment mapRecords(Path file, SegmentPlan plan, int number) throws IOException {
        return new Segment(MappedRegion.map(file, plan.slotsAt()), plan, number);
    }

    State state(int index) {
        long record = record(index);
        long mark = region.readVolatileLong(record + COMMIT_AT);
        if (mark == 0) {
            byte[] bytes = new byte[SegmentPlan.RECORD_BYTES];
            region.read(record, bytes);
            return Arrays.equals(bytes, EMPTY_RECORD) ? State.EMPTY : State.TORN;
        }
        boolean good = mark == COMMITTED_MARK
                && region.readLong(record + CHECKSUM_AT) == recordChecksum(index)
                && region.readLong(record + LENGTH_AT) == plan.layout().payloadBytes();
        return good ? State.COMMITTED : State.CORRUPT;
    }

    /** Order of writing: of two pages the one with the greater number was written later. */
    long generation(int index) {
        return region.readLong(record(index) + GENERATION_AT);
    }

    BlockHash hash(int index) {
        byte[] hash = new byte[BlockHash.BYTES];
        region.read(record(index) + HASH_AT, hash);
        return new BlockHash(hash);
    }

    void write(int index, BlockHash hash, long generation, Region from, long offset) {
        long length = plan.layout().payloadBytes();
        long record = record(index);
        long payload = payload(index);
        region.writeVolatileLong(record + COMMIT_AT, 0);
        long sum = 0;
        for (long at = 0; at < length; at += BLOCK) {
            long count = Math.min(BLOCK, length - at);
            sum = from.checksum(offset + at, count, sum);
            region.copyFrom(payload + at, from, offset + at, count);
        }
        region.writeLong(record + GENERATION_AT, generation);
        region.writeLong(record + LENGTH_AT, length);
        region.writeLong(record + PAYLOAD_CHECKSUM_AT, sum);
        region.write(record + HASH_AT, hash.toBytes());
        region.writeLong(record + CHECKSUM_AT, recordChecksum(index));
        region.writeOrderedLong(record + COMMIT_AT, COMMITTED_MARK);
    }

    DiskRead read(int index, BlockHash expected, Region into, long offset) {
        long record = record(index);
        if (region.readVolatileLong(record + COMMIT_AT) == 0) {
            return DiskRead.MISSING;
        }
        if (state(index) != State.COMMITTED) {
            return corrupt(index);
        }
        if (!hash(index).equals(expected)) {
            return DiskRead.MISSING;
        }
        long sum = copyOut(payload(index), into, offset);
        return sum == region.readLong(record + PAYLOAD_CHECKSUM_AT) ? DiskRead.HIT : corrupt(index);
    }

    /** Copies a payload; the sum is that of what the reader has got. */
    private long copyOut(long payload, Region into, long offset) {
        long length = plan.layout().payloadBytes();
        long sum = 0;
        for (long at = 0; at < length; at += BLOCK) {
            long count = Math.min(BLOCK, length - at);
            region.copyTo(payload + at, into, offset + at, count);
            sum = into.checksum(offset + at, count, sum);
        }
        return sum;
    }

    private DiskRead corrupt(int index) {
        erase(index);
        return DiskRead.CORRUPT;
    }

    void erase(int index) {
        long record = record(index);
        region.writeVolatileLong(record + COMMIT_AT, 0);
        region.fill(record, SegmentPlan.RECORD_BYTES, (byte) 0);
    }

    void force() throws IOException {
        region.force();
    }

    void close() {
        region.close();
    }

    private long recordChecksum(int index) {
        return region.checksum(
                record(index) + GENERATION_AT,
                SegmentPlan.RECORD_BYTES - GENERATION_AT,
                layoutSeed + firstSlot + index);
    }

    private long record(int index) {
        return SegmentPlan.HEADER_BYTES + (long) index * SegmentPlan.RECORD_BYTES;
    }

    private long payload(int index) {
        return plan.slotsAt() + index * plan.slotBytes();
    }
}
