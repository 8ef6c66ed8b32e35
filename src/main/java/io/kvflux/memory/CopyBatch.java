package io.kvflux.memory;

import java.util.Arrays;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Blocks to fill and to copy, in all caches and shards of their replica at once: within the device, or, if it was made
 * with slots, between the device and these. Reusable; not thread-safe.
 *
 * <p>Within the device, first everything is filled, then everything is copied, in any order: a block that one copy writes is
 * in no other copy. Between the device and slots there is nothing to fill, and a block or slot that is written is in the
 * batch once.
 *
 * <p>Blocks added one after another that stand one after another, on both sides, make one run, which a device carries out as
 * one operation an arena. Between the device and slots they may come in descending order too.
 */
public final class CopyBatch {

    private static final int FILL = -1;

    private final BlockArenas arenas;
    private final byte value;
    private final @Nullable Transfers transfers;
    private final Accesses accesses;
    private int size;
    private int filled;
    private int[] replicas = new int[8];
    private int[] sources = new int[8];
    private int[] destinations = new int[8];
    private int[] counts = new int[8];

    /** Carries out the runs of a batch, for a device. */
    public interface Work {

        /**
         * Fills pages.
         *
         * @param arena the arena
         * @param page the first
         * @param count how many
         * @param value what each of their bytes becomes
         */
        void fill(PageArena arena, int page, int count, byte value);

        /**
         * Copies pages within an arena.
         *
         * @param arena the arena
         * @param source the first to read
         * @param destination the first to write
         * @param count how many
         */
        void copy(PageArena arena, int source, int destination, int count);

        /**
         * Copies pages of an arena down to slots: page {@code page + i} to slot {@code slot + i}, for i in [0, count).
         *
         * @param arena the arena
         * @param page the first to read
         * @param slots the slots
         * @param slot the first to write
         * @param offset where in its slot each page begins
         * @param count how many
         */
        void offload(PageArena arena, int page, SlotArena slots, int slot, long offset, int count);

        /**
         * Copies pages up from slots: slot {@code slot + i} to page {@code page + i}, for i in [0, count).
         *
         * @param slots the slots
         * @param slot the first to read
         * @param offset where in its slot each page begins
         * @param arena the arena
         * @param page the first to write
         * @param count how many
         */
        void onload(SlotArena slots, int slot, long offset, PageArena arena, int page, int count);

        /**
         * Copies pages of a cache that every shard keeps a copy of up to one more shard, after {@link #onload} of the same
         * pages to the first: from the slots or, on a device where that is quicker, from the first shard.
         *
         * @param first the first shard's arena
         * @param slots the slots
         * @param slot the first to read
         * @param offset where in its slot each page begins
         * @param arena the arena
         * @param page the first to write
         * @param count how many
         */
        default void spread(
                PageArena first, SlotArena slots, int slot, long offset, PageArena arena, int page, int count) {
            onload(slots, slot, offset, arena, page, count);
        }

        /**
         * All that concerns some blocks between the device and slots has been given. For a device that tells what landed.
         *
         * @param blocks how many: the first ones, in the order in which they were added
         */
        default void given(int blocks) {}
    }

    /**
     * An empty batch that fills with zeros.
     *
     * @param arenas whose blocks it is about
     */
    public CopyBatch(BlockArenas arenas) {
        this(arenas, (byte) 0);
    }

    /**
     * An empty batch.
     *
     * @param arenas whose blocks it is about
     * @param value what each byte of a block becomes that is filled
     */
    public CopyBatch(BlockArenas arenas, byte value) {
        this.arenas = Objects.requireNonNull(arenas, "arenas");
        this.value = value;
        transfers = null;
        accesses = new Accesses();
    }

    /**
     * An empty batch between blocks and slots.
     *
     * @param arenas whose blocks it is about
     * @param slots where they go, and come from
     * @param layout how a block stands in its slot
     * @throws IllegalArgumentException if the layout is for other caches or other slots
     */
    public CopyBatch(BlockArenas arenas, SlotArena slots, SlotLayout layout) {
        this(arenas, new Transfers(arenas, slots, layout));
    }

    private CopyBatch(BlockArenas arenas, Transfers transfers) {
        this.arenas = arenas;
        this.transfers = transfers;
        accesses = transfers.accesses();
        value = 0;
    }

