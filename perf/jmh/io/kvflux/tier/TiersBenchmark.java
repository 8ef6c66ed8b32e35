package io.kvflux.tier;

import io.kvflux.block.BlockPool;
import io.kvflux.block.BlockTable;
import io.kvflux.block.EvictionPolicy;
import io.kvflux.block.PageKeys;
import io.kvflux.block.PrefixMatch;
import io.kvflux.block.PrefixScope;
import java.util.SplittableRandom;
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

/**
 * Full tiers: prompts that the device has lost and the host has, each of which pushes another off the device. One operation is
 * one page of 16 tokens; {@code deviceOnly} is the pool without a host.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(3)
public class TiersBenchmark {

    private static final int PAGE_SIZE = 16;
    private static final int PAGES = 64;
    private static final int DEVICE_BLOCKS = 4_096;
    private static final int PROMPTS = 256;

    /** When pages go to the host. */
    @Param
    private HostPolicy policy = HostPolicy.INCLUSIVE;

    private final BlockTable table = new BlockTable();
    private final PrefixMatch device = new PrefixMatch();
    private final HostMatch host = new HostMatch();
    private BlockPool pool;
    private BlockPool alone;
    private Tiers tiers;
    private int[][] prompts;
    private int at;

    @Setup
    public void fill() {
        SplittableRandom random = new SplittableRandom(1);
        prompts = new int[PROMPTS][];
        for (int i = 0; i < PROMPTS; i++) {
            prompts[i] = random.ints(PAGES * PAGE_SIZE, 0, 100_000).toArray();
        }
        alone = new BlockPool(DEVICE_BLOCKS, PAGE_SIZE, 1, EvictionPolicy.lru());
        pool = new BlockPool(DEVICE_BLOCKS, PAGE_SIZE, 1, EvictionPolicy.lru());
        tiers = new Tiers(1, DEVICE_BLOCKS, PAGE_SIZE, 2 * PROMPTS * PAGES, policy);
        pool.onContent(tiers.listener(0));
        for (int i = 0; i < 2 * PROMPTS; i++) {
            withHost();
            deviceOnly();
        }
    }

    /** Found on the host, brought to the device in place of others that go to the host, committed and released. */
    @Benchmark
    @OperationsPerInvocation(PAGES)
    public int withHost() {
        int[] prompt = next();
        pool.match(PrefixScope.NONE, prompt, PAGES, PageKeys.none(), device);
        tiers.match(0, PrefixScope.NONE, 0, prompt, device.pages(), PAGES, PageKeys.none(), true, host);
        int found = host.pages();
        for (int i = found - 1; i >= 0; i--) {
            tiers.read(host.slot(i));
        }
        pool.open(table, PrefixScope.NONE, device, 0);
        while (pool.freeBlocks() < PAGES) {
            land(tiers.offload(0, pool.victim()));
            pool.evictVictim(false);
        }
        pool.grow(table, PAGES);
        pool.commit(table, prompt, PAGES, PageKeys.none());
        for (int i = PAGES - 1; i >= 0; i--) {
            land(tiers.writeThrough(0, table.block(i)));
        }
        pool.release(table);
        return found;
    }

    /** Computed anew in place of others, committed and released. */
    @Benchmark
    @OperationsPerInvocation(PAGES)
    public int deviceOnly() {
        int[] prompt = next();
        alone.match(PrefixScope.NONE, prompt, PAGES, PageKeys.none(), device);
        alone.open(table, PrefixScope.NONE, device, PAGES);
        alone.commit(table, prompt, PAGES, PageKeys.none());
        alone.release(table);
        return device.pages();
    }

    private int[] next() {
        at = at + 1 == PROMPTS ? 0 : at + 1;
        return prompts[at];
    }

    private void land(int slot) {
        if (slot != Tiers.NO_SLOT) {
            tiers.written(slot, true);
        }
    }
}
