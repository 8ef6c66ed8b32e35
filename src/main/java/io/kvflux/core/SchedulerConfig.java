package io.kvflux.core;

import io.kvflux.block.EvictionPolicy;
import io.kvflux.block.PrefixHasher;
import io.kvflux.draft.DraftPolicy;
import io.kvflux.geometry.MultiKvCacheParams;
import io.kvflux.tier.HashIndex;
import io.kvflux.tier.HostPolicy;
import io.kvflux.tier.Tiers;
import java.math.BigInteger;
import java.util.List;
import java.util.Objects;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Everything the scheduling core is told once. Immutable; made by a {@link Builder}, which names the defaults and
 * checks the values together.
 */
public final class SchedulerConfig {

    private final MultiKvCacheParams caches;
    private final int pageSize;
    private final int blocksPerReplica;
    private final int maxBatchSize;
    private final int maxBatchTokens;
    private final long maxBatchContextTokens;
    private final int minChunkTokens;
    private final int maxStepsInFlight;
    private final boolean prefixCaching;
    private final QueuePolicy policy;
    private final VictimRule victimRule;
    private final double watermark;
    private final boolean reservePrefills;
    private final boolean admitAfterPreemption;
    private final int maxSkips;
    private final int ageing;
    private final @Nullable Double growthMargin;
    private final boolean levelling;
    private final Supplier<EvictionPolicy> eviction;
    private final int hostBlocks;
    private final HostPolicy hostPolicy;
    private final @Nullable HashIndex disk;
    private final PreemptionMode preemption;
    private final double offloadLow;
    private final double offloadHigh;
    private final Supplier<DraftPolicy> draftPolicy;
    private final boolean speculates;
    private final int maxInFlightDraftTokens;
    private final boolean reportEmptied;
    private final boolean verifyInvariants;

    private SchedulerConfig(Builder builder, int minChunkTokens) {
        caches = builder.caches;
        pageSize = caches.pageSize();
        blocksPerReplica = builder.blocksPerReplica;
        maxBatchSize = builder.maxBatchSize;
        maxBatchTokens = builder.maxBatchTokens;
        maxBatchContextTokens = builder.maxBatchContextTokens;
        this.minChunkTokens = minChunkTokens;
        maxStepsInFlight = builder.maxStepsInFlight;
        prefixCaching = builder.prefixCaching;
        policy = builder.policy;
        victimRule = builder.victimRule;
        watermark = builder.watermark;
        reservePrefills = builder.reservePrefills;
        admitAfterPreemption = builder.admitAfterPreemption;
        maxSkips = builder.maxSkips;
        ageing = builder.ageing;
        growthMargin = builder.growthMargin;
        levelling = builder.levelling;
        eviction = builder.eviction;
        hostBlocks = builder.hostBlocks;
        hostPolicy = builder.hostPolicy;
        disk = builder.disk;
        preemption = builder.preemption;
        offloadLow = builder.offloadLow;
        offloadHigh = builder.offloadHigh;
        draftPolicy = builder.draftPolicy == null ? DraftPolicy::adaptive : builder.draftPolicy;
        speculates = caches.numDraftTokens() > 0 && draftPolicy.get() != DraftPolicy.off();
        maxInFlightDraftTokens = builder.inFlightDrafts();
        reportEmptied = builder.reportEmptied;
        verifyInvariants = builder.verifyInvariants;
    }

    /** {@return the caches of a sequence: page size, replicas and the inputs of a step} */
    public MultiKvCacheParams caches() {
        return caches;
    }

    /** {@return usable blocks of one replica} */
    public int blocksPerReplica() {
        return blocksPerReplica;
    }

    /** {@return most sequences in a step, per replica} */
    public int maxBatchSize() {
        return maxBatchSize;
    }

    /** {@return most tokens computed in a step, per replica} */
    public int maxBatchTokens() {
        return maxBatchTokens;
    }

    /** {@return most tokens of context in a step, each sequence rounded up to whole pages, per replica} */
    public long maxBatchContextTokens() {
        return maxBatchContextTokens;
    }

    /** {@return least tokens a prefill chunk may leave over} */
    public int minChunkTokens() {
        return minChunkTokens;
    }

    /** {@return steps issued before the first result is back} */
    public int maxStepsInFlight() {
        return maxStepsInFlight;
    }

    /** {@return whether full pages are kept and shared} */
    public boolean prefixCaching() {
        return prefixCaching;
    }

