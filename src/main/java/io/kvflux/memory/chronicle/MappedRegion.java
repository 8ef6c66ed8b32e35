package io.kvflux.memory.chronicle;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import net.openhft.chronicle.core.Memory;
import net.openhft.chronicle.core.OS;

/**
 * The file form of a {@link Region}: a file from its first byte on, mapped into memory and shared with everybody who has
 * the file. What is written is the operating system's at once, so it survives the death of the process; it is on the disk
 * when the system has found the time, or after {@link #force}. Every access is checked for bounds and for the region's
 * life.
 *
 * <p>The file must keep the space it had when it was mapped: an access to what somebody has cut off, or to a hole that a
 * full disk cannot fill, is beyond what Java can report in time. So reserve space before mapping.
 *
 * <p>Different threads may access different bytes at the same time. Nobody may access a region while it is closed: the
 * check for life then comes too early or too late.
 *
 * <p>The mapping is made and undone by Chronicle's system calls rather than its {@code MappedBytes}: one mapping a file
 * whatever its length, undone on the thread that closes, without reference counts, and nothing left behind.
 */
public final class MappedRegion implements AutoCloseable {

    private static final AtomicLong LIVE_BYTES = new AtomicLong();
    private static final AtomicLong LIVE_REGIONS = new AtomicLong();

    private final Memory memory = OS.memory();
    private final Path file;
    private final long base;
    private final long bytes;
    private volatile boolean closed;

    private MappedRegion(Path file, long base, long bytes) {
        this.file = file;
        this.base = base;
        this.bytes = bytes;
        LIVE_BYTES.addAndGet(bytes);
        LIVE_REGIONS.incrementAndGet();
    }

    /**
     * Maps a file for reading and writing. No file descriptor stays open.
     *
     * @param file a file that exists
     * @param bytes how much of it, from its beginning, at least 1
     * @return the region
     * @throws IOException if the file cannot be opened for writing, is shorter, or cannot be mapped
     * @throws IllegalArgumentException if bytes is not positive
     * @throws MissingFlagsException if the JVM lacks flags
     */
    public static MappedRegion map(Path file, long bytes) throws IOException {
        requireFlags();
        if (bytes < 1) {
            throw new IllegalArgumentException("a mapping must not be empty, file=" + file + ", bytes=" + bytes);
        }
        long length = Files.size(file);
        if (length < bytes) {
            throw new IOException(
                    "a file must be as long as its mapping, file=" + file + ", length=" + length + ", bytes=" + bytes);
        }
        // Not a channel of its own: that would be closed when the thread is interrupted.
        try (RandomAccessFile open = new RandomAccessFile(file.toFile(), "rw")) {
            return new MappedRegion(file, OS.map(open.getChannel(), MapMode.READ_WRITE, 0, bytes), bytes);
        }
    }

    /**
     * Checks that files can be mapped at all.
     *
     * @throws MissingFlagsException if the JVM lacks flags
     */
    public static void requireFlags() {
        // Who maps is Chronicle; it is on the class path, or a module of its own name.
        Module chronicle = OS.class.getModule();
        Module base = Object.class.getModule();
        String to = "=" + (chronicle.isNamed() ? chronicle.getName() : "ALL-UNNAMED");
        List<String> missing = new ArrayList<>();
        if (!base.isOpen("java.lang.reflect", chronicle)) {
            missing.add("--add-opens=java.base/java.lang.reflect" + to);
        }
        if (!base.isExported("sun.nio.ch", chronicle)) {
            missing.add("--add-exports=java.base/sun.nio.ch" + to);
        }
        if (!missing.isEmpty()) {
            throw new MissingFlagsException(missing);
        }
    }

    /** {@return bytes of all regions that are not closed, in this process; for finding leaks} */
    public static long liveBytes() {
        return LIVE_BYTES.get();
    }

    /** {@return regions that are not closed, in this process; for finding leaks} */
    public static long liveRegions() {
        return LIVE_REGIONS.get();
    }

    /** {@return how much of the file is mapped, in bytes} */
    public long bytes() {
        return bytes;
    }

    /**
     * Reads bytes.
     *
     * @param offset of the first
     * @param into takes them
     */
    public void read(long offset, byte[] into) {
        memory.readBytes(check(offset, into.length), into, 0, into.length);
    }

