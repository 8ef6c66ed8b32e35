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
 * How the scheduler of a life is set: by its number, so that each setting meets the others in turn, while memory is the same
 * in all.
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
        return Drafting.values()[number % Drafting.values().length];
    }

    int priorities() {
        return policy() == QueuePolicy.PRIORITY ? 3 : 1;
    }

    private QueuePolicy policy() {
        return QueuePolicy.values()[(number + 2) % 3];
    }

    private int maxPending(Scale scale) {
        return number % 4 == 3 ? scale.seats() / 3 : 4 * scale.seats();
    }

    BlockScheduler open(Scale scale, DeviceMemory device, Path disk, Scheduler threads, SoakRecorder recorder) {
        boolean adaptive = number % 2 == 1;
        return BlockScheduler.builder(caches())
                .device(device)
                .deviceBlocks(scale.deviceBlocks())
                .hostSwapBlocks(scale.hostBlocks())
                .hostPolicy(HostPolicy.values()[number % 3])
                .preemption(PreemptionMode.values()[number / 3 % 3])
                .disk(disk, new DataSize(scale.diskBytes()))
                .poisonOnRelease(number % 2 == 0)
                .draftPolicy(() -> drafting() == Drafting.NOBODY
                        ? DraftPolicy.off()
                        : adaptive ? DraftPolicy.adaptive() : DraftPolicy.fixed(DRAFTS))
                .policy(policy())
                .tokenBuffer(number % 2 == 0 ? 8 : 2)
                .maxPending(maxPending(scale))
                .vocabularySize(Language.VOCABULARY)
                .maxExecutorFailures(ANY_NUMBER_OF_FAILURES)
                .recorder(recorder)
                .deliverOn(threads)
                .loopOn(threads)
                .scheduling(core -> core.maxBatchSize(scale.batch())
                        .maxBatchTokens(512)
                        .maxStepsInFlight(1 + (number + 1) % 3)
                        .verifyInvariants(verifiesAll))
                .build();
    }
}
