package io.kvflux.memory.chronicle;

import io.kvflux.memory.OutOfDeviceMemoryException;
import io.kvflux.memory.SlotArena;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Slots in one region of host memory. A slot begins at a multiple of 4 KiB. If it takes 2 MiB or more, the region begins at
 * a multiple of 2 MiB, and so does every slot unless that costs more than an eighth of it.
 *
 * <p>The content of a slot is undefined until it is written. Memory is taken from the operating system when it is first
 * touched; see {@link Touch}.
 */
public final class HostSlots implements SlotArena {

    /** When the memory is taken from the operating system. */
    public enum Touch {
        /** When a slot is first written, which then takes longer. */
        LAZY,
        /** At once, by a thread in the background that ends when it is done or the slots are closed. */
        BACKGROUND
    }

    private static final long PAGE_BYTES = 4096;
    private static final long HUGE_PAGE_BYTES = 2L << 20;

    private final int slots;
    private final long slotBytes;
    private final long strideBytes;
    private final Region region;
    private final @Nullable Pretoucher pretoucher;
    private int held;
    private boolean closed;

    private HostSlots(int slots, long slotBytes, Region region, @Nullable Pretoucher pretoucher) {
        this.slots = slots;
        this.slotBytes = slotBytes;
        this.strideBytes = strideBytes(slotBytes);
        this.region = region;
        this.pretoucher = pretoucher;
    }

    /**
     * Allocates slots that this machine has the memory for.
     *
     * @param slots how many, at least 1
     * @param slotBytes bytes of each, at least 1
     * @param touch when the memory is taken
     * @return the slots
     * @throws IllegalArgumentException if a number is out of range, or the slots are larger than the machine
     * @throws OutOfDeviceMemoryException if the operating system has not got the address space
     */
    public static HostSlots allocate(int slots, long slotBytes, Touch touch) {
        return allocate(slots, slotBytes, touch, MachineMemory.ofThisMachine());
    }

    /**
     * Allocates slots that a machine has the memory for.
     *
     * @param slots how many, at least 1
     * @param slotBytes bytes of each, at least 1
     * @param touch when the memory is taken
     * @param machine what they must fit
     * @return the slots
     * @throws IllegalArgumentException if a number is out of range, or the slots are larger than the machine
     * @throws OutOfDeviceMemoryException if the operating system has not got the address space
     */
    public static HostSlots allocate(int slots, long slotBytes, Touch touch, MachineMemory machine) {
        return allocate(slots, slotBytes, touch, machine, () -> {});
    }

    static HostSlots allocate(int slots, long slotBytes, Touch touch, MachineMemory machine, Runnable beforeChunk) {
        long bytes = bytes(slots, slotBytes);
        machine.requireFits("host slots", bytes);
        Region region;
        try {
            region = Region.allocate(bytes, (int) (slotBytes < HUGE_PAGE_BYTES ? PAGE_BYTES : HUGE_PAGE_BYTES));
        } catch (OutOfMemoryError none) {
            throw OutOfDeviceMemoryException.withinBudget(
                    "host memory", slots + " slots of " + slotBytes + " bytes", bytes, 0, bytes, none);
        }
        try {
            Pretoucher pretoucher = touch == Touch.LAZY ? null : new Pretoucher(region, beforeChunk);
            return new HostSlots(slots, slotBytes, region, pretoucher);
        } catch (OutOfMemoryError noThread) {
            region.close();
            throw noThread;
        }
    }

    /**
     * What a slot takes of a budget.
     *
     * @param slotBytes its bytes, at least 1
     * @return those rounded up to the next slot's begin
     */
    public static long strideBytes(long slotBytes) {
        if (slotBytes < 1 || slotBytes > Long.MAX_VALUE - HUGE_PAGE_BYTES) {
            throw new IllegalArgumentException(
                    "slotBytes must be positive and less than 2^63 - 2^21, slotBytes=" + slotBytes);
        }
        long huge = roundUp(slotBytes, HUGE_PAGE_BYTES);
        return huge - slotBytes <= slotBytes / 8 ? huge : roundUp(slotBytes, PAGE_BYTES);
    }

