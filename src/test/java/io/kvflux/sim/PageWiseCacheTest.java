package io.kvflux.sim;

import static io.kvflux.sim.PageWiseCache.Order.FURTHEST_NEXT_USE;
import static io.kvflux.sim.PageWiseCache.Order.LRU;
import static io.kvflux.sim.PageWiseCache.Order.NEVER_AGAIN_THEN_LRU;
import static org.assertj.core.api.Assertions.assertThat;

import io.kvflux.block.EvictionPolicy;
import io.kvflux.sim.PageWiseCache.Order;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Traces by hand; a page has 10 tokens, and a prompt of n pages has 10 n + 1, so that all of them may hit. */
class PageWiseCacheTest {

    /** A prompt for each number: the text, and its pages. */
    private static PageTrace trace(int[]... textAndPages) {
        Supplier<Workload> workloads = () -> {
            HandmadeWorkload workload = new HandmadeWorkload();
            for (int[] each : textAndPages) {
                workload.add(0, each[0], 10 * each[1] + 1, 1);
            }
            return workload;
        };
        return PageTrace.read(workloads, 10, () -> {}, () -> false);
    }

    private static int[] prompt(int text, int pages) {
        return new int[] {text, pages};
    }

    /** Pages that each prompt found. */
    private static List<Integer> hits(PageTrace trace, Order order, int blocks) {
        PageWiseCache cache = new PageWiseCache(order, blocks, trace.pages());
        int[][] next = trace.nextUses();
        List<Integer> hits = new ArrayList<>();
        for (int i = 0; i < trace.requests(); i++) {
            hits.add(cache.look(i, trace.prompt(i), next[i]));
        }
        return hits;
    }

    @Test
    void equalPagesHaveEqualNumbersAndWhatContinuesThemGreaterOnes() {
        PageTrace trace = trace(prompt(1, 3), prompt(2, 1), prompt(1, 2), prompt(1, 4));
        assertThat(trace.prompt(0)).containsExactly(1, 2, 3);
        assertThat(trace.prompt(1)).containsExactly(4);
        assertThat(trace.prompt(2)).containsExactly(1, 2);
        assertThat(trace.prompt(3)).containsExactly(1, 2, 3, 5);
        assertThat(trace.pages()).isEqualTo(5);
        assertThat(trace.promptBlocks()).isEqualTo(10);
        assertThat(trace.unlimitedHits()).isEqualTo(5);
        int never = PageTrace.NEVER;
        assertThat(trace.nextUses())
                .isDeepEqualTo(new int[][] {{2, 2, 3}, {never}, {3, 3}, {never, never, never, never}});
    }

    @Test
    void theFurthestNextUseGoesFirst() {
        PageTrace loop = trace(prompt(1, 1), prompt(2, 1), prompt(3, 1), prompt(1, 1), prompt(2, 1), prompt(3, 1));
        assertThat(hits(loop, LRU, 2)).containsExactly(0, 0, 0, 0, 0, 0);
        assertThat(hits(loop, FURTHEST_NEXT_USE, 2))
                .as("3 takes the place of 2, and then 2 that of 1, which does not come again")
                .containsExactly(0, 0, 0, 1, 0, 1);
    }

    @Test
    void whatIsNeverUsedAgainGoesBeforeWhatWasUsedLongestAgo() {
        PageTrace trace = trace(prompt(1, 1), prompt(2, 1), prompt(3, 1), prompt(1, 1));
        assertThat(hits(trace, LRU, 2)).containsExactly(0, 0, 0, 0);
        assertThat(hits(trace, NEVER_AGAIN_THEN_LRU, 2)).containsExactly(0, 0, 0, 1);
        PageTrace loop = trace(prompt(1, 1), prompt(2, 1), prompt(3, 1), prompt(1, 1), prompt(2, 1), prompt(3, 1));
        assertThat(hits(loop, NEVER_AGAIN_THEN_LRU, 2))
                .as("all of the first round come again, so it is LRU; then only those are left that do")
                .containsExactly(0, 0, 0, 0, 0, 1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"LRU", "NEVER_AGAIN_THEN_LRU", "FURTHEST_NEXT_USE"})
    void aTailGoesBeforeItsHead(String order) {
        PageTrace trace = trace(prompt(1, 3), prompt(2, 1), prompt(1, 3));
        assertThat(hits(trace, Order.valueOf(order), 3)).containsExactly(0, 0, 2);
    }

