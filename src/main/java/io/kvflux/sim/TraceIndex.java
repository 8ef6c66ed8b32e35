package io.kvflux.sim;

/**
 * Where each row of a file that is out of order starts, and the order of the rows by time. 20 bytes a row, and 4 more
 * while it is made.
 */
final class TraceIndex {

    private final long[] offsets;
    private final long[] times;
    private int[] rowAt;

    TraceIndex(int rows) {
        offsets = new long[rows];
        times = new long[rows];
        rowAt = new int[rows];
    }

    void set(int row, long timeNanos, long offset) {
        times[row] = timeNanos;
        offsets[row] = offset;
        rowAt[row] = row;
    }

    /** The row, counted in file order, that comes at a place of the order by time. */
    int rowAt(int place) {
        return rowAt[place];
    }

    long offset(int row) {
        return offsets[row];
    }

    /** Merge sort from the bottom up: stable, so that rows of equal time keep the order of the file. */
    void sort() {
        int rows = rowAt.length;
        int[] target = new int[rows];
        for (long width = 1; width < rows; width *= 2) {
            for (long from = 0; from < rows; from += 2 * width) {
                merge(target, (int) from, (int) Math.min(from + width, rows), (int) Math.min(from + 2 * width, rows));
            }
            int[] sorted = target;
            target = rowAt;
            rowAt = sorted;
        }
    }

    private void merge(int[] target, int from, int middle, int to) {
        int left = from;
        int right = middle;
        for (int i = from; i < to; i++) {
            boolean takeLeft = left < middle && (right >= to || times[rowAt[left]] <= times[rowAt[right]]);
            target[i] = takeLeft ? rowAt[left++] : rowAt[right++];
        }
    }
}