    /**
     * The most slots that a budget has room for.
     *
     * @param budgetBytes bytes for all slots
     * @param slotBytes bytes of each, at least 1
     * @return how many; 0 if not even one fits
     */
    public static int slotsThatFit(long budgetBytes, long slotBytes) {
        return (int) Math.min(Integer.MAX_VALUE, Math.max(0, budgetBytes / strideBytes(slotBytes)));
    }

    private static long bytes(int slots, long slotBytes) {
        long stride = strideBytes(slotBytes);
        if (slots < 1 || stride > (Long.MAX_VALUE - HUGE_PAGE_BYTES) / slots) {
            throw new IllegalArgumentException("slots must be positive and smaller than 2^63 bytes together, slots="
                    + slots + ", slotBytes=" + slotBytes);
        }
        return stride * slots;
    }

    private static long roundUp(long bytes, long to) {
        return (bytes + to - 1) & -to;
    }

    @Override
    public int slots() {
        return slots;
    }

    @Override
    public long slotBytes() {
        return slotBytes;
    }

    @Override
    public long strideBytes() {
        return strideBytes;
    }

    /** {@return bytes of all slots, what follows each until the next included} */
    public long bytes() {
        return region.bytes();
    }

    /** {@return bytes that were touched in the background until now; 0 if they are touched lazily} */
    public long touchedBytes() {
        return pretoucher == null ? 0 : pretoucher.touchedBytes();
    }

    /**
     * Waits until the background is done, or stopped because the slots were closed. Returns at once if they are touched
     * lazily.
     *
     * @throws InterruptedException if the thread is interrupted
     */
    public void awaitTouched() throws InterruptedException {
        if (pretoucher != null) {
            pretoucher.await();
        }
    }

    /** {@return the region that they are in} */
    public Region region() {
        return region;
    }

    /**
     * Where a slot begins in its region.
     *
     * @param slot in [0, slots)
     * @return the offset of its first byte
     * @throws IndexOutOfBoundsException if there is no such slot
     */
    public long offset(int slot) {
        return Objects.checkIndex(slot, slots) * strideBytes;
    }

    @Override
    public long address(int slot) {
        return region.address() + at(slot, 0, 0);
    }

    @Override
    public void read(int slot, long offset, byte[] into, int at, int count) {
        region.read(at(slot, offset, count), into, at, count);
    }

    @Override
    public void write(int slot, long offset, byte[] from, int at, int count) {
        region.write(at(slot, offset, count), from, at, count);
    }

    @Override
    public void fill(int slot, byte value) {
        region.fill(at(slot, 0, 0), slotBytes, value);
    }

    @Override
    public synchronized void hold() {
        if (closed) {
            throw new IllegalStateException("the slots are closed, " + this);
        }
        held++;
    }

    @Override
    public synchronized void letGo() {
        if (held == 0) {
            throw new IllegalStateException("what is let go was held, " + this);
        }
        held--;
    }

    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        if (held > 0) {
            throw new IllegalStateException(
                    "slots are given back when no batch is in flight, inFlight=" + held + ", " + this);
        }
        closed = true;
        if (pretoucher != null) {
            pretoucher.stop();
        }
        region.close();
    }

    @Override
    public String toString() {
        return "host slots[slots=" + slots + ", slotBytes=" + slotBytes + ", strideBytes=" + strideBytes + "]";
    }

    private long at(int slot, long offset, long length) {
        if (slot < 0 || slot >= slots || offset < 0 || length < 0 || offset > slotBytes - length) {
            throw new IndexOutOfBoundsException("an access must stay in its slot, slot=" + slot + ", slots=" + slots
                    + ", offset=" + offset + ", length=" + length + ", slotBytes=" + slotBytes);
        }
        return slot * strideBytes + offset;
    }
}
