package io.kvflux.tier;

import io.kvflux.api.BlockHash;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * Which page is in which slot, and which slot is given up next. A slot is in one state:
 *
 * <pre>
 *             reserve            publish           reserve by another page
 *   FREE ----------------> RESERVED ------> STORED -----------------------> RESERVED
 *     ^                       |  |             |
 *     +------- drop ----------+  |             +-- drop while pinned --> DOOMED -- last unpin --> FREE
 *     ^                          | withdraw    +-- drop -------------------------------------------^
 *     +------- readmit ------ WITHDRAWN
 * </pre>
 *
 * <p>Stored pages stand in order of use. Being published, touched or unpinned makes a page the most recent. A pinned page
 * is being read: it is found but never given up. A reserved slot is being written: it is not found, and not given up
 * either. Free slots are handed out before stored pages are given up, what was freed last first, and in the beginning by
 * number.
 *
 * <p>A page is told apart by all 32 bytes of its name. Where to look comes from 8 of them, mixed with a random number
 * so that nobody can choose names that meet. All is in primitive arrays, about 60 bytes a slot, and nothing is allocated
 * but names that are asked for.
 *
 * <p>Not thread-safe.
 */
public final class HashIndex {

    /** No slot: the page is not stored, or every slot is pinned, reserved or withdrawn. */
    public static final int NONE = -1;

    /** No slot is needed: the page is stored already, or being written. */
    public static final int KNOWN = -2;

    /** What fits arrays, four words a slot. */
    static final int MAX_SLOTS = 1 << 28;

    private static final int WORDS = BlockHash.BYTES / Long.BYTES;

    /** Odd, and without a pattern: 2^64 divided by the golden ratio. */
    private static final long GOLDEN = 0x9E3779B97F4A7C15L;

    private static final byte FREE = 0;
    private static final byte RESERVED = 1;
    private static final byte STORED = 2;
    private static final byte DOOMED = 3;
    private static final byte WITHDRAWN = 4;
    private static final List<String> STATE_NAMES = List.of("FREE", "RESERVED", "STORED", "DOOMED", "WITHDRAWN");

    private final int slots;
    private final long key;
    private final byte[] states;
    private final int[] pins;
    /** Names, four words each, of slots that have one. */
    private final long[] names;
    /** Slots by name: open addressing with linear probing; a cell is a slot + 1, or 0. */
    private final int[] cells;

    private final int mask;
    private final int shift;

    /** Rings of slots. Behind the slots stand the rings' heads. */
    private final int[] next;

    private final int[] previous;
    private final int freeRing;
    /** Stored and unpinned: the least recent comes after the head. */
    private final int lruRing;

    private final int withdrawnRing;

    private int free;
    private int stored;
    private int reserved;
    private int withdrawn;
    private final long[] droppedName = new long[WORDS];
    private boolean hasDropped;

    /**
     * An index in which all slots are free.
     *
     * @param slots how many, at least 1
     * @throws IllegalArgumentException if there are none or more than 2^28
     */
    public HashIndex(int slots) {
        this(slots, new SplittableRandom().nextLong());
    }

    HashIndex(int slots, long key) {
        if (slots < 1 || slots > MAX_SLOTS) {
            throw new IllegalArgumentException("an index has 1 to 2^28 slots, slots=" + slots);
        }
        this.slots = slots;
        this.key = key;
        states = new byte[slots];
        pins = new int[slots];
        names = new long[WORDS * slots];
        // Twice the slots, so that probes stay short.
        int cellCount = Math.max(2, Integer.highestOneBit(2 * slots - 1) << 1);
        cells = new int[cellCount];
        mask = cellCount - 1;
        shift = Long.SIZE - Integer.numberOfTrailingZeros(cellCount);
        freeRing = slots;
        lruRing = slots + 1;
        withdrawnRing = slots + 2;
        next = new int[slots + 3];
        previous = new int[slots + 3];
        for (int head = freeRing; head <= withdrawnRing; head++) {
            next[head] = head;
            previous[head] = head;
        }
        for (int slot = 0; slot < slots; slot++) {
            append(freeRing, slot);
        }
        free = slots;
    }

    /** {@return all slots} */
    public int slots() {
        return slots;
    }

    /** {@return slots that hold nothing, a pinned page that was dropped not among them} */
    public int free() {
        return free;
    }

    /** {@return pages that are found} */
    public int stored() {
        return stored;
    }

    /** {@return slots that are being written} */
    public int reserved() {
        return reserved;
    }

    /** {@return slots out of use} */
    public int withdrawn() {
        return withdrawn;
    }

    /**
     * Looks for a page.
     *
     * @param hash its name
     * @return its slot, or {@link #NONE}
     */
    public int find(BlockHash hash) {
        int slot = lookUp(hash);
        return slot != NONE && states[slot] == STORED ? slot : NONE;
    }

    /** {@return the slot of the least recent page that is not pinned, or {@link #NONE}} */
    public int oldest() {
        return next[lruRing] == lruRing ? NONE : next[lruRing];
    }