    /**
     * Adds a block to fill.
     *
     * @param replica its replica
     * @param block its id, from 1
     * @throws IndexOutOfBoundsException if there is no such block
     * @throws IllegalStateException if the batch was made with slots
     */
    public void fill(int replica, int block) {
        requireWithinDevice();
        arenas.requireBlock(replica, block);
        add(replica, FILL, block);
        filled++;
    }

    /**
     * Adds a block to copy.
     *
     * @param replica the replica of both
     * @param source the block to read, from 1
     * @param destination the block to write, from 1
     * @throws IndexOutOfBoundsException if there is no such block
     * @throws IllegalArgumentException if a block would be written twice, or both read and written
     * @throws IllegalStateException if the batch was made with slots
     */
    public void copy(int replica, int source, int destination) {
        requireWithinDevice();
        arenas.requireBlock(replica, source);
        arenas.requireBlock(replica, destination);
        requireApart(replica, source, destination);
        add(replica, source, destination);
    }

    /**
     * Adds a block to copy from the device to a slot.
     *
     * @param replica its replica
     * @param block the block to read, from 1
     * @param slot the slot to write, from 0
     * @throws IndexOutOfBoundsException if there is no such block or slot
     * @throws IllegalArgumentException if a block or slot would be written twice, or both read and written
     * @throws IllegalStateException if the batch was made without slots
     */
    public void offload(int replica, int block, int slot) {
        requireTransfers().add(false, replica, block, slot);
    }

    /**
     * Adds a block to copy from a slot to the device.
     *
     * @param replica its replica
     * @param slot the slot to read, from 0
     * @param block the block to write, from 1
     * @throws IndexOutOfBoundsException if there is no such block or slot
     * @throws IllegalArgumentException if a block or slot would be written twice, or both read and written
     * @throws IllegalStateException if the batch was made without slots
     */
    public void onload(int replica, int slot, int block) {
        requireTransfers().add(true, replica, block, slot);
    }

    private void requireWithinDevice() {
        if (transfers != null) {
            throw new IllegalStateException(
                    "a batch with slots neither fills nor copies within the device, " + transfers.slots());
        }
    }

    private Transfers requireTransfers() {
        if (transfers == null) {
            throw new IllegalStateException("to copy to and from slots a batch must be made with them");
        }
        return transfers;
    }

    /** {@return whether there is nothing to do} */
    public boolean isEmpty() {
        return size == 0 && (transfers == null || transfers.size() == 0);
    }

    /** {@return the slots it was made with; null if there are none} */
    public @Nullable SlotArena slots() {
        return transfers == null ? null : transfers.slots();
    }

    /** {@return blocks that go to slots or come from them} */
    public int transferredBlocks() {
        return transfers == null ? 0 : transfers.size();
    }

    /**
     * How many blocks between the device and slots landed.
     *
     * @param failure what the batch ended with
     * @return all if it is null; otherwise the first ones, in the order in which they were added, of which a {@link
     *     CopyFailedException} knows that they were copied: none if it is another
     */
    public int landedBlocks(@Nullable Throwable failure) {
        if (failure == null) {
            return transferredBlocks();
        }
        return failure instanceof CopyFailedException partly ? Math.min(partly.landedBlocks(), transferredBlocks()) : 0;
    }

    /** {@return blocks to fill} */
    public int filledBlocks() {
        return filled;
    }

    /** {@return blocks to copy within the device} */
    public int copiedBlocks() {
        int blocks = 0;
        for (int i = 0; i < size; i++) {
            blocks += sources[i] == FILL ? 0 : counts[i];
        }
        return blocks;
    }

    /** {@return runs: operations an arena} */
    public int runs() {
        return transfers == null ? size : transfers.runs();
    }

    /** Forgets everything. */
    public void clear() {
        size = 0;
        filled = 0;
        accesses.clear();
        if (transfers != null) {
            transfers.clear();
        }
    }

    /**
     * Gives every run to each arena it is for: first those to fill, then those to copy; those between the device and slots in
     * the order in which they were added, of which each may be in any order.
     *
     * @param work carries them out
     */
    public void forEach(Work work) {
        if (transfers != null) {
            transfers.forEach(work);
        }
        for (int i = 0; i < size; i++) {
            if (sources[i] == FILL) {
                for (PageArena arena : arenas.of(replicas[i])) {
                    work.fill(arena, destinations[i], counts[i], value);
                }
            }
        }
        for (int i = 0; i < size; i++) {
            if (sources[i] != FILL) {
                for (PageArena arena : arenas.of(replicas[i])) {
                    work.copy(arena, sources[i], destinations[i], counts[i]);
                }
            }
        }
    }

