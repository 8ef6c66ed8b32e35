package io.kvflux.tier;

import io.kvflux.api.RemovalCause;
import io.kvflux.api.Tier;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Which page of content each slot of the host holds, and which goes first when a slot is needed: the least recent that
 * nobody reads.
 *
 * <pre>
 *   FREE --reserve--> WRITING --landed--> RESIDENT --dropped, taken--> FREE
 *                        |                 (readers: not dropped)
 *                        +----failed--> FREE
 * </pre>
 *
 * Pages are numbers of a {@link ContentIndex}, each in one slot at most.
 */
final class HostTier {

    /** No slot. */
    static final int NONE = -1;

    private static final byte FREE = 0;
    private static final byte WRITING = 1;
    private static final byte RESIDENT = 2;

    private final ContentIndex contents;
    private final int slots;
    private final int[] pageOf;
    private final byte[] state;
    private final int[] readers;
    /** Resident slots that nobody reads, least recent first, in a ring around the entry past the last slot. */
    private final int[] next;

    private final int[] prev;
    private int[] slotOf = new int[64];

    private int freeHead = NONE;
    private int fresh;
    private int resident;
    private int writing;
    private long stored;
    private long dropped;
    private @Nullable TierLog log;

    HostTier(ContentIndex contents, int slots) {
        this.contents = contents;
        this.slots = slots;
        pageOf = new int[slots];
        state = new byte[slots];
        readers = new int[slots];
        next = new int[slots + 1];
        prev = new int[slots + 1];
        next[slots] = slots;
        prev[slots] = slots;
        Arrays.fill(slotOf, NONE);
    }

    /** Has what becomes findable, and what no longer is, told from now on; null for no more. */
    void tell(@Nullable TierLog listener) {
        log = listener;
    }

    /** The slot that holds a page whose copy has landed, or {@link #NONE}. */
    int find(int page) {
        int slot = slot(page);
        return slot != NONE && state[slot] == RESIDENT ? slot : NONE;
    }

    /** The page of a slot that is in use. */
    int page(int slot) {
        return pageOf[slot];
    }

    boolean isRead(int slot) {
        return readers[slot] > 0;
    }

    /** Whether a slot holds a page or will. */
    boolean has(int page) {
        return slot(page) != NONE;
    }

    /** A slot for a page that has none, dropping the least recent page if it must; {@link #NONE} if all are in use. */
    int reserve(int page) {
        if (has(page)) {
            throw new IllegalStateException("a page is stored once, page=" + page + ", slot=" + slot(page));
        }
        int slot = freeHead;
        if (slot != NONE) {
            freeHead = next[slot];
        } else if (fresh < slots) {
            // From the top down: pages come tail first, so neighbours in a prompt become neighbours here.
            slot = slots - ++fresh;
        } else if (next[slots] != slots) {
            slot = next[slots];
            dropped++;
            remove(slot, RemovalCause.EVICTED);
            freeHead = next[slot];
        } else {
            return NONE;
        }
        if (page >= slotOf.length) {
            int old = slotOf.length;
            slotOf = Arrays.copyOf(slotOf, Math.max(page + 1, old * 2));
            Arrays.fill(slotOf, old, slotOf.length, NONE);
        }
        slotOf[page] = slot;
        pageOf[slot] = page;
        state[slot] = WRITING;
        writing++;
        contents.retain(page);
        return slot;
    }

    /** The copy to a slot is over: its page can be found from now on, or the slot is free again. */
    void written(int slot, boolean landed) {
        requireState(slot, WRITING);
        writing--;
        state[slot] = RESIDENT;
        resident++;
        append(slot);
        if (landed) {
            stored++;
            if (log != null) {
                log.storedOnHost(pageOf[slot]);
            }
        } else {
            free(slot);
        }
    }

    /** As {@link #written}, for a page that came from below and so is no write to count. */
    void fetched(int slot, boolean landed) {
        written(slot, landed);
        stored -= landed ? 1 : 0;
    }

    /** Makes a page the most recent. */
    void touch(int slot) {
        requireState(slot, RESIDENT);
        if (readers[slot] == 0) {
            unlink(slot);
            append(slot);
        }
    }

    /** Keeps a page from being dropped while it is read. */
    void beginRead(int slot) {
        requireState(slot, RESIDENT);
        if (readers[slot]++ == 0) {
            unlink(slot);
        }
    }

