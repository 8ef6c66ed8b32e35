package io.kvflux.block;

import static io.kvflux.block.PoolScenario.own;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Pools at the edge of the sizes that are allowed. */
class PoolSizesTest {

    @ParameterizedTest
    @CsvSource({"1,1", "1,100000", "3,100000", "3,65536", "3,65537", "3,65535", "70000,1", "3,1"})
    void aPromptFillsThePoolIsFoundAndIsEvicted(int blocks, int pageSize) {
        PoolScenario scenario = new PoolScenario(blocks, pageSize);
        int[] prompt = IntStream.range(0, blocks * pageSize).toArray();
        BlockTable table = scenario.run(prompt);
        assertThat(scenario.growTo(table, blocks * pageSize + 1)).isFalse();
        assertThat(scenario.lookup(prompt)).isEqualTo(blocks);
        scenario.release(table);
        assertThat(scenario.counts()).containsExactly(0, 0, blocks, 0);
        BlockTable other = scenario.run(own(90_000, pageSize));
        assertThat(scenario.lookup(prompt)).isEqualTo(blocks - 1);
        assertThat(other.committed()).isEqualTo(1);
    }

    /** In the 2 GiB of a test's heap: 160 MB of links, 80 MB of tokens. */
    @Test
    void aPoolOfTwentyMillionBlocksWorksFromFirstToLastBlock() {
        int blocks = 20_000_000;
        BlockPool pool = new BlockPool(blocks, 1, 2, EvictionPolicy.lru());
        int[] prompt = IntStream.range(0, blocks).toArray();
        BlockTable table = new BlockTable();
        PrefixMatch match = new PrefixMatch();
        assertThat(pool.open(table, PrefixScope.NONE, match, blocks)).isTrue();
        assertThat(table.block(blocks - 1)).isEqualTo(blocks);
        pool.commit(table, prompt, blocks, PageKeys.none());
        assertThat(pool.indexedRuns()).isEqualTo(1);
        pool.release(table);
        pool.match(PrefixScope.NONE, prompt, blocks, PageKeys.none(), match);
        assertThat(match.pages()).isEqualTo(blocks);
        assertThat(match.cachedPages()).isEqualTo(blocks);

        prompt[blocks / 2] = -1;
        pool.match(PrefixScope.NONE, prompt, blocks, PageKeys.none(), match);
        assertThat(match.pages()).isEqualTo(blocks / 2);
        assertThat(pool.open(table, PrefixScope.NONE, match, blocks / 2)).isTrue();
        pool.commit(table, prompt, blocks, PageKeys.none());
        pool.verify(List.of(table));
        assertThat(pool.evictedPages()).isEqualTo(blocks / 2);
    }

    @Test
    void anUnusedPoolKeepsNoTokens() {
        BlockPool pool = new BlockPool(20_000_000, 1024, 1, EvictionPolicy.lru());
        assertThat(pool.freeBlocks()).isEqualTo(20_000_000);
        BlockTable table = new BlockTable();
        assertThat(pool.open(table, PrefixScope.NONE, new PrefixMatch(), 2)).isTrue();
        pool.commit(table, new int[2048], 2, PageKeys.none());
        assertThat(pool.insertedPages()).isEqualTo(2);
    }
}
