package io.kvflux.block;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvflux.api.Retention;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What {@link AdaptiveEviction} must find where LRU does not, and that it loses nothing where LRU is right. */
class AdaptiveEvictionTest {

    private static final Map<String, int[][]> TRAFFIC = Traffic.all();
    private static final int BLOCKS = 2_000;

    static Stream<String> traffic() {
        return TRAFFIC.keySet().stream();
    }

    private static long hits(int blocks, EvictionPolicy policy, int[][] prompts) {
        return Traffic.hits(new BlockPool(blocks, 1, 1, policy), prompts);
    }

    @ParameterizedTest
    @MethodSource("traffic")
    void isNowhereMoreThanAHundredthWorseThanLru(String name) {
        int[][] prompts = TRAFFIC.get(name);
        for (int blocks : new int[] {300, BLOCKS}) {
            long lru = hits(blocks, EvictionPolicy.lru(), prompts);
            long adaptive = hits(blocks, EvictionPolicy.adaptive(), prompts);
            System.out.printf("%s, %d blocks: LRU hits %d pages, adaptive %d%n", name, blocks, lru, adaptive);
            assertThat(adaptive).as("%s, %d blocks", name, blocks).isGreaterThanOrEqualTo((long) (0.99 * lru));
        }
    }

    @Test
    void aLoopThatDoesNotFitHitsForThePartThatDoes() {
        int[][] loop = TRAFFIC.get("loop of 1.1 pools");
        assertThat(hits(BLOCKS, EvictionPolicy.lru(), loop)).isZero();
        assertThat(hits(BLOCKS, EvictionPolicy.adaptive(), loop)).isGreaterThan((long) (0.65 * 20 * loop.length));
    }

    @Test
    void aLoopThatIsMuchTooLongIsNotHit() {
        assertThat(hits(BLOCKS, EvictionPolicy.adaptive(), Traffic.loop(30_000, 120, 20)))
                .isGreaterThan((long) (0.6 * 20 * 30_000));
        assertThat(hits(BLOCKS, EvictionPolicy.adaptive(), Traffic.loop(30_000, 130, 20)))
                .isLessThan(20 * 130);
    }

    @Test
    void whatIsUsedOnceDoesNotPushOutWhatReturns() {
        assertGain("zipf and scan", 1.5);
    }

    @Test
    void whatReturnsLateButSurelyIsKept() {
        assertGain("returns late", 3);
    }

    @Test
    void whatHasHadItsUsesIsNotKept() {
        assertGain("returns three times", 1.02);
    }

    private static void assertGain(String name, double factor) {
        int[][] prompts = TRAFFIC.get(name);
        assertThat((double) hits(BLOCKS, EvictionPolicy.adaptive(), prompts))
                .isGreaterThan(factor * hits(BLOCKS, EvictionPolicy.lru(), prompts));
    }

    /** At every instant, for requests one after another: what {@link AdaptiveEviction} says of itself. */
    @ParameterizedTest
    @MethodSource("traffic")
    void whatItMayLoseIsBounded(String name) {
        for (int blocks : new int[] {300, BLOCKS}) {
            Race race = new Race(blocks);
            for (int[] prompt : TRAFFIC.get(name)) {
                race.run(prompt);
            }
        }
    }

    @Test
    void whatItMayLoseIsBoundedInMixesToo() {
        for (long seed = 0; seed < 60; seed++) {
            Race race = new Race(300);
            for (int[] prompt : new ShiftingMix(seed, 300).prompts()) {
                race.run(prompt);
            }
        }
    }

