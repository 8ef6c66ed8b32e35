package io.kvflux.block;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.LongSupplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The table of edges itself: growth, removal and collisions. */
class PrefixIndexTest {

    private static final int BLOCKS = 1_000;
    private static final int PAGE = 2;

    static Stream<Named<LongSupplier>> hashKeys() {
        SplittableRandom random = new SplittableRandom(7);
        return Stream.of(
                Named.of("random keys", random::nextLong),
                Named.of("keys that make every hash equal", () -> 0L),
                Named.of("keys that leave few hashes", () -> 1L << 30),
                Named.of("keys that put every hash at the end of the table", () -> -1L));
    }

    @ParameterizedTest
    @MethodSource("hashKeys")
    void everyRunIsFoundByItsContentWhileRunsComeAndGo(LongSupplier keys) {
        Pages pages = new Pages(BLOCKS, PAGE);
        Runs runs = new Runs();
        PrefixIndex index = new PrefixIndex(pages, runs, keys);
        int root = index.root(PrefixScope.NONE);
        SplittableRandom random = new SplittableRandom(42);
        int[] runOf = new int[BLOCKS + 1];
        List<Integer> present = new ArrayList<>();
        for (int i = 0; i < 6_000; i++) {
            int block = 1 + random.nextInt(BLOCKS);
            if (runOf[block] == Runs.NONE) {
                pages.tokens.write(block, tokens(block), 0);
                runOf[block] = index.addChild(root, block, key(block));
                present.add(block);
            } else {
                index.removeRun(runOf[block]);
                runOf[block] = Runs.NONE;
                present.remove((Integer) block);
            }
            int probe = 1 + random.nextInt(BLOCKS);
            assertThat(index.child(root, tokens(probe), 0, key(probe))).isEqualTo(runOf[probe]);
        }
        assertThat(index.runCount()).isEqualTo(present.size());
        for (int block = 1; block <= BLOCKS; block++) {
            assertThat(index.child(root, tokens(block), 0, key(block))).isEqualTo(runOf[block]);
        }
    }

    @Test
    void equalPagesUnderDifferentParentsAreDifferentRuns() {
        Pages pages = new Pages(BLOCKS, PAGE);
        Runs runs = new Runs();
        PrefixIndex index = new PrefixIndex(pages, runs, () -> 0L);
        int first = index.root(PrefixScope.NONE);
        int second = index.root(new PrefixScope("salt", null));
        pages.tokens.write(1, tokens(9), 0);
        pages.tokens.write(2, tokens(9), 0);
        int under = index.addChild(first, 1, null);
        assertThat(index.child(second, tokens(9), 0, null)).isEqualTo(Runs.NONE);
        int other = index.addChild(second, 2, null);
        assertThat(index.child(first, tokens(9), 0, null)).isEqualTo(under);
        assertThat(index.child(second, tokens(9), 0, null)).isEqualTo(other);
        assertThat(index.child(first, tokens(9), 0, "key")).isEqualTo(Runs.NONE);
    }

    @Test
    void theRootOfAScopeIsDroppedWithItsLastUser() {
        PoolScenario scenario = new PoolScenario(4, 2);
        PrefixIndex index = scenario.pool.index;
        assertThat(index.rootCount()).isEqualTo(1);
        PrefixScope tenant = new PrefixScope("tenant", null);
        BlockTable table = scenario.run(tenant, 1, 2, 3, 4);
        BlockTable empty = scenario.run(new PrefixScope(null, "adapter"), 9);
        assertThat(index.rootCount()).isEqualTo(3);
        scenario.release(table);
        scenario.release(empty);
        assertThat(index.rootCount()).isEqualTo(2);
        assertThat(scenario.lookup(tenant, 1, 2, 3, 4)).isEqualTo(2);
        scenario.allocate(new int[8]);
        assertThat(index.rootCount()).isEqualTo(1);
        assertThat(scenario.lookup(tenant, 1, 2, 3, 4)).isZero();
    }

    @Test
    void neitherALookupNorARefusalMakesARoot() {
        PoolScenario scenario = new PoolScenario(1, 1);
        PrefixScope tenant = new PrefixScope("tenant", null);
        assertThat(scenario.lookup(tenant, 1, 2)).isZero();
        PrefixMatch match = new PrefixMatch();
        assertThat(scenario.pool.open(new BlockTable(), tenant, match, 2)).isFalse();
        assertThat(scenario.pool.index.rootCount()).isEqualTo(1);
    }

    @Test
    void idsOfRunsAndRootsAreUsedAgain() {
        PoolScenario scenario = new PoolScenario(2, 1);
        for (int i = 0; i < 100; i++) {
            scenario.release(scenario.run(new PrefixScope("tenant " + i, null), 1, 2));
        }
        assertThat(scenario.pool.runs.bound()).isLessThan(10);
    }

    /** Two tokens, of which only a few bits differ from page to page. */
    private static int[] tokens(int block) {
        return new int[] {block & 31, block >>> 5};
    }

    private static Object key(int block) {
        return block % 3 == 0 ? "a" : "b";
    }
}
