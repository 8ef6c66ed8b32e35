package io.kvflux.tier.disk;

import io.kvflux.geometry.DataSize;

/**
 * Where the slots of a store lie: arithmetic over its layout and its size.
 *
 * <pre>
 *   segment   | header 4096 | records, slotsPerSegment * 128, to 4096 | slot 0 | slot 1 | ... |
 *   slot      payloadBytes, to 4096
 *   store     segment 0, segment 1, ..., all whole but the last, which ends after its last slot
 * </pre>
 *
 * Offsets in a segment do not depend on the size of the store, so a store can grow and shrink.
 *
 * @param layout what a page is
 * @param slots in the store, at least 1
 * @param slotsPerSegment in a whole segment
 */
record SegmentPlan(DiskLayout layout, int slots, int slotsPerSegment) {

    /** A segment is at most this long, unless a single slot is longer. */
    static final long SEGMENT_BYTES = 256L << 20;
    /** So that the records of a small store with small pages take little. */
    static final int MAX_SLOTS_PER_SEGMENT = 1024;
    /** Linux lets a process have 65530 mappings, of which others need some. */
    static final int MAX_SEGMENTS = 32_768;

    static final int HEADER_BYTES = 4096;
    static final int RECORD_BYTES = 128;
    static final int ALIGNMENT = 4096;

    /** That of the most slots that fit in a size. */
    static SegmentPlan of(DiskLayout layout, DataSize size, long segmentBytes) {
        long slotBytes = align(layout.payloadBytes());
        int fit = slotsPerSegment(layout, segmentBytes);
        SegmentPlan whole = new SegmentPlan(layout, 1, fit);
        long segments = size.bytes() / whole.bytesOf(fit);
        long rest = size.bytes() % whole.bytesOf(fit);
        long slots = segments * fit + Math.max(0, (rest - whole.slotsAt()) / slotBytes);
        if (slots < 1) {
            throw new IllegalArgumentException("a disk store must have room for a slot, size=" + size.bytes()
                    + ", needed=" + whole.bytesOf(1) + ": raise the size");
        }
        if (segments >= MAX_SEGMENTS) {
            throw new IllegalArgumentException("a disk store has less than " + MAX_SEGMENTS + " whole segments, size="
                    + size.bytes() + ", segments=" + segments + ": lower the size");
        }
        return new SegmentPlan(layout, (int) slots, fit);
    }

    static int slotsPerSegment(DiskLayout layout, long segmentBytes) {
        long slotBytes = align(layout.payloadBytes());
        // Records take whole pages, so the quotient may be one slot too large.
        long fit = Math.max(1, (segmentBytes - HEADER_BYTES) / (slotBytes + RECORD_BYTES));
        fit = Math.min(fit, MAX_SLOTS_PER_SEGMENT);
        while (fit > 1 && HEADER_BYTES + align(fit * RECORD_BYTES) + fit * slotBytes > segmentBytes) {
            fit--;
        }
        return (int) fit;
    }

    static long align(long bytes) {
        return (bytes + ALIGNMENT - 1) & -(long) ALIGNMENT;
    }

    int segments() {
        return (slots - 1) / slotsPerSegment + 1;
    }

    int segmentOf(int slot) {
        return slot / slotsPerSegment;
    }

    int slotsIn(int segment) {
        return Math.min(slotsPerSegment, slots - segment * slotsPerSegment);
    }

    long bytesOfSegment(int segment) {
        return bytesOf(slotsIn(segment));
    }

    /** Where the first slot of a segment begins, behind the records. */
    long slotsAt() {
        return HEADER_BYTES + align((long) slotsPerSegment * RECORD_BYTES);
    }

    long slotBytes() {
        return align(layout.payloadBytes());
    }

    /** Of all segments. */
    long bytes() {
        return (segments() - 1) * bytesOf(slotsPerSegment) + bytesOfSegment(segments() - 1);
    }

    private long bytesOf(long count) {
        return slotsAt() + count * slotBytes();
    }
}
