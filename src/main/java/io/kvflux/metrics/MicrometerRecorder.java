package io.kvflux.metrics;

import io.kvflux.api.FinishReason;
import io.kvflux.api.SchedulerRecorder;
import io.kvflux.api.Usage;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import java.util.concurrent.TimeUnit;

/**
 * Records times and sizes into a Micrometer registry. To be given to the builder's recorder; the gauges and counters come
 * from {@link SchedulerMeters}.
 */
public final class MicrometerRecorder implements SchedulerRecorder {

    private final Timer queueWait;
    private final Timer firstToken;
    private final Timer nextToken;
    private final Timer sequence;
    private final Timer step;
    private final DistributionSummary stepSequences;
    private final DistributionSummary stepTokens;

    /**
     * Registers the meters.
     *
     * @param registry where
     * @param tags what tells this scheduler from others, such as the model
     */
    public MicrometerRecorder(MeterRegistry registry, Tags tags) {
        queueWait = timer(registry, tags, "kvflux.sequence.wait", "from submission to first admission");
        firstToken = timer(registry, tags, "kvflux.token.first", "from submission to first token");
        nextToken = timer(registry, tags, "kvflux.token.next", "from one token to the next");
        sequence = timer(registry, tags, "kvflux.sequence.duration", "from submission to the end");
        step = timer(registry, tags, "kvflux.step.duration", "from planning a step to its result");
        stepSequences = summary(registry, tags, "kvflux.step.sequences", "sequences in a step");
        stepTokens = summary(registry, tags, "kvflux.step.tokens", "tokens computed in a step");
    }

    private static Timer timer(MeterRegistry registry, Tags tags, String name, String description) {
        return Timer.builder(name).description(description).tags(tags).register(registry);
    }

    private static DistributionSummary summary(MeterRegistry registry, Tags tags, String name, String description) {
        return DistributionSummary.builder(name)
                .description(description)
                .tags(tags)
                .register(registry);
    }

    @Override
    public void admitted(long waitNs, int promptTokens, int cachedTokens) {
        queueWait.record(waitNs, TimeUnit.NANOSECONDS);
    }

    @Override
    public void firstToken(long sinceSubmitNs) {
        firstToken.record(sinceSubmitNs, TimeUnit.NANOSECONDS);
    }

    @Override
    public void nextToken(long sincePreviousNs) {
        nextToken.record(sincePreviousNs, TimeUnit.NANOSECONDS);
    }

    @Override
    public void ended(FinishReason reason, long lifetimeNs, Usage usage) {
        sequence.record(lifetimeNs, TimeUnit.NANOSECONDS);
    }

    @Override
    public void stepCompleted(int entries, int tokens, long durationNs, boolean failed) {
        step.record(durationNs, TimeUnit.NANOSECONDS);
        stepSequences.record(entries);
        stepTokens.record(tokens);
    }
}
