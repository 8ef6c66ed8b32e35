package io.kvflux.block;

import io.kvflux.RealTraces;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/**
 * Replay R: the prompts of the Mooncake conversation trace through a pool, no output. In file order each prompt is
 * matched, allocated whole, committed and kept alive until more than a window of requests are, or room is needed; then
 * the oldest is released. docs/benchmarks.md says what comes out.
 *
 * <p>Clocks run only while the pool is called; prompts are made between the calls, in one array for all.
 */
final class ReplayR {

    static final String TRACE = "mooncake-conversation.jsonl";
    static final int PAGE_SIZE = 16;
    /** Full pages of all prompts. */
    static final int PAGES = 9_044_013;

    private static final int TOKENS_OF_ID = 512;
    private static final String LENGTH_FIELD = "\"input_length\": ";
    private static final String IDS_FIELD = "\"hash_ids\": [";

    /** What a call is for. */
    enum Call {
        MATCH,
        OPEN,
        COMMIT,
        RELEASE
    }

    private final int[] lengths;
    private final long[][] ids;
    private final int[] prompt;
    private final PrefixMatch match = new PrefixMatch();
    private final BlockTable[] tables;

    private int oldest;
    private int live;

    private BlockPool pool;
    private long hitTokens;
    private long fullPages;
    private int retries;

    private final long[] nanos = new long[Call.values().length];
    private final long[] longest = new long[Call.values().length];
    /** The time of each call in order, the least of all runs so far. */
    private long[] least = new long[0];

    private int calls;

    /**
     * @param window requests that live at once
     */
    ReplayR(int window) {
        List<String> rows = rows(RealTraces.find(TRACE));
        lengths = rows.stream().mapToInt(ReplayR::length).toArray();
        ids = rows.stream().map(ReplayR::ids).toArray(long[][]::new);
        prompt = new int[Arrays.stream(lengths).max().orElseThrow()];
        tables = new BlockTable[window + 1];
        Arrays.setAll(tables, i -> new BlockTable());
    }

    /** Runs all of the trace through an empty pool. */
    void run(BlockPool emptyPool) {
        pool = emptyPool;
        hitTokens = 0;
        fullPages = 0;
        retries = 0;
        calls = 0;
        Arrays.fill(nanos, 0);
        Arrays.fill(longest, 0);
        for (int request = 0; request < lengths.length; request++) {
            makePrompt(request);
            serve(lengths[request]);
        }
        while (live > 0) {
            releaseOldest();
        }
    }

    private void serve(int length) {
        BlockTable table = tables[(oldest + live) % tables.length];
        int blocks = (length - 1) / PAGE_SIZE + 1;
        boolean opened = open(table, length, blocks);
        while (!opened) {
            retries++;
            releaseOldest();
            opened = open(table, length, blocks);
        }
        int full = length / PAGE_SIZE;
        hitTokens += (long) match.pages() * PAGE_SIZE;
        fullPages += full;
        long begin = System.nanoTime();
        pool.commit(table, prompt, full, PageKeys.none());
        took(Call.COMMIT, begin);
        live++;
        if (live == tables.length) {
            releaseOldest();
        }
    }

    private boolean open(BlockTable table, int length, int blocks) {
        long begin = System.nanoTime();
        pool.match(PrefixScope.NONE, prompt, (length - 1) / PAGE_SIZE, PageKeys.none(), match);
        took(Call.MATCH, begin);
        begin = System.nanoTime();
        boolean opened = pool.open(table, PrefixScope.NONE, match, blocks - match.pages());
        took(Call.OPEN, begin);
        return opened;
    }

    private void releaseOldest() {
        BlockTable table = tables[oldest];
        long begin = System.nanoTime();
        pool.release(table);
        took(Call.RELEASE, begin);
        oldest = (oldest + 1) % tables.length;
        live--;
    }

    private void took(Call call, long begin) {
        long time = System.nanoTime() - begin;
        int kind = call.ordinal();
        nanos[kind] += time;
        longest[kind] = Math.max(longest[kind], time);
        if (calls == least.length) {
            least = Arrays.copyOf(least, Math.max(1 << 16, calls * 2));
            Arrays.fill(least, calls, least.length, Long.MAX_VALUE);
        }
        least[calls] = Math.min(least[calls], time);
        calls++;
    }

    long hitTokens() {
        return hitTokens;
    }

    long fullPages() {
        return fullPages;
    }

    int retries() {
        return retries;
    }

    /** {@return the time spent in all calls of a kind in the last run} */
    long nanos(Call call) {
        return nanos[call.ordinal()];
    }

    /** {@return the time of the longest call of a kind in the last run, whatever interrupted it} */
    long longestNanos(Call call) {
        return longest[call.ordinal()];
    }

    /** {@return the time spent in all calls, where each counts as the shortest that it was in all runs} */
    long undisturbedNanos() {
        return Arrays.stream(least, 0, calls).sum();
    }

    /** {@return the longest call, where each counts as the shortest that it was in all runs: what nothing interrupted} */
    long longestUndisturbedNanos() {
        return Arrays.stream(least, 0, calls).max().orElseThrow();
    }

    private void makePrompt(int request) {
        int length = lengths[request];
        long[] of = ids[request];
        for (int i = 0; i < length; i++) {
            long number = of[i / TOKENS_OF_ID] * TOKENS_OF_ID + i % TOKENS_OF_ID;
            prompt[i] = (int) ((((number * 2_654_435_761L) >> 8) & 0xffff_ffffL) % 128_000);
        }
    }

    private static List<String> rows(Path trace) {
        try {
            return Files.readAllLines(trace);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static int length(String row) {
        int from = row.indexOf(LENGTH_FIELD) + LENGTH_FIELD.length();
        return Integer.parseInt(row.substring(from, row.indexOf(',', from)));
    }

    private static long[] ids(String row) {
        int from = row.indexOf(IDS_FIELD) + IDS_FIELD.length();
        return Arrays.stream(row.substring(from, row.indexOf(']', from)).split(", "))
                .mapToLong(Long::parseLong)
                .toArray();
    }
}
