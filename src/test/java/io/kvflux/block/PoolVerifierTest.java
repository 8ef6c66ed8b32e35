package io.kvflux.block;

import static io.kvflux.block.PoolScenario.concat;
import static io.kvflux.block.PoolScenario.own;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Breaks a pool on purpose, in one place at a time, and expects the verifier to name the rule. */
class PoolVerifierTest {

    /**
     * A pool of 20 blocks with everything in it: two tables that share two pages and hold blocks of their own, a cached
     * run of three pages, a withheld run and a withheld block, two blocks on the free list, and fresh ones.
     */
    private static final class Whole {

        final PoolScenario scenario = new PoolScenario(20, 2);
        final BlockPool pool = scenario.pool;
        final Pages pages = pool.pages;
        final Runs runs = pool.runs;
        final BlockTable longer = scenario.run(own(1, 9));
        final BlockTable branch = scenario.run(concat(own(1, 4), own(2, 3)));
        final int cached = insert(own(3, 6), 0);
        final int withheld = insert(own(4, 5), 3);

        Whole() {
            BlockTable idle = scenario.allocate(own(5, 3));
            scenario.release(idle);
            assertThat(scenario.counts()).allMatch(count -> count >= 2);
        }

        private int insert(int[] prompt, long fence) {
            BlockTable table = scenario.run(prompt);
            int run = table.run;
            table.touch(fence);
            scenario.release(table);
            return run;
        }

        void verify() {
            pool.verify(List.of(longer, branch));
        }
    }

    @Test
    void anUntouchedPoolIsWhole() {
        assertThatCode(() -> new Whole().verify()).doesNotThrowAnyException();
    }

    static Stream<Arguments> damages() {
        return Stream.of(
                damage("a reference too many", w -> w.runs.refs[w.longer.run]++, "a run counts the tables"),
                damage("a reference too few", w -> w.runs.refs[w.branch.run]--, "a run counts the tables"),
                damage("a reference to what is cached", w -> w.runs.refs[w.cached]++, "a run counts the tables"),
                damage("a child too many", w -> w.runs.children[w.cached]++, "a run counts its children"),
                damage("a page too many", w -> w.runs.pages[w.cached]++, "a block id is in [1, usable]"),
                damage("a page too few", w -> w.runs.pages[w.cached]--, "a run ends with its last page"),
                damage("a wrong last page", w -> w.runs.last[w.cached]--, "a run ends with its last page"),
                damage(
                        "a broken link",
                        w -> w.pages.prev[w.runs.last[w.cached]] = w.runs.last[w.cached],
                        "pages of a run are linked both ways"),
                damage(
                        "a run that skips a page",
                        w -> w.pages.next[w.runs.first[w.cached]] = w.runs.last[w.cached],
                        "pages of a run are linked both ways"),
                damage(
                        "changed content",
                        w -> w.pages.tokens.write(w.runs.first[w.cached], own(9, 2), 0),
                        "a run is found by its content"),
                damage("a changed hash", w -> w.runs.hash[w.cached]++, "a run is found by its content"),
                damage(
                        "the content of another run",
                        w -> {
                            w.pages.tokens.write(w.runs.first[w.withheld], own(3, 2), 0);
                            w.runs.hash[w.withheld] = w.runs.hash[w.cached];
                        },
                        "a run is found by its content and is the only one"),
                damage(
                        "a run under another parent",
                        w -> w.runs.parent[w.cached] = w.branch.run,
                        "a run is found by its content"),
                damage("a fence put on a cached run", w -> w.runs.fence[w.cached] = 2, "a run waits while"),
                damage("a fence beyond the parent's", w -> w.runs.fence[w.cached] = 4, "no longer than its parent"),
                damage("a withheld run out of its queue", w -> w.pool.fences.releaseRun(w.withheld, 3), "a run waits"),
                damage("a withheld run in the wrong queue", w -> w.runs.fence[w.withheld] = 2, "waits for its fence"),
                damage("withheld blocks dropped", w -> w.pool.fences.takeBlocks(3), "withheldBlocks are those fenced"),
                damage(
                        "a withheld block marked as filling",
                        w -> w.pages.prev[w.pool.fences.firstBlock(3)] = Pages.FILLING,
                        "a fenced block is WITHHELD"),
                damage("a shared id changed", w -> w.branch.ids[1]++, "a table names the pages of its path"),
                damage("a commit forgotten", w -> w.branch.committed--, "a table names the pages of its path"),
                damage("a commit invented", w -> w.branch.committed++, "a table names the pages of its path"),
                damage("a table on another run", w -> w.branch.run = w.longer.run, "a table names the pages"),
                damage("an own block lost", w -> w.longer.size--, "heldBlocks are those of tables"),
                damage("an id twice", w -> w.longer.ids[4] = w.branch.ids[3], "a block has one place only"),
                damage("a cached id in a table", w -> w.longer.ids[4] = w.runs.last[w.cached], "own block is FILLING"),
                damage("a free id in a table", w -> w.longer.ids[4] = w.pages.freeHead(), "a block has one place only"),
                damage("the null block in a table", w -> w.longer.ids[4] = 0, "a block id is in [1, usable]"),
                damage("an id beyond the pool", w -> w.longer.ids[4] = 21, "a block id is in [1, usable]"),
                damage("a free list cut", w -> w.pages.next[w.pages.freeHead()] = 0, "the free list has freeBlocks"),
                damage(
                        "a free list in a circle",
                        w -> w.pages.next[w.pages.next[w.pages.freeHead()]] = w.pages.freeHead(),
                        "a block has one place only"),
                damage("a free block in use", w -> w.pages.prev[w.pages.freeHead()] = Pages.FILLING, "listed block"),
                damage("a fresh block in use", w -> w.pages.prev[20] = Pages.FILLING, "a fresh block is FREE"),
                damage(
                        "a scope that nobody uses",
                        w -> w.pool.index.root(new PrefixScope("gone", null)),
                        "the root of a scope that nobody uses is dropped"));
    }

    private static Arguments damage(String name, Consumer<Whole> damage, String rule) {
        return Arguments.of(name, damage, rule);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("damages")
    void damageIsNamed(String name, Consumer<Whole> damage, String rule) {
        Whole whole = new Whole();
        damage.accept(whole);
        assertThatIllegalStateException()
                .isThrownBy(whole::verify)
                .withMessageStartingWith("invariant broken: ")
                .withMessageContaining(rule);
    }

    @Test
    void aTableThatIsNotListedIsMissed() {
        Whole whole = new Whole();
        assertThatIllegalStateException()
                .isThrownBy(() -> whole.pool.verify(List.of(whole.longer)))
                .withMessageContaining("a run counts the tables whose path it is on");
    }

    @Test
    void aTableThatIsListedTwiceIsSeen() {
        Whole whole = new Whole();
        assertThatIllegalStateException()
                .isThrownBy(() -> whole.pool.verify(List.of(whole.longer, whole.longer, whole.branch)))
                .withMessageContaining("a block has one place only");
    }
}
