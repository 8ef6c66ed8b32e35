package io.kvflux.sim;

import io.kvflux.core.SchedulerConfig;
import io.kvflux.geometry.DataSize;
import io.kvflux.memory.BlockArenas;
import io.kvflux.memory.CopyBatch;
import io.kvflux.memory.DeviceLostException;
import io.kvflux.memory.DeviceMemory;
import io.kvflux.memory.SlotLayout;
import io.kvflux.memory.chronicle.HostSlots;
import io.kvflux.memory.chronicle.MachineMemory;
import io.kvflux.memory.host.HostMemoryDevice;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Real pages behind a replay: arenas on a device, which is host memory by default, and slots below it, in which every token has its share of
 * each page, filled with its {@link TokenPattern}.
 *
 * <pre>
 *   a page of S tokens and n bytes, in one cache, on one shard
 *   | token 0      | token 1      | ... | token S - 1  |
 *   ^ 0            ^ n / S        ^ i * n / S, rounded down
 * </pre>
 */
final class PatternPages implements AutoCloseable {

    /** Where a page differs from what it should hold. */
    record Difference(int cache, int shard, long offset, byte expected, byte found) {

        @Override
        public String toString() {
            return "cache=" + cache + ", shard=" + shard + ", byte=" + offset + ", expected="
                    + Byte.toUnsignedInt(expected) + ", found=" + Byte.toUnsignedInt(found);
        }
    }

    /** Takes a piece of a page: where it is, and what it is to hold. */
    @FunctionalInterface
    private interface Piece {

        /** Whether to go on with the next. */
        boolean take(int cache, int shard, long offset, byte[] bytes);
    }

    /** How the message of a difference ends. */
    static final String WHAT_TO_DO = "report this as a bug, if the machine's memory is sound";

    /** What is filled, written and compared at once, unless a token has more: what a core's cache holds. */
    private static final int PIECE_BYTES = 1 << 15;

    private final int pageSize;
    private final SlotLayout layout;
    private final DeviceMemory device;
    private final BlockArenas arenas;
    private final @Nullable HostSlots slots;
    private final @Nullable PatternDisk disk;
    private byte[] piece = new byte[0];
    private byte[] read = new byte[0];
    private @Nullable Difference difference;

    /**
     * Allocates the memory, and opens the disk if there is one.
     *
     * @throws IllegalArgumentException if the machine has not got it
     * @throws io.kvflux.tier.disk.DiskException if the directory of the disk cannot be used
     */
    PatternPages(ReplayOptions options) {
        SchedulerConfig config = options.scheduler();
        MemoryNeed need = MemoryNeed.of(options);
        MachineMemory.ofThisMachine().requireFits("the pages of a replay", need.ofThisMachine(options));
        pageSize = config.pageSize();
        layout = SlotLayout.of(config.caches());
        disk = options.disk() == null ? null : new PatternDisk(options.disk(), options);
        DataSize budget = new DataSize(need.deviceBytes());
        try {
            device = options.device() == null
                    ? HostMemoryDevice.withBudget(budget)
                    : options.device().open(budget);
        } catch (RuntimeException | Error refused) {
            closeDisk();
            throw refused;
        }
        HostSlots some = null;
        try {
            arenas = BlockArenas.allocate(device, config.caches(), config.blocksPerReplica());
            if (config.hostBlocks() > 0) {
                int count = config.hostBlocks() + MemoryNeed.spareSlots(options);
                some = HostSlots.allocate(count, layout.bytes(), HostSlots.Touch.LAZY);
                device.attach(some);
            }
            slots = some;
        } catch (RuntimeException | Error refused) {
            device.close();
            if (some != null) {
                some.close();
            }
            closeDisk();
            throw refused;
        }
    }

    BlockArenas arenas() {
        return arenas;
    }

    @Nullable
    HostSlots slots() {
        return slots;
    }

    @Nullable
    PatternDisk disk() {
        return disk;
    }