    @ParameterizedTest
    @ValueSource(strings = {"LRU", "NEVER_AGAIN_THEN_LRU", "FURTHEST_NEXT_USE"})
    void aPromptLargerThanTheCacheKeepsItsFirstPages(String order) {
        PageTrace trace = trace(prompt(1, 9), prompt(1, 9), prompt(2, 4), prompt(1, 1));
        assertThat(hits(trace, Order.valueOf(order), 4)).containsExactly(0, 4, 0, 0);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void itsLruIsThatOfThePool(long seed) {
        PageTrace trace = random(new SplittableRandom(seed), 400, 12, 9);
        for (int blocks : new int[] {1, 5, 20, 60}) {
            PromptCache pool = new PromptCache(blocks, 1, EvictionPolicy.lru());
            List<Integer> found = new ArrayList<>();
            for (int i = 0; i < trace.requests(); i++) {
                found.add(pool.hold(trace.prompt(i), trace.prompt(i).length));
                pool.release();
            }
            assertThat(hits(trace, LRU, blocks))
                    .as("seed %d, %d blocks", seed, blocks)
                    .isEqualTo(found);
        }
    }

    /** Against every choice there is of what to keep: nothing hits more than evicting the furthest next use. */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4})
    void nothingHitsMoreThanTheClairvoyant(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        for (int round = 0; round < 60; round++) {
            PageTrace trace = random(random, 7, 4, 3);
            int blocks = 2 + random.nextInt(4);
            int best = most(trace, blocks, 0, Set.of());
            assertThat(sum(hits(trace, FURTHEST_NEXT_USE, blocks)))
                    .as("seed %d, round %d, %d blocks", seed, round, blocks)
                    .isEqualTo(best);
            assertThat(sum(hits(trace, NEVER_AGAIN_THEN_LRU, blocks))).isLessThanOrEqualTo(best);
        }
    }

    private static PageTrace random(SplittableRandom random, int requests, int texts, int pages) {
        int[][] prompts = new int[requests][];
        for (int i = 0; i < requests; i++) {
            prompts[i] = prompt(random.nextInt(texts), 1 + random.nextInt(pages));
        }
        return trace(prompts);
    }

    private static int sum(List<Integer> hits) {
        return hits.stream().mapToInt(Integer::intValue).sum();
    }

    /** The most hits from a request on, with these pages in the cache. */
    private static int most(PageTrace trace, int blocks, int request, Set<Integer> cached) {
        if (request == trace.requests()) {
            return 0;
        }
        int[] prompt = trace.prompt(request);
        int[] kept = Arrays.copyOf(prompt, Math.min(prompt.length, blocks));
        int found = 0;
        while (found < kept.length && cached.contains(kept[found])) {
            found++;
        }
        List<Integer> others = new ArrayList<>(cached);
        Arrays.stream(kept).forEach(page -> others.remove((Integer) page));
        int best = 0;
        for (int choice = 0; choice < 1 << others.size(); choice++) {
            Set<Integer> next = new HashSet<>();
            Arrays.stream(kept).forEach(next::add);
            for (int i = 0; i < others.size(); i++) {
                if ((choice >> i & 1) == 1) {
                    next.add(others.get(i));
                }
            }
            if (next.size() <= blocks) {
                best = Math.max(best, most(trace, blocks, request + 1, next));
            }
        }
        return found + best;
    }
}
