package io.kvflux.core;

import io.kvflux.api.BlockEvent;
import io.kvflux.api.SchedulerSnapshot;
import io.kvflux.api.SequenceId;
import io.kvflux.api.SequenceSpec;
import io.kvflux.block.BlockCounts;
import io.kvflux.block.PrefixHasher;
import io.kvflux.block.PrefixMatch;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** What may be asked of a core without changing it. */
final class CoreView {

    private final SchedulerConfig config;
    private final Replica[] replicas;
    private final Collection<Sequence> live;
    private final @Nullable Swapper swapper;

    CoreView(SchedulerConfig config, Replica[] replicas, Collection<Sequence> live, @Nullable Swapper swapper) {
        this.config = config;
        this.replicas = replicas;
        this.live = live;
        this.swapper = swapper;
    }

    int match(SequenceSpec spec) {
        if (!config.prefixCaching()) {
            return 0;
        }
        Sequence probe = new Sequence(new SequenceId(0), spec, config.pageSize(), 0);
        PrefixMatch match = new PrefixMatch();
        int tokens = 0;
        for (Replica replica : replicas) {
            if (replica.lost) {
                continue;
            }
            replica.pool.match(probe.scope, probe.tokens, (probe.length - 1) / config.pageSize(), probe.keys, match);
            int found = swapper == null ? match.pages() * config.pageSize() : swapper.match(replica, probe, match);
            tokens = Math.max(tokens, found);
        }
        return tokens;
    }

    SchedulerSnapshot snapshot(List<Long> stepsInFlight) {
        List<SchedulerSnapshot.SequenceState> sequences = new ArrayList<>(live.size());
        for (Sequence sequence : live) {
            sequences.add(sequence.snapshot());
        }
        sequences.sort(Comparator.comparingLong(state -> state.id().value()));
        List<SchedulerSnapshot.ReplicaState> pools = new ArrayList<>(replicas.length);
        for (Replica replica : replicas) {
            BlockCounts pool = replica.pool;
            if (replica.lost) {
                pools.add(new SchedulerSnapshot.ReplicaState(0, 0, 0, 0, 0));
                continue;
            }
            pools.add(new SchedulerSnapshot.ReplicaState(
                    pool.usableBlocks(),
                    pool.freeBlocks(),
                    pool.heldBlocks(),
                    pool.cachedBlocks(),
                    pool.withheldBlocks()));
        }
        return new SchedulerSnapshot(sequences, pools, stepsInFlight);
    }

    List<BlockEvent.Stored> startBlockEvents(long at, LongSupplier numbers, Consumer<BlockEvent> sink) {
        PrefixHasher hasher =
                new PrefixHasher(config.pageSize(), config.caches().hashSeed().bytes());
        List<BlockEvent.Stored> content = new ArrayList<>();
        for (Replica replica : replicas) {
            content.addAll(replica.pool.startEvents(replica.index, hasher, at, numbers, sink));
        }
        if (swapper != null) {
            content.addAll(swapper.tiers().startEvents(hasher, at, numbers, sink));
        }
        return content;
    }

    int running() {
        int count = 0;
        for (Replica replica : replicas) {
            count += replica.running.size();
        }
        return count;
    }

    long emptySlots() {
        long empty = 0;
        for (Replica replica : replicas) {
            for (int i = 0; i < replica.running.size(); i++) {
                Sequence sequence = replica.running.get(i);
                empty += (long) sequence.table.size() * config.pageSize() - sequence.scheduled;
            }
        }
        return empty;
    }
}