    /** A batch between blocks and slots; there must be slots. */
    CopyBatch newBatch() {
        return new CopyBatch(arenas, slots, layout);
    }

    /**
     * Copies, waits for the end, and empties the batch.
     *
     * @throws io.kvflux.memory.DeviceLostException if the device is lost
     */
    void carryOut(CopyBatch batch) {
        if (batch.isEmpty()) {
            return;
        }
        CompletableFuture<@Nullable Throwable> end = new CompletableFuture<>();
        device.submit(batch, (ended, failure) -> end.complete(failure));
        Throwable failure = end.join();
        if (failure instanceof DeviceLostException lost) {
            throw lost;
        }
        if (failure != null) {
            throw new IllegalStateException("a copy of a replay's pages must not fail", failure);
        }
        batch.clear();
    }

    /**
     * Writes tokens of one page into a block, in all caches and shards.
     *
     * @param chain the value of every token of the sequence
     * @param from position of the first token
     * @param to one past the position of the last
     */
    void write(int replica, int block, long[] chain, int from, int to) {
        forEachPiece(chain, from, to, (cache, shard, offset, bytes) -> {
            arenas.arena(cache, replica, shard).write(block, offset, bytes);
            return true;
        });
    }

    /** Where a block differs from the tokens of one page, null if it does not. */
    @Nullable
    Difference compare(int replica, int block, long[] chain, int from, int to) {
        difference = null;
        forEachPiece(chain, from, to, (cache, shard, offset, bytes) -> {
            read = ofLength(read, bytes.length);
            arenas.arena(cache, replica, shard).read(block, offset, read);
            return compare(cache, shard, offset, bytes);
        });
        return difference;
    }

    /** The same for a slot. */
    @Nullable
    Difference compareSlot(int slot, long[] chain, int from, int to) {
        difference = null;
        forEachPiece(chain, from, to, (cache, shard, offset, bytes) -> {
            read = ofLength(read, bytes.length);
            slots.read(slot, layout.offset(cache, shard) + offset, read);
            return compare(cache, shard, offset, bytes);
        });
        return difference;
    }

    private boolean compare(int cache, int shard, long offset, byte[] expected) {
        int at = Arrays.mismatch(expected, read);
        if (at >= 0) {
            difference = new Difference(cache, shard, offset + at, expected[at], read[at]);
        }
        return at < 0;
    }

    private void forEachPiece(long[] chain, int from, int to, Piece work) {
        for (int cache = 0; cache < layout.caches(); cache++) {
            int tokens = (int) Math.max(1, PIECE_BYTES * (long) pageSize / layout.pageBytes(cache));
            for (int shard = 0; shard < layout.shards(); shard++) {
                for (int at = from; at < to; at += tokens) {
                    int end = Math.min(to, at + tokens);
                    fill(chain, at, end, cache, layout.isReplicated(cache) ? 0 : shard);
                    if (!work.take(cache, shard, begin(cache, at % pageSize), piece)) {
                        return;
                    }
                }
            }
        }
    }

    private void fill(long[] chain, int from, int to, int cache, int shard) {
        int inPage = from % pageSize;
        long begin = begin(cache, inPage);
        piece = ofLength(piece, Math.toIntExact(begin(cache, inPage + to - from) - begin));
        for (int i = 0; i < to - from; i++) {
            int at = (int) (begin(cache, inPage + i) - begin);
            int end = (int) (begin(cache, inPage + i + 1) - begin);
            TokenPattern.fill(piece, at, end - at, chain[from + i], cache, shard);
        }
    }

    /** Where a token's share of a page begins. */
    private long begin(int cache, int token) {
        return layout.pageBytes(cache) * token / pageSize;
    }

    private static byte[] ofLength(byte[] bytes, int length) {
        return bytes.length == length ? bytes : new byte[length];
    }

    @Override
    public void close() {
        device.close();
        if (slots != null) {
            slots.close();
        }
        closeDisk();
    }

    private void closeDisk() {
        if (disk != null) {
            disk.close();
        }
    }
}
