package io.kvflux.tier.disk;

import io.kvflux.api.BlockHash;
import io.kvflux.geometry.DataSize;
import io.kvflux.memory.chronicle.MappedRegion;
import io.kvflux.memory.chronicle.Region;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.StampedLock;
import org.jspecify.annotations.Nullable;

/**
 * Slots for pages in the segment files of one directory. A page that has been written is there for the next process, even
 * if this one is killed in the middle of something; after a loss of power pages may be missing, and are never wrong.
 *
 * <p>The store keeps no index and no policy: the caller says which slot a page goes to, and lets no two threads use one
 * slot at the same time unless both read. Different slots may be used by different threads. Every call but {@link #open}
 * and {@link #force} is copying: it waits for nobody, except that the first write to a segment makes its file, which
 * takes as long as writing its zeros does, and that the first touch of a page may wait for the disk.
 *
 * <p>Bad content is an outcome, never an exception. Slots that do not exist, ranges outside a region and a closed store
 * are exceptions.
 */
public final class DiskStore implements AutoCloseable {

    /** Takes what an earlier run has left. */
    @FunctionalInterface
    public interface RecoveredPages {

        /**
         * One page.
         *
         * @param slot where it is
         * @param hash its name
         */
        void page(int slot, BlockHash hash);
    }

    private final Path directory;
    private final SegmentPlan plan;
    private final DiskSpace space;
    private final DirectoryLock directoryLock;
    private final SegmentFiles files;
    private final AtomicReferenceArray<@Nullable Segment> segments;
    private final DiskRecovery recovery;
    private final int[] oldestFirst;
    private final AtomicLong nextGeneration;

    private final LongAdder written = new LongAdder();
    private final LongAdder noRoom = new LongAdder();
    private final LongAdder hits = new LongAdder();
    private final LongAdder missing = new LongAdder();
    private final LongAdder corrupt = new LongAdder();

    /** Held shared by whoever touches a segment, exclusively by whoever closes them. */
    private final StampedLock inUse = new StampedLock();

    private boolean closed;

    /** One file is made at a time. Guards the two fields below. */
    private final Object making = new Object();

    private final BitSet blocked;
    /** The disk failed a write although it said it had room: not tried again before it says it has this much. */
    private long refusedBelowBytes;

    private DiskStore(
            Path directory,
            SegmentPlan plan,
            DiskSpace space,
            DirectoryLock directoryLock,
            SegmentFiles files,
            Recovery found) {
        this.directory = directory;
        this.plan = plan;
        this.space = space;
        this.directoryLock = directoryLock;
        this.files = files;
        segments = new AtomicReferenceArray<>(found.segments);
        recovery = found.counts();
        oldestFirst = found.oldestFirst();
        nextGeneration = new AtomicLong(found.nextGeneration());
        blocked = found.blocked;
    }

    /**
     * Opens the store in a directory, which is made if there is none, and finds what an earlier run has left. One store at
     * a time has a directory. Pages beyond a size that is smaller than before are given up, and their files deleted; a
     * greater size adds slots.
     *
     * @param directory whose it is alone; files in it that are not the store's are left as they are
     * @param layout what a page is
     * @param size bytes that the segment files may have altogether; space is taken when it is first needed
     * @return the store
     * @throws DiskException if the directory cannot be had, or holds pages of another layout or format version
     * @throws IllegalArgumentException if the size has no room for a slot, or for more than there can be
     * @throws io.kvflux.memory.chronicle.MissingFlagsException if the JVM lacks the flags for mapping files
     */
    public static DiskStore open(Path directory, DiskLayout layout, DataSize size) {
        return open(directory, SegmentPlan.of(layout, size, SegmentPlan.SEGMENT_BYTES), DiskSpace.REAL);
    }

    /**
     * How many slots a store has.
     *
     * @param layout what a page is
     * @param size bytes that the segment files may have altogether
     * @return at least 1
     * @throws IllegalArgumentException if the size has no room for a slot, or for more than there can be
     */
    public static int slotsThatFit(DiskLayout layout, DataSize size) {
        return SegmentPlan.of(layout, size, SegmentPlan.SEGMENT_BYTES).slots();
    }

    static DiskStore open(Path directory, SegmentPlan plan, DiskSpace space) {
        MappedRegion.requireFlags();
        makeDirectory(directory);
        DirectoryLock lock = DirectoryLock.take(directory);
        SegmentFiles files = new SegmentFiles(directory, plan, space);
        Recovery found = new Recovery(directory, plan, files);
        try {
            found.run();
            return new DiskStore(directory, plan, space, lock, files, found);
        } catch (IOException | RuntimeException e) {
            found.close();
            lock.close();
            throw e instanceof RuntimeException refusal ? refusal : cannotRead(directory, e);
        }
    }

    private static void makeDirectory(Path directory) {
        try {
            Files.createDirectories(directory);
        } catch (FileAlreadyExistsException e) {
            throw new DiskException(
                    "a disk store needs a directory, directory=" + directory + ", found='" + e.getFile()
                            + "', which is none: choose another",
                    e);
        } catch (IOException e) {
            throw new DiskException(
                    "a disk store needs a directory, directory=" + directory + ", failure='" + e
                            + "': make it, or choose another",
                    e);
        }
    }

    private static DiskException cannotRead(Path directory, Exception cause) {
        return new DiskException(
                "a disk store must be able to read and write all of its files, directory=" + directory + ", failure='"
                        + cause + "': make them accessible, or choose another directory",
                cause);
    }

    /** {@return how many slots there are, by number from 0} */
    public int slots() {
        return plan.slots();
    }

    /** {@return what a page is} */
    public DiskLayout layout() {
        return plan.layout();
    }