    /** {@return order of admission} */
    public QueuePolicy policy() {
        return policy;
    }

    /** {@return who is preempted} */
    public VictimRule victimRule() {
        return victimRule;
    }

    /** {@return fraction of a replica's blocks that admission leaves available at most} */
    public double watermark() {
        return watermark;
    }

    /** {@return whether admission leaves room for what admitted prompts have still to allocate} */
    public boolean reservePrefills() {
        return reservePrefills;
    }

    /** {@return whether a step that preempted may admit} */
    public boolean admitAfterPreemption() {
        return admitAfterPreemption;
    }

    /** {@return how often a sequence that does not fit may be passed over before everybody waits for it} */
    public int maxSkips() {
        return maxSkips;
    }

    /** {@return steps within which others that are submitted later may overtake, where work decides} */
    public int ageing() {
        return ageing;
    }

    /** {@return standard deviations to spare when admission leaves room for what runs to grow; null if it does not} */
    public @Nullable Double growthMargin() {
        return growthMargin;
    }

    /** {@return whether those that take longest are started in time} */
    public boolean levelling() {
        return levelling;
    }

    /** {@return whether a rule needs to know how long outputs become} */
    boolean learnsLengths() {
        return policy == QueuePolicy.SHORTEST || growthMargin != null || victimRule.isByLength();
    }

    /** {@return makes the eviction policy of each replica's pool} */
    public Supplier<EvictionPolicy> eviction() {
        return eviction;
    }

    /** {@return blocks that the host has room for, over all replicas; 0 if there is no host tier} */
    public int hostBlocks() {
        return hostBlocks;
    }

    /** {@return when content goes to the host and whether it stays} */
    public HostPolicy hostPolicy() {
        return hostPolicy;
    }

    /** {@return how the KV of a preempted sequence comes back} */
    public PreemptionMode preemption() {
        return preemption;
    }

    /** {@return fraction of a replica's blocks: once fewer are free, cached pages go to the host ahead of demand} */
    public double offloadLow() {
        return offloadLow;
    }

    /** {@return fraction of a replica's blocks that are freed then} */
    public double offloadHigh() {
        return offloadHigh;
    }

    /** {@return makes the policy of each replica that says who drafts how much} */
    public Supplier<DraftPolicy> draftPolicy() {
        return draftPolicy;
    }

    /** {@return draft tokens granted and neither verified nor aborted at a time, over all replicas, at most} */
    public int maxInFlightDraftTokens() {
        return maxInFlightDraftTokens;
    }

    /** {@return whether steps may carry drafts: the caches have room for some, and the policy is not {@link DraftPolicy#off}} */
    public boolean speculates() {
        return speculates;
    }

    /** {@return new tiers below the devices, which hold nothing; null if there is no host tier} */
    public @Nullable Tiers newTiers() {
        if (hostBlocks == 0) {
            return null;
        }
        Tiers tiers = new Tiers(replicas(), blocksPerReplica, pageSize(), hostBlocks, hostPolicy);
        if (disk != null) {
            tiers.onDisk(disk, new PrefixHasher(pageSize(), caches.hashSeed().bytes()));
        }
        return tiers;
    }

    /** {@return whether the listener is told of blocks that hold nothing any more} */
    public boolean reportEmptied() {
        return reportEmptied;
    }

    /** {@return whether the whole structure is checked after every operation (slow)} */
    public boolean verifyInvariants() {
        return verifyInvariants;
    }

    /** {@return tokens in a page} */
    public int pageSize() {
        return pageSize;
    }

    /** {@return data-parallel replicas, each with its own pool} */
    public int replicas() {
        return caches.dataParallelDegree();
    }

    /** {@return blocks that admission leaves available at most: the watermark in blocks, rounded down} */
    public int watermarkBlocks() {
        return (int) (watermark * blocksPerReplica);
    }

    /**
     * A builder with our own defaults.
     *
     * @param caches the caches of a sequence
     * @param blocksPerReplica usable blocks of one replica
     * @return the builder
     */
    public static Builder builder(MultiKvCacheParams caches, int blocksPerReplica) {
        return new Builder(caches, blocksPerReplica);
    }

    /** Collects settings; {@link #build} checks them together. */
    public static final class Builder {

        /** Default of {@link #maxBatchSize}. */
        public static final int DEFAULT_MAX_BATCH_SIZE = 256;

        /** Default of {@link #maxBatchTokens}. */
        public static final int DEFAULT_MAX_BATCH_TOKENS = 8192;

