package io.kvflux.block;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** What a page costs a full pool, by its size: prompts of 64 pages, which are new, or of which the pool holds all. */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 3, jvmArgsAppend = "-Xmx4g")
@State(Scope.Thread)
public class PoolGrowthBenchmark {

    private static final int PAGE_SIZE = 16;
    private static final int PAGES = 64;

    @Param({"10000", "100000", "1000000", "10000000"})
    private int blocks;

    private final PrefixMatch match = new PrefixMatch();
    private final BlockTable table = new BlockTable(PAGES);
    private final int[] prompt = new int[PAGES * PAGE_SIZE];
    private BlockPool pool;
    private int number;

    @Setup
    public void fill() {
        pool = new BlockPool(blocks, PAGE_SIZE, 1, EvictionPolicy.lru());
        number = 0;
        while (pool.cachedBlocks() < blocks - PAGES) {
            serve(number++, PAGES);
        }
    }

    /** Matched in vain, allocated in the place of what is evicted, committed and released. */
    @Benchmark
    @OperationsPerInvocation(PAGES)
    public int fresh() {
        return serve(number++, PAGES);
    }

    /** Matched with confirming, acquired and released. */
    @Benchmark
    @OperationsPerInvocation(PAGES)
    public int known() {
        int cached = blocks / PAGES;
        number++;
        return serve(number % (cached / 2) + cached / 4, 0);
    }

    private int serve(int prompted, int newPages) {
        for (int i = 0; i < prompt.length; i++) {
            prompt[i] = prompted + i;
        }
        pool.match(PrefixScope.NONE, prompt, PAGES, PageKeys.none(), match);
        if (match.pages() != PAGES - newPages || !pool.open(table, PrefixScope.NONE, match, newPages)) {
            throw new IllegalStateException(
                    "a prompt is new or known, prompt=" + prompted + ", found=" + match.pages());
        }
        pool.commit(table, prompt, PAGES, PageKeys.none());
        pool.release(table);
        return match.pages();
    }
}
