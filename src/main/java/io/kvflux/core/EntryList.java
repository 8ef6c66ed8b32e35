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
    /** Entries that count for nothing any more: their replica was lost, or what they build on. */
    boolean[] voided = new boolean[16];
    /** Drafts that an entry verifies, their ids if they are known, and those of earlier entries that count as accepted. */
    int[] drafts = new int[16];

    int[][] draftIds = new int[16][];
    /** Whose drafts they are, if a stream brought them, which are copied. */
    int[] streams = new int[16];

    private int[][] copies = new int[16][];
    int[] unverified = new int[16];
    /** Drafts for the next round. */
    int[] granted = new int[16];

    /** Adds an entry of a sequence, which is still as before it; the drafts are the last of its tokens. */
    void add(Sequence sequence, int count, int draftCount, boolean isPrefill, boolean samplesToken) {
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
        voided[size] = false;
        if (sequence.drafts != null) {
            addDrafts(sequence, sequence.drafts, draftCount);
        }
        size++;
    }

    /** What an entry has of drafts; where nobody drafts all of it stays 0. */
    private void addDrafts(Sequence sequence, SequenceDrafts own, int draftCount) {
        drafts[size] = draftCount;
        draftIds[size] = sequence.pending == 0 ? own.ids : null;
        streams[size] = 0;
        if (own.streams && own.stream != null) {
            copyDrafts(sequence, own.stream, draftCount);
        }
        unverified[size] = own.verifying;
        granted[size] = 0;
    }

    /** An entry's sequence got so many drafts for the next round, with their slots. */
    void grant(int entry, int count) {
        granted[entry] = count;
        blocks[entry] = sequences[entry].table.ids();
        blockCounts[entry] = sequences[entry].table.size();
    }

    private void copyDrafts(Sequence sequence, DraftStream stream, int count) {
        if (copies[size] == null || copies[size].length < count) {
            copies[size] = new int[count];
        }
        for (int i = 0; i < count; i++) {
            copies[size][i] = stream.id(sequence.next() + i);
        }
        draftIds[size] = copies[size];
        streams[size] = stream.number;
    }

    void clear() {
        Arrays.fill(sequences, 0, size, null);
        Arrays.fill(tokens, 0, size, null);
        Arrays.fill(blocks, 0, size, null);
        Arrays.fill(draftIds, 0, size, null);
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
        voided = Arrays.copyOf(voided, capacity);
        drafts = Arrays.copyOf(drafts, capacity);
        draftIds = Arrays.copyOf(draftIds, capacity);
        unverified = Arrays.copyOf(unverified, capacity);
        streams = Arrays.copyOf(streams, capacity);
        copies = Arrays.copyOf(copies, capacity);
        granted = Arrays.copyOf(granted, capacity);
    }
}