        /** Default of {@link #minChunkTokens}, lowered to what the other limits allow. */
        public static final int DEFAULT_MIN_CHUNK_TOKENS = 16;

        /** Default of {@link #maxStepsInFlight}. */
        public static final int DEFAULT_MAX_STEPS_IN_FLIGHT = 1;

        /** Default of {@link #watermark}. */
        public static final double DEFAULT_WATERMARK = 0.01;

        /** Default of {@link #maxSkips}. */
        public static final int DEFAULT_MAX_SKIPS = 64;

        /** Default of {@link #ageing}. */
        public static final int DEFAULT_AGEING = 4000;

        /** Default of the lower watermark of {@link #offloadWatermarks}. */
        public static final double DEFAULT_OFFLOAD_LOW = 0.01;

        /** Default of the upper watermark of {@link #offloadWatermarks}. */
        public static final double DEFAULT_OFFLOAD_HIGH = 0.02;

        final MultiKvCacheParams caches;
        final int blocksPerReplica;
        int maxBatchSize = DEFAULT_MAX_BATCH_SIZE;
        int maxBatchTokens = DEFAULT_MAX_BATCH_TOKENS;
        long maxBatchContextTokens = Long.MAX_VALUE;
        int minChunkTokens;
        int maxStepsInFlight = DEFAULT_MAX_STEPS_IN_FLIGHT;
        boolean prefixCaching;
        QueuePolicy policy = QueuePolicy.FIFO;
        VictimRule victimRule = VictimRule.LEAST_COST;
        double watermark = DEFAULT_WATERMARK;
        boolean reservePrefills = true;
        boolean admitAfterPreemption = true;
        int maxSkips = DEFAULT_MAX_SKIPS;
        int ageing = DEFAULT_AGEING;

        @Nullable
        Double growthMargin;

        boolean levelling;
        Supplier<EvictionPolicy> eviction = EvictionPolicy::lru;
        int hostBlocks;
        HostPolicy hostPolicy = HostPolicy.INCLUSIVE;

        @Nullable
        HashIndex disk;

        PreemptionMode preemption = PreemptionMode.AUTO;
        double offloadLow = DEFAULT_OFFLOAD_LOW;
        double offloadHigh = DEFAULT_OFFLOAD_HIGH;

        @Nullable
        Supplier<DraftPolicy> draftPolicy;

        @Nullable
        Integer maxInFlightDraftTokens;

        boolean reportEmptied;
        boolean verifyInvariants;

        private Builder(MultiKvCacheParams caches, int blocksPerReplica) {
            this.caches = Objects.requireNonNull(caches, "caches");
            this.blocksPerReplica = blocksPerReplica;
            prefixCaching = caches.enablePrefixCaching();
        }

        /**
         * Most sequences in a step, per replica. Defaults to 256.
         *
         * @param sequences at least 1
         * @return this
         */
        public Builder maxBatchSize(int sequences) {
            maxBatchSize = sequences;
            return this;
        }

        /**
         * Most tokens computed in a step, per replica. Defaults to 8192.
         *
         * @param tokens at least maxBatchSize, so that every running sequence can decode
         * @return this
         */
        public Builder maxBatchTokens(int tokens) {
            maxBatchTokens = tokens;
            return this;
        }

        /**
         * Most tokens of context in a step, per replica, each sequence rounded up to whole pages. The first sequence of
         * a step is always allowed. Defaults to no limit.
         *
         * @param tokens at least 1
         * @return this
         */
        public Builder maxBatchContextTokens(long tokens) {
            maxBatchContextTokens = tokens;
            return this;
        }

        /**
         * Least tokens a prefill chunk may leave over. Defaults to 16, or to maxBatchTokens - maxBatchSize + 1 where that
         * is less.
         *
         * @param tokens at least 1 (1 allows every chunk), at most maxBatchTokens - maxBatchSize + 1, so that a small
         *     remainder always finds room
         * @return this
         */
        public Builder minChunkTokens(int tokens) {
            if (tokens < 1) {
                throw new IllegalArgumentException("minChunkTokens must be positive, minChunkTokens=" + tokens);
            }
            minChunkTokens = tokens;
            return this;
        }

        /**
         * Steps that may be issued before the first result is back: 1 is lock step, 2 overlaps planning with computing.
         * Defaults to 1.
         *
         * @param steps in [1, 64]
         * @return this
         */
        public Builder maxStepsInFlight(int steps) {
            maxStepsInFlight = steps;
            return this;
        }

