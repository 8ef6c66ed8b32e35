package io.kvflux.selftest;

import io.kvflux.block.EvictionPolicy;
import org.jspecify.annotations.Nullable;

/**
 * The eviction policy of a scenario, and what is seen of it: whether it takes another run than LRU, which is told the same,
 * would. What has a priority of its own the pool keeps from it until it is evicted by that.
 */
final class WatchedEviction implements EvictionPolicy {

    private final Coverage coverage;
    private EvictionPolicy policy = EvictionPolicy.lru();
    /** What adaptive eviction is held against; null without it. */
    private final @Nullable EvictionPolicy lru;

    WatchedEviction(Scenario scenario, Coverage coverage) {
        this.coverage = coverage;
        lru = scenario.adaptive() ? EvictionPolicy.lru() : null;
    }

    /** Pools are small and lives short: an adaptive policy may follow what it learns from the first page on. */
    @Override
    public void attach(View view) {
        if (lru != null) {
            EvictionPolicy fresh = EvictionPolicy.adaptive();
            fresh.attach(view);
            policy = EvictionPolicy.adaptive(fresh, 1);
        }
        policy.attach(view);
        if (lru != null) {
            lru.attach(view);
        }
    }

    @Override
    public void created(int run) {
        policy.created(run);
    }

    @Override
    public void missed(int from, int to) {
        policy.missed(from, to);
    }

    @Override
    public void computed(int from, int to) {
        policy.computed(from, to);
    }

    @Override
    public void cached(int run) {
        policy.cached(run);
        if (lru != null) {
            lru.cached(run);
        }
    }

    @Override
    public void time(long nanos) {
        policy.time(nanos);
    }

    @Override
    public void held(int run) {
        policy.held(run);
        if (lru != null) {
            lru.held(run);
        }
    }

    @Override
    public void merged(int run) {
        policy.merged(run);
        if (lru != null) {
            lru.merged(run);
        }
    }

    @Override
    public void split(int head, int tail) {
        policy.split(head, tail);
    }

    @Override
    public void shortened(int run) {
        policy.shortened(run);
    }

    @Override
    public void removed(int run) {
        policy.removed(run);
        if (lru != null) {
            lru.removed(run);
        }
    }

    @Override
    public void dropped(int run) {
        coverage.saw(Condition.RETAINED_EVICTED);
        policy.dropped(run);
        if (lru != null) {
            lru.dropped(run);
        }
    }

    @Override
    public int victim() {
        int victim = policy.victim();
        if (lru != null) {
            coverage.saw(Condition.EVICTED_ADAPTIVE);
            coverage.see(victim != lru.victim(), Condition.EVICTED_BY_WORTH);
        }
        return victim;
    }
}
