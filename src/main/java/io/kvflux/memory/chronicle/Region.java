package io.kvflux.memory.chronicle;

import java.util.concurrent.atomic.AtomicLong;
import net.openhft.chronicle.core.Memory;
import net.openhft.chronicle.core.OS;

/**
 * A contiguous piece of native memory. Not touched until it is written, so its size costs address space and no memory.
 * Every access is checked for bounds and for the region's life; the address is for those who do without.
 *
 * <p>Different threads may access different bytes at the same time. Nobody may access a region while it is closed: the
 * check for life then comes too early or too late.
 */
public final class Region implements AutoCloseable {

    /** The smallest page of an operating system. */
    private static final long TOUCH_BYTES = 4096;

    private static final AtomicLong LIVE_BYTES = new AtomicLong();
    private static final AtomicLong LIVE_REGIONS = new AtomicLong();

    private final Memory memory = OS.memory();
    private final long allocated;
    private final long allocatedBytes;
    private final long base;
    private final long bytes;
    private volatile boolean closed;

    private Region(long bytes, int alignment) {
        this.bytes = bytes;
        allocatedBytes = bytes + alignment;
        allocated = memory.allocate(allocatedBytes);
        base = (allocated + alignment - 1) & -(long) alignment;
        LIVE_BYTES.addAndGet(bytes);
        LIVE_REGIONS.incrementAndGet();
    }

    /**
     * Allocates a region; its content is undefined.
     *
     * @param bytes its size, at least 1
     * @param alignment its address is a multiple of this power of two
     * @return the region
     * @throws IllegalArgumentException if a number is out of range
     * @throws OutOfMemoryError if the operating system has not got the address space
     */
    public static Region allocate(long bytes, int alignment) {
        if (bytes < 1 || alignment < 1 || Integer.bitCount(alignment) != 1 || bytes > Long.MAX_VALUE - alignment) {
            throw new IllegalArgumentException(
                    "a region needs bytes > 0 and an alignment that is a power of two, bytes=" + bytes + ", alignment="
                            + alignment);
        }
        return new Region(bytes, alignment);
    }

    /** {@return bytes of all regions that are not closed, in this process; for finding leaks} */
    public static long liveBytes() {
        return LIVE_BYTES.get();
    }

    /** {@return regions that are not closed, in this process; for finding leaks} */
    public static long liveRegions() {
        return LIVE_REGIONS.get();
    }

    /** {@return its size in bytes} */
    public long bytes() {
        return bytes;
    }

    /**
     * Where it begins.
     *
     * @return its address, which is wild once the region is closed
     * @throws IllegalStateException if it is closed
     */
    public long address() {
        return check(0, 0);
    }

    /**
     * Reads bytes.
     *
     * @param offset of the first
     * @param into takes them
     */
    public void read(long offset, byte[] into) {
        read(offset, into, 0, into.length);
    }

    /**
     * Reads bytes.
     *
     * @param offset of the first
     * @param into takes them
     * @param at index of the first in {@code into}
     * @param count how many
     */
    public void read(long offset, byte[] into, int at, int count) {
        checkArray(into.length, at, count);
        memory.readBytes(check(offset, count), into, at, count);
    }

    /**
     * Writes bytes.
     *
     * @param offset of the first
     * @param from the bytes
     */
    public void write(long offset, byte[] from) {
        write(offset, from, 0, from.length);
    }

    /**
     * Writes bytes.
     *
     * @param offset of the first
     * @param from the bytes
     * @param at index of the first in {@code from}
     * @param count how many
     */
    public void write(long offset, byte[] from, int at, int count) {
        checkArray(from.length, at, count);
        memory.writeBytes(check(offset, count), from, at, count);
    }

    /**
     * Reads floats, in native byte order.
     *
     * @param offset of the first
     * @param into takes them
     * @param at index of the first in {@code into}
     * @param count how many
     */
    public void read(long offset, float[] into, int at, int count) {
        checkArray(into.length, at, count);
        long from = check(offset, (long) count * Float.BYTES);
        for (int i = 0; i < count; i++) {
            into[at + i] = memory.readFloat(from + (long) i * Float.BYTES);
        }
    }

    /**
     * Writes floats, in native byte order.
     *
     * @param offset of the first
     * @param from the floats
     * @param at index of the first in {@code from}
     * @param count how many
     */
    public void write(long offset, float[] from, int at, int count) {
        checkArray(from.length, at, count);
        long to = check(offset, (long) count * Float.BYTES);
        for (int i = 0; i < count; i++) {
            memory.writeFloat(to + (long) i * Float.BYTES, from[at + i]);
        }
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
     * Copies bytes within the region.
     *
     * @param source of the first to read
     * @param destination of the first to write
     * @param length how many; the two ranges must not overlap
     */
    public void copy(long source, long destination, long length) {
        if (Math.abs(source - destination) < length) {
            throw new IllegalArgumentException("ranges of a copy must not overlap, source=" + source + ", destination="
                    + destination + ", length=" + length);
        }
        memory.copyMemory(check(source, length), check(destination, length), length);
    }

    /**
     * Copies bytes to memory outside the region.
     *
     * @param offset of the first to read
     * @param address where the first goes; that nobody checks
     * @param length how many; the two ranges must not overlap
     */
    public void copyTo(long offset, long address, long length) {
        memory.copyMemory(check(offset, length), address, length);
    }

    /**
     * Copies bytes from memory outside the region.
     *
     * @param offset of the first to write
     * @param address where the first comes from; that nobody checks
     * @param length how many; the two ranges must not overlap
     */
    public void copyFrom(long offset, long address, long length) {
        memory.copyMemory(address, check(offset, length), length);
    }

    /**
     * Has the operating system find memory for bytes. Their content stays, even if another thread writes it meanwhile.
     *
     * @param offset of the first
     * @param length how many
     */
    public void touch(long offset, long length) {
        long first = check(offset, length);
        long end = first + length;
        // A word that was never written is 0 and is written now, as 0; another is not changed and needs no touch.
        for (long at = (first + Long.BYTES - 1) & -Long.BYTES;
                at <= end - Long.BYTES;
                at = (at + TOUCH_BYTES) & -TOUCH_BYTES) {
            memory.compareAndSwapLong(at, 0, 0);
        }
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

    /** Gives the memory back to the operating system before it returns. A second call does nothing. */
    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        memory.freeMemory(allocated, allocatedBytes);
        LIVE_BYTES.addAndGet(-bytes);
        LIVE_REGIONS.decrementAndGet();
    }

    /** The address of a range, which is checked for bounds and life. */
    long check(long offset, long length) {
        if (closed) {
            throw new IllegalStateException("the region is closed, bytes=" + bytes);
        }
        if (offset < 0 || length < 0 || offset > bytes - length) {
            throw new IndexOutOfBoundsException(
                    "an access must stay in the region, offset=" + offset + ", length=" + length + ", bytes=" + bytes);
        }
        return base + offset;
    }

    private static void checkArray(int length, int at, int count) {
        if (at < 0 || count < 0 || at > length - count) {
            throw new IndexOutOfBoundsException(
                    "an access must stay in the array, at=" + at + ", count=" + count + ", length=" + length);
        }
    }
}
