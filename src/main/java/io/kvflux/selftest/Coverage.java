package io.kvflux.selftest;

import java.util.BitSet;
import java.util.EnumMap;
import java.util.Map;

/** What was tried, counted. Grows; not thread-safe. */
public final class Coverage {

    /** Page sizes that are tried: 1 to this. */
    public static final int MOST_PAGE_SIZE = 128;

    /** Chunk sizes that are counted: 1 to this. */
    public static final int MOST_CHUNK = 64;

    private final Map<Condition, Long> counts = new EnumMap<>(Condition.class);
    private final BitSet pageSizes = new BitSet();
    private final BitSet chunks = new BitSet();

    Coverage() {}

    void saw(Condition condition) {
        saw(condition, 1);
    }

    void saw(Condition condition, long times) {
        if (times > 0) {
            counts.merge(condition, times, Long::sum);
        }
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

    /** {@return whether every condition, page size and chunk size was seen} */
    public boolean isComplete() {
        return counts.size() == Condition.values().length
                && pageSizes() == MOST_PAGE_SIZE
                && chunkSizes() == MOST_CHUNK;
    }

    @Override
    public String toString() {
        return "Coverage[" + counts + ", pageSizes=" + pageSizes + ", chunks=" + chunks + "]";
    }
}
