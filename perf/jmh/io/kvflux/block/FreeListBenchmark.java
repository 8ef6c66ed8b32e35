package io.kvflux.block;

import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * A block is given up and another taken: by the pool, for tables picked at random; by a list as others keep it, which is
 * linked through two arrays, in random order, taken from at its head and added to at its tail; and by a stack of ints.
 *
 * <p>What the pool's blocks do here is what the stack's do: those that hold nothing are given out again last in, first out,
 * so they are in a cache, which those of the list are not. Cached blocks, which wait as in the list, are in
 * {@code ReplayRBenchmark} and {@code PoolGrowthBenchmark}.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(5)
public class FreeListBenchmark {

    /** Tables, and blocks out of the list, at a time. */
    private static final int HELD = 64;

    /** A pool of which half is held, by 64 tables in no order. */
    @State(Scope.Thread)
    public static class Pool {

        @Param({"32768", "262144"})
        public int blocks;

        private final BlockTable[] tables = new BlockTable[HELD];
        private final int[] picks = new int[2 * HELD];
        private BlockPool pool;
        private BlockTable gave;
        private int next;

        @Setup
        public void hold() {
            pool = new BlockPool(blocks - 1, 16, 1, EvictionPolicy.lru());
            PrefixMatch none = new PrefixMatch();
            SplittableRandom random = new SplittableRandom(1);
            for (int i = 0; i < HELD; i++) {
                tables[i] = new BlockTable(blocks / HELD);
                pool.open(tables[i], PrefixScope.NONE, none, 0);
            }
            while (pool.heldBlocks() < blocks / 2) {
                BlockTable table = tables[random.nextInt(HELD)];
                if (table.size() < blocks / 2 / HELD) {
                    pool.grow(table, 1);
                }
            }
            for (int i = 0; i < picks.length; i++) {
                picks[i] = random.nextInt(HELD);
            }
            gave = tables[0];
            pool.shrink(gave, gave.size() - 1);
        }

        BlockTable pick() {
            next = (next + 1) & (picks.length - 1);
            return tables[picks[next]];
        }
    }

    /** A list with room for all blocks, of which 64 are out. */
    @State(Scope.Thread)
    public static class List {

        @Param({"32768", "262144"})
        public int blocks;

        private final int[] out = new int[HELD];
        private int[] next;
        private int[] prev;
        private int at;

        @Setup
        public void shuffle() {
            next = new int[blocks];
            prev = new int[blocks];
            int[] order = new int[blocks];
            SplittableRandom random = new SplittableRandom(1);
            for (int i = 1; i < blocks; i++) {
                int j = random.nextInt(i) + 1;
                order[i] = order[j];
                order[j] = i;
            }
            for (int i = 1; i < blocks; i++) {
                append(order[i]);
            }
            for (int i = 0; i < HELD; i++) {
                out[i] = takeFirst();
            }
        }

        /** Block 0 is where the ring begins and ends. */
        private void append(int block) {
            int last = prev[0];
            next[last] = block;
            prev[block] = last;
            next[block] = 0;
            prev[0] = block;
        }

        private int takeFirst() {
            int first = next[0];
            int second = next[first];
            next[0] = second;
            prev[second] = 0;
            return first;
        }
    }

    /** A stack with room for all blocks, of which 64 are out. */
    @State(Scope.Thread)
    public static class Stack {

        @Param({"32768", "262144"})
        public int blocks;

        private final int[] out = new int[HELD];
        private int[] free;
        private int size;
        private int at;

        @Setup
        public void shuffle() {
            free = new SplittableRandom(1).ints(blocks, 0, blocks).toArray();
            size = blocks - HELD;
        }
    }

    /** Who gave a block up takes one in the next operation, so that nobody runs out of them. */
    @Benchmark
    public int pool(Pool state) {
        BlockTable giving = state.pick();
        state.pool.shrink(giving, giving.size() - 1);
        state.pool.grow(state.gave, 1);
        state.gave = giving;
        return giving.size();
    }

    @Benchmark
    public int stack(Stack state) {
        state.at = (state.at + 1) & (HELD - 1);
        state.free[state.size++] = state.out[state.at];
        int taken = state.free[--state.size];
        state.out[(state.at + 1) & (HELD - 1)] = taken;
        return taken;
    }

    @Benchmark
    public int list(List state) {
        state.at = (state.at + 1) & (HELD - 1);
        state.append(state.out[state.at]);
        int taken = state.takeFirst();
        state.out[state.at] = taken;
        return taken;
    }
}