    /**
     * Makes a page the most recent; one that is pinned becomes that when it is unpinned.
     *
     * @param slot where it is stored
     * @throws IllegalStateException if no page is stored there
     */
    public void touch(int slot) {
        require(slot, STORED, "only a stored page can be touched");
        if (pins[slot] == 0) {
            remove(slot);
            append(lruRing, slot);
        }
    }

    /**
     * Keeps a page where it is while it is read.
     *
     * @param slot where it is stored
     * @throws IllegalStateException if no page is stored there
     */
    public void pin(int slot) {
        require(slot, STORED, "only a stored page can be pinned");
        if (pins[slot]++ == 0) {
            remove(slot);
        }
    }

    /**
     * Takes one pin off. With the last a page becomes the most recent, or its slot free if it was dropped meanwhile.
     *
     * @param slot where it is
     * @throws IllegalStateException if it is not pinned
     */
    public void unpin(int slot) {
        if (pins[slot] == 0) {
            throw new IllegalStateException("only a pinned page can be unpinned, slot=" + slot + ", pins=0");
        }
        if (--pins[slot] > 0) {
            return;
        }
        if (states[slot] == DOOMED) {
            release(slot);
        } else {
            append(lruRing, slot);
        }
    }

    /**
     * Finds a slot for a page that is about to be written: a free one, or that of the least recent page that is not
     * pinned, which is then dropped. The page is not found before it is published.
     *
     * @param hash its name
     * @return the slot, {@link #KNOWN} or {@link #NONE}
     */
    public int reserve(BlockHash hash) {
        hasDropped = false;
        if (lookUp(hash) != NONE) {
            return KNOWN;
        }
        int slot = next[freeRing];
        if (slot != freeRing) {
            free--;
        } else {
            slot = next[lruRing];
            if (slot == lruRing) {
                return NONE;
            }
            System.arraycopy(names, WORDS * slot, droppedName, 0, WORDS);
            hasDropped = true;
            stored--;
            forget(slot);
        }
        remove(slot);
        name(slot, hash);
        states[slot] = RESERVED;
        reserved++;
        return slot;
    }

    /** {@return the page that the last {@link #reserve} dropped, or null if it dropped none} */
    public @Nullable BlockHash dropped() {
        return hasDropped ? toHash(droppedName, 0) : null;
    }

    /**
     * Makes a page that has been written findable, and the most recent.
     *
     * @param slot which was reserved for it
     * @throws IllegalStateException if it was not
     */
    public void publish(int slot) {
        require(slot, RESERVED, "only a reserved slot can be published");
        states[slot] = STORED;
        reserved--;
        stored++;
        append(lruRing, slot);
    }

    /**
     * Gives a page up, or a slot whose writing came to nothing. It is no longer found; the slot is free at once, or with
     * its last pin.
     *
     * @param slot where it is
     * @throws IllegalStateException if the slot is neither reserved nor holds a page
     */
    public void drop(int slot) {
        if (states[slot] == RESERVED) {
            reserved--;
        } else {
            require(slot, STORED, "only a reserved slot or a stored page can be dropped");
            stored--;
            if (pins[slot] > 0) {
                forget(slot);
                states[slot] = DOOMED;
                return;
            }
            remove(slot);
        }
        forget(slot);
        release(slot);
    }

    /**
     * Takes a slot out of use for which there is no room on the disk.
     *
     * @param slot which was reserved
     * @throws IllegalStateException if it was not
     */
    public void withdraw(int slot) {
        require(slot, RESERVED, "only a reserved slot can be withdrawn");
        forget(slot);
        states[slot] = WITHDRAWN;
        reserved--;
        withdrawn++;
        append(withdrawnRing, slot);
    }

    /**
     * Frees all withdrawn slots, for another try. They are handed out after all other free ones.
     *
     * @return how many there were
     */
    public int readmit() {
        int count = withdrawn;
        while (withdrawn > 0) {
            int slot = next[withdrawnRing];
            remove(slot);
            withdrawn--;
            states[slot] = FREE;
            free++;
            append(freeRing, slot);
        }
        return count;
    }

    /**
     * Enters a page that an earlier run has left, as the most recent.
     *
     * @param slot where it is
     * @param hash its name
     * @return the slot of an older page with the same name, which is free now, or {@link #NONE}
     * @throws IllegalStateException if the slot is not free, or the page is being written or pinned
     */
    public int restore(int slot, BlockHash hash) {
        require(slot, FREE, "only a free slot can be restored");
        int older = lookUp(hash);
        if (older != NONE) {
            if (states[older] != STORED || pins[older] > 0) {
                throw new IllegalStateException("pages are restored before any is used, slot=" + older + ", state="
                        + STATE_NAMES.get(states[older]) + ", pins=" + pins[older]);
            }
            drop(older);
        }
        remove(slot);
        free--;
        name(slot, hash);
        states[slot] = STORED;
        stored++;
        append(lruRing, slot);
        return older;
    }