    /**
     * Gives every arena that it touches, once for each run in it.
     *
     * @param to takes it
     */
    public void forEachArena(Consumer<PageArena> to) {
        for (int i = 0; i < size; i++) {
            arenas.of(replicas[i]).forEach(to);
        }
        if (transfers != null) {
            transfers.forEachArenas(some -> some.forEach(to));
        }
    }

    /**
     * Whether one of two batches writes a block or slot that the other reads or writes, so that their order matters.
     *
     * @param other another batch
     * @return true if they share one
     */
    public boolean conflictsWith(CopyBatch other) {
        boolean sameArenas = arenas == other.arenas;
        boolean sameSlots = slots() != null && slots() == other.slots();
        return (sameArenas || sameSlots) && accesses.conflictsWith(other.accesses, sameArenas, sameSlots);
    }

    /** A batch of its own that does what this one does first, half of its blocks, rounded down. */
    CopyBatch firstHalf() {
        if (transfers != null) {
            Transfers first = transfers.another();
            first.addFirst(transfers, transfers.size() / 2);
            return new CopyBatch(arenas, first);
        }
        CopyBatch half = new CopyBatch(arenas, value);
        int left = (filled + copiedBlocks()) / 2;
        left = half.addSome(this, true, left);
        half.addSome(this, false, left);
        return half;
    }

    private int addSome(CopyBatch from, boolean fills, int most) {
        int left = most;
        for (int i = 0; i < from.size; i++) {
            for (int j = 0; j < from.counts[i] && left > 0 && (from.sources[i] == FILL) == fills; j++, left--) {
                add(from.replicas[i], fills ? FILL : from.sources[i] + j, from.destinations[i] + j);
                filled += fills ? 1 : 0;
            }
        }
        return left;
    }

    boolean touches(PageArena arena) {
        boolean[] any = new boolean[1];
        forEachArena(one -> any[0] |= one == arena);
        return any[0];
    }

    /** Changes one byte of what it wrote, unless that is nothing. */
    void corrupt() {
        if (transfers != null && transfers.size() > 0) {
            transfers.corrupt();
        } else if (size > 0) {
            arenas.corrupt(replicas[size - 1], destinations[size - 1]);
        }
    }

    /** Takes a block to fill. */
    @FunctionalInterface
    public interface FilledBlock {

        /**
         * A block to fill.
         *
         * @param replica its replica
         * @param block its id
         */
        void accept(int replica, int block);
    }

    /**
     * Gives every block to fill.
     *
     * @param to takes it
     */
    public void forEachFilled(FilledBlock to) {
        for (int i = 0; i < size; i++) {
            for (int j = 0; sources[i] == FILL && j < counts[i]; j++) {
                to.accept(replicas[i], destinations[i] + j);
            }
        }
    }

    private void requireApart(int replica, int source, int destination) {
        boolean apart =
                source != destination && accesses.mayRead(replica, source) && accesses.mayWrite(replica, destination);
        if (!apart) {
            throw new IllegalArgumentException("within a batch a block is written once, and not also read, replica="
                    + replica + ", source=" + source + ", destination=" + destination);
        }
    }

    private void add(int replica, int source, int destination) {
        if (source == FILL) {
            accesses.fill(replica, destination);
        } else {
            accesses.read(replica, source);
            accesses.write(replica, destination);
        }
        if (size > 0 && extendsLast(replica, source, destination)) {
            counts[size - 1]++;
            return;
        }
        if (size == replicas.length) {
            replicas = Arrays.copyOf(replicas, size * 2);
            sources = Arrays.copyOf(sources, size * 2);
            destinations = Arrays.copyOf(destinations, size * 2);
            counts = Arrays.copyOf(counts, size * 2);
        }
        replicas[size] = replica;
        sources[size] = source;
        destinations[size] = destination;
        counts[size] = 1;
        size++;
    }

    private boolean extendsLast(int replica, int source, int destination) {
        int last = size - 1;
        return replicas[last] == replica
                && destinations[last] + counts[last] == destination
                && (source == FILL ? sources[last] == FILL : sources[last] + counts[last] == source)
                && (source == FILL || sources[last] != FILL);
    }
}
