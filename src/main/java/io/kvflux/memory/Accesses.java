package io.kvflux.memory;

import java.util.Arrays;

/**
 * What the blocks of a batch read and write, so that the next can be checked in constant time: a hash table with open
 * addressing whose entries are forgotten by giving new ones another stamp.
 */
final class Accesses {

    private long[] keys = new long[64];
    private int[] stamps = new int[64];
    private boolean[] written = new boolean[64];
    private int stamp = 1;
    private int size;

    boolean mayRead(long key) {
        int at = find(key);
        return stamps[at] != stamp || !written[at];
    }

    boolean mayWrite(long key) {
        return stamps[find(key)] != stamp;
    }

    void read(long key) {
        put(key, false);
    }

    void write(long key) {
        put(key, true);
    }

    void clear() {
        size = 0;
        stamp++;
        if (stamp == 0) {
            Arrays.fill(stamps, 0);
            stamp = 1;
        }
    }

    private void put(long key, boolean writes) {
        int at = find(key);
        if (stamps[at] == stamp) {
            return;
        }
        keys[at] = key;
        stamps[at] = stamp;
        written[at] = writes;
        size++;
        if (size > keys.length / 2) {
            grow();
        }
    }

    private void grow() {
        long[] oldKeys = keys;
        int[] oldStamps = stamps;
        boolean[] oldWritten = written;
        keys = new long[oldKeys.length * 2];
        stamps = new int[oldKeys.length * 2];
        written = new boolean[oldKeys.length * 2];
        size = 0;
        for (int i = 0; i < oldKeys.length; i++) {
            if (oldStamps[i] == stamp) {
                put(oldKeys[i], oldWritten[i]);
            }
        }
    }

    /** Where a key is, or where it would be. */
    private int find(long key) {
        int mask = keys.length - 1;
        int at = (int) ((key * 0x9E3779B97F4A7C15L) >>> 32) & mask;
        while (stamps[at] == stamp && keys[at] != key) {
            at = (at + 1) & mask;
        }
        return at;
    }
}
