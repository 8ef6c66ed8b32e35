package io.kvflux.selftest;

import io.kvflux.api.BlockEvent;
import io.kvflux.api.BlockHash;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import reactor.core.publisher.BaseSubscriber;

/** Keeps, from block events alone, what is findable in each replica. */
final class EventReplay extends BaseSubscriber<BlockEvent> {

    private final Consumer<Finding> found;
    private final Map<Integer, Set<BlockHash>> findable = new HashMap<>();
    private boolean begun;
    private long last;

    EventReplay(Consumer<Finding> found) {
        this.found = found;
    }

    /** By replica; none that has nothing. */
    Map<Integer, Set<BlockHash>> findable() {
        findable.values().removeIf(Set::isEmpty);
        return findable;
    }

    long pages() {
        return findable.values().stream().mapToLong(Set::size).sum();
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
            return in(removed.replica()).remove(removed.hash());
        } else if (event instanceof BlockEvent.Cleared cleared) {
            boolean any = !in(cleared.replica()).isEmpty();
            in(cleared.replica()).clear();
            return any;
        }
        return false; // there is room for every event
    }

    private boolean store(BlockEvent.Stored stored) {
        Set<BlockHash> pages = in(stored.replica());
        boolean hangsOn = stored.parent() == null || pages.contains(stored.parent());
        return hangsOn && stored.hashes().stream().allMatch(pages::add);
    }

    private Set<BlockHash> in(int replica) {
        return findable.computeIfAbsent(replica, none -> new HashSet<>());
    }
}
