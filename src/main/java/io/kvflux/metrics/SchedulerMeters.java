package io.kvflux.metrics;

import io.kvflux.api.SchedulerMetrics;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.binder.MeterBinder;
import java.util.Objects;
import java.util.function.ToDoubleFunction;

/** Shows a scheduler's live numbers in a Micrometer registry as gauges and counters named {@code kvflux.*}. */
public final class SchedulerMeters implements MeterBinder {

    private final SchedulerMetrics metrics;
    private final Tags tags;

    /**
     * A binder.
     *
     * @param metrics the scheduler's numbers
     * @param tags what tells this scheduler from others, such as the model
     */
    public SchedulerMeters(SchedulerMetrics metrics, Tags tags) {
        this.metrics = Objects.requireNonNull(metrics, "metrics");
        this.tags = Objects.requireNonNull(tags, "tags");
    }

    @Override
    public void bindTo(MeterRegistry registry) {
        bindBlocks(registry);
        bindSequences(registry);
        bindHost(registry);
        bindDrafts(registry);
        gauge(registry, "kvflux.steps.in.flight", "steps whose result is not in", SchedulerMetrics::stepsInFlight);
        counter(registry, "kvflux.steps", "steps whose result was taken", SchedulerMetrics::stepsCompleted);
        counter(registry, "kvflux.steps.failed", "steps that failed as a whole", SchedulerMetrics::stepsFailed);
        counter(registry, "kvflux.tokens.prompt", "prompt tokens admitted", SchedulerMetrics::promptTokens);
        counter(registry, "kvflux.tokens.cached", "prompt tokens found in the cache", SchedulerMetrics::cachedTokens);
        counter(registry, "kvflux.tokens.generated", "tokens generated", SchedulerMetrics::generatedTokens);
    }

    private void bindBlocks(MeterRegistry registry) {
        blocks(registry, "free", SchedulerMetrics::freeBlocks);
        blocks(registry, "held", SchedulerMetrics::heldBlocks);
        blocks(registry, "cached", SchedulerMetrics::cachedBlocks);
        blocks(registry, "withheld", SchedulerMetrics::withheldBlocks);
        counter(registry, "kvflux.replicas.lost", "replicas whose memory is lost", SchedulerMetrics::replicasLost);
    }

    private void bindSequences(MeterRegistry registry) {
        gauge(registry, "kvflux.sequences.running", "sequences that hold blocks", SchedulerMetrics::running);
        gauge(registry, "kvflux.sequences.waiting", "sequences in the queue", SchedulerMetrics::waiting);
        gauge(registry, "kvflux.sequences.pending", "sequences never admitted yet", SchedulerMetrics::pending);
        gauge(registry, "kvflux.sequences.delayed", "sequences outside a full queue", SchedulerMetrics::delayed);
        counter(registry, "kvflux.sequences.submitted", "sequences submitted", SchedulerMetrics::submitted);
        ended(registry, "finished", SchedulerMetrics::finished);
        ended(registry, "cancelled", SchedulerMetrics::cancelled);
        ended(registry, "failed", SchedulerMetrics::failed);
        ended(registry, "refused", SchedulerMetrics::refused);
        counter(registry, "kvflux.preemptions", "sequences that gave up their blocks", SchedulerMetrics::preemptions);
        counter(
                registry,
                "kvflux.preemptions.offload",
                "of those, the ones whose KV went to the host",
                SchedulerMetrics::offloadPreemptions);
    }

    private void bindHost(MeterRegistry registry) {
        gauge(registry, "kvflux.host.blocks", "blocks that the host has room for", SchedulerMetrics::hostBlocks);
        gauge(
                registry,
                "kvflux.host.blocks.resident",
                "of those, the ones that hold a page",
                SchedulerMetrics::hostResidentBlocks);
        gauge(
                registry,
                "kvflux.host.blocks.writing",
                "of those, the ones that a page is being written to",
                SchedulerMetrics::hostWritingBlocks);
        counter(registry, "kvflux.host.offloaded", "blocks written to the host", SchedulerMetrics::offloadedBlocks);
        counter(registry, "kvflux.host.onloaded", "blocks read from the host", SchedulerMetrics::onloadedBlocks);
        counter(registry, "kvflux.host.dropped", "pages dropped to make room", SchedulerMetrics::droppedBlocks);
        bindDisk(registry);
        gauge(
                registry,
                "kvflux.transfers.in.flight",
                "transfers between devices and host that have not landed",
                SchedulerMetrics::transfersInFlight);
        counter(registry, "kvflux.transfers.failed", "transfers that failed", SchedulerMetrics::transfersFailed);
    }

    private void bindDrafts(MeterRegistry registry) {
        counter(registry, "kvflux.drafts.granted", "drafts granted", SchedulerMetrics::draftsGranted);
        counter(registry, "kvflux.drafts.accepted", "drafts verified and accepted", SchedulerMetrics::draftsAccepted);
        counter(registry, "kvflux.drafts.rejected", "drafts verified and rejected", SchedulerMetrics::draftsRejected);
        counter(registry, "kvflux.drafts.aborted", "drafts never verified", SchedulerMetrics::draftsAborted);
        counter(registry, "kvflux.drafters.failed", "sequences whose drafter failed", SchedulerMetrics::draftersFailed);
        gauge(registry, "kvflux.drafts.in.flight", "drafts whose fate is open", SchedulerMetrics::draftsInFlight);
    }

    private void bindDisk(MeterRegistry registry) {
        gauge(registry, "kvflux.disk.blocks", "blocks that the disk has room for", SchedulerMetrics::diskBlocks);
        gauge(
                registry,
                "kvflux.disk.blocks.resident",
                "of those, the ones that hold a page",
                SchedulerMetrics::diskResidentBlocks);
        counter(registry, "kvflux.disk.stored", "blocks written to the disk", SchedulerMetrics::diskStoredBlocks);
        counter(registry, "kvflux.disk.fetched", "blocks read from the disk", SchedulerMetrics::diskFetchedBlocks);
        counter(registry, "kvflux.disk.dropped", "pages dropped to make room", SchedulerMetrics::diskDroppedBlocks);
        counter(
                registry,
                "kvflux.disk.spoiled",
                "pages that were not there as they had been written",
                SchedulerMetrics::diskSpoiledBlocks);
    }

    private void blocks(MeterRegistry registry, String state, ToDoubleFunction<SchedulerMetrics> value) {
        Gauge.builder("kvflux.blocks", metrics, value)
                .description("blocks by state; the states add up to all")
                .tags(tags.and(Tag.of("state", state)))
                .register(registry);
    }

    private void ended(MeterRegistry registry, String how, ToDoubleFunction<SchedulerMetrics> value) {
        FunctionCounter.builder("kvflux.sequences.ended", metrics, value)
                .description("sequences by how they ended")
                .tags(tags.and(Tag.of("how", how)))
                .register(registry);
    }

    private void gauge(
            MeterRegistry registry, String name, String description, ToDoubleFunction<SchedulerMetrics> value) {
        Gauge.builder(name, metrics, value).description(description).tags(tags).register(registry);
    }

    private void counter(
            MeterRegistry registry, String name, String description, ToDoubleFunction<SchedulerMetrics> value) {
        FunctionCounter.builder(name, metrics, value)
                .description(description)
                .tags(tags)
                .register(registry);
    }
}
