package io.kvflux.core;

import java.util.Arrays;

/** The entries of one replica in one step, column by column; grows to the largest step and is reused. */
final class EntryList {

    int size;
    Sequence[] sequences = new Sequence[16];
    int[] epochs = new int[16];
    int[][] tokens = new int[16][];
    int[] knownTokens = new int[16];
    int[][] blocks = new int[16][];
    int[] blockCounts = new int[16];
    int[] starts = new int[16];
    int[] counts = new int[16];
    boolean[] prefill = new boolean[16];
    boolean[] samples = new boolean[16];

    void add(Sequence sequence, int count, boolean isPrefill, boolean samplesToken) {
        if (size == starts.length) {
            grow(size * 2);
        }
        sequences[size] = sequence;
        epochs[size] = sequence.epoch;
        tokens[size] = sequence.tokens;
        knownTokens[size] = sequence.length;
        blocks[size] = sequence.table.ids();
        blockCounts[size] = sequence.table.size();
        starts[size] = sequence.scheduled;
        counts[size] = count;
        prefill[size] = isPrefill;
        samples[size] = samplesToken;
        size++;
    }

    void clear() {
        Arrays.fill(sequences, 0, size, null);
        Arrays.fill(tokens, 0, size, null);
        Arrays.fill(blocks, 0, size, null);
        size = 0;
    }

    private void grow(int capacity) {
        sequences = Arrays.copyOf(sequences, capacity);
        epochs = Arrays.copyOf(epochs, capacity);
        tokens = Arrays.copyOf(tokens, capacity);
        knownTokens = Arrays.copyOf(knownTokens, capacity);
        blocks = Arrays.copyOf(blocks, capacity);
        blockCounts = Arrays.copyOf(blockCounts, capacity);
        starts = Arrays.copyOf(starts, capacity);
        counts = Arrays.copyOf(counts, capacity);
        prefill = Arrays.copyOf(prefill, capacity);
        samples = Arrays.copyOf(samples, capacity);
    }
}