        /**
         * Whether full pages are kept after use and shared between sequences. Defaults to what the caches say.
         *
         * @param enabled true to share
         * @return this
         */
        public Builder prefixCaching(boolean enabled) {
            prefixCaching = enabled;
            return this;
        }

        /**
         * Order of admission. Defaults to {@link QueuePolicy#FIFO}.
         *
         * @param order the policy
         * @return this
         */
        public Builder policy(QueuePolicy order) {
            policy = Objects.requireNonNull(order, "policy");
            return this;
        }

        /**
         * Who is preempted when a decode finds no block. Defaults to {@link VictimRule#LEAST_COST}.
         *
         * @param rule the rule
         * @return this
         */
        public Builder victimRule(VictimRule rule) {
            victimRule = Objects.requireNonNull(rule, "victimRule");
            return this;
        }

        /**
         * Fraction of a replica's blocks that admission leaves available, so that what runs can grow; but no more than a
         * block for each that runs. {@link #growthMargin} leaves more where more is expected, and drafts leave all of the
         * fraction. Never holds up the admission of a sequence to a replica where nobody holds a block. Defaults to 0.01.
         *
         * @param fraction in [0, 1)
         * @return this
         */
        public Builder watermark(double fraction) {
            watermark = fraction;
            return this;
        }

        /**
         * Whether admission leaves room for the blocks that admitted prompts have still to allocate. Defaults to true.
         *
         * @param reserve true to leave room
         * @return this
         */
        public Builder reservePrefills(boolean reserve) {
            reservePrefills = reserve;
            return this;
        }

        /**
         * Whether a step that preempted a sequence may admit another. Defaults to true.
         *
         * @param admit true to admit
         * @return this
         */
        public Builder admitAfterPreemption(boolean admit) {
            admitAfterPreemption = admit;
            return this;
        }

        /**
         * How often a waiting sequence that does not fit may be passed over, under a policy that skips, before everybody
         * waits for it. Defaults to 64.
         *
         * @param skips at least 0
         * @return this
         */
        public Builder maxSkips(int skips) {
            maxSkips = skips;
            return this;
        }

        /**
         * Where work decides, under {@link QueuePolicy#SHORTEST} and by victim rules that look at lengths: how many steps after
         * a sequence another may be submitted and still overtake it. Defaults to 4000.
         *
         * @param steps at least 0; 0 goes by arrival
         * @return this
         */
        public Builder ageing(int steps) {
            ageing = steps;
            return this;
        }

        /**
         * Admission leaves room for what all that run are expected to hold at any time from now on, by the lengths of outputs
         * that were seen so far, and for some deviations from that. Defaults to none: it looks at what they hold now.
         *
         * @param deviations standard deviations to spare, at least 0; about 1 where a preempted sequence computes again, and
         *     none of this where it comes back from the host
         * @return this
         */
        public Builder growthMargin(double deviations) {
            growthMargin = deviations;
            return this;
        }

        /**
         * Whether a waiting sequence that by itself takes as long as all that is left is started at once, in the place of some
         * that have little left. Needs {@link QueuePolicy#SHORTEST}. Defaults to false.
         *
         * @param level true to start it
         * @return this
         */
        public Builder levelling(boolean level) {
            levelling = level;
            return this;
        }

        /**
         * What is evicted first. Defaults to least recently used, tail first.
         *
         * @param factory makes one policy per replica
         * @return this
         */
        public Builder eviction(Supplier<EvictionPolicy> factory) {
            eviction = Objects.requireNonNull(factory, "eviction");
            return this;
        }

        /**
         * Blocks that the host has room for, shared by all replicas. Defaults to 0: no host tier.
         *
         * @param blocks at least 0; needs prefix caching if it is not 0
         * @return this
         */
        public Builder hostBlocks(int blocks) {
            hostBlocks = blocks;
            return this;
        }

        /**
         * When content goes to the host and whether it stays. Defaults to {@link HostPolicy#INCLUSIVE}.
         *
         * @param when the policy
         * @return this
         */
        public Builder hostPolicy(HostPolicy when) {
            hostPolicy = Objects.requireNonNull(when, "hostPolicy");
            return this;
        }

