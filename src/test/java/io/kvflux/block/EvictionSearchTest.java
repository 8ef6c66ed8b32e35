package io.kvflux.block;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Locale;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Looks for shifting mixes of which adaptive eviction hits less than LRU, prints each that is worse by more than a hundredth,
 * and what came of all. Takes minutes, so it is run by its tag.
 */
@Tag("soak")
class EvictionSearchTest {

    private static final int SEEDS = 1_500;

    @Test
    void shiftingMixes() {
        int runs = 0;
        int worse = 0;
        int better = 0;
        double worst = Double.MAX_VALUE;
        for (long seed = 0; seed < SEEDS; seed++) {
            for (int blocks : new int[] {300, 2_000}) {
                ShiftingMix mix = new ShiftingMix(seed, blocks);
                int[][] prompts = mix.prompts();
                long lru = Traffic.hits(new BlockPool(blocks, 1, 1, EvictionPolicy.lru()), prompts);
                long adaptive = Traffic.hits(new BlockPool(blocks, 1, 1, EvictionPolicy.adaptive()), prompts);
                assertThat((double) adaptive)
                        .as("seed %d, %d blocks", seed, blocks)
                        .isGreaterThanOrEqualTo(0.995 * lru - 0.01 * blocks - 1e-6);
                runs++;
                better += adaptive > 1.01 * lru ? 1 : 0;
                worst = lru == 0 ? worst : Math.min(worst, (double) adaptive / lru);
                if (adaptive < 0.99 * lru) {
                    worse++;
                    System.out.printf(
                            Locale.ROOT,
                            "seed %d, %d blocks: LRU hits %d pages, adaptive %d, %.3f of that: %s%n",
                            seed,
                            blocks,
                            lru,
                            adaptive,
                            (double) adaptive / lru,
                            mix);
                }
            }
        }
        System.out.printf(
                Locale.ROOT,
                "%d runs: adaptive hits over 1 %% more in %d, over 1 %% less in %d, at worst %.3f of LRU's hits%n",
                runs,
                better,
                worse,
                worst);
        assertThat(runs).isEqualTo(2 * SEEDS);
    }
}
