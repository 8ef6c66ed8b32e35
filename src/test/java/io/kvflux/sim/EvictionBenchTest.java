package io.kvflux.sim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvflux.block.EvictionPolicy;
import io.kvflux.sim.EvictionBench.Result;
import io.kvflux.sim.EvictionBench.Row;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

class EvictionBenchTest {

    private static final int PAGE = 10; // that of TimedReplayTest.config

    private static Result run(Supplier<Workload> workloads, Integer... sizes) {
        return new EvictionBench(workloads, PAGE, List.of(sizes), new ReplayListener() {}).run();
    }

    private static long replayed(Supplier<Workload> workloads, int blocks, Supplier<EvictionPolicy> policy) {
        ReplayOptions options = new ReplayOptions(
                TimedReplayTest.config(blocks, 1).eviction(policy).build(),
                CostModel.linear(1, 0, 0),
                ReplayOptions.DEFAULT_HOST_BYTES_PER_SECOND,
                1,
                0,
                true);
        return new Replay(workloads.get(), options, new ReplayListener() {})
                .run()
                .summary()
                .hitBlocks();
    }

    @Test
    void poolsWithoutABlockAreRefused() {
        assertThatThrownBy(() -> run(HandmadeWorkload::new, 5, 0))
                .hasMessage("pageSize and sizes must be positive, pageSize=10, sizes=[5, 0]");
    }

    /** Two texts, turn by turn, in a cache that holds one and a half of them; the end of a prompt of full pages never hits. */
    @Test
    void aTraceByHand() {
        Supplier<Workload> workloads = () -> new HandmadeWorkload()
                .add(0, 1, 41, 1)
                .add(1, 2, 41, 1)
                .add(2, 1, 41, 1)
                .add(3, 2, 40, 1);
        Result result = run(workloads, 4, 6, 8);
        assertThat(result.requests()).isEqualTo(4);
        assertThat(result.promptBlocks()).isEqualTo(16);
        assertThat(result.partial()).isFalse();
        assertThat(result.policies())
                .containsExactly(
                        new Row("lru", List.of(0L, 4L, 7L)),
                        new Row("adaptive", List.of(0L, 4L, 7L)),
                        new Row("adaptive, taught by a first pass", List.of(0L, 4L, 7L)),
                        new Row("the same, with the whole pool as its budget", List.of(0L, 4L, 7L)),
                        new Row("lru, told what never returns", List.of(0L, 4L, 7L)),
                        new Row("clairvoyant", List.of(0L, 4L, 7L)),
                        new Row("no limit", List.of(7L, 7L, 7L)));
    }

    @Test
    void itHitsWhatAReplayHits() {
        Supplier<Workload> workloads = () -> SyntheticWorkload.of(3, 300);
        Result result = run(workloads, 300, 3_000);
        for (int i = 0; i < 2; i++) {
            int blocks = result.deviceBlocks().get(i);
            assertThat(result.policies().get(0).hitBlocks().get(i))
                    .isPositive()
                    .isEqualTo(replayed(workloads, blocks, EvictionPolicy::lru));
            assertThat(result.policies().get(1).hitBlocks().get(i))
                    .isEqualTo(replayed(workloads, blocks, EvictionPolicy::adaptive));
            long clairvoyant = result.policies().get(5).hitBlocks().get(i);
            for (Row row : result.policies().subList(0, 5)) {
                assertThat(row.hitBlocks().get(i)).as(row.policy()).isLessThanOrEqualTo(clairvoyant);
            }
        }
        assertThat(result.policies().get(6).hitBlocks().get(0))
                .isEqualTo(replayed(workloads, 1_000_000, EvictionPolicy::lru));
    }

    @Test
    void oneThatIsStoppedHasWhatWasFinished() {
        Supplier<Workload> workloads =
                () -> new HandmadeWorkload().add(0, 1, 41, 1).add(1, 1, 41, 1).add(2, 1, 41, 1);
        EvictionBench[] bench = new EvictionBench[1];
        bench[0] = new EvictionBench(workloads, PAGE, List.of(4, 8), new ReplayListener() {
            @Override
            public void onProgress(long ended, long total) {
                assertThat(total).isEqualTo(3 * (1 + 6 * 2));
                if (ended == 3 + 3 + 2) {
                    bench[0].stop();
                }
            }
        });
        Result result = bench[0].run();
        assertThat(result.partial()).isTrue();
        assertThat(result.policies().get(0).hitBlocks()).containsExactly(8L, null);
        assertThat(result.policies().subList(1, 7))
                .allSatisfy(row -> assertThat(row.hitBlocks()).isEqualTo(Arrays.asList(null, null)));
    }

    @Test
    void whatHasNoFullPageHitsNothing() {
        Result result = run(() -> new HandmadeWorkload().add(0, 1, 9, 1).add(0, 1, 9, 1), 4);
        assertThat(result.promptBlocks()).isZero();
        assertThat(result.policies())
                .allSatisfy(row -> assertThat(row.hitBlocks()).containsExactly(0L));
    }
}