    /** {@return what was found when the store was opened} */
    public DiskRecovery recovery() {
        return recovery;
    }

    /** {@return what was done since the store was opened} */
    public DiskCounts counts() {
        return new DiskCounts(written.sum(), noRoom.sum(), hits.sum(), missing.sum(), corrupt.sum());
    }

    /**
     * Lists the pages that an earlier run has left, the one that was written first at the front. Two slots may have pages
     * of one name, of which the later is as good. For use before anything is written or erased: slots are read as they
     * are now.
     *
     * @param pages hears of each
     */
    public void forEachRecovered(RecoveredPages pages) {
        long stamp = enter();
        try {
            for (int slot : oldestFirst) {
                Segment segment = segments.get(plan.segmentOf(slot));
                pages.page(slot, Objects.requireNonNull(segment).hash(slot % plan.slotsPerSegment()));
            }
        } finally {
            inUse.unlockRead(stamp);
        }
    }

    /**
     * Writes a page. What the slot held before is gone in any case but that of no room.
     *
     * @param slot where it goes
     * @param hash its name
     * @param from where its bytes are
     * @param offset of the first of them
     * @return whether it is there
     */
    public DiskWrite write(int slot, BlockHash hash, Region from, long offset) {
        checkRange(slot, from, offset);
        long stamp = enter();
        try {
            Segment segment = segmentFor(plan.segmentOf(slot));
            if (segment == null) {
                noRoom.increment();
                return DiskWrite.NO_ROOM;
            }
            segment.write(slot % plan.slotsPerSegment(), hash, nextGeneration.getAndIncrement(), from, offset);
            written.increment();
            return DiskWrite.WRITTEN;
        } finally {
            inUse.unlockRead(stamp);
        }
    }

    /**
     * Reads a page. It counts only when its name and the checksum of what has been read are right.
     *
     * @param slot where it should be
     * @param expected its name
     * @param into where its bytes go; what is there is undefined unless it is a hit
     * @param offset of the first of them
     * @return whether it has been read
     */
    public DiskRead read(int slot, BlockHash expected, Region into, long offset) {
        checkRange(slot, into, offset);
        long stamp = enter();
        try {
            Segment segment = segments.get(plan.segmentOf(slot));
            DiskRead outcome = segment == null
                    ? DiskRead.MISSING
                    : segment.read(slot % plan.slotsPerSegment(), expected, into, offset);
            switch (outcome) {
                case HIT -> hits.increment();
                case MISSING -> missing.increment();
                case CORRUPT -> corrupt.increment();
            }
            return outcome;
        } finally {
            inUse.unlockRead(stamp);
        }
    }

    /**
     * Empties a slot.
     *
     * @param slot which
     */
    public void erase(int slot) {
        Objects.checkIndex(slot, plan.slots());
        long stamp = enter();
        try {
            Segment segment = segments.get(plan.segmentOf(slot));
            if (segment != null) {
                segment.erase(slot % plan.slotsPerSegment());
            }
        } finally {
            inUse.unlockRead(stamp);
        }
    }

    /**
     * Waits until the disk has all that was written so far, so that it survives a loss of power as well.
     *
     * @throws UncheckedIOException if the disk does not take it
     */
    public void force() {
        long stamp = enter();
        try {
            for (int i = 0; i < segments.length(); i++) {
                Segment segment = segments.get(i);
                if (segment != null) {
                    segment.force();
                }
            }
            files.forceNames();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } finally {
            inUse.unlockRead(stamp);
        }
    }

    /** Closes the files, when the calls that are at work have ended. Pages stay. A second call does nothing. */
    @Override
    public void close() {
        long stamp = inUse.writeLock();
        try {
            if (closed) {
                return;
            }
            closed = true;
            for (int i = 0; i < segments.length(); i++) {
                Segment segment = segments.get(i);
                if (segment != null) {
                    segment.close();
                }
            }
            directoryLock.close();
        } finally {
            inUse.unlockWrite(stamp);
        }
    }

    private long enter() {
        long stamp = inUse.readLock();
        if (closed) {
            inUse.unlockRead(stamp);
            throw new IllegalStateException("the disk store is closed, directory=" + directory);
        }
        return stamp;
    }

    private void checkRange(int slot, Region region, long offset) {
        long length = plan.layout().payloadBytes();
        if (slot < 0 || slot >= plan.slots()) {
            throw new IndexOutOfBoundsException("a slot must exist, slot=" + slot + ", slots=" + plan.slots());
        }
        if (offset < 0 || offset > region.bytes() - length) {
            throw new IndexOutOfBoundsException("a page must lie in its region, offset=" + offset + ", payloadBytes="
                    + length + ", regionBytes=" + region.bytes());
        }
        // A closed one fails here, and not when half of a slot has changed.
        region.address();
    }

    /** A segment, made if there is none; null if there is no room for it. */
    private @Nullable Segment segmentFor(int number) {
        Segment known = segments.get(number);
        if (known != null) {
            return known;
        }
        synchronized (making) {
            Segment made = segments.get(number);
            if (made == null && !blocked.get(number)) {
                made = make(number);
                segments.set(number, made);
            }
            return made;
        }
    }

    private @Nullable Segment make(int number) {
        long bytes = plan.bytesOfSegment(number);
        long usable = space.usableBytes(directory);
        if (usable < Math.max(bytes, refusedBelowBytes)) {
            return null;
        }
        try {
            files.create(number);
            return Segment.map(files.file(number), plan, number);
        } catch (FileAlreadyExistsException e) {
            blocked.set(number);
            return null;
        } catch (IOException e) {
            refusedBelowBytes = usable + bytes;
            return null;
        }
    }
}
