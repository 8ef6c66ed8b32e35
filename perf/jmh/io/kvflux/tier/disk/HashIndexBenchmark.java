package io.kvflux.tier.disk;

import io.kvflux.api.BlockHash;
import io.kvflux.tier.HashIndex;
import java.nio.ByteBuffer;
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

/** A full index: hits, misses, and pages that take the places of others. One operation is one page. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(3)
public class HashIndexBenchmark {

    /** 4096 slots fit the second-level cache, 524288 (1 TiB of 2 MiB pages) do not. */
    @Param({"4096", "524288"})
    private int slots = 4096;

    private HashIndex index;
    /** Twice as many names as slots, in an order in which each comes again when it has just been dropped. */
    private BlockHash[] names;

    private int[] order;
    private int at;

    @Setup
    public void fill() {
        SplittableRandom random = new SplittableRandom(1);
        index = new HashIndex(slots);
        names = new BlockHash[2 * slots];
        for (int i = 0; i < names.length; i++) {
            byte[] bytes = new byte[BlockHash.BYTES];
            for (int word = 0; word < BlockHash.BYTES; word += Long.BYTES) {
                ByteBuffer.wrap(bytes).putLong(word, random.nextLong());
            }
            names[i] = new BlockHash(bytes);
        }
        for (int i = 0; i < slots; i++) {
            index.publish(index.reserve(names[i]));
        }
        order = random.ints(1 << 16, 0, slots).toArray();
        at = 0;
    }

    /** Found, pinned for reading, and unpinned. */
    @Benchmark
    public int hit() {
        at = (at + 1) & (order.length - 1);
        int slot = index.find(names[order[at]]);
        index.pin(slot);
        index.unpin(slot);
        return slot;
    }

    @Benchmark
    public int miss() {
        at = (at + 1) & (order.length - 1);
        return index.find(names[slots + order[at]]);
    }

    /** Not found, put in the place of the least recent one, and published. */
    @Benchmark
    public int replace() {
        at = at + 1 == names.length ? 0 : at + 1;
        int slot = index.reserve(names[(slots + at) % names.length]);
        index.publish(slot);
        return slot;
    }
}
