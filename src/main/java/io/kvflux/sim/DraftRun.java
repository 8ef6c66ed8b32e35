package io.kvflux.sim;

import io.kvflux.api.Step;
import io.kvflux.core.SchedulerConfig;
import io.kvflux.draft.DraftPolicy;
import io.kvflux.geometry.DType;
import io.kvflux.geometry.DeviceRef;
import io.kvflux.geometry.KvCacheParams;
import io.kvflux.geometry.MultiKvCacheParams;
import io.kvflux.geometry.SpeculativeMethod;
import java.util.Random;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * One load through the scheduler under simulated time, with one policy. A step of n tokens takes 1 + max(16, 0.05 n) ms,
 * drafts included, and 0.5 ms for each draft of its longest chain.
 *
 * @param policy who drafts how much
 * @param acceptance how often a draft is accepted
 * @param blocks of the device
 * @param mostDrafts of a sequence in a round
 * @param upset what makes steps longer or shorter than their work
 */
record DraftRun(Supplier<DraftPolicy> policy, double acceptance, int blocks, int mostDrafts, Upset upset) {

    static final int PAGE_SIZE = 16;
    static final int PLENTY = 100_000;

    /** What a device does beside its work. */
    enum Upset {
        NONE("nothing"),
        LONG_FIRST("the first step is 2 s longer"),
        PAUSE("a pause of 200 ms in step 500"),
        JITTER("steps are up to 10 % shorter or longer");

        private final String text;

        Upset(String text) {
            this.text = text;
        }

        /** The same in every run. */
        private CostModel model() {
            Random random = new Random(3);
            long[] step = new long[1];
            return (sequences, prefill, decode, context) -> {
                step[0]++;
                double seconds = verifySeconds(prefill + decode);
                return switch (this) {
                    case NONE -> seconds;
                    case LONG_FIRST -> seconds + (step[0] == 1 ? 2 : 0);
                    case PAUSE -> seconds + (step[0] == 500 ? 0.2 : 0);
                    case JITTER -> seconds * (0.9 + 0.2 * random.nextDouble());
                };
            };
        }

        @Override
        public String toString() {
            return text;
        }
    }

    DraftRun(Supplier<DraftPolicy> policy, double acceptance, int blocks, int mostDrafts) {
        this(policy, acceptance, blocks, mostDrafts, Upset.NONE);
    }

    /** Output tokens of the whole seconds before the first request ends. */
    private static final class WhileAllRun implements ReplayListener {

        private long tokens;
        private int seconds;
        private boolean over;

        @Override
        public void onTick(Tick tick) {
            if (!over && tick.seconds() > 0) {
                tokens += tick.outputTokens();
                seconds++;
            }
        }

        @Override
        public void onRequest(RequestRow row) {
            over = true;
        }

        double tokensPerSecond() {
            return seconds == 0 ? 0 : (double) tokens / seconds;
        }
    }

    /** What came out; of the grants that opened a page, {@code openedBelow} left less than the watermark. */
    record Outcome(
            double outputTokensPerSecond,
            double whileAllRun,
            double meanLatency,
            long preemptions,
            double usedFraction,
            long opened,
            long openedBelow) {}

    /** Seconds of a step of so many tokens, without its drafting. */
    static double verifySeconds(long tokens) {
        return (1 + Math.max(16, 0.05 * tokens)) / 1000;
    }

    Outcome of(Workload load) {
        SchedulerConfig config =
                SchedulerConfig.builder(caches(), blocks).draftPolicy(policy).build();
        ReplayOptions options = new ReplayOptions(
                config,
                upset.model(),
                ReplayOptions.DEFAULT_HOST_BYTES_PER_SECOND,
                1,
                0,
                false,
                false,
                null,
                new Speculation(Acceptance.of(acceptance), Speculation.linearCost(Speculation.DEFAULT_PASS_SECONDS, 0)),
                null);
        WhileAllRun whileAllRun = new WhileAllRun();
        TimedReplay replay = new TimedReplay(load, options, whileAllRun, () -> false);
        long[] opened = new long[2];
        replay.onPlan((step, core) -> {
            int now = opened(step);
            opened[0] += now;
            // Grants are the last thing that a plan allocates for: what is available after it is what they left.
            opened[1] += core.pool(0).availableBlocks() < config.watermarkBlocks() ? now : 0;
        });
        ReplaySummary summary = replay.run().summary();
        return new Outcome(
                orZero(summary.outputTokensPerSecond()),
                whileAllRun.tokensPerSecond(),
                summary.latencySeconds() == null
                        ? 0
                        : orZero(summary.latencySeconds().mean()),
                summary.preemptions() == null ? 0 : summary.preemptions().recompute(),
                orZero(summary.blocks().meanUsedFraction()),
                opened[0],
                opened[1]);
    }

    private static double orZero(@Nullable Double value) {
        return value == null ? 0 : value;
    }

    private MultiKvCacheParams caches() {
        return MultiKvCacheParams.fromParams(KvCacheParams.builder()
                .dtype(DType.BFLOAT16)
                .numLayers(1)
                .numKvHeads(1)
                .headDim(2)
                .pageSize(PAGE_SIZE)
                .devices(DeviceRef.gpus(1))
                .speculativeMethod(SpeculativeMethod.EAGLE)
                .numDraftTokens(mostDrafts)
                .build());
    }

    private static int opened(Step step) {
        int opened = 0;
        for (int i = 0; i < step.size(); i++) {
            int computed = step.cacheLength(i) + step.tokenCount(i);
            opened += pages(computed + step.granted(i)) > pages(computed) ? 1 : 0;
        }
        return opened;
    }

    private static int pages(int tokens) {
        return (tokens + PAGE_SIZE - 1) / PAGE_SIZE;
    }
}
