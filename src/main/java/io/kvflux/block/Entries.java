package io.kvflux.block;

import java.security.SecureRandom;
import java.util.Arrays;

/**
 * What an adaptive policy remembers of runs, those that exist and ghosts of those that were evicted. A ghost is found again
 * by its fingerprint, so that content that returns is known though its pages are gone. Arrays double when they are full and
 * never shrink: 33 bytes an entry, and 8 to 16 a ghost for finding it.
 */
final class Entries {

    static final byte GONE = 0;
    /** Somebody holds the run, or a step in flight may touch it. */
    static final byte HELD = 1;
    /** The head of a cached run that was divided: it is held next. */
    static final byte DIVIDED = 2;

    static final byte CACHED = 3;
    static final byte GHOST = 4;
    /** A ghost that a prompt asks for, which was opened and has not computed it. */
    static final byte WANTED = 5;

    byte[] state = new byte[16];
    /** Whether it is a cached run that nothing continues. */
    boolean[] leaf = new boolean[16];
    /** Whether it is a leaf whose last page a cache under LRU would not have. */
    boolean[] spare = new boolean[16];
    /** Class of uses and bucket of age. */
    short[] cell = new short[16];

    int[] uses = new int[16];
    /** The run, while there is one; the next entry that is unused. */
    int[] run = new int[16];
    /** Pages that a cache of the same size under LRU would have of it. */
    int[] underLru = new int[16];
    /** When it was let go last. */
    long[] since = new long[16];

    long[] fingerprint = new long[16];

    /** By what fingerprints are multiplied to spread them over the slots; odd. */
    private final long spread;

    private int fresh = 1;
    private int free;
    private int[] slots = new int[16];
    private int ghosts;

    /** No entries. Nobody can know which prompts have ghosts that are looked for in one place. */
    Entries() {
        this(new SecureRandom().nextLong());
    }

    Entries(long key) {
        spread = key | 1;
    }

    int add(int ofRun, long itsFingerprint) {
        int entry = free;
        if (entry != Runs.NONE) {
            free = run[entry];
        } else {
            entry = fresh++;
            if (entry == state.length) {
                grow(entry * 2);
            }
        }
        state[entry] = HELD;
        leaf[entry] = false;
        spare[entry] = false;
        cell[entry] = 0;
        uses[entry] = 0;
        run[entry] = ofRun;
        underLru[entry] = 0;
        since[entry] = 0;
        fingerprint[entry] = itsFingerprint;
        return entry;
    }

    void remove(int entry) {
        state[entry] = GONE;
        run[entry] = free;
        free = entry;
    }

    int ghosts() {
        return ghosts;
    }

    /** The ghost of this content, or none. */
    int ghost(long wanted) {
        int mask = slots.length - 1;
        for (int i = home(wanted); slots[i] != Runs.NONE; i = (i + 1) & mask) {
            if (fingerprint[slots[i]] == wanted) {
                return slots[i];
            }
        }
        return Runs.NONE;
    }

    /** An entry whose fingerprint no ghost has becomes a ghost. */
    void bury(int entry) {
        if (2 * (ghosts + 1) > slots.length) {
            int[] old = slots;
            slots = new int[old.length * 2];
            for (int other : old) {
                if (other != Runs.NONE) {
                    place(other);
                }
            }
        }
        state[entry] = GHOST;
        run[entry] = Runs.NONE;
        place(entry);
        ghosts++;
    }

    /** A ghost is one no longer; it is {@link #HELD}. */
    void wake(int entry) {
        int mask = slots.length - 1;
        int hole = home(fingerprint[entry]);
        while (slots[hole] != entry) {
            hole = (hole + 1) & mask;
        }
        for (int i = (hole + 1) & mask; slots[i] != Runs.NONE; i = (i + 1) & mask) {
            if (((i - home(fingerprint[slots[i]])) & mask) >= ((i - hole) & mask)) {
                slots[hole] = slots[i];
                hole = i;
            }
        }
        slots[hole] = Runs.NONE;
        state[entry] = HELD;
        ghosts--;
    }

    private void place(int entry) {
        int i = home(fingerprint[entry]);
        while (slots[i] != Runs.NONE) {
            i = (i + 1) & (slots.length - 1);
        }
        slots[i] = entry;
    }

    private int home(long print) {
        long spreadOut = print * spread;
        spreadOut = (spreadOut ^ (spreadOut >>> 32)) * spread;
        return (int) (spreadOut >>> (Long.numberOfLeadingZeros(slots.length) + 1));
    }

    private void grow(int capacity) {
        state = Arrays.copyOf(state, capacity);
        leaf = Arrays.copyOf(leaf, capacity);
        spare = Arrays.copyOf(spare, capacity);
        cell = Arrays.copyOf(cell, capacity);
        uses = Arrays.copyOf(uses, capacity);
        run = Arrays.copyOf(run, capacity);
        underLru = Arrays.copyOf(underLru, capacity);
        since = Arrays.copyOf(since, capacity);
        fingerprint = Arrays.copyOf(fingerprint, capacity);
    }
}
