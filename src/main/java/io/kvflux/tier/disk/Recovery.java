package io.kvflux.tier.disk;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Finds out what is in a directory. First every segment's header is judged, and nothing has changed if one forbids the
 * opening; then files are given their lengths, mapped, and their records read. A file that lacks a part for which the disk
 * has no room is given up with its pages: if it came back another day, they would be older than they seem, or cleared.
 */
final class Recovery {

    private final Path directory;
    private final SegmentPlan plan;
    private final SegmentFiles files;

    /** Segments by number; null where there is none. */
    final Segment[] segments;

    /** Segments that cannot be had: something else has their name. */
    final BitSet blocked = new BitSet();

    private final List<Integer> surplus = new ArrayList<>();
    private final List<Integer> usable = new ArrayList<>();
    private final List<Integer> damaged = new ArrayList<>();
    private int torn;
    private int corrupt;
    private int stale;
    private int foreign;

    /** Slots with a page and their generations, in parallel; the first {@link #recovered} count. */
    private int[] slots = new int[64];

    private long[] generations = new long[64];
    private int recovered;

    Recovery(Path directory, SegmentPlan plan, SegmentFiles files) {
        this.directory = directory;
        this.plan = plan;
        this.files = files;
        segments = new Segment[plan.segments()];
    }

    void run() throws IOException {
        SegmentFiles.Listing listing = files.list();
        foreign = listing.foreign();
        for (int segment : listing.segments()) {
            judge(segment);
        }
        for (Path file : listing.unfinished()) {
            Files.delete(file);
        }
        for (int segment : damaged) {
            Files.delete(files.file(segment));
        }
        for (int segment : surplus) {
            countStale(segment);
            Files.delete(files.file(segment));
        }
        for (int segment : usable) {
            take(segment);
        }
    }

    private void judge(int segment) throws IOException {
        SegmentHeader.Verdict verdict = files.judge(segment);
        if (verdict instanceof SegmentHeader.Refused refused) {
            throw new DiskException("a disk store keeps pages of one " + refused.what() + ", directory=" + directory
                    + ", found=" + refused.found() + ", expected=" + refused.expected()
                    + ": choose another directory, or delete the segments in this one");
        }
        if (verdict instanceof SegmentHeader.Foreign) {
            foreign++;
            blocked.set(segment);
        } else if (verdict instanceof SegmentHeader.Damaged) {
            damaged.add(segment);
        } else {
            (segment < plan.segments() ? usable : surplus).add(segment);
        }
    }

    private void countStale(int segment) throws IOException {
        if (Files.size(files.file(segment)) < plan.slotsAt()) {
            return;
        }
        Segment records = Segment.mapRecords(files.file(segment), plan, segment);
        for (int index = 0; index < plan.slotsPerSegment(); index++) {
            stale += records.state(index) == Segment.State.COMMITTED ? 1 : 0;
        }
        records.close();
    }

    private void take(int number) throws IOException {
        if (!files.fit(number)) {
            countStale(number);
            Files.delete(files.file(number));
            return;
        }
        Segment segment = Segment.map(files.file(number), plan, number);
        segments[number] = segment;
        for (int index = 0; index < plan.slotsPerSegment(); index++) {
            Segment.State state = segment.state(index);
            if (state == Segment.State.EMPTY) {
                continue;
            }
            if (state == Segment.State.TORN) {
                torn++;
            } else if (state == Segment.State.CORRUPT) {
                corrupt++;
            } else if (index >= plan.slotsIn(number)) {
                stale++;
            } else {
                add(number * plan.slotsPerSegment() + index, segment.generation(index));
                continue;
            }
            segment.erase(index);
        }
    }

    private void add(int slot, long generation) {
        if (recovered == slots.length) {
            int room = (int) Math.min(plan.slots(), 2L * recovered);
            slots = Arrays.copyOf(slots, room);
            generations = Arrays.copyOf(generations, room);
        }
        slots[recovered] = slot;
        generations[recovered++] = generation;
    }

    DiskRecovery counts() {
        return new DiskRecovery(recovered, torn, corrupt, stale, damaged.size(), foreign);
    }

    /** Slots with a page, the one that was written first at the front. */
    int[] oldestFirst() {
        return IntStream.range(0, recovered)
                .boxed()
                .sorted(Comparator.comparingLong((Integer i) -> generations[i]).thenComparingInt(i -> slots[i]))
                .mapToInt(i -> slots[i])
                .toArray();
    }

    /** Greater than that of every page. */
    long nextGeneration() {
        return Arrays.stream(generations, 0, recovered).max().orElse(0) + 1;
    }

    void close() {
        for (Segment segment : segments) {
            if (segment != null) {
                segment.close();
            }
        }
    }
}
