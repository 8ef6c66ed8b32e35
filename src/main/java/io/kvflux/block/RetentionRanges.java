package io.kvflux.block;

import io.kvflux.api.Retention;
import java.util.List;

/** Ranges of tokens as pages: each page has the retention of its first token. */
final class RetentionRanges {

    private RetentionRanges() {}

    /** The last page in (from, to) at which a range begins or ends; from if there is none. */
    static int lastBoundary(List<Retention> ranges, int pageSize, int from, int to) {
        int last = from;
        for (int i = 0; i < ranges.size(); i++) {
            Retention range = ranges.get(i);
            int begin = pageAt(range.from(), pageSize);
            int end = pageAt(range.to(), pageSize);
            last = begin < to ? Math.max(last, begin) : last;
            last = end < to ? Math.max(last, end) : last;
        }
        return last;
    }

    /** Tells a policy how long a run is to be kept that begins with this page, if a range says so. */
    static void tell(List<Retention> ranges, int pageSize, int page, int run, long now, EvictionPolicy policy) {
        long token = (long) page * pageSize;
        for (int i = 0; i < ranges.size(); i++) {
            Retention range = ranges.get(i);
            if (range.from() <= token && token < range.to()) {
                policy.retain(run, range.priority(), end(range.nanos(), now));
            }
        }
    }

    /** The first page that begins at a token or after it. */
    private static int pageAt(int token, int pageSize) {
        return token / pageSize + (token % pageSize > 0 ? 1 : 0);
    }

    private static long end(long nanos, long now) {
        return nanos == Retention.ALWAYS ? nanos : now + Math.min(nanos, Long.MAX_VALUE - Math.max(now, 0));
    }
}
