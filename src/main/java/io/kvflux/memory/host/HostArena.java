package io.kvflux.memory.host;

import io.kvflux.memory.ArenaSpec;
import io.kvflux.memory.PageArena;
import io.kvflux.memory.SlotArena;
import io.kvflux.memory.chronicle.Region;
import java.util.Objects;

/** Pages in one region of host memory. */
final class HostArena implements PageArena {

    private final HostMemoryDevice device;
    private final ArenaSpec spec;
    private final Region region;
    private final long stride;
    /** Runs of batches in flight that touch it; guarded by the device. */
    int inFlight;

    HostArena(HostMemoryDevice device, ArenaSpec spec) {
        this.device = device;
        this.spec = spec;
        stride = spec.strideBytes();
        region = Region.allocate(spec.bytes(), ArenaSpec.ALIGNMENT);
    }

    boolean isOn(HostMemoryDevice asked) {
        return device == asked;
    }

    @Override
    public ArenaSpec spec() {
        return spec;
    }

    @Override
    public long address() {
        return region.address();
    }

    @Override
    public long address(int page) {
        return region.address() + at(page, 0, 0);
    }

    @Override
    public void read(int page, long offset, byte[] into) {
        region.read(at(page, offset, into.length), into);
    }

    @Override
    public void write(int page, long offset, byte[] from) {
        region.write(at(page, offset, from.length), from);
    }

    @Override
    public void read(int page, long offset, float[] into, int at, int count) {
        region.read(at(page, offset, (long) count * Float.BYTES), into, at, count);
    }

    @Override
    public void write(int page, long offset, float[] from, int at, int count) {
        region.write(at(page, offset, (long) count * Float.BYTES), from, at, count);
    }

    void fill(int page, int count, byte value) {
        region.fill(at(page, 0, 0), stride * count, value);
    }

    void copy(int source, int destination, int count) {
        region.copy(at(source, 0, 0), at(destination, 0, 0), stride * count);
    }

    void offload(int page, SlotArena slots, int slot, long offset, int count) {
        Objects.checkFromIndexSize(offset, spec.pageBytes(), slots.slotBytes());
        if (isOneCopy(slots)) {
            slots.address(slot + count - 1); // is there
            region.copyTo(at(page, 0, 0), slots.address(slot), stride * (count - 1) + spec.pageBytes());
            return;
        }
        for (int i = 0; i < count; i++) {
            region.copyTo(at(page + i, 0, 0), slots.address(slot + i) + offset, spec.pageBytes());
        }
    }

    void onload(SlotArena slots, int slot, long offset, int page, int count) {
        Objects.checkFromIndexSize(offset, spec.pageBytes(), slots.slotBytes());
        if (isOneCopy(slots)) {
            slots.address(slot + count - 1); // is there
            region.copyFrom(at(page, 0, 0), slots.address(slot), stride * (count - 1) + spec.pageBytes());
            return;
        }
        for (int i = 0; i < count; i++) {
            region.copyFrom(at(page + i, 0, 0), slots.address(slot + i) + offset, spec.pageBytes());
        }
    }

    /** Whether pages and slots that stand one after another do so alike: what is between them is nobody's. */
    private boolean isOneCopy(SlotArena slots) {
        return slots.strideBytes() == stride && slots.slotBytes() == spec.pageBytes();
    }

    void close() {
        region.close();
    }

    private long at(int page, long offset, long length) {
        if (page < 0 || page >= spec.pages() || offset < 0 || length < 0 || offset > spec.pageBytes() - length) {
            throw new IndexOutOfBoundsException(
                    "an access must stay in its page, " + spec + ", page=" + page + ", pages=" + spec.pages()
                            + ", offset=" + offset + ", length=" + length + ", pageBytes=" + spec.pageBytes());
        }
        return page * stride + offset;
    }
}
