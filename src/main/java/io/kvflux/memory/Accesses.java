package io.kvflux.memory;

import java.util.Arrays;

/**
 * Which blocks and slots a batch reads and writes: sets of bits, 64 numbers of an owner in each, in a hash table with open
 * addressing. The table says where an entry is and the entry says where in the table that stands, so that one that was
 * forgotten is known by the two not agreeing. Only what adds changes anything: batches in flight may be compared by
 * several threads.
 */
final class Accesses {

    /** The owner of slots; that of blocks is their replica. */
    static final int SLOTS = -1;

    private int size;
    private long[] keys = new long[8];
    private long[] read = new long[8];
    private long[] written = new long[8];
    private long[] filled = new long[8];
    private int[] places = new int[8];
    private int[] table = new int[16];

    /** Whether nothing but a fill writes it. */
    boolean mayRead(int owner, int number) {
        int entry = find(key(owner, number));
        return entry < 0 || (written[entry] & bit(number)) == 0;
    }

    /** Whether nothing reads it and nothing but a fill writes it. */
    boolean mayWrite(int owner, int number) {
        int entry = find(key(owner, number));
        return entry < 0 || ((read[entry] | written[entry]) & bit(number)) == 0;
    }

    void read(int owner, int number) {
        int entry = added(key(owner, number));
        read[entry] |= bit(number);
    }

    void write(int owner, int number) {
        int entry = added(key(owner, number));
        written[entry] |= bit(number);
    }

    /** Writes it before all that is read and written. */
    void fill(int owner, int number) {
        int entry = added(key(owner, number));
        filled[entry] |= bit(number);
    }

    void clear() {
        size = 0;
    }

    /**
     * Whether one of two writes a block or slot that the other reads or writes.
     *
     * @param blocks whether a block of the one is the block of the other with its number
     * @param slots the same for slots
     */
    boolean conflictsWith(Accesses other, boolean blocks, boolean slots) {
        if (size > other.size) {
            return other.conflictsWith(this, blocks, slots);
        }
        for (int i = 0; i < size; i++) {
            boolean shared = (int) (keys[i] >> 32) == SLOTS ? slots : blocks;
            int there = shared ? other.find(keys[i]) : -1;
            if (there >= 0 && conflict(i, other, there)) {
                return true;
            }
        }
        return false;
    }

    /** The same for 64 numbers of one owner. */
    private boolean conflict(int here, Accesses other, int there) {
        long writes = written[here] | filled[here];
        long othersWrites = other.written[there] | other.filled[there];
        return ((writes & (other.read[there] | othersWrites)) | (othersWrites & read[here])) != 0;
    }

    private static long key(int owner, int number) {
        return ((long) owner << 32) | (number >>> 6);
    }

    private static long bit(int number) {
        return 1L << number;
    }

    private int added(long key) {
        int found = find(key);
        if (found >= 0) {
            return found;
        }
        if (size == keys.length) {
            grow();
            found = find(key);
        }
        int at = ~found;
        table[at] = size;
        places[size] = at;
        keys[size] = key;
        read[size] = 0;
        written[size] = 0;
        filled[size] = 0;
        return size++;
    }

    private void grow() {
        keys = Arrays.copyOf(keys, size * 2);
        read = Arrays.copyOf(read, size * 2);
        written = Arrays.copyOf(written, size * 2);
        filled = Arrays.copyOf(filled, size * 2);
        places = Arrays.copyOf(places, size * 2);
        table = new int[size * 4];
        int entries = size;
        for (size = 0; size < entries; size++) {
            int at = ~find(keys[size]);
            table[at] = size;
            places[size] = at;
        }
    }

    /** The entry of a key; if there is none, the complement of its place in the table. */
    private int find(long key) {
        int mask = table.length - 1;
        int at = (int) ((key * 0x9E3779B97F4A7C15L) >>> 32) & mask;
        while (true) {
            int entry = table[at];
            if (entry >= size || places[entry] != at) {
                return ~at;
            }
            if (keys[entry] == key) {
                return entry;
            }
            at = (at + 1) & mask;
        }
    }
}