    private void release(int slot) {
        states[slot] = FREE;
        free++;
        insertAfter(freeRing, slot);
    }

    private void require(int slot, byte state, String rule) {
        if (states[slot] != state) {
            throw new IllegalStateException(rule + ", slot=" + slot + ", state=" + STATE_NAMES.get(states[slot]));
        }
    }

    private int lookUp(BlockHash hash) {
        for (int cell = home(hash.word(0)); cells[cell] != 0; cell = (cell + 1) & mask) {
            int slot = cells[cell] - 1;
            if (hasName(slot, hash)) {
                return slot;
            }
        }
        return NONE;
    }

    private boolean hasName(int slot, BlockHash hash) {
        int at = WORDS * slot;
        return names[at] == hash.word(0)
                && names[at + 1] == hash.word(1)
                && names[at + 2] == hash.word(2)
                && names[at + 3] == hash.word(3);
    }

    /** The high bits of the product depend on every bit of the word. */
    private int home(long word) {
        return (int) (((word ^ key) * GOLDEN) >>> shift);
    }

    private void name(int slot, BlockHash hash) {
        for (int i = 0; i < WORDS; i++) {
            names[WORDS * slot + i] = hash.word(i);
        }
        int cell = home(hash.word(0));
        while (cells[cell] != 0) {
            cell = (cell + 1) & mask;
        }
        cells[cell] = slot + 1;
    }

    /** Takes a name out, and moves those behind it up that its cell stood in the way of. */
    private void forget(int slot) {
        int hole = home(names[WORDS * slot]);
        while (cells[hole] != slot + 1) {
            hole = (hole + 1) & mask;
        }
        for (int cell = (hole + 1) & mask; cells[cell] != 0; cell = (cell + 1) & mask) {
            int home = home(names[WORDS * (cells[cell] - 1)]);
            // It may move up to the hole if that is not before its home, going round.
            if (((cell - home) & mask) >= ((cell - hole) & mask)) {
                cells[hole] = cells[cell];
                hole = cell;
            }
        }
        cells[hole] = 0;
    }

    private void append(int ring, int slot) {
        insertAfter(previous[ring], slot);
    }

    private void insertAfter(int before, int slot) {
        int after = next[before];
        next[before] = slot;
        previous[slot] = before;
        next[slot] = after;
        previous[after] = slot;
    }

    private void remove(int slot) {
        next[previous[slot]] = next[slot];
        previous[next[slot]] = previous[slot];
    }

    /** The name of a page that is stored, or being written. */
    BlockHash name(int slot) {
        return toHash(names, WORDS * slot);
    }

    /** The names of all pages that are found, by slot. */
    List<BlockHash> names() {
        List<BlockHash> found = new ArrayList<>(stored);
        for (int slot = 0; slot < slots; slot++) {
            if (states[slot] == STORED) {
                found.add(name(slot));
            }
        }
        return found;
    }

    private static BlockHash toHash(long[] words, int at) {
        byte[] bytes = new byte[BlockHash.BYTES];
        ByteBuffer.wrap(bytes).asLongBuffer().put(words, at, WORDS);
        return new BlockHash(bytes);
    }

    /**
     * Checks the whole structure.
     *
     * @throws IllegalStateException naming the first thing that is wrong
     */
    public void verify() {
        int[] counts = new int[WITHDRAWN + 1];
        int named = 0;
        int pinned = 0;
        for (int slot = 0; slot < slots; slot++) {
            byte state = states[slot];
            counts[state]++;
            boolean hasName = state == RESERVED || state == STORED;
            named += hasName ? 1 : 0;
            pinned += state == STORED && pins[slot] > 0 ? 1 : 0;
            expect(pins[slot] >= 0 && (pins[slot] == 0 || state == STORED || state == DOOMED), "pins", slot);
            expect(state != DOOMED || pins[slot] > 0, "a doomed slot without a pin", slot);
            expect(!hasName || lookUp(name(slot)) == slot, "a page that is not found", slot);
        }
        expect(Arrays.stream(cells).filter(cell -> cell != 0).count() == named, "cells", named);
        expect(counts[FREE] == free && length(freeRing, FREE) == free, "free", free);
        expect(counts[STORED] == stored && length(lruRing, STORED) == stored - pinned, "stored", stored);
        expect(counts[RESERVED] == reserved, "reserved", reserved);
        expect(counts[WITHDRAWN] == withdrawn && length(withdrawnRing, WITHDRAWN) == withdrawn, "withdrawn", withdrawn);
    }

    private int length(int ring, byte state) {
        int length = 0;
        for (int slot = next[ring]; slot != ring; slot = next[slot]) {
            expect(states[slot] == state && pins[slot] == 0 && previous[next[slot]] == slot, "a ring", slot);
            length++;
        }
        return length;
    }

    private static void expect(boolean holds, String what, int value) {
        if (!holds) {
            throw new IllegalStateException("the index is broken, at=" + what + ", value=" + value);
        }
    }
}
