package io.kvflux.memory;

import java.util.Arrays;
import java.util.Objects;
import java.util.function.Consumer;

/**
 * Blocks to fill and to copy, in all caches and shards of their replica at once. First everything is filled, then
 * everything is copied, in any order: a block that one copy writes is in no other copy. Blocks added one after another
 * that stand one after another, on both sides, make one run, which a device carries out as one operation an arena.
 * Reusable; not thread-safe.
 */
public final class CopyBatch {

    private static final int FILL = -1;

    private final BlockArenas arenas;
    private final byte value;
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
    }

    /**
     * Adds a block to fill.
     *
     * @param replica its replica
     * @param block its id, from 1
     * @throws IndexOutOfBoundsException if there is no such block
     */
    public void fill(int replica, int block) {
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
     */
    public void copy(int replica, int source, int destination) {
        arenas.requireBlock(replica, source);
        arenas.requireBlock(replica, destination);
        requireApart(replica, source, destination);
        add(replica, source, destination);
    }

    /** {@return whether there is nothing to do} */
    public boolean isEmpty() {
        return size == 0;
    }

    /** {@return blocks to fill} */
    public int filledBlocks() {
        return filled;
    }

    /** {@return blocks to copy} */
    public int copiedBlocks() {
        int blocks = 0;
        for (int i = 0; i < size; i++) {
            blocks += sources[i] == FILL ? 0 : counts[i];
        }
        return blocks;
    }

    /** {@return runs: operations an arena} */
    public int runs() {
        return size;
    }

    /** Forgets everything. */
    public void clear() {
        size = 0;
        filled = 0;
    }

    /**
     * Gives every run to each arena it is for: first those to fill, then those to copy.
     *
     * @param work carries them out
     */
    public void forEach(Work work) {
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
    }

    /** A batch of its own that does what this one does first, half of its blocks, rounded down. */
    CopyBatch firstHalf() {
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
        boolean any = false;
        for (int i = 0; i < size && !any; i++) {
            any = arenas.of(replicas[i]).contains(arena);
        }
        return any;
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
        boolean apart = source != destination;
        for (int i = 0; i < size && apart; i++) {
            apart = sources[i] == FILL
                    || replicas[i] != replica
                    || !(within(source, destinations[i], counts[i])
                            || within(destination, destinations[i], counts[i])
                            || within(destination, sources[i], counts[i]));
        }
        if (!apart) {
            throw new IllegalArgumentException("within a batch a block is written once, and not also read, replica="
                    + replica + ", source=" + source + ", destination=" + destination);
        }
    }

    private static boolean within(int block, int first, int count) {
        return block >= first && block - first < count;
    }

    private void add(int replica, int source, int destination) {
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