    /**
     * Writes bytes.
     *
     * @param offset of the first
     * @param from the bytes
     */
    public void write(long offset, byte[] from) {
        memory.writeBytes(check(offset, from.length), from, 0, from.length);
    }

    /**
     * Reads an integer, in native byte order.
     *
     * @param offset of its first byte
     * @return the integer
     */
    public long readLong(long offset) {
        return memory.readLong(check(offset, Long.BYTES));
    }

    /**
     * Writes an integer, in native byte order.
     *
     * @param offset of its first byte
     * @param value the integer
     */
    public void writeLong(long offset, long value) {
        memory.writeLong(check(offset, Long.BYTES), value);
    }

    /**
     * Reads an integer before whatever this thread reads or writes next.
     *
     * @param offset of its first byte, a multiple of 8
     * @return the integer
     */
    public long readVolatileLong(long offset) {
        return memory.readVolatileLong(checkAligned(offset));
    }

    /**
     * Writes an integer between whatever this thread wrote earlier and whatever it reads or writes next.
     *
     * @param offset of its first byte, a multiple of 8
     * @param value the integer
     */
    public void writeVolatileLong(long offset, long value) {
        memory.writeVolatileLong(checkAligned(offset), value);
    }

    /**
     * Writes an integer after whatever this thread wrote earlier.
     *
     * @param offset of its first byte, a multiple of 8
     * @param value the integer
     */
    public void writeOrderedLong(long offset, long value) {
        memory.writeOrderedLong(checkAligned(offset), value);
    }

    /**
     * Sets bytes.
     *
     * @param offset of the first
     * @param length how many
     * @param value what each becomes
     */
    public void fill(long offset, long length, byte value) {
        memory.setMemory(check(offset, length), length, value);
    }

    /**
     * Copies bytes out of the file.
     *
     * @param offset of the first to read
     * @param into where to
     * @param at offset of the first to write, in {@code into}
     * @param length how many
     */
    public void copyTo(long offset, Region into, long at, long length) {
        memory.copyMemory(check(offset, length), into.check(at, length), length);
    }

    /**
     * Copies bytes into the file.
     *
     * @param offset of the first to write
     * @param from where from
     * @param at offset of the first to read, in {@code from}
     * @param length how many
     */
    public void copyFrom(long offset, Region from, long at, long length) {
        memory.copyMemory(from.check(at, length), check(offset, length), length);
    }

    /**
     * Sums up a range: equal bytes and seeds give equal sums, in every process, and a changed byte gives another.
     *
     * @param offset of the first
     * @param length how many
     * @param seed what the sum starts from
     * @return XXH64 of the bytes
     */
    public long checksum(long offset, long length, long seed) {
        return Xxh64.hash(check(offset, length), length, seed);
    }

    /**
     * Waits until the disk has all that was written so far.
     *
     * @throws IOException if the disk does not take it, or the file is gone
     */
    public void force() throws IOException {
        check(0, 0);
        // Writing back a file takes the pages that mappings have made dirty along. "r" does not make a file anew.
        try (RandomAccessFile open = new RandomAccessFile(file.toFile(), "r")) {
            open.getFD().sync();
        }
    }

    /** Undoes the mapping before it returns; the file stays. A second call does nothing. */
    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        try {
            OS.unmap(base, bytes);
        } catch (IOException e) {
            throw new IllegalStateException("a mapping must come off again, file=" + file + ", bytes=" + bytes, e);
        }
        LIVE_BYTES.addAndGet(-bytes);
        LIVE_REGIONS.decrementAndGet();
    }

    private long checkAligned(long offset) {
        long address = check(offset, Long.BYTES);
        if (offset % Long.BYTES != 0) {
            throw new IllegalArgumentException(
                    "an ordered access must be aligned, offset=" + offset + ", alignment=" + Long.BYTES);
        }
        return address;
    }

    private long check(long offset, long length) {
        if (closed) {
            throw new IllegalStateException("the mapping is closed, file=" + file + ", bytes=" + bytes);
        }
        if (offset < 0 || length < 0 || offset > bytes - length) {
            throw new IndexOutOfBoundsException("an access must stay in the mapping, offset=" + offset + ", length="
                    + length + ", bytes=" + bytes + ", file=" + file);
        }
        return base + offset;
    }
}