        /**
         * Puts a disk below the host. Defaults to none.
         *
         * @param index its slots and what an earlier run has left in them; changed by the core it is built for, alone
         * @return this
         */
        public Builder disk(HashIndex index) {
            disk = Objects.requireNonNull(index, "disk");
            return this;
        }

        /**
         * How the KV of a preempted sequence comes back. Defaults to {@link PreemptionMode#AUTO}.
         *
         * @param mode the mode; {@link PreemptionMode#OFFLOAD} needs a host tier
         * @return this
         */
        public Builder preemption(PreemptionMode mode) {
            preemption = Objects.requireNonNull(mode, "preemption");
            return this;
        }

        /**
         * When cached pages go to the host ahead of demand, so that whoever needs blocks need not wait for copies: once fewer
         * than the lower fraction of a replica's blocks are free, until the upper fraction is. Defaults to 0.01 and 0.02.
         *
         * @param low at least 0; 0 waits for demand
         * @param high at least low, less than 1
         * @return this
         */
        public Builder offloadWatermarks(double low, double high) {
            offloadLow = low;
            offloadHigh = high;
            return this;
        }

        /**
         * Who drafts how much, where the caches have room for drafts (numDraftTokens). Defaults to {@link
         * DraftPolicy#adaptive}. No sequence gets more than numDraftTokens in a round whatever the policy says.
         *
         * @param factory makes one policy per replica; one that is not off needs caches with draft tokens
         * @return this
         */
        public Builder draftPolicy(Supplier<DraftPolicy> factory) {
            draftPolicy = Objects.requireNonNull(factory, "draftPolicy");
            return this;
        }

        /**
         * Draft tokens that may be in flight, granted and neither verified nor aborted, over all replicas. Defaults to what all
         * that runs can ever use: numDraftTokens * maxBatchSize * (maxStepsInFlight + 1) for each replica.
         *
         * @param tokens at least 0; with 0 nobody drafts
         * @return this
         */
        public Builder maxInFlightDraftTokens(int tokens) {
            maxInFlightDraftTokens = tokens;
            return this;
        }

        private int inFlightDrafts() {
            if (maxInFlightDraftTokens != null) {
                return maxInFlightDraftTokens;
            }
            BigInteger all = BigInteger.valueOf((long) caches.numDraftTokens() * maxBatchSize)
                    .multiply(BigInteger.valueOf((maxStepsInFlight + 1L) * caches.dataParallelDegree()));
            return all.min(BigInteger.valueOf(Integer.MAX_VALUE)).intValue();
        }

        /**
         * Whether the listener is told of blocks that hold nothing any more. Defaults to false.
         *
         * @param report true to tell
         * @return this
         */
        public Builder reportEmptied(boolean report) {
            reportEmptied = report;
            return this;
        }

        /**
         * Whether the whole structure is checked after every operation. Costs time in proportion to the pool. Defaults
         * to false.
         *
         * @param verify true to check
         * @return this
         */
        public Builder verifyInvariants(boolean verify) {
            verifyInvariants = verify;
            return this;
        }

        /**
         * What vLLM v1 does: first come first served, no watermark, admission on the whole prompt against what is free
         * now, none in a step that preempted, the last running sequence is the victim and is recomputed, one step in
         * flight, chunks of any size.
         *
         * @return this
         */
        public Builder engineVllm() {
            growthMargin = null;
            return levelling(false)
                    .policy(QueuePolicy.FIFO)
                    .victimRule(VictimRule.LAST_ADMITTED)
                    .watermark(0)
                    .reservePrefills(false)
                    .admitAfterPreemption(false)
                    .minChunkTokens(1)
                    .maxStepsInFlight(1);
        }

        /**
         * Checks and builds.
         *
         * @return the configuration
         * @throws IllegalArgumentException listing everything that contradicts, with the values
         */
        public SchedulerConfig build() {
            List<String> faults = contradictions();
            if (!faults.isEmpty()) {
                throw new IllegalArgumentException(String.join("; ", faults));
            }
            return new SchedulerConfig(this, chunk());
        }

        /**
         * Checks without building.
         *
         * @return everything that contradicts, a sentence with the values each; empty if {@link #build} will succeed
         */
        public List<String> contradictions() {
            return new SchedulerConfigRules(this).contradictions();
        }

        int chunk() {
            return minChunkTokens == 0 ? Math.min(DEFAULT_MIN_CHUNK_TOKENS, mostChunk()) : minChunkTokens;
        }

        int mostChunk() {
            return maxBatchTokens - maxBatchSize + 1;
        }
    }
}