    /** It is the most recent then. True if nobody reads it any more. */
    boolean endRead(int slot) {
        requireState(slot, RESIDENT);
        if (readers[slot] == 0) {
            throw new IllegalStateException("a slot that nobody reads is not read to its end, slot=" + slot);
        }
        if (--readers[slot] > 0) {
            return false;
        }
        append(slot);
        return true;
    }

    /** Takes a page that nobody reads off the host, and tells so. */
    void remove(int slot, RemovalCause cause) {
        requireIdle(slot);
        if (log != null) {
            log.removedFromHost(pageOf[slot], cause);
        }
        free(slot);
    }

    /** Takes a page off the host that nobody reads or finds, so that there is nothing to tell. */
    void forget(int slot) {
        requireIdle(slot);
        free(slot);
    }

    private void requireIdle(int slot) {
        requireState(slot, RESIDENT);
        if (readers[slot] > 0) {
            throw new IllegalStateException("a slot that is read is not given away, slot=" + slot);
        }
    }

    private void free(int slot) {
        unlink(slot);
        resident--;
        state[slot] = FREE;
        next[slot] = freeHead;
        freeHead = slot;
        int page = pageOf[slot];
        slotOf[page] = NONE;
        pageOf[slot] = ContentIndex.NONE;
        contents.release(page);
    }

    /** Takes every page off the host; none may be read or written. */
    void clear() {
        if (log != null && pages().anyMatch(page -> !contents.isPrivate(page))) {
            log.cleared(Tier.HOST);
        }
        while (next[slots] != slots) {
            free(next[slots]);
        }
    }

    /** The pages whose copies have landed, by slot. */
    IntStream pages() {
        return IntStream.range(0, slots).filter(slot -> state[slot] == RESIDENT).map(slot -> pageOf[slot]);
    }

    int slots() {
        return slots;
    }

    int resident() {
        return resident;
    }

    int writing() {
        return writing;
    }

    /** Pages written so far. */
    long stored() {
        return stored;
    }

    /** Pages dropped so far to make room. */
    long dropped() {
        return dropped;
    }

    /** The slot that a page is in or is written to, or {@link #NONE}. */
    int slot(int page) {
        return page < slotOf.length ? slotOf[page] : NONE;
    }

    private void append(int slot) {
        int last = prev[slots];
        next[last] = slot;
        prev[slot] = last;
        next[slot] = slots;
        prev[slots] = slot;
    }

    private void unlink(int slot) {
        next[prev[slot]] = next[slot];
        prev[next[slot]] = prev[slot];
    }

    private void requireState(int slot, byte wanted) {
        if (state[slot] != wanted) {
            throw new IllegalStateException("a slot must be in the state that its change begins with, slot=" + slot
                    + ", state=" + state[slot] + ", wanted=" + wanted);
        }
    }

    /** Compares every count and link with the others. */
    void verify() {
        int free = slots - fresh;
        for (int slot = freeHead; slot != NONE; slot = next[slot]) {
            require(state[slot] == FREE, "a listed slot is FREE, slot", slot);
            free++;
        }
        int idle = 0;
        for (int slot = next[slots]; slot != slots; slot = next[slot]) {
            require(state[slot] == RESIDENT && readers[slot] == 0, "a slot in the order is idle, slot", slot);
            require(prev[next[slot]] == slot, "the order is linked both ways, slot", slot);
            idle++;
        }
        int[] count = new int[3];
        int read = 0;
        for (int slot = 0; slot < slots; slot++) {
            count[state[slot]]++;
            read += readers[slot] > 0 ? 1 : 0;
            require(
                    state[slot] == FREE ? pageOf[slot] == ContentIndex.NONE : slotOf[pageOf[slot]] == slot,
                    "a slot and its page name each other, slot",
                    slot);
        }
        require(count[FREE] == free, "free slots are listed, free", count[FREE]);
        require(count[WRITING] == writing, "slots being written are counted, writing", writing);
        require(count[RESIDENT] == resident && idle + read == resident, "resident slots are idle or read", resident);
    }

    private static void require(boolean condition, String rule, long value) {
        if (!condition) {
            throw new IllegalStateException("invariant broken: " + rule + "=" + value);
        }
    }
}
