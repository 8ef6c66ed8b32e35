package io.kvflux.memory.cuda;

import java.util.Arrays;

/**
 * Copies for one stream, gathered before the first is begun: runs of pieces that have the same length and the same distance
 * from each other, on either side. Pieces that stand without a gap are one.
 */
final class CopyList {

    private int size;
    private long[] from = new long[16];
    private long[] fromPitch = new long[16];
    private long[] to = new long[16];
    private long[] toPitch = new long[16];
    private long[] bytes = new long[16];
    private int[] counts = new int[16];

    void clear() {
        size = 0;
    }

    int size() {
        return size;
    }

    /** {@return pieces of all runs} */
    int pieces() {
        int pieces = 0;
        for (int i = 0; i < size; i++) {
            pieces += counts[i];
        }
        return pieces;
    }

    /**
     * Adds a run.
     *
     * @param fromPitch from the begin of one piece to that of the next, where they are read; so toPitch where they are written
     * @param pieceBytes length of each
     * @param count how many, at least 1
     */
    void add(long from, long fromPitch, long to, long toPitch, long pieceBytes, int count) {
        if (count > 1 && fromPitch == pieceBytes && toPitch == pieceBytes) {
            add(from, 0, to, 0, pieceBytes * count, 1);
            return;
        }
        if (size == counts.length) {
            grow();
        }
        this.from[size] = from;
        this.fromPitch[size] = fromPitch;
        this.to[size] = to;
        this.toPitch[size] = toPitch;
        bytes[size] = pieceBytes;
        counts[size] = count;
        size++;
    }

    private void grow() {
        from = Arrays.copyOf(from, 2 * size);
        fromPitch = Arrays.copyOf(fromPitch, 2 * size);
        to = Arrays.copyOf(to, 2 * size);
        toPitch = Arrays.copyOf(toPitch, 2 * size);
        bytes = Arrays.copyOf(bytes, 2 * size);
        counts = Arrays.copyOf(counts, 2 * size);
    }

    /** Where a piece of a run is read. */
    long from(int run, int piece) {
        return from[run] + piece * fromPitch[run];
    }

    /** Where a piece of a run is written. */
    long to(int run, int piece) {
        return to[run] + piece * toPitch[run];
    }

    long fromPitch(int run) {
        return fromPitch[run];
    }

    long toPitch(int run) {
        return toPitch[run];
    }

    /** Length of each piece of a run. */
    long bytes(int run) {
        return bytes[run];
    }

    /** Pieces of a run. */
    int count(int run) {
        return counts[run];
    }
}
