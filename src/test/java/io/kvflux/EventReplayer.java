package io.kvflux;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvflux.api.BlockEvent;
import io.kvflux.api.BlockHash;
import io.kvflux.api.Tier;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.reactivestreams.Subscription;
import reactor.core.publisher.BaseSubscriber;

/** Keeps the sets of findable pages from what it hears, and checks every event against them. */
final class EventReplayer extends BaseSubscriber<BlockEvent> {

    private record Place(Tier tier, int replica) {}

    private final Map<Place, Set<BlockHash>> findable = new HashMap<>();
    final List<BlockEvent> events = new ArrayList<>();
    private final long demand;
    boolean completed;
    private long last;
    private boolean whole = true;

    EventReplayer(long demand) {
        this.demand = demand;
    }

    static EventReplayer of(BlockScheduler scheduler) {
        EventReplayer replayer = new EventReplayer(Long.MAX_VALUE);
        scheduler.blockEvents().subscribe(replayer);
        return replayer;
    }

    @Override
    protected void hookOnSubscribe(Subscription subscription) {
        if (demand > 0) {
            subscription.request(demand);
        }
    }

    @Override
    protected void hookOnNext(BlockEvent event) {
        if (event instanceof BlockEvent.Snapshot snapshot) {
            assertThat(events).isEmpty();
            snapshot.stored().forEach(this::store);
        } else if (event instanceof BlockEvent.Dropped dropped) {
            assertThat(dropped.number()).isEqualTo(last + dropped.count());
            whole = false;
        } else {
            assertThat(event.number()).isEqualTo(last + 1);
            if (whole) {
                apply(event);
            }
        }
        events.add(event);
        last = event.number();
    }

    private void apply(BlockEvent event) {
        if (event instanceof BlockEvent.Stored stored) {
            store(stored);
        } else if (event instanceof BlockEvent.Removed removed) {
            assertThat(in(removed.tier(), removed.replica()).remove(removed.hash()))
                    .isTrue();
        } else {
            BlockEvent.Cleared cleared = (BlockEvent.Cleared) event;
            assertThat(in(cleared.tier(), cleared.replica())).isNotEmpty();
            in(cleared.tier(), cleared.replica()).clear();
        }
    }

    private void store(BlockEvent.Stored stored) {
        Set<BlockHash> pages = in(stored.tier(), stored.replica());
        assertThat(stored.tokens())
                .hasSize(stored.tier() == Tier.DISK ? 0 : stored.hashes().size() * stored.pageSize());
        if (stored.tier() == Tier.DEVICE && stored.parent() != null) {
            assertThat(pages).contains(stored.parent());
        }
        stored.hashes().forEach(hash -> assertThat(pages.add(hash)).isTrue());
    }

    Set<BlockHash> device() {
        return in(Tier.DEVICE, 0);
    }

    Set<BlockHash> host() {
        return in(Tier.HOST, BlockEvent.ALL_REPLICAS);
    }

    Set<BlockHash> disk() {
        return in(Tier.DISK, BlockEvent.ALL_REPLICAS);
    }

    private Set<BlockHash> in(Tier tier, int replica) {
        return findable.computeIfAbsent(new Place(tier, replica), none -> new HashSet<>());
    }

    @Override
    protected void hookOnComplete() {
        completed = true;
    }
}