    /** Prompts that fork anywhere, so that runs are divided and begin with equal pages at different places. */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4})
    void whatItMayLoseIsBoundedWherePromptsFork(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        Race race = new Race(300);
        for (int i = 0; i < 40_000; i++) {
            int alphabet = 2 + (i / 5_000) % 3;
            race.run(random.ints(1 + random.nextInt(16), 0, alphabet).toArray());
        }
        System.out.printf("seed %d: LRU hits %d pages, adaptive %d%n", seed, race.lruHits, race.hits);
    }

    /** A traffic that asks for what LRU would have and the pool has not, whenever it finds such a thing. */
    @ParameterizedTest
    @ValueSource(ints = {50, 300, 1_000})
    void whatItMayLoseIsBoundedIfSomebodyLooks(int blocks) {
        SplittableRandom random = new SplittableRandom(blocks);
        Race race = new Race(blocks);
        for (int i = 0; i < 60_000; i++) {
            race.run(worstOf60(race, random, i));
        }
        System.out.printf("%d blocks: LRU hits %d pages, adaptive %d%n", blocks, race.lruHits, race.hits);
    }

    /**
     * The same, asked for several times at once: for who comes while a page is computed it is not there, where LRU would have
     * it. Each is paid for, but the budget covers one only, so that less is sure.
     */
    @ParameterizedTest
    @CsvSource({"2, false, 0.99", "4, false, 0.99", "16, false, 0.2", "4, true, 0.99", "16, true, 0.99"})
    void aFewSideBySideLoseLittle(int requests, boolean cancelled, double part) {
        SplittableRandom random = new SplittableRandom(requests);
        Race race = new Race(1_000);
        for (int i = 0; i < 60_000; i++) {
            int[] prompt = worstOf60(race, random, i);
            race.runSideBySide(prompt, race.lruWouldHit(prompt) > race.wouldHit(prompt) ? requests : 1, cancelled);
        }
        System.out.printf("%d side by side: LRU hits %d pages, adaptive %d%n", requests, race.lruHits, race.hits);
        assertThat((double) race.hits).isGreaterThan(part * race.lruHits);
    }

    private static int[] worstOf60(Race race, SplittableRandom random, int request) {
        int phase = request / race.blocks % 3;
        int[] worst = {};
        int most = Integer.MIN_VALUE;
        for (int candidate = 0; candidate < 60; candidate++) {
            int[] prompt = {random.nextInt(race.blocks * 2)};
            int loss = race.lruWouldHit(prompt) - race.wouldHit(prompt);
            if (loss > most || (loss == most && loss == 0 && phase == candidate % 3)) {
                worst = prompt;
                most = loss;
            }
        }
        return worst;
    }

    /**
     * Two documents that begin alike are two runs after one when the pool evicts them. Then somebody asks for their first page
     * only, and what follows it is known no longer to begin where the runs do: LRU hits all of the document all the same.
     */
    @Test
    void whatItMayLoseIsBoundedWhereTheBeginningIsForgotten() {
        SplittableRandom random = new SplittableRandom(1);
        Race race = new Race(1_000);
        Deque<int[]> documents = new ArrayDeque<>();
        Deque<Integer> late = new ArrayDeque<>();
        int fresh = 1 << 24;
        int forgotten = 0;
        for (int i = 0; i < 80_000; i++) {
            int kind = random.nextInt(100);
            if (kind < 40) {
                race.run(new int[] {i % 100});
            } else if (kind < 50) {
                late.add(fresh);
                race.run(new int[] {fresh++});
                if (late.size() > 130) {
                    race.run(new int[] {late.remove()});
                }
            } else if (random.nextInt(20) == 0) {
                int[] document = IntStream.range(fresh, fresh + 12).toArray();
                documents.add(document);
                race.run(document);
                race.run(new int[] {document[0], document[1], fresh + 12});
                fresh += 13;
            } else {
                race.run(new int[] {fresh++});
            }
            int[] document = documents.peek();
            if (document != null && race.lruWouldHit(document) < document.length) {
                documents.remove();
            } else if (document != null && race.wouldHit(document) == 0) {
                documents.remove();
                forgotten++;
                race.run(new int[] {document[0]});
                race.run(document);
            }
        }
        assertThat(forgotten).isGreaterThan(50);
    }

    /** The last page of a prompt is computed again if its last token is in it, so nothing is won where it was cached. */
    @Test
    void whatIsComputedAgainIsNoHit() {
        Race race = new Race(1_000);
        int fresh = 1 << 24;
        int looped = 0;
        for (int cycle = 0; cycle < 3; cycle++) {
            for (int i = 0; i < 12_000; i++) {
                race.run(new int[] {i % 3 == 0 ? fresh++ : looped++ % 1_300}, 0);
            }
            for (int i = 0; i < 600; i++) {
                race.run(IntStream.range(fresh, fresh + 10).toArray());
                if (i >= 25) {
                    race.run(IntStream.range(fresh - 250, fresh - 240).toArray());
                }
                fresh += 10;
            }
        }
        assertThat(race.lruHits).isGreaterThan(10_000);
    }

    /**
     * Outputs that are computed again are in no prompt that was looked up. If what was remembered of them stayed, LRU would seem
     * to have less room than it has; so somebody asks for what it evicts next.
     */
    @Test
    void whatItMayLoseIsBoundedWhereOutputsAreComputedAgain() {
        SplittableRandom random = new SplittableRandom(1);
        Race race = new Race(1_000);
        Deque<int[]> documents = new ArrayDeque<>();
        Deque<int[]> late = new ArrayDeque<>();
        Deque<int[]> once = new ArrayDeque<>();
        int fresh = 1 << 24;
        for (int i = 0; i < 100_000; i++) {
            int kind = random.nextInt(100);
            int[] single = {fresh++};
            if (kind < 20) {
                race.run(new int[] {i % 100});
            } else if (kind < 40) {
                late.add(single);
                race.run(single);
                if (late.size() > 260) {
                    race.run(late.remove());
                }
            } else if (random.nextInt(10) == 0) {
                int[] document = IntStream.range(fresh, fresh + 7).toArray();
                documents.add(document);
                race.run(document, 2);
                race.run(new int[] {document[0], document[1], fresh + 7}, 2);
                fresh += 8;
            } else {
                once.add(single);
                race.run(single);
            }
            int[] document = documents.peek();
            if (document != null && race.lruWouldHit(document) < document.length) {
                documents.remove();
            } else if (document != null && race.wouldHit(document) == 0) {
                documents.remove();
                race.run(document, 2);
            }
            while (!once.isEmpty() && race.lruWouldHit(once.peek()) == 0) {
                once.remove();
            }
            if (!once.isEmpty() && race.lruEvictsNext(once.peek()) && race.wouldHit(once.peek()) == 0) {
                race.run(once.remove());
            }
        }
        assertThat(race.lruHits).isGreaterThan(20_000);
    }

    /** What goes by its priority goes under LRU too, however often it returns. */
    @Test
    void whatIsEvictedByPriorityIsNotPaidFor() {
        AdaptiveEviction policy = new AdaptiveEviction();
        BlockPool pool = new BlockPool(1_000, 1, 1, policy);
        BlockTable table = new BlockTable();
        PrefixMatch match = new PrefixMatch();
        long hits = 0;
        int request = 0;
        for (int[] prompt : Traffic.loop(6_000, 105, 10)) {
            hits += Traffic.hits(pool, prompt, prompt.length);
            int[] unwanted = {request++ % 20};
            pool.match(PrefixScope.NONE, unwanted, 0, PageKeys.none(), match);
            pool.open(table, PrefixScope.NONE, match, 1);
            table.retain(List.of(new Retention(0, 1, 0, Retention.ALWAYS)));
            pool.commit(table, unwanted, 1, PageKeys.none());
            pool.release(table);
            assertThat(policy.behind()).isBetween(0L, (long) policy.budget());
        }
        assertThat(hits).isGreaterThan(15_000);
    }

    /** The same requests in a pool with LRU and in one with adaptive eviction. */
    private static final class Race {

        private final AdaptiveEviction policy = new AdaptiveEviction();
        private final BlockPool adaptive;
        private final BlockPool lru;
        private final int blocks;
        private long hits;
        private long lruHits;

        Race(int blocks) {
            this.blocks = blocks;
            adaptive = new BlockPool(blocks, 1, 1, policy);
            lru = new BlockPool(blocks, 1, 1, EvictionPolicy.lru());
        }

        void run(int[] prompt) {
            run(prompt, prompt.length);
        }

        void run(int[] prompt, int most) {
            hits += Traffic.hits(adaptive, prompt, most);
            lruHits += Traffic.hits(lru, prompt, most);
            assertThat(policy.behind()).isBetween(0L, (long) policy.budget());
            assertThat((double) hits).isGreaterThanOrEqualTo(0.995 * lruHits - 0.01 * blocks - 1e-6);
        }

        /** All are opened at once; if they are cancelled, then all but the last before it is opened, and they hit nothing. */
        void runSideBySide(int[] prompt, int requests, boolean cancelled) {
            hits += Traffic.hitsSideBySide(adaptive, prompt, requests, cancelled);
            lruHits += Traffic.hitsSideBySide(lru, prompt, requests, cancelled);
        }

        boolean lruEvictsNext(int[] page) {
            return lru.victim() != Pages.NULL_BLOCK && lru.pages.tokens.holds(lru.victim(), page, 0);
        }

        int wouldHit(int[] prompt) {
            return found(adaptive, prompt);
        }

        int lruWouldHit(int[] prompt) {
            return found(lru, prompt);
        }

        private static int found(BlockPool pool, int[] prompt) {
            PrefixMatch match = new PrefixMatch();
            pool.match(PrefixScope.NONE, prompt, prompt.length, PageKeys.none(), match);
            return match.pages();
        }
    }

    @Test
    void oneThatIsTaughtBeginsWithWhatTheOtherLearned() {
        int[][] prompts = TRAFFIC.get("zipf and scan");
        EvictionPolicy first = EvictionPolicy.adaptive();
        long untaught = hits(BLOCKS, first, prompts);
        long taught = hits(BLOCKS, EvictionPolicy.adaptive(first, 0.01), prompts);
        System.out.printf("untaught %d, taught %d%n", untaught, taught);
        assertThat(taught).isGreaterThan(untaught);
        assertThat(hits(BLOCKS, EvictionPolicy.adaptive(first, 0.01), prompts))
                .as("the other learns nothing from it")
                .isEqualTo(taught);
    }

    @Test
    void onlyAnAdaptivePolicyOfAPoolOfTheSameSizeTeaches() {
        EvictionPolicy fresh = EvictionPolicy.adaptive();
        assertThatThrownBy(() -> EvictionPolicy.adaptive(EvictionPolicy.lru(), 0.01))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("only from an adaptive policy can chances be taken over, found ");
        assertThatThrownBy(() -> EvictionPolicy.adaptive(fresh, 0.01))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a policy that was never attached to a pool has learned nothing");
        for (double budget : new double[] {-0.01, 1.01, Double.NaN}) {
            assertThatThrownBy(() -> EvictionPolicy.adaptive(fresh, budget))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("the budget is a part of the pool, 0 to 1, budget=" + budget);
        }
        new BlockPool(BLOCKS, 1, 1, fresh);
        EvictionPolicy taught = EvictionPolicy.adaptive(fresh, 0.01);
        assertThatThrownBy(() -> new BlockPool(300, 1, 1, taught))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("ages are counted in parts of the pool, so chances are those of pools with as many blocks,"
                        + " learned in=2000, blocks=300");
    }

    /** Pools hash with random keys of their own; nothing that a policy does depends on them. */
    @Test
    void theSameTrafficHitsTheSame() {
        int[][] prompts = TRAFFIC.get("phases");
        assertThat(hits(BLOCKS, EvictionPolicy.adaptive(), prompts))
                .isEqualTo(hits(BLOCKS, EvictionPolicy.adaptive(), prompts));
    }

    /** As long as nothing is known of returns, page by page. */
    @Test
    void untilItHasLearnedItEvictsTheSamePages() {
        AdaptiveEviction policy = new AdaptiveEviction();
        BlockPool adaptive = new BlockPool(BLOCKS, 1, 1, policy);
        BlockPool lru = new BlockPool(BLOCKS, 1, 1, EvictionPolicy.lru());
        for (int[] prompt : Traffic.joined(Traffic.loop(80, 40, 20), Traffic.loop(300, 300, 20))) {
            assertThat(Traffic.hits(adaptive, new int[][] {prompt})).isEqualTo(Traffic.hits(lru, new int[][] {prompt}));
            assertThat(policy.behind()).isZero();
        }
        assertThat(adaptive.evictedPages()).isPositive().isEqualTo(lru.evictedPages());
    }

    /** A leaf that loses its last page makes its parent one; the pool checks every victim. */
    @Test
    void forksAreEvictedToTheRoot() {
        SplittableRandom random = new SplittableRandom(5);
        AdaptiveEviction policy = new AdaptiveEviction();
        BlockPool pool = new BlockPool(60, 1, 1, policy);
        long followed = 0;
        for (int i = 0; i < 20_000; i++) {
            int[] prompt = random.ints(1 + random.nextInt(12), 0, 3).toArray();
            Traffic.hits(pool, new int[][] {prompt});
            followed += policy.behind();
            if (i % 500 == 0) {
                pool.verify(List.of());
            }
        }
        assertThat(followed).as("worth was followed").isPositive();
        assertThat(pool.clearCache()).isTrue();
        assertThat(pool.indexedRuns()).isZero();
    }
}
