package io.kvflux.app;

import io.kvflux.core.QueuePolicy;
import io.kvflux.core.SchedulerConfig;
import io.kvflux.core.VictimRule;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What the scheduler is told. */
final class SchedulingOptions {

    @Option(
            names = "--policy",
            paramLabel = "P",
            converter = Converters.Policy.class,
            description =
                    "Order of admission: fifo, priority (traces give none, so in order of arrival, but one that does"
                            + " not fit may be passed), fair, shortest (least predicted work first). Default: fifo.")
    @Nullable
    QueuePolicy policy;

    @Option(
            names = "--ageing",
            paramLabel = "N",
            converter = Converters.Count.class,
            description = "Under --policy shortest or a --victim that goes by length, steps after which nobody who"
                    + " comes later goes before a sequence."
                    + " Default: " + SchedulerConfig.Builder.DEFAULT_AGEING + ".")
    @Nullable
    Integer ageing;

    @Option(
            names = "--growth-margin",
            paramLabel = "D",
            converter = Converters.Decimal.class,
            description =
                    "Admit only what leaves room for all that run to grow, as lengths of outputs seen so far tell,"
                            + " with D standard deviations to spare. Default: look at what they hold now.")
    @Nullable
    Double growthMargin;

    @Option(
            names = "--victim",
            paramLabel = "V",
            converter = Converters.Victim.class,
            description =
                    "Who is preempted: least-cost, last-admitted, most-work (most to do still), cheapest-room (least"
                            + " cost for the room that it gives). Default: least-cost.")
    @Nullable
    VictimRule victim;

    @Option(
            names = "--levelling",
            description =
                    "Under --policy shortest, start a sequence that takes longer than all that is left at once, in the"
                            + " place of some with little left. Default: off.")
    boolean levelling;

    @Option(
            names = "--eviction",
            paramLabel = "E",
            converter = Converters.EvictionName.class,
            description =
                    "What is evicted first: lru, or adaptive (by what was learned of how surely content comes back,"
                            + " and hardly worse than lru where that is wrong). Default: lru, tail first.")
    Eviction eviction = Eviction.LRU;

    @Option(
            names = "--max-batch-size",
            paramLabel = "N",
            converter = Converters.Count.class,
            description = "Most sequences in a step, per replica. Default: "
                    + SchedulerConfig.Builder.DEFAULT_MAX_BATCH_SIZE + ".")
    @Nullable
    Integer maxBatchSize;

    @Option(
            names = "--max-batch-tokens",
            paramLabel = "N",
            converter = Converters.Count.class,
            description = "Most tokens computed in a step, per replica. Default: "
                    + SchedulerConfig.Builder.DEFAULT_MAX_BATCH_TOKENS + ".")
    @Nullable
    Integer maxBatchTokens;

    @Option(
            names = "--max-steps-in-flight",
            paramLabel = "N",
            converter = Converters.Count.class,
            description = "Steps issued before the first result is back. Default: "
                    + SchedulerConfig.Builder.DEFAULT_MAX_STEPS_IN_FLIGHT + ".")
    @Nullable
    Integer maxStepsInFlight;

    @Option(
            names = "--engine",
            paramLabel = "NAME",
            converter = Converters.EngineName.class,
            description = "Do as this engine does: vllm (fifo, no watermark, whole-prompt admission against what is"
                    + " free, none in a step that preempted, the last running sequence is the victim, recompute, one"
                    + " step in flight). Default: our own rules: a watermark of "
                    + SchedulerConfig.Builder.DEFAULT_WATERMARK
                    + " of the blocks (one for each that runs at most), room"
                    + " kept for admitted prompts, the victim whose loss costs least, prefill chunks that leave no less than "
                    + SchedulerConfig.Builder.DEFAULT_MIN_CHUNK_TOKENS + " tokens, at most "
                    + SchedulerConfig.Builder.DEFAULT_MAX_SKIPS + " skips.")
    @Nullable
    Engine engine;

    @Option(
            names = "--verify-invariants",
            description = "Check the whole structure after every operation (slow). Default: off.")
    boolean verifyInvariants;
}
