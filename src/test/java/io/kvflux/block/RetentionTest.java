package io.kvflux.block;

import static io.kvflux.block.PoolScenario.concat;
import static io.kvflux.block.PoolScenario.own;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvflux.api.Retention;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Priorities and durations of ranges of tokens, over every policy. */
class RetentionTest {

    static Stream<Supplier<EvictionPolicy>> policies() {
        return Stream.of(EvictionPolicy::lru, EvictionPolicy::adaptive);
    }

    private static Retention range(int from, int to, int priority) {
        return new Retention(from, to, priority, Retention.ALWAYS);
    }

    private static Retention all(int priority) {
        return range(0, Integer.MAX_VALUE, priority);
    }

    private static BlockPool pool(int blocks, int pageSize, Supplier<EvictionPolicy> policy) {
        return new BlockPool(blocks, pageSize, 4, policy.get());
    }

    private static void insert(BlockPool pool, int[] prompt, Retention... ranges) {
        BlockTable table = new BlockTable();
        PrefixMatch match = new PrefixMatch();
        int pages = prompt.length / pool.pageSize();
        pool.match(PrefixScope.NONE, prompt, pages, PageKeys.none(), match);
        assertThat(pool.open(table, PrefixScope.NONE, match, pages - match.pages()))
                .isTrue();
        pool.commit(table, prompt, pages, PageKeys.none());
        table.retain(List.of(ranges));
        pool.release(table);
        pool.verify(List.of(table));
    }

    private static int found(BlockPool pool, int[] prompt) {
        PrefixMatch match = new PrefixMatch();
        pool.match(PrefixScope.NONE, prompt, prompt.length / pool.pageSize(), PageKeys.none(), match);
        return match.pages();
    }

    @ParameterizedTest
    @MethodSource("policies")
    void theLowestPriorityGoesFirstWhateverWasUsedLast(Supplier<EvictionPolicy> policy) {
        BlockPool pool = pool(8, 1, policy);
        insert(pool, own(1, 2), all(80));
        insert(pool, own(2, 2), all(100));
        insert(pool, own(3, 2));
        insert(pool, own(4, 2), all(10));
        insert(pool, own(5, 2));
        assertThat(found(pool, own(4, 2))).as("less than the default").isZero();
        insert(pool, own(6, 4));
        assertThat(found(pool, own(3, 2)) + found(pool, own(5, 2)))
                .as("the default")
                .isZero();
        assertThat(found(pool, own(1, 2))).isEqualTo(2);
        insert(pool, own(7, 6));
        assertThat(found(pool, own(1, 2))).as("80, when nothing less is left").isZero();
        assertThat(found(pool, own(2, 2))).isEqualTo(2);
        insert(pool, own(8, 8));
        assertThat(found(pool, own(8, 8)))
                .as("nothing is kept from whoever needs it")
                .isEqualTo(8);
    }

    @ParameterizedTest
    @MethodSource("policies")
    void whatFollowsARetainedRangeHasThePriorityThatAllHave(Supplier<EvictionPolicy> policy) {
        BlockPool pool = pool(6, 1, policy);
        insert(pool, own(1, 2), all(100));
        int[] longer = concat(own(1, 2), own(2, 2));
        insert(pool, longer);
        insert(pool, own(3, 2), all(40));
        insert(pool, own(4, 2));
        assertThat(found(pool, longer)).as("of its four pages").isEqualTo(2);
        assertThat(found(pool, own(3, 2))).isEqualTo(2);
    }

    @ParameterizedTest
    @MethodSource("policies")
    void aPageHasThePriorityOfItsFirstToken(Supplier<EvictionPolicy> policy) {
        BlockPool pool = pool(8, 4, policy);
        insert(pool, own(1, 24), range(0, 9, 90), range(9, 24, 5));
        assertThat(pool.indexedRuns()).as("divided where the priority changes").isEqualTo(2);
        insert(pool, own(2, 12));
        assertThat(found(pool, own(1, 24))).as("a page of priority 5 went").isEqualTo(5);
        insert(pool, own(3, 20));
        assertThat(found(pool, own(1, 24))).as("pages that begin at 0, 4 and 8").isEqualTo(3);
        assertThat(found(pool, own(3, 20))).isEqualTo(5);
    }

