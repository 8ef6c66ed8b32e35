package io.kvflux.memory;

import java.util.function.IntConsumer;

/** Slots that tell when a device asks where one is. */
public final class WatchedSlots implements SlotArena {

    private final SlotArena slots;
    private final IntConsumer asked;

    public WatchedSlots(SlotArena slots, IntConsumer asked) {
        this.slots = slots;
        this.asked = asked;
    }

    @Override
    public int slots() {
        return slots.slots();
    }

    @Override
    public long slotBytes() {
        return slots.slotBytes();
    }

    @Override
    public long strideBytes() {
        return slots.strideBytes();
    }

    @Override
    public long address(int slot) {
        asked.accept(slot);
        return slots.address(slot);
    }

    @Override
    public void read(int slot, long offset, byte[] into, int at, int count) {
        slots.read(slot, offset, into, at, count);
    }

    @Override
    public void write(int slot, long offset, byte[] from, int at, int count) {
        slots.write(slot, offset, from, at, count);
    }

    @Override
    public void fill(int slot, byte value) {
        slots.fill(slot, value);
    }

    @Override
    public void hold() {
        slots.hold();
    }

    @Override
    public void letGo() {
        slots.letGo();
    }

    @Override
    public void close() {
        slots.close();
    }
}
