package io.kvflux.block;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What exact LRU by block must find on the conversation trace, page by page; needs the trace and is skipped without it. */
class ReplayRTest {

    @ParameterizedTest(name = "{0} usable blocks, {1} requests at once")
    @CsvSource({"32767, 16, 6649680, 3", "262143, 64, 27362192, 0"})
    void exactLruHitsAsOftenAsItMust(int blocks, int window, long hitTokens, int retries) {
        ReplayR replay = new ReplayR(window);
        BlockPool pool = new BlockPool(blocks, ReplayR.PAGE_SIZE, 1, EvictionPolicy.lru());
        replay.run(pool);
        assertThat(replay.hitTokens()).isEqualTo(hitTokens);
        assertThat(replay.retries()).isEqualTo(retries);
        assertThat(replay.fullPages()).isEqualTo(ReplayR.PAGES);
        assertThat(pool.heldBlocks()).isZero();
    }
}