    @ParameterizedTest
    @MethodSource("policies")
    void whenItsDurationHasPassedItIsAsIfItHadJustBeenUsed(Supplier<EvictionPolicy> policy) {
        BlockPool pool = pool(6, 1, policy);
        pool.time(1_000);
        insert(pool, own(1, 2), new Retention(0, 2, 80, 50));
        insert(pool, own(2, 2));
        insert(pool, own(3, 2));
        pool.time(1_049);
        insert(pool, own(4, 2));
        assertThat(found(pool, own(2, 2))).isZero();
        assertThat(found(pool, own(1, 2))).isEqualTo(2);
        pool.time(1_050);
        insert(pool, own(5, 6));
        assertThat(found(pool, own(1, 2))).isZero();
    }

    @Test
    void ofTwoWithTheDefaultPriorityTheOneWhoseDurationPassedGoesLast() {
        BlockPool pool = pool(6, 1, EvictionPolicy::lru);
        insert(pool, own(1, 2), new Retention(0, 2, 80, 50));
        insert(pool, own(2, 2));
        insert(pool, own(3, 2));
        pool.time(50);
        insert(pool, own(4, 4));
        assertThat(found(pool, own(1, 2))).isEqualTo(2);
        assertThat(found(pool, own(4, 4))).isEqualTo(4);
    }

    @ParameterizedTest
    @MethodSource("policies")
    void whatARetainedTailContinuesIsKeptWithIt(Supplier<EvictionPolicy> policy) {
        BlockPool pool = pool(8, 1, policy);
        insert(pool, concat(own(1, 2), own(2, 2)), range(2, 4, 90));
        insert(pool, concat(own(1, 2), own(3, 2)));
        insert(pool, own(4, 4));
        assertThat(found(pool, concat(own(1, 2), own(2, 2)))).isEqualTo(4);
        assertThat(found(pool, concat(own(1, 2), own(3, 2)))).isEqualTo(2);
        insert(pool, own(5, 8));
        assertThat(found(pool, own(5, 8))).isEqualTo(8);
    }

    @ParameterizedTest
    @MethodSource("policies")
    void whoeverLetsGoLastAndSaysSomethingDecides(Supplier<EvictionPolicy> policy) {
        BlockPool pool = pool(6, 1, policy);
        insert(pool, own(1, 2), all(90));
        insert(pool, own(1, 2));
        insert(pool, own(2, 2));
        insert(pool, own(3, 4));
        assertThat(found(pool, own(1, 2)))
                .as("one that says nothing changes nothing")
                .isEqualTo(2);
        insert(pool, own(1, 2), all(Retention.DEFAULT_PRIORITY));
        insert(pool, own(4, 4));
        insert(pool, own(5, 4));
        assertThat(found(pool, own(1, 2))).isZero();
    }

