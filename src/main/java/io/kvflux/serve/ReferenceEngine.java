package io.kvflux.serve;

import io.kvflux.BlockScheduler;
import io.kvflux.BlockSchedulerBuilder;
import io.kvflux.StepExecutor;
import io.kvflux.api.SequenceSpec;
import io.kvflux.api.TokenEvent;
import io.kvflux.core.QueuePolicy;
import io.kvflux.geometry.AttentionKind;
import io.kvflux.geometry.DType;
import io.kvflux.geometry.MultiKvCacheParams;
import io.kvflux.selftest.PagedExecutor;
import io.kvflux.selftest.ReferenceModel;
import io.kvflux.selftest.ReferenceShape;
import io.kvflux.selftest.Sampling;
import java.util.List;
import java.util.function.UnaryOperator;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * A scheduler, and the models that compute its steps: one that chooses bytes, and a smaller one that reads along in a cache
 * of its own, as a draft model would. A token is a byte.
 */
final class ReferenceEngine {

    static final int VOCABULARY = 256;

    private static final ReferenceShape TARGET =
            new ReferenceShape(AttentionKind.MHA, 2, 8, 4, 8, VOCABULARY, DType.FLOAT32);
    private static final ReferenceShape DRAFT =
            new ReferenceShape(AttentionKind.MHA, 1, 4, 2, 8, VOCABULARY, DType.FLOAT32);
    /** Keeps steps, and with them the wait for the blocks of a client that left, short. */
    private static final int MAX_BATCH_TOKENS = 512;

    final BlockScheduler scheduler;
    final Samplings samplings = new Samplings();
    private final int pageSize;
    private final StepExecutor executor;

    ReferenceEngine(ServerOptions options, UnaryOperator<StepExecutor> around) {
        pageSize = options.pageSize();
        MultiKvCacheParams caches =
                MultiKvCacheParams.fromParams(TARGET.cache(pageSize, 1, 1), DRAFT.cache(pageSize, 1, 1));
        List<ReferenceModel> models =
                List.of(ReferenceModel.of(TARGET, options.seed()), ReferenceModel.of(DRAFT, options.seed() + 1));
        scheduler = build(options, caches);
        executor = around.apply(new PagedExecutor(models, caches, scheduler.memory(), samplings::of));
    }

    private static BlockScheduler build(ServerOptions options, MultiKvCacheParams caches) {
        BlockSchedulerBuilder builder = BlockScheduler.builder(caches)
                .vocabularySize(VOCABULARY)
                .policy(QueuePolicy.FAIR)
                .maxBatchSize(options.maxBatchSize())
                .maxBatchTokens(Math.max(MAX_BATCH_TOKENS, options.maxBatchSize()))
                .maxPending(options.maxPending())
                .poisonOnRelease(options.poisonOnRelease());
        if (options.deviceBlocks() != null) {
            builder.deviceBlocks(options.deviceBlocks());
        }
        if (options.deviceMemory() != null || options.deviceBlocks() == null) {
            builder.deviceMemory(
                    options.deviceMemory() == null ? ServerOptions.DEFAULT_DEVICE_MEMORY : options.deviceMemory());
        }
        return builder.build();
    }

    /** At subscription begins to compute steps. */
    Mono<Void> run() {
        return scheduler.run(executor);
    }

    /** As {@link BlockScheduler#generate}; knows the sampling for as long as anybody listens. */
    Flux<TokenEvent> generate(SequenceSpec spec, Sampling sampling) {
        return Flux.using(
                () -> {
                    samplings.put(spec, sampling);
                    return spec;
                },
                scheduler::generate,
                samplings::remove);
    }

    /** Most tokens that a prompt and its continuation may have together. */
    long contextLength() {
        return scheduler.metrics().usableBlocks() * pageSize;
    }
}
