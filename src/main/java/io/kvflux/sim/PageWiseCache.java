package io.kvflux.sim;

import java.util.Comparator;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * A cache of single pages that may know what comes: each prompt hits its first pages up to one that is missing, gets the rest,
 * for which pages of others are evicted, and lets go of all of them. Everything is O(log n) a page.
 *
 * <p>Whichever the order, a page goes before the one it continues: that is used whenever it is, so by every order it ranks no
 * sooner, and of equals the greater number goes first.
 */
final class PageWiseCache {

    /** Which page goes first. */
    enum Order {
        /** The one used longest ago. */
        LRU {
            @Override
            long rank(int request, int next) {
                return -request - 1L;
            }
        },
        /** One that is never used again, if there is any; else the one used longest ago. */
        NEVER_AGAIN_THEN_LRU {
            @Override
            long rank(int request, int next) {
                return next == PageTrace.NEVER ? 0 : LRU.rank(request, next);
            }
        },
        /** The one whose next use is furthest (Belady). */
        FURTHEST_NEXT_USE {
            @Override
            long rank(int request, int next) {
                return next;
            }
        };

        /** Of a page that this request used and that one uses next; the greatest goes first. */
        abstract long rank(int request, int next);
    }

    private record Cached(long rank, int page) {}

    private final Order order;
    private final int blocks;
    /** By page, if it is cached. */
    private final @Nullable Cached[] byPage;

    private final TreeSet<Cached> all =
            new TreeSet<>(Comparator.comparingLong(Cached::rank).thenComparingInt(Cached::page));

    PageWiseCache(Order order, int blocks, int pages) {
        this.order = order;
        this.blocks = blocks;
        byPage = new Cached[pages + 1];
    }

    /**
     * A prompt goes through.
     *
     * @param request its number
     * @param prompt its pages
     * @param nextUses which request uses each of them next
     * @return how many were cached
     */
    int look(int request, int[] prompt, int[] nextUses) {
        int kept = Math.min(prompt.length, blocks);
        int hits = 0;
        while (hits < kept && byPage[prompt[hits]] != null) {
            all.remove(byPage[prompt[hits++]]);
        }
        while (all.size() > blocks - kept) {
            byPage[all.pollLast().page] = null;
        }
        for (int i = 0; i < kept; i++) {
            Cached cached = new Cached(order.rank(request, nextUses[i]), prompt[i]);
            byPage[prompt[i]] = cached;
            all.add(cached);
        }
        return hits;
    }
}