    /** Prompts of their own pages: whenever one loses pages, no whole one had a lower priority. */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4})
    void nothingOfALowerPriorityIsLeftWhenAPageIsEvicted(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        BlockPool pool = pool(40, 1, seed % 2 == 0 ? EvictionPolicy::lru : EvictionPolicy::adaptive);
        List<int[]> prompts = new ArrayList<>();
        List<Integer> priorities = new ArrayList<>();
        for (int i = 0; i < 1_000; i++) {
            List<Integer> before = prompts.stream().map(p -> found(pool, p)).toList();
            int[] prompt = own(i + 1, 1 + random.nextInt(6));
            int priority = random.nextInt(3) == 0 ? Retention.DEFAULT_PRIORITY : random.nextInt(101);
            insert(pool, prompt, all(priority));
            int highestGone = -1;
            int lowestLeft = 101;
            for (int j = 0; j < prompts.size(); j++) {
                int left = found(pool, prompts.get(j));
                highestGone = left < before.get(j) ? Math.max(highestGone, priorities.get(j)) : highestGone;
                lowestLeft = left > 0 ? Math.min(lowestLeft, priorities.get(j)) : lowestLeft;
            }
            assertThat(highestGone).as("seed %d, prompt %d", seed, i).isLessThanOrEqualTo(lowestLeft);
            prompts.add(prompt);
            priorities.add(priority);
            while (prompts.size() > 60 && found(pool, prompts.get(0)) == 0) {
                prompts.remove(0);
                priorities.remove(0);
            }
        }
    }

    /** A run for each range; it would take seconds if each were looked for among all, or each cut from the front. */
    @Test
    void aPromptMayHaveARangeForEachOfTwentyThousandPages() {
        int ranges = 20_000;
        BlockPool pool = pool(ranges, 1, EvictionPolicy::lru);
        int[] prompt = own(1, ranges);
        Retention[] kept = new Retention[ranges];
        Arrays.setAll(kept, i -> range(i, i + 1, 40 + i % 2));
        insert(pool, prompt, kept);
        assertThat(pool.indexedRuns()).isEqualTo(ranges);
        insert(pool, own(2, 5), all(100));
        assertThat(found(pool, prompt)).isEqualTo(ranges - 5);
    }

    @Test
    void rangesOutOfOrderOrOverEachOtherAreRefused() {
        BlockTable table = new BlockTable();
        assertThatThrownBy(() -> table.retain(List.of(range(2, 4, 90), range(0, 2, 10))))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("retained ranges come in the order of their tokens and do not overlap,"
                        + " Retention[from=2, to=4, priority=90, nanos=9223372036854775807],"
                        + " Retention[from=0, to=2, priority=10, nanos=9223372036854775807]");
        assertThatThrownBy(() -> table.retain(List.of(range(0, 3, 10), range(2, 4, 90))))
                .isInstanceOf(IllegalArgumentException.class);
    }

    /** What a policy is told of the runs that a prompt is divided into, against each page's range looked for among all. */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4})
    void eachPageIsToldTheRangeOfItsFirstToken(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        for (int round = 0; round < 500; round++) {
            int pageSize = 1 + random.nextInt(4);
            List<Retention> ranges = new ArrayList<>();
            for (int from = random.nextInt(6); random.nextInt(20) > 0; from += random.nextInt(3)) {
                int to = random.nextInt(30) == 0 ? Integer.MAX_VALUE : from + 1 + random.nextInt(9);
                ranges.add(range(from, to, random.nextInt(101)));
                if (to == Integer.MAX_VALUE) {
                    break;
                }
                from = to;
            }
            int end = 1 + random.nextInt(100);
            while (end > 0) {
                int begin = random.nextInt(end);
                int cut = RetentionRanges.lastBoundary(ranges, pageSize, begin, end);
                Listening policy = new Listening();
                RetentionRanges.tell(ranges, pageSize, cut, 1, 0, policy);
                for (int page = cut; page < end; page++) {
                    int token = page * pageSize;
                    assertThat(policy.told)
                            .as("seed %d, %s, page size %d, pages %d to %d", seed, ranges, pageSize, cut, end)
                            .isEqualTo(ranges.stream()
                                    .filter(r -> r.from() <= token && token < r.to())
                                    .map(r -> r.priority() + " until " + Long.MAX_VALUE)
                                    .toList());
                }
                assertThat(cut).isBetween(begin, end - 1);
                end = cut;
            }
        }
    }

    /** A policy that keeps runs itself, by remembering what it was told. */
    private static final class Listening implements EvictionPolicy {

        final EvictionPolicy lru = EvictionPolicy.lru();
        final List<String> told = new ArrayList<>();

        @Override
        public void attach(View view) {
            lru.attach(view);
        }

        @Override
        public boolean honoursRetention() {
            return true;
        }

        @Override
        public void retain(int run, int priority, long until) {
            told.add(priority + " until " + until);
        }

        @Override
        public void time(long nanos) {
            told.add("at " + nanos);
        }

        @Override
        public void cached(int run) {
            lru.cached(run);
        }

        @Override
        public void held(int run) {
            lru.held(run);
        }

        @Override
        public void removed(int run) {
            lru.removed(run);
        }

        @Override
        public int victim() {
            return lru.victim();
        }
    }

    @Test
    void aPolicyThatKeepsRunsItselfIsTold() {
        Listening policy = new Listening();
        BlockPool pool = new BlockPool(8, 2, 1, policy);
        pool.time(70);
        insert(pool, own(1, 8), range(0, 4, 90), new Retention(4, 6, 20, 5));
        assertThat(policy.told).containsExactly("at 70", "20 until 75", "90 until " + Long.MAX_VALUE);
        insert(pool, own(2, 16));
        assertThat(found(pool, own(1, 8))).as("it did as it liked").isZero();
    }
}
