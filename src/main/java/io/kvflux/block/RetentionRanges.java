package io.kvflux.block;

import io.kvflux.api.Retention;
import java.util.List;

/**
 * Ranges of tokens as pages: each page has the retention of its first token. Ranges come in the order of their tokens and do not
 * overlap, so a call takes O(log n) of n of them.
 */
final class RetentionRanges {

    private RetentionRanges() {}

    /** The last page in (from, to) at which a range begins or ends; from if there is none. */
    static int lastBoundary(List<Retention> ranges, int pageSize, int from, int to) {
        int at = lastFrom(ranges, (to - 1L) * pageSize);
        if (at < 0) {
            return from;
        }
        int end = pageAt(ranges.get(at).to(), pageSize);
        return Math.max(from, end < to ? end : pageAt(ranges.get(at).from(), pageSize));
    }

    /** Tells a policy how long a run is to be kept that begins with this page, if a range says so. */
    static void tell(List<Retention> ranges, int pageSize, int page, int run, long now, EvictionPolicy policy) {
        long token = (long) page * pageSize;
        int at = lastFrom(ranges, token);
        if (at >= 0 && token < ranges.get(at).to()) {
            policy.retain(run, ranges.get(at).priority(), end(ranges.get(at).nanos(), now));
        }
    }

    /** The last range that begins at a token or before it; -1 if there is none. */
    private static int lastFrom(List<Retention> ranges, long token) {
        int low = 0;
        int high = ranges.size();
        while (low < high) {
            int middle = (low + high) / 2;
            if (ranges.get(middle).from() <= token) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low - 1;
    }

    /** The first page that begins at a token or after it. */
    private static int pageAt(int token, int pageSize) {
        return token / pageSize + (token % pageSize > 0 ? 1 : 0);
    }

    private static long end(long nanos, long now) {
        return nanos == Retention.ALWAYS ? nanos : now + Math.min(nanos, Long.MAX_VALUE - Math.max(now, 0));
    }
}
