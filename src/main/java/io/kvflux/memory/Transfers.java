package io.kvflux.memory;

import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;

/**
 * The blocks of a batch that go to slots or come from them, in the order in which they were added. Blocks added one after
 * another make one run if each is the neighbour, above or below, of those before it, and so is its slot.
 */
final class Transfers {

    private final BlockArenas arenas;
    private final SlotArena slots;
    private final SlotLayout layout;
    private final Accesses accesses = new Accesses();
    private int size;
    private boolean[] ups = new boolean[8];
    private int[] replicas = new int[8];
    private int[] blocks = new int[8];
    private int[] slotsOf = new int[8];

    /** Takes a run. */
    @FunctionalInterface
    private interface RunVisitor {

        /** The last block of the run was added before the block with the number end. */
        void accept(boolean up, int replica, int block, int slot, int count, int end);
    }

    Transfers(BlockArenas arenas, SlotArena slots, SlotLayout layout) {
        arenas.requireLayout(layout);
        if (slots.slotBytes() != layout.bytes()) {
            throw new IllegalArgumentException("a slot must be as large as its layout says, slotBytes="
                    + slots.slotBytes() + ", layoutBytes=" + layout.bytes());
        }
        this.arenas = arenas;
        this.slots = slots;
        this.layout = layout;
    }

    /** An empty one of the same kind. */
    Transfers another() {
        return new Transfers(arenas, slots, layout);
    }

    SlotArena slots() {
        return slots;
    }

    /** What they read and write; whoever clears one clears the other. */
    Accesses accesses() {
        return accesses;
    }

    int size() {
        return size;
    }

    void clear() {
        size = 0;
    }

    /** Adds a block that goes down to its slot, or up to the device. */
    void add(boolean up, int replica, int block, int slot) {
        arenas.requireBlock(replica, block);
        if (slot < 0 || slot >= slots.slots()) {
            throw new IndexOutOfBoundsException(
                    "a slot must be in [0, slots), slot=" + slot + ", slots=" + slots.slots());
        }
        int reads = up ? Accesses.SLOTS : replica;
        int read = up ? slot : block;
        int writes = up ? replica : Accesses.SLOTS;
        int written = up ? block : slot;
        if (!accesses.mayRead(reads, read) || !accesses.mayWrite(writes, written)) {
            throw new IllegalArgumentException("within a batch a block or slot is written once, and not also read,"
                    + " replica=" + replica + ", block=" + block + ", slot=" + slot);
        }
        accesses.read(reads, read);
        accesses.write(writes, written);
        append(up, replica, block, slot);
    }

    private void append(boolean up, int replica, int block, int slot) {
        if (size == blocks.length) {
            ups = Arrays.copyOf(ups, size * 2);
            replicas = Arrays.copyOf(replicas, size * 2);
            blocks = Arrays.copyOf(blocks, size * 2);
            slotsOf = Arrays.copyOf(slotsOf, size * 2);
        }
        ups[size] = up;
        replicas[size] = replica;
        blocks[size] = block;
        slotsOf[size] = slot;
        size++;
    }

    /** Adds the first blocks of another. */
    void addFirst(Transfers from, int count) {
        for (int i = 0; i < count; i++) {
            add(from.ups[i], from.replicas[i], from.blocks[i], from.slotsOf[i]);
        }
    }

    int runs() {
        int[] runs = new int[1];
        forEachRun((up, replica, block, slot, count, end) -> runs[0]++);
        return runs[0];
    }

    private void forEachRun(RunVisitor to) {
        int begin = 0;
        while (begin < size) {
            int block = blocks[begin];
            int slot = slotsOf[begin];
            int end = begin + 1;
            while (end < size && ups[end] == ups[begin] && replicas[end] == replicas[begin]) {
                int count = end - begin;
                if (blocks[end] == block - 1 && slotsOf[end] == slot - 1) {
                    block--;
                    slot--;
                } else if (blocks[end] != block + count || slotsOf[end] != slot + count) {
                    break;
                }
                end++;
            }
            to.accept(ups[begin], replicas[begin], block, slot, end - begin, end);
            begin = end;
        }
    }

    void forEach(CopyBatch.Work work) {
        forEachRun((up, replica, block, slot, count, end) -> {
            for (int cache = 0; cache < layout.caches(); cache++) {
                // What every shard keeps a copy of goes down once, and comes up to each.
                int readers = !up && layout.isReplicated(cache) ? 1 : layout.shards();
                for (int shard = 0; shard < readers; shard++) {
                    PageArena arena = arenas.arena(cache, replica, shard);
                    long offset = layout.offset(cache, shard);
                    if (up && shard > 0 && layout.isReplicated(cache)) {
                        PageArena first = arenas.arena(cache, replica, 0);
                        work.spread(first, slots, slot, offset, arena, block, count);
                    } else if (up) {
                        work.onload(slots, slot, offset, arena, block, count);
                    } else {
                        work.offload(arena, block, slots, slot, offset, count);
                    }
                }
            }
            work.given(end);
        });
    }

    /** The arenas of the replica of each run. */
    void forEachArenas(Consumer<List<PageArena>> to) {
        forEachRun((up, replica, block, slot, count, end) -> to.accept(arenas.of(replica)));
    }

    /** Changes one byte of where the last block went. */
    void corrupt() {
        int last = size - 1;
        byte[] one = new byte[1];
        if (ups[last]) {
            arenas.corrupt(replicas[last], blocks[last]);
        } else {
            slots.read(slotsOf[last], 0, one);
            one[0] ^= (byte) 0xFF;
            slots.write(slotsOf[last], 0, one);
        }
    }
}
