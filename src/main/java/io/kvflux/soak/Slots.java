package io.kvflux.soak;

import io.kvflux.api.Step;
import io.kvflux.memory.BlockArenas;
import io.kvflux.memory.PageArena;
import io.kvflux.sim.TokenPattern;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * The slots of tokens in the pages of all caches. In each stand the chain up to its token, the token, and a pattern of the
 * chain and the cache to the end, so that every byte of a page is told by what is before it.
 */
final class Slots {

    private static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    private static final int HEAD = Long.BYTES + Integer.BYTES;
    private static final int GARBAGE = -2;

    private final BlockArenas memory;
    private final int pageSize;
    private final int[] slotBytes;
    /** By cache: a slot to write, a slot to read, a page to read, and what a slot should hold. */
    private final byte[][] written;

    private final byte[][] read;
    private final byte[][] page;
    private final byte[][] expected;

    Slots(BlockArenas memory, int caches, int pageSize) {
        this.memory = memory;
        this.pageSize = pageSize;
        slotBytes = new int[caches];
        written = new byte[caches][];
        read = new byte[caches][];
        page = new byte[caches][];
        expected = new byte[caches][];
        for (int cache = 0; cache < caches; cache++) {
            int bytes = (int) memory.arena(cache, 0, 0).spec().pageBytes() / pageSize;
            slotBytes[cache] = bytes;
            written[cache] = new byte[bytes];
            read[cache] = new byte[bytes];
            page[cache] = new byte[bytes * pageSize];
            expected[cache] = new byte[bytes];
        }
    }

    void write(Step step, int entry, int replica, int position, long chain, int token) {
        int block = step.block(entry, position / pageSize);
        for (int cache = 0; cache < slotBytes.length; cache++) {
            fill(written[cache], chain, token, cache);
            arena(cache, replica).write(block, (long) position % pageSize * slotBytes[cache], written[cache]);
        }
    }

    /** Leaves what nobody may read. */
    void garble(Step step, int entry, int replica, int from, int to) {
        int end = Math.min(to, step.blockCount(entry) * pageSize);
        for (int position = from; position < end; position++) {
            write(step, entry, replica, position, ~(long) position, GARBAGE);
        }
    }

    /**
     * The chain that stands in a slot.
     *
     * @throws WrongPageException if the slot does not hold what was written with that chain, in any cache
     */
    long read(Step step, int entry, int replica, int position) {
        int block = step.block(entry, position / pageSize);
        for (int cache = 0; cache < slotBytes.length; cache++) {
            arena(cache, replica).read(block, (long) position % pageSize * slotBytes[cache], read[cache]);
        }
        long chain = (long) LONG.get(read[0], 0);
        requireSlot(step, entry, position, read, 0, chain);
        return chain;
    }

    /**
     * Reads pages from a position on to the end of what is known, and compares every byte with what tokens before it say.
     *
     * @param before the chain of the token before {@code from}, which begins a page
     * @throws WrongPageException if a byte is another
     */
    void check(Step step, int entry, int replica, int from, int to, long before) {
        long chain = before;
        for (int start = from; start < to; start += pageSize) {
            int block = step.block(entry, start / pageSize);
            for (int cache = 0; cache < slotBytes.length; cache++) {
                arena(cache, replica).read(block, 0, page[cache]);
            }
            int end = Math.min(to, start + pageSize);
            for (int position = start; position < end; position++) {
                int at = position - start;
                int token = (int) INT.get(page[0], at * slotBytes[0] + Long.BYTES);
                chain = Language.next(chain, token);
                requireSlot(step, entry, position, page, at, chain);
            }
        }
    }

    private void requireSlot(Step step, int entry, int position, byte[][] bytes, int at, long chain) {
        int token = (int) INT.get(bytes[0], at * slotBytes[0] + Long.BYTES);
        for (int cache = 0; cache < slotBytes.length; cache++) {
            int n = slotBytes[cache];
            fill(expected[cache], chain, token, cache);
            if (!Arrays.equals(bytes[cache], at * n, at * n + n, expected[cache], 0, n)) {
                throw new WrongPageException("a page must hold what its sequence wrote, " + step.sequence(entry)
                        + ", position=" + position + ", of " + step.cacheLength(entry) + " known, block="
                        + step.block(entry, position / pageSize) + ", cache=" + cache);
            }
        }
    }

    private static void fill(byte[] into, long chain, int token, int cache) {
        LONG.set(into, 0, chain);
        INT.set(into, Long.BYTES, token);
        TokenPattern.fill(into, HEAD, into.length - HEAD, chain, cache, 0);
    }

    private PageArena arena(int cache, int replica) {
        return memory.arena(cache, replica, 0);
    }
}
