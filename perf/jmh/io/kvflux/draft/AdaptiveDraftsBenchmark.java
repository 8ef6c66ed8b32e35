package io.kvflux.draft;

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
 * What a decision costs for 256 sequences of up to 8 drafts, all with rates of their own, on a device where depth costs too:
 * every depth is tried. Filling the round is a part of deciding, and is measured alone as well.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(2)
public class AdaptiveDraftsBenchmark {

    private static final int SEQUENCES = 256;
    private static final int DRAFTS = 8;
    private static final int PAGE = 16;
    private static final int WATERMARK = 100;

    /** Whether blocks are short: a page has a price, and 20 may be opened. */
    @Param({"plenty", "short"})
    public String blocks;

    private final DraftPolicy policy = DraftPolicy.adaptive();
    private final StepCosts costs = new StepCosts();
    private final DraftRound round = new DraftRound(DRAFTS);
    private final AcceptanceRates[] rates = new AcceptanceRates[SEQUENCES];
    private final int[] slots = new int[SEQUENCES];
    private int free;

    @Setup
    public void learn() {
        SplittableRandom random = new SplittableRandom(1);
        AcceptanceRates tenant = new AcceptanceRates(DRAFTS).part();
        for (int i = 0; i < SEQUENCES; i++) {
            rates[i] = tenant.part();
            slots[i] = random.nextInt(PAGE);
            double rate = 0.3 + 0.6 * random.nextDouble();
            for (int j = 0; j < 30; j++) {
                int accepted = 0;
                while (accepted < DRAFTS && random.nextDouble() < rate) {
                    accepted++;
                }
                rates[i].examined(DRAFTS, accepted);
            }
        }
        for (int i = 0; i < 20_000; i++) {
            int tokens = 1 + random.nextInt(3000);
            int depth = random.nextInt(DRAFTS + 1);
            costs.observe(tokens, depth, 0.001 + Math.max(0.016, 5e-5 * tokens) + 5e-4 * depth);
        }
        free = blocks.equals("short") ? WATERMARK + 20 : 1_000_000;
    }

    @Benchmark
    public DraftRound fill() {
        round.reset(PAGE, SEQUENCES * DRAFTS, free, free, WATERMARK);
        round.prompts(64, 1, false);
        for (int i = 0; i < SEQUENCES; i++) {
            round.add(DRAFTS, slots[i], rates[i], 0);
        }
        return round;
    }

    @Benchmark
    public int decide() {
        policy.decide(fill(), costs);
        return round.grant(0);
    }
}
