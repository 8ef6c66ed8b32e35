package io.kvflux.block;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvflux.RealTraces;
import io.kvflux.sim.SimRequest;
import io.kvflux.sim.TraceFormat;
import io.kvflux.sim.Traces;
import io.kvflux.sim.Workload;
import java.nio.file.Path;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Adds up the arrays of a full pool; the bounds are those of "Metadata per block" in docs/blocks.md. */
class PoolMetadataTest {

    @ParameterizedTest(name = "{0} blocks in runs of {1} pages take at most {2} bytes a block")
    @CsvSource({"65536, 1, 136", "100000, 1, 136", "60000, 1, 82", "65536, 8, 24", "100000, 8, 24", "60000, 8, 18"})
    void metadataStaysInItsBounds(int blocks, int pagesOfRun, int bytesPerBlock) throws Exception {
        BlockPool pool = new BlockPool(blocks, 1, 2, EvictionPolicy.lru());
        PrefixMatch match = new PrefixMatch();
        for (int i = 0; i < blocks / pagesOfRun; i++) {
            int first = i * pagesOfRun;
            BlockTable table = new BlockTable();
            assertThat(pool.open(table, PrefixScope.NONE, match, pagesOfRun)).isTrue();
            int[] prompt = IntStream.range(first, first + pagesOfRun).toArray();
            pool.commit(table, prompt, pagesOfRun, PageKeys.none());
            table.touch(1);
            pool.release(table);
        }
        pool.completed(1);
        assertThat(pool.indexedRuns()).isEqualTo(blocks / pagesOfRun);
        double bytes = (double) PoolBytes.metadata(pool) / blocks;
        System.out.printf("blocks=%d, pagesOfRun=%d: %.1f bytes a block%n", blocks, pagesOfRun, bytes);
        assertThat(bytes).isLessThanOrEqualTo(bytesPerBlock);
    }

    /** Three times as much content as there is room for, so that there are as many ghosts as there can be. */
    @ParameterizedTest(name = "{0} blocks in runs of {1} pages take at most {2} bytes a block under adaptive eviction")
    @CsvSource({"65536, 1, 366", "60000, 1, 366", "65536, 8, 56", "60000, 8, 56", "65536, 512, 10"})
    void metadataOfAdaptiveEvictionStaysInItsBounds(int blocks, int pagesOfRun, int bytesPerBlock) throws Exception {
        BlockPool pool = new BlockPool(blocks, 1, 1, EvictionPolicy.adaptive());
        for (int i = 0; i < 3 * blocks / pagesOfRun; i++) {
            Traffic.hits(pool, new int[][] {
                IntStream.range(i * pagesOfRun, (i + 1) * pagesOfRun).toArray()
            });
        }
        double bytes = (double) PoolBytes.metadata(pool) / blocks;
        System.out.printf("adaptive, blocks=%d, pagesOfRun=%d: %.1f bytes a block%n", blocks, pagesOfRun, bytes);
        assertThat(bytes).isLessThanOrEqualTo(bytesPerBlock);
    }

    @Test
    void theConversationTraceTakesNineBytesABlock() throws Exception {
        Path trace = RealTraces.find("mooncake-conversation.jsonl");
        int pageSize = 16;
        BlockPool pool = new BlockPool(32_768, pageSize, 1, EvictionPolicy.lru());
        PrefixMatch match = new PrefixMatch();
        BlockTable table = new BlockTable();
        try (Workload workload = Traces.openUnsorted(trace, TraceFormat.MOONCAKE, 4_000, 0)) {
            for (SimRequest request = workload.next(); request != null; request = workload.next()) {
                int[] prompt = request.promptTokens();
                int full = prompt.length / pageSize;
                pool.match(PrefixScope.NONE, prompt, (prompt.length - 1) / pageSize, PageKeys.none(), match);
                assertThat(pool.open(table, PrefixScope.NONE, match, full - match.pages()))
                        .isTrue();
                pool.commit(table, prompt, full, PageKeys.none());
                pool.release(table);
            }
        }
        double bytes = (double) PoolBytes.metadata(pool) / 32_768;
        System.out.printf(
                "conversation trace, page 16: %.1f pages a run, %.1f bytes a block%n",
                (double) pool.cachedBlocks() / pool.indexedRuns(), bytes);
        assertThat(bytes).isLessThanOrEqualTo(9);
    }
}
