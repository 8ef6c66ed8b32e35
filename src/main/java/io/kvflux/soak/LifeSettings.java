package io.kvflux.soak;

import io.kvflux.BlockScheduler;
import io.kvflux.core.PreemptionMode;
import io.kvflux.core.QueuePolicy;
import io.kvflux.draft.DraftPolicy;
import io.kvflux.geometry.AttentionKind;
import io.kvflux.geometry.DType;
import io.kvflux.geometry.DataSize;
import io.kvflux.geometry.KvCacheParams;
import io.kvflux.geometry.MultiKvCacheParams;
import io.kvflux.geometry.SpeculativeMethod;
import io.kvflux.memory.DeviceMemory;
import io.kvflux.selftest.ReferenceShape;
import io.kvflux.tier.HostPolicy;
import java.nio.file.Path;
import java.util.List;
import reactor.core.scheduler.Scheduler;

/**
 * How the scheduler of a life is set: by its number, so that within nine lives any two of who drafts, how to preempt, what
 * the host keeps and who is admitted have met in every way. Memory is the same in all.
 *
 * @param number of the life, from 0
 * @param verifiesAll whether the whole structure is checked after every change
 */
record LifeSettings(int number, boolean verifiesAll) {

    static final int REPLICAS = 2;
    static final int PAGE_SIZE = 16;
    private static final int DRAFTS = 3;
    private static final int ANY_NUMBER_OF_FAILURES = Integer.MAX_VALUE;

    private static final List<MultiKvCacheParams> CACHES = List.of(MultiKvCacheParams.fromParams(List.of(
            cache(new ReferenceShape(AttentionKind.MHA, 1, 2, 2, 4, Language.VOCABULARY, DType.FLOAT32)),
            cache(new ReferenceShape(AttentionKind.MHA, 1, 1, 1, 2, Language.VOCABULARY, DType.FLOAT32)))));

    /** Who drafts. */
    enum Drafting {
        EXECUTOR,
        BESIDE,
        NOBODY
    }

    private static KvCacheParams cache(ReferenceShape shape) {
        return shape.cache(PAGE_SIZE, 1, REPLICAS).toBuilder()
                .speculativeMethod(SpeculativeMethod.EAGLE)
                .numDraftTokens(DRAFTS)
                .build();
    }

    static MultiKvCacheParams caches() {
        return CACHES.get(0);
    }

    Drafting drafting() {
        return Drafting.values()[number % 3];
    }

    private PreemptionMode preemption() {
        return PreemptionMode.values()[number / 3 % 3];
    }

    private HostPolicy hostPolicy() {
        return HostPolicy.values()[(number + number / 3) % 3];
    }

    int priorities() {
        return policy() == QueuePolicy.PRIORITY ? 3 : 1;
    }

    private QueuePolicy policy() {
        return QueuePolicy.values()[(number + 2 * (number / 3) + 2) % 3];
    }

    private int maxPending(Scale scale) {
        return number % 4 == 3 ? scale.seats() / 3 : 4 * scale.seats();
    }

    BlockScheduler open(Scale scale, DeviceMemory device, Path disk, Scheduler threads, SoakRecorder recorder) {
        boolean adaptive = number % 2 == 1;
        boolean poisons = number / 2 % 2 == 0;
        boolean buffers = (number + number / 2) % 2 == 0;
        return BlockScheduler.builder(caches())
                .device(device)
                .deviceBlocks(scale.deviceBlocks())
                .hostSwapBlocks(scale.hostBlocks())
                .hostPolicy(hostPolicy())
                .preemption(preemption())
                .disk(disk, new DataSize(scale.diskBytes()))
                .poisonOnRelease(poisons)
                .draftPolicy(() -> drafting() == Drafting.NOBODY
                        ? DraftPolicy.off()
                        : adaptive ? DraftPolicy.adaptive() : DraftPolicy.fixed(DRAFTS))
                .policy(policy())
                .tokenBuffer(buffers ? 8 : 2)
                .maxPending(maxPending(scale))
                .vocabularySize(Language.VOCABULARY)
                .maxExecutorFailures(ANY_NUMBER_OF_FAILURES)
                .recorder(recorder)
                .deliverOn(threads)
                .loopOn(threads)
                .scheduling(core -> core.maxBatchSize(scale.batch())
                        .maxBatchTokens(512)
                        .maxStepsInFlight(1 + (number / 2 + 1) % 3)
                        .verifyInvariants(verifiesAll))
                .build();
    }
}
