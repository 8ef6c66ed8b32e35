package io.kvflux.block;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * {@link ReplayR} as a whole. The score is the time of one replay with its prompts made; what counts are the counters
 * beside it, which hold the time inside the pool alone. A replay that does not hit exactly what it must fails.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 3)
@Measurement(iterations = 5)
@Fork(5)
public class ReplayRBenchmark {

    /** The two sizes of the workload, with what each policy must hit in them. */
    public enum Size {
        R32K(32_767, 16, 6_649_680, 3, 8_616_272),
        R262K(262_143, 64, 27_362_192, 0, 29_022_640);

        private final int blocks;
        private final int window;
        private final long underLru;
        private final int retries;
        private final long underAdaptive;

        Size(int blocks, int window, long underLru, int retries, long underAdaptive) {
            this.blocks = blocks;
            this.window = window;
            this.underLru = underLru;
            this.retries = retries;
            this.underAdaptive = underAdaptive;
        }
    }

    /** Who says what is evicted. The aims are those of {@code LRU}. */
    public enum Policy {
        LRU,
        ADAPTIVE
    }

    /**
     * Nanoseconds a full page by what the pool was called for, and microseconds of the longest calls. The table that is
     * printed adds them up over the replays; each replay's are in the JSON file.
     */
    @State(Scope.Thread)
    @AuxCounters(AuxCounters.Type.EVENTS)
    public static class Times {
        public double nsPage;
        public double nsPageMatch;
        public double nsPageOpen;
        public double nsPageCommit;
        public double nsPageRelease;
        public double longestMatchUs;
        public double longestOpenUs;
        public double longestCommitUs;
        public double longestReleaseUs;
        public double longestUs;
        /** All calls if each took as long as in the replay of this process in which it was fastest. */
        public double nsPageUndisturbed;
        /** The longest call if each took as long as in the replay of this process in which it was fastest. */
        public double longestUndisturbedUs;
        /** What the pool keeps at the end, but for the tokens. */
        public double metadataBytesPerBlock;
    }

    @Param
    private Size size = Size.R32K;

    @Param("LRU")
    private Policy eviction = Policy.LRU;

    private ReplayR replay;
    private BlockPool pool;

    @Setup
    public void read() {
        replay = new ReplayR(size.window);
    }

    @Setup(Level.Iteration)
    public void empty() {
        EvictionPolicy policy = eviction == Policy.LRU ? EvictionPolicy.lru() : EvictionPolicy.adaptive();
        pool = new BlockPool(size.blocks, ReplayR.PAGE_SIZE, 1, policy);
    }

    @Benchmark
    public long replay(Times times) {
        replay.run(pool);
        long hitTokens = eviction == Policy.LRU ? size.underLru : size.underAdaptive;
        if (replay.hitTokens() != hitTokens || replay.retries() != size.retries) {
            throw new IllegalStateException("the replay must hit " + hitTokens + " tokens with " + size.retries
                    + " retries, hitTokens=" + replay.hitTokens() + ", retries=" + replay.retries());
        }
        times.nsPageMatch = perPage(ReplayR.Call.MATCH);
        times.nsPageOpen = perPage(ReplayR.Call.OPEN);
        times.nsPageCommit = perPage(ReplayR.Call.COMMIT);
        times.nsPageRelease = perPage(ReplayR.Call.RELEASE);
        times.nsPage = times.nsPageMatch + times.nsPageOpen + times.nsPageCommit + times.nsPageRelease;
        times.nsPageUndisturbed = (double) replay.undisturbedNanos() / ReplayR.PAGES;
        times.longestMatchUs = replay.longestNanos(ReplayR.Call.MATCH) / 1e3;
        times.longestOpenUs = replay.longestNanos(ReplayR.Call.OPEN) / 1e3;
        times.longestCommitUs = replay.longestNanos(ReplayR.Call.COMMIT) / 1e3;
        times.longestReleaseUs = replay.longestNanos(ReplayR.Call.RELEASE) / 1e3;
        times.longestUs = Math.max(
                Math.max(times.longestMatchUs, times.longestOpenUs),
                Math.max(times.longestCommitUs, times.longestReleaseUs));
        times.metadataBytesPerBlock = (double) PoolBytes.metadata(pool) / size.blocks;
        times.longestUndisturbedUs = replay.longestUndisturbedNanos() / 1e3;
        return replay.hitTokens();
    }

    private double perPage(ReplayR.Call call) {
        return (double) replay.nanos(call) / ReplayR.PAGES;
    }
}
