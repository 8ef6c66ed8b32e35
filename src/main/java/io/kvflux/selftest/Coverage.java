package io.kvflux.selftest;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.StringJoiner;

/** What was tried, counted. Grows; not thread-safe. */
public final class Coverage {

    /** Page sizes that are tried: 1 to this. */
    public static final int MOST_PAGE_SIZE = 128;

    /** As often must each condition be seen. */
    public static final int FLOOR = 10;

    /** Chunk sizes that are counted: 1 to this. */
    public static final int MOST_CHUNK = 64;

    private final Map<Condition, Long> counts = new EnumMap<>(Condition.class);
    private final BitSet pageSizes = new BitSet();
    private final BitSet chunks = new BitSet();

    Coverage() {}

    void saw(Condition condition) {
        counts.merge(condition, 1L, Long::sum);
    }

    void pageSize(int tokens) {
        pageSizes.set(tokens);
    }

    void chunk(int tokens) {
        if (tokens <= MOST_CHUNK) {
            chunks.set(tokens);
        }
    }

    boolean sawChunk(int tokens) {
        return chunks.get(tokens);
    }

    void see(boolean seen, Condition condition) {
        if (seen) {
            saw(condition);
        }
    }

    void add(Coverage other) {
        other.counts.forEach((condition, count) -> counts.merge(condition, count, Long::sum));
        pageSizes.or(other.pageSizes);
        chunks.or(other.chunks);
    }

    /**
     * How often something was so.
     *
     * @param condition what
     * @return how often; 0 if it never was
     */
    public long count(Condition condition) {
        return counts.getOrDefault(condition, 0L);
    }

    /** {@return different page sizes tried, of {@link #MOST_PAGE_SIZE}} */
    public int pageSizes() {
        return pageSizes.cardinality();
    }

    /** {@return different sizes of prompt chunks computed, of {@link #MOST_CHUNK}} */
    public int chunkSizes() {
        return chunks.cardinality();
    }

    /** {@return whether every condition was seen at least {@link #FLOOR} times, and every page size and chunk size} */
    public boolean isComplete() {
        return missing().isEmpty();
    }

    /** {@return in words, what was not tried, or less often than {@link #FLOOR} times; empty if all was} */
    public List<String> missing() {
        List<String> missing = new ArrayList<>();
        for (Condition condition : Condition.values()) {
            long count = count(condition);
            if (count < FLOOR) {
                missing.add(condition.label() + (count == 0 ? "" : " (only " + count + ")"));
            }
        }
        addMissing(missing, "page sizes ", pageSizes, MOST_PAGE_SIZE);
        addMissing(missing, "prompt chunks of ", chunks, MOST_CHUNK);
        return missing;
    }

    /** Adds the numbers from 1 to most that are not in a set, neighbours as one range. */
    private static void addMissing(List<String> missing, String what, BitSet seen, int most) {
        StringJoiner ranges = new StringJoiner(" ", what, "").setEmptyValue("");
        for (int from = seen.nextClearBit(1); from <= most; ) {
            int next = seen.nextSetBit(from);
            int to = next < 0 ? most : Math.min(most, next - 1);
            ranges.add(from == to ? "" + from : from + "-" + to);
            from = seen.nextClearBit(to + 1);
        }
        if (ranges.length() > 0) {
            missing.add(ranges.toString());
        }
    }

    @Override
    public String toString() {
        return "Coverage[" + counts + ", pageSizes=" + pageSizes + ", chunks=" + chunks + "]";
    }
}
