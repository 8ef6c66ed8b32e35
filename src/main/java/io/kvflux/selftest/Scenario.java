package io.kvflux.selftest;

import io.kvflux.BlockSchedulerBuilder;
import io.kvflux.api.SequenceSpec;
import io.kvflux.core.PreemptionMode;
import io.kvflux.core.QueuePolicy;
import io.kvflux.core.SchedulerConfig;
import io.kvflux.core.VictimRule;
import io.kvflux.draft.DraftPolicy;
import io.kvflux.geometry.AttentionKind;
import io.kvflux.geometry.KvCacheParams;
import io.kvflux.geometry.MultiKvCacheParams;
import io.kvflux.geometry.SpeculativeMethod;
import io.kvflux.tier.HostPolicy;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One run of the adversary. All that happens follows from these values, so its one line of text, {@link #toString}, replays
 * it: in any order of the scenarios, on any machine, until the scheduler decides differently.
 *
 * @param seed of weights, clients and the order of events
 * @param shape of the target model
 * @param draft whether a smaller draft model reads along in a cache of its own
 * @param tensorParallel devices a replica
 * @param dataParallel replicas
 * @param overlap steps in flight
 * @param pageSize tokens in a page
 * @param blocks usable blocks a replica
 * @param maxBatchSize sequences in a step
 * @param maxBatchTokens tokens in a step
 * @param minChunkTokens least rest of a chunked prompt
 * @param policy order of admission
 * @param victim who is preempted
 * @param watermark fraction of blocks that admission leaves
 * @param caching whether pages are shared
 * @param tokenBuffer tokens computed ahead of demand
 * @param promptTokens most tokens of a client's own prompt
 * @param outputTokens most tokens generated for a client
 * @param clients numbers of the clients; leaving some out does not change the others
 * @param events what else happens
 * @param reservePrefills whether admission leaves room for prompts that are admitted
 * @param admitAfterPreemption whether a step that preempted may admit
 * @param maxSkips admissions past a sequence that does not fit
 * @param maxPending sequences that may wait for admission; more are refused
 * @param hostBlocks blocks that the host has room for; 0 for no host tier
 * @param hostPolicy when blocks go to the host and whether they stay
 * @param preemption how the KV of a preempted sequence comes back
 * @param ahead fraction of a replica's blocks that is freed ahead of demand
 * @param diskSlots pages that the disk below the host has room for; 0 for no disk
 * @param drafts most drafts of a sequence in a round; 0 for no speculation. The draft model makes them
 * @param drafting who is granted how many
 * @param distance how far the weights of a draft model that drafts are from the target's
 * @param credits drafts in flight at most; 0 for as many as can be used
 * @param lengths what goes by how long outputs become
 * @param adaptive whether cached content is evicted by what was learned of its return; if not, least recently used
 * @param poison whether a block is filled with the poison once its content has gone; if not, nothing stands between its
 *     last user and its next
 * @param verify whether the core checks its whole structure after every operation too
 */
record Scenario(
        long seed,
        ReferenceShape shape,
        boolean draft,
        int tensorParallel,
        int dataParallel,
        int overlap,
        int pageSize,
        int blocks,
        int maxBatchSize,
        int maxBatchTokens,
        int minChunkTokens,
        QueuePolicy policy,
        VictimRule victim,
        double watermark,
        boolean caching,
        int tokenBuffer,
        int promptTokens,
        int outputTokens,
        List<Integer> clients,
        Set<Event> events,
        boolean reservePrefills,
        boolean admitAfterPreemption,
        int maxSkips,
        int maxPending,
        int hostBlocks,
        HostPolicy hostPolicy,
        PreemptionMode preemption,
        double ahead,
        int diskSlots,
        int drafts,
        Drafting drafting,
        double distance,
        int credits,
        Lengths lengths,
        boolean adaptive,
        boolean poison,
        boolean verify) {

    /**
     * What goes by how long outputs become, beside policy and victim.
     *
     * @param ageing steps within which others that are submitted later may overtake, where work decides
     * @param growthMargin standard deviations to spare when admission leaves room for growth; null if it does not
     * @param levelling whether those that take longest are started in time
     */
    record Lengths(int ageing, @Nullable Double growthMargin, boolean levelling) {

        /** As everybody has it who does not say otherwise. */
        static final Lengths DEFAULT = new Lengths(SchedulerConfig.Builder.DEFAULT_AGEING, null, false);
    }

    /** Who drafts how much. */
    enum Drafting {
        /** Nobody drafts. */
        OFF,
        /** Everybody drafts as much as may be. */
        FIXED,
        /** The fewer, the more. */
        TABLE,
        /** As many as bring the most tokens a second. */
        ADAPTIVE;

        private DraftPolicy policy(int most) {
            return switch (this) {
                case OFF -> DraftPolicy.off();
                case FIXED -> DraftPolicy.fixed(most);
                case TABLE -> DraftPolicy.table(new int[] {1, 2, 4}, new int[] {most, (most + 1) / 2, most / 3});
                case ADAPTIVE -> DraftPolicy.adaptive();
            };
        }
    }

    private static final int DRAFT_SEED = 1;
    private static final int DRAFT_HEAD_DIM = 2;
    private static final int MOST_CLIENTS = 1000;
    private static final long MOST_BYTES = 1L << 30;

    Scenario {
        clients = List.copyOf(clients);
        // In the order of the constants, so that the line is the same everywhere.
        Set<Event> ordered = EnumSet.noneOf(Event.class);
        ordered.addAll(events);
        events = Collections.unmodifiableSet(ordered);
        require(seed >= 0, "seed", seed);
        require(tensorParallel >= 1 && tensorParallel <= 16, "tp", tensorParallel);
        require(dataParallel >= 1 && dataParallel <= 16, "dp", dataParallel);
        require(overlap >= 1 && overlap <= 64, "overlap", overlap);
        require(pageSize >= 1 && pageSize <= 4096, "page", pageSize);
        require(blocks >= 1 && blocks <= 1 << 20, "blocks", blocks);
        require(maxBatchSize >= 1, "batch", maxBatchSize);
        require(maxBatchTokens >= maxBatchSize, "tokens (at least batch)", maxBatchTokens);
        require(minChunkTokens >= 1 && minChunkTokens <= maxBatchTokens - maxBatchSize + 1, "chunk", minChunkTokens);
        require(watermark >= 0 && watermark < 1, "watermark", watermark);
        require(tokenBuffer >= 0, "buffer", tokenBuffer);
        require(promptTokens >= 1 && promptTokens <= 1 << 16, "prompt", promptTokens);
        require(outputTokens >= 1 && outputTokens <= 1 << 16, "output", outputTokens);
        require(!clients.isEmpty() && clients.size() <= MOST_CLIENTS, "clients", clients.size());
        require(clients.stream().allMatch(number -> number >= 0 && number < MOST_CLIENTS), "clients", clients);
        require(maxPending >= 1, "pending", maxPending);
        require(hostBlocks >= 0 && hostBlocks <= 1 << 20, "host", hostBlocks);
        require(hostBlocks == 0 || caching, "host (needs caching)", hostBlocks);
        require(preemption != PreemptionMode.OFFLOAD || hostBlocks > 0, "preemption (needs host)", preemption);
        require(ahead >= 0 && ahead < 1, "ahead", ahead);
        require(diskSlots >= 0 && diskSlots <= 1 << 16, "disk", diskSlots);
        require(diskSlots == 0 || hostBlocks > 0, "disk (needs host)", diskSlots);
        require(drafts >= 0 && drafts <= 64, "drafts", drafts);
        require(drafts == 0 || draft, "drafts (needs draft)", drafts);
        require(speculates(drafts, drafting) || !events.contains(Event.BESIDE), "beside (needs drafts)", drafts);
        require(
                credits == 0 || credits > overlap || !events.contains(Event.BESIDE),
                "credits (beside needs more than overlap)",
                credits);
        require(
                !lengths.levelling() || policy == QueuePolicy.SHORTEST,
                "levelling (needs policy=shortest)",
                lengths.levelling());
        require(lengths.growthMargin() == null || lengths.growthMargin() >= 0, "growth", lengths.growthMargin());
        require(distance >= 0 && distance <= 16, "distance", distance);
        requireMemory(
                shape,
                draft,
                drafts > 0,
                tensorParallel,
                dataParallel,
                pageSize,
                blocks + hostBlocks + diskSlots,
                clients.size(),
                promptTokens + outputTokens);
    }

    /** Each size may be as large as it likes, but not all together. Counted in floating point, which does not overflow. */
    private static void requireMemory(
            ReferenceShape shape,
            boolean draft,
            boolean drafts,
            int tensorParallel,
            int dataParallel,
            int pageSize,
            int blocks,
            int clients,
            int tokens) {
        double hidden = (double) shape.heads() * shape.headDim();
        double row = (double) shape.layers() * shape.kvHeads() * 3 * shape.headDim();
        row += drafts ? row : draft ? 2.0 * shape.heads() * DRAFT_HEAD_DIM : 0;
        double weights = Float.BYTES * hidden * (16.0 * shape.layers() * hidden + 2.0 * shape.vocabulary());
        double pages = Float.BYTES * row * tensorParallel * dataParallel * pageSize * (blocks + 1.0);
        double dense = Float.BYTES * row * clients * tokens;
        if (weights + pages + dense > MOST_BYTES) {
            throw new IllegalArgumentException(String.format(
                    Locale.ROOT,
                    "a scenario must not take more memory than limit=%d bytes, about weights=%.0f, pages=%.0f, dense=%.0f",
                    MOST_BYTES,
                    weights,
                    pages,
                    dense));
        }
    }

    private static void require(boolean holds, String field, Object value) {
        if (!holds) {
            throw new IllegalArgumentException("this value of a scenario is out of range: " + field + "=" + value);
        }
    }

    /** The target model, then the draft model if there is one. */
    List<ReferenceModel> models() {
        List<ReferenceModel> models = new ArrayList<>();
        models.add(ReferenceModel.of(shape, seed));
        if (drafts > 0) {
            models.add(ReferenceModel.near(models.get(0), distance, Seeds.mix(seed, DRAFT_SEED)));
        } else if (draft) {
            models.add(ReferenceModel.of(draftShape(), Seeds.mix(seed, DRAFT_SEED)));
        }
        return models;
    }

    private ReferenceShape draftShape() {
        if (drafts > 0) {
            return shape;
        }
        // As many heads as can be split over the same devices, each of the smallest size.
        return new ReferenceShape(
                AttentionKind.MHA, 1, shape.heads(), shape.heads(), DRAFT_HEAD_DIM, shape.vocabulary(), shape.dtype());
    }

    MultiKvCacheParams caches() {
        List<KvCacheParams> caches = new ArrayList<>();
        caches.add(cache(shape));
        if (draft) {
            caches.add(cache(draftShape()));
        }
        return MultiKvCacheParams.fromParams(caches);
    }

    private KvCacheParams cache(ReferenceShape of) {
        KvCacheParams cache = of.cache(pageSize, tensorParallel, dataParallel);
        return drafts == 0
                ? cache
                : cache.toBuilder()
                        .speculativeMethod(SpeculativeMethod.EAGLE)
                        .numDraftTokens(drafts)
                        .build();
    }

    /** Whether sequences may be granted drafts. */
    boolean speculates() {
        return speculates(drafts, drafting);
    }

    private static boolean speculates(int drafts, Drafting drafting) {
        return drafts > 0 && drafting != Drafting.OFF;
    }

    /** Tells a scheduler who drafts how much. */
    void letDraft(BlockSchedulerBuilder builder) {
        if (drafts > 0) {
            builder.draftPolicy(() -> drafting.policy(drafts));
            if (credits > 0) {
                builder.maxInFlightDraftTokens(credits);
            }
        }
    }

    /** Tells a scheduler what of its rules goes by the length of outputs. */
    void setLengths(SchedulerConfig.Builder core) {
        core.ageing(lengths.ageing()).levelling(lengths.levelling());
        if (lengths.growthMargin() != null) {
            core.growthMargin(lengths.growthMargin());
        }
    }

    /** Drafts that may be in flight. */
    long mostDraftsInFlight() {
        return credits > 0 ? credits : (long) drafts * maxBatchSize * (overlap + 1) * dataParallel;
    }

    boolean has(Event event) {
        return events.contains(event);
    }

    /** The least blocks a replica needs to run each of the clients' own sequences alone: a last token has no KV. */
    int blocksOfLongest() {
        int most = 1;
        for (int client : clients) {
            SequenceSpec spec = ClientPlan.of(this, client).spec();
            int tokens = Math.max(spec.promptLength() + 1, spec.promptLength() + spec.maxTokens() - 1);
            most = Math.max(most, (tokens + pageSize - 1) / pageSize);
        }
        return most;
    }

    @Override
    public String toString() {
        return ScenarioText.of(this).toString();
    }
}
