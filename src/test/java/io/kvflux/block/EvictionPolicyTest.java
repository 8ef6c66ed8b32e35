package io.kvflux.block;

import static io.kvflux.block.PoolScenario.concat;
import static io.kvflux.block.PoolScenario.own;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Policies of other people's making: what the pool promises them, and what it does when they are wrong. */
class EvictionPolicyTest {

    /** Keeps the cached runs in order of arrival and checks that every call keeps the contract. */
    private abstract static class ListPolicy implements EvictionPolicy {

        final List<Integer> cached = new ArrayList<>();

        @Nullable
        View view;

        View view() {
            assertThat(view).isNotNull();
            return Objects.requireNonNull(view);
        }

        @Override
        public void attach(View view) {
            assertThat(this.view).isNull();
            this.view = view;
        }

        @Override
        public void cached(int run) {
            assertThat(cached).doesNotContain(run);
            assertThat(view().pages(run)).isPositive();
            cached.add(run);
        }

        @Override
        public void held(int run) {
            assertThat(cached.remove((Integer) run)).isTrue();
        }

        @Override
        public void split(int head, int tail) {
            assertThat(view().parent(tail)).isEqualTo(head);
            assertThat(cached).doesNotContain(head);
        }

        @Override
        public void removed(int run) {
            assertThat(cached.remove((Integer) run)).isTrue();
        }

        /** Pages of all cached runs. */
        int pages() {
            return cached.stream().mapToInt(view()::pages).sum();
        }
    }

    /** Most recently used. */
    private static final class MruLeaf extends ListPolicy {

        @Override
        public int victim() {
            return IntStream.iterate(cached.size() - 1, i -> i - 1)
                    .map(cached::get)
                    .filter(view()::isLeaf)
                    .findFirst()
                    .orElseThrow();
        }
    }

    /** Any cached leaf. */
    private static final class RandomLeaf extends ListPolicy {

        final SplittableRandom random = new SplittableRandom(3);

        @Override
        public int victim() {
            List<Integer> leaves = cached.stream().filter(view()::isLeaf).toList();
            assertThat(leaves).isNotEmpty();
            return leaves.get(random.nextInt(leaves.size()));
        }
    }

    @Test
    void mostRecentlyUsedEvictsTheYoungestPrompt() {
        BlockPool pool = new BlockPool(7, 1, 1, new MruLeaf());
        insert(pool, own(1, 2), 0);
        insert(pool, own(2, 2), 0);
        insert(pool, own(3, 2), 0);
        assertThat(pool.grow(open(pool, own(4, 0)), 2)).isTrue();
        assertThat(matched(pool, own(1, 2))).isEqualTo(2);
        assertThat(matched(pool, own(2, 2))).isEqualTo(2);
        assertThat(matched(pool, own(3, 2))).isZero();
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4})
    void anyLeafMayBeTheVictim(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        RandomLeaf policy = new RandomLeaf();
        BlockPool pool = new BlockPool(24, 2, 3, policy);
        List<BlockTable> tables = new ArrayList<>();
        long step = 0;
        for (int i = 0; i < 3_000; i++) {
            if (random.nextInt(3) == 0 && !tables.isEmpty()) {
                BlockTable table = tables.remove(random.nextInt(tables.size()));
                table.touch(step + random.nextInt(3));
                pool.release(table);
            } else {
                BlockTable table =
                        open(pool, random.ints(1 + random.nextInt(20), 0, 2).toArray());
                if (table.isOpen()) {
                    tables.add(table);
                }
            }
            if (random.nextInt(4) == 0) {
                pool.completed(++step);
            }
            pool.verify(tables);
            assertThat(policy.pages()).isEqualTo(pool.cachedBlocks());
        }
        assertThat(pool.evictedPages()).isPositive();
    }

    /** Names what it is told to. */
    private static final class Fixed extends ListPolicy {

        int victim;

        @Override
        public int victim() {
            return victim;
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"nobody", "negative", "beyond", "root", "removed", "held", "inner", "withheld"})
    void aVictimThatIsNoCachedLeafIsAnErrorThatLeavesThePoolWhole(String kind) {
        Fixed policy = new Fixed();
        BlockPool pool = new BlockPool(16, 1, 2, policy);
        BlockTable table = open(pool, own(1, 2));
        insert(pool, concat(own(2, 2), own(3, 2)), 0);
        int leaf = insert(pool, concat(own(2, 2), own(4, 2)), 0);
        int withheld = insert(pool, own(5, 2), 1);
        int removed = pool.runs.add(Runs.NONE, null);
        pool.runs.remove(removed);
        policy.victim = switch (kind) {
            case "nobody" -> Runs.NONE;
            case "negative" -> -1;
            case "beyond" -> pool.runs.bound();
            case "root" -> pool.index.root(PrefixScope.NONE);
            case "removed" -> removed;
            case "held" -> table.run;
            case "inner" -> pool.runs.parent[leaf];
            default -> withheld;
        };
        assertThatIllegalStateException()
                .isThrownBy(() -> pool.grow(table, pool.availableBlocks()))
                .withMessage("the eviction policy must name a cached leaf, run=" + policy.victim);
        pool.verify(List.of(table));
    }

    /** Opens a table for all pages of a prompt and one more block, and commits them; closed if refused. */
    private static BlockTable open(BlockPool pool, int[] prompt) {
        BlockTable table = new BlockTable();
        PrefixMatch match = new PrefixMatch();
        int pages = prompt.length / pool.pageSize();
        pool.match(PrefixScope.NONE, prompt, pages, PageKeys.none(), match);
        if (pool.open(table, PrefixScope.NONE, match, pages - match.pages() + 1)) {
            pool.commit(table, prompt, pages, PageKeys.none());
        }
        return table;
    }

    /** {@return the run in which the prompt ends} */
    private static int insert(BlockPool pool, int[] prompt, long fence) {
        BlockTable table = open(pool, prompt);
        int run = table.run;
        table.touch(fence);
        pool.release(table);
        return run;
    }

    private static int matched(BlockPool pool, int[] prompt) {
        PrefixMatch match = new PrefixMatch();
        pool.match(PrefixScope.NONE, prompt, prompt.length / pool.pageSize(), PageKeys.none(), match);
        return match.pages();
    }
}
