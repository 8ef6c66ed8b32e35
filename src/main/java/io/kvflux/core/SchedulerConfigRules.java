package io.kvflux.core;

import io.kvflux.draft.DraftPolicy;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What the values of a {@link SchedulerConfig.Builder} must keep to, each and together. */
final class SchedulerConfigRules {

    private static final int MAX_STEPS_IN_FLIGHT = 64;

    private final SchedulerConfig.Builder builder;
    private final List<String> faults = new ArrayList<>();

    SchedulerConfigRules(SchedulerConfig.Builder builder) {
        this.builder = builder;
    }

    /** A sentence with the values for each that is broken. */
    List<String> contradictions() {
        checkSteps();
        checkOrder();
        checkTiersAndDrafts();
        return faults;
    }

    private void checkSteps() {
        require(builder.blocksPerReplica >= 1, "must be positive", "blocksPerReplica", builder.blocksPerReplica);
        require(builder.maxBatchSize >= 1, "must be positive", "maxBatchSize", builder.maxBatchSize);
        require(
                builder.maxBatchTokens >= builder.maxBatchSize,
                "must be at least maxBatchSize",
                "maxBatchTokens",
                builder.maxBatchTokens + ", maxBatchSize=" + builder.maxBatchSize);
        require(
                builder.maxBatchContextTokens >= 1,
                "must be positive",
                "maxBatchContextTokens",
                builder.maxBatchContextTokens);
        require(
                builder.maxBatchTokens < builder.maxBatchSize || builder.chunk() <= builder.mostChunk(),
                "must be at most maxBatchTokens - maxBatchSize + 1",
                "minChunkTokens",
                builder.chunk() + ", maxBatchTokens=" + builder.maxBatchTokens + ", maxBatchSize="
                        + builder.maxBatchSize);
        require(
                builder.maxStepsInFlight >= 1 && builder.maxStepsInFlight <= MAX_STEPS_IN_FLIGHT,
                "must be in [1, " + MAX_STEPS_IN_FLIGHT + "]",
                "maxStepsInFlight",
                builder.maxStepsInFlight);
    }

    private void checkOrder() {
        require(builder.watermark >= 0 && builder.watermark < 1, "must be in [0, 1)", "watermark", builder.watermark);
        require(builder.maxSkips >= 0, "must not be negative", "maxSkips", builder.maxSkips);
        require(builder.ageing >= 0, "must not be negative", "ageing", builder.ageing);
        require(
                builder.growthMargin == null
                        || (builder.growthMargin >= 0 && builder.growthMargin < Double.POSITIVE_INFINITY),
                "must be finite and not negative",
                "growthMargin",
                builder.growthMargin);
        require(
                !builder.levelling || builder.policy == QueuePolicy.SHORTEST,
                "needs the policy that goes by work",
                "levelling",
                builder.levelling + ", policy=" + builder.policy);
    }

    private void checkTiersAndDrafts() {
        require(
                builder.offloadLow >= 0 && builder.offloadLow <= builder.offloadHigh && builder.offloadHigh < 1,
                "must have 0 <= low <= high < 1",
                "offloadWatermarks",
                builder.offloadLow + ", " + builder.offloadHigh);
        require(
                builder.hostBlocks >= 0 && builder.hostBlocks < Integer.MAX_VALUE,
                "must be in [0, 2^31 - 1)",
                "hostBlocks",
                builder.hostBlocks);
        require(
                builder.hostBlocks <= 0 || builder.prefixCaching,
                "needs prefix caching, by which content is found again",
                "hostBlocks",
                builder.hostBlocks);
        require(
                builder.disk == null || builder.hostBlocks > 0,
                "needs a host tier above it",
                "disk",
                builder.disk == null ? "none" : builder.disk.slots() + " slots");
        require(
                builder.preemption != PreemptionMode.OFFLOAD || builder.hostBlocks > 0,
                "needs a host tier to offload to",
                "preemption",
                builder.preemption + ", hostBlocks=" + builder.hostBlocks);
        require(
                builder.draftPolicy == null
                        || builder.caches.numDraftTokens() > 0
                        || builder.draftPolicy.get() == DraftPolicy.off(),
                "needs caches with draft tokens, unless it is off",
                "draftPolicy",
                "given, numDraftTokens=" + builder.caches.numDraftTokens());
        require(
                builder.maxInFlightDraftTokens == null || builder.maxInFlightDraftTokens >= 0,
                "must not be negative",
                "maxInFlightDraftTokens",
                builder.maxInFlightDraftTokens);
    }

    private void require(boolean condition, String rule, String name, @Nullable Object value) {
        if (!condition) {
            faults.add(name + " " + rule + ", " + name + "=" + value);
        }
    }
}
