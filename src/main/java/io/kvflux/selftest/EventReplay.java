package io.kvflux.selftest;

import io.kvflux.api.BlockEvent;
import io.kvflux.api.BlockHash;
import io.kvflux.api.Tier;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import reactor.core.publisher.BaseSubscriber;

/** Keeps, from block events alone, what is findable on every tier. */
final class EventReplay extends BaseSubscriber<BlockEvent> {

    /** One replica's device, or a tier of them all. */
    record Place(Tier tier, int replica) {}

    private final Consumer<Finding> found;
    private final Map<Place, Set<BlockHash>> findable = new HashMap<>();
    private boolean begun;
    private long last;

    EventReplay(Consumer<Finding> found) {
        this.found = found;
    }

    /** By place; none that has nothing. */
    Map<Place, Set<BlockHash>> findable() {
        findable.values().removeIf(Set::isEmpty);
        return findable;
    }

    /** Pages on devices. */
    long pages() {
        return findable.entrySet().stream()
                .filter(entry -> entry.getKey().tier() == Tier.DEVICE)
                .mapToLong(entry -> entry.getValue().size())
                .sum();
    }

    @Override
    protected void hookOnNext(BlockEvent event) {
        boolean snapshot = event instanceof BlockEvent.Snapshot;
        if (snapshot == begun || (begun && event.number() != last + 1) || !apply(event)) {
            found.accept(new Finding(Finding.Kind.WRONG_EVENTS, "after event " + last + " cannot come " + event));
        }
        begun = true;
        last = event.number();
    }

    /** False if it contradicts what came before. */
    private boolean apply(BlockEvent event) {
        if (event instanceof BlockEvent.Snapshot snapshot) {
            return snapshot.stored().stream().allMatch(this::store);
        } else if (event instanceof BlockEvent.Stored stored) {
            return store(stored);
        } else if (event instanceof BlockEvent.Removed removed) {
            return in(removed.tier(), removed.replica()).remove(removed.hash());
        } else if (event instanceof BlockEvent.Cleared cleared) {
            Set<BlockHash> pages = in(cleared.tier(), cleared.replica());
            boolean any = !pages.isEmpty();
            pages.clear();
            return any;
        }
        return false; // there is room for every event
    }

    private boolean store(BlockEvent.Stored stored) {
        Set<BlockHash> pages = in(stored.tier(), stored.replica());
        boolean hangsOn = stored.tier() != Tier.DEVICE || stored.parent() == null || pages.contains(stored.parent());
        return hangsOn && stored.hashes().stream().allMatch(pages::add);
    }

    private Set<BlockHash> in(Tier tier, int replica) {
        return findable.computeIfAbsent(new Place(tier, replica), none -> new HashSet<>());
    }
}
