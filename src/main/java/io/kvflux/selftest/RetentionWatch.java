package io.kvflux.selftest;

import io.kvflux.api.BlockEvent;
import io.kvflux.api.BlockHash;
import io.kvflux.api.RemovalCause;
import io.kvflux.api.Retention;
import io.kvflux.api.SchedulerMetrics;
import io.kvflux.api.SchedulerSnapshot.SequenceState;
import io.kvflux.api.SequenceId;
import io.kvflux.block.PrefixHasher;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.BaseSubscriber;

/**
 * What clients ask to be kept is evicted after what they do not: follows the pages of devices by block events, and the
 * priority of each by who let go of it and when. From outside not all of that can be known to the instant. So a priority is
 * known as a range, and an eviction is wrong if the page had surely more than another that could surely be evicted, from the
 * turn before to the end of this one. For scenarios without a host tier.
 */
final class RetentionWatch extends BaseSubscriber<BlockEvent> {

    private record Place(int replica, BlockHash page) {}

    /** What is known of a page. */
    private static final class Page {
        final Place place;
        final @Nullable Page parent;
        int children;
        /** The turn in which it became what it is: a leaf or not. */
        long since;
        /** The priority that it has until an end, and that end; both between two values. */
        int least = Retention.DEFAULT_PRIORITY;

        int most = Retention.DEFAULT_PRIORITY;
        long soonest = Retention.ALWAYS;
        long latest = Retention.ALWAYS;
        /** The turn in which somebody last let go of it; who of several in one turn was the last is not known. */
        long toldIn = -1;

        Page(Place place, @Nullable Page parent) {
            this.place = place;
            this.parent = parent;
        }

        void retain(boolean told, long turn, int priority, long from, long to) {
            boolean surely = told && toldIn != turn;
            toldIn = turn;
            least = surely ? priority : Math.min(least, priority);
            most = surely ? priority : Math.max(most, priority);
            soonest = surely ? from : Math.min(soonest, from);
            latest = surely ? to : Math.max(latest, to);
        }

        int least(long from, long to) {
            return latest <= from
                    ? Retention.DEFAULT_PRIORITY
                    : soonest > to ? least : Math.min(least, Retention.DEFAULT_PRIORITY);
        }

        int most(long from, long to) {
            return latest <= from
                    ? Retention.DEFAULT_PRIORITY
                    : soonest > to ? most : Math.max(most, Retention.DEFAULT_PRIORITY);
        }
    }

    private final Scenario scenario;
    private final Coverage coverage;
    private final ScenarioClients clients;
    private final StepWatch steps;
    private final Consumer<Finding> found;
    private final PrefixHasher hasher;
    private final Map<Place, Page> pages = new HashMap<>();
    private final List<Page> evicted = new ArrayList<>();
    /** Names of the pages of those that are alive, as far as they may have come. */
    private final Map<SequenceWatch, List<BlockHash>> paths = new HashMap<>();

    /** Who ran at the end of the turn before. */
    private Set<SequenceId> ran = Set.of();

    private long turn;
    private long preemptions;
    private long lastStep;
    /** When the newest step was planned, at the earliest, and when the turn before ended. */
    private long plannedNs;

    private long lastNs;
    /** Whether at the end of the turn before no block was withheld. */
    private boolean settled;

    /**
     * Knows of no page.
     *
     * @param found takes what is wrong
     */
    RetentionWatch(
            Scenario scenario, Coverage coverage, ScenarioClients clients, StepWatch steps, Consumer<Finding> found) {
        this.scenario = scenario;
        this.coverage = coverage;
        this.clients = clients;
        this.steps = steps;
        this.found = found;
        hasher = new PrefixHasher(
                scenario.pageSize(), scenario.caches().hashSeed().bytes());
    }

    @Override
    protected void hookOnNext(BlockEvent event) {
        if (event instanceof BlockEvent.Stored stored) {
            Page parent = stored.parent() == null ? null : pages.get(new Place(stored.replica(), stored.parent()));
            for (BlockHash hash : stored.hashes()) {
                Page page = new Page(new Place(stored.replica(), hash), parent);
                page.since = turn;
                if (parent != null) {
                    parent.children++;
                }
                pages.put(page.place, page);
                parent = page;
            }
        } else if (event instanceof BlockEvent.Removed removed) {
            Page page = pages.remove(new Place(removed.replica(), removed.hash()));
            if (page != null) {
                if (page.parent != null) {
                    page.parent.children--;
                    page.parent.since = turn;
                }
                if (removed.cause() == RemovalCause.EVICTED) {
                    evicted.add(page);
                }
            }
        } else if (event instanceof BlockEvent.Cleared cleared) {
            pages.keySet().removeIf(place -> place.replica() == cleared.replica());
        }
    }

    /** A turn is over. */
    void turn(List<SequenceState> sequences, SchedulerMetrics metrics, long nowNs) {
        Set<SequenceId> running = new HashSet<>();
        for (SequenceState state : sequences) {
            if (state.running()) {
                running.add(state.id());
            }
        }
        clients.alive().forEach(watch -> paths.computeIfAbsent(watch, of -> new ArrayList<>()));
        paths.forEach(this::extend);
        if (settled && !evicted.isEmpty()) {
            check(nowNs);
        }
        boolean preempted = metrics.preemptions() != preemptions;
        paths.forEach((watch, path) -> letGo(watch, path, running, preempted, nowNs));
        paths.keySet().removeIf(SequenceWatch::isOver);
        evicted.clear();
        ran = running;
        preemptions = metrics.preemptions();
        settled = metrics.withheldBlocks() == 0;
        plannedNs = steps.last() == lastStep ? plannedNs : lastNs;
        lastStep = steps.last();
        lastNs = nowNs;
        turn++;
    }

    private void extend(SequenceWatch watch, List<BlockHash> path) {
        int[] tokens = watch.tokensAhead();
        for (int page = path.size(); (page + 1) * scenario.pageSize() <= tokens.length; page++) {
            byte[] before =
                    page == 0 ? hasher.root(watch.scope()) : path.get(page - 1).toBytes();
            path.add(new BlockHash(
                    hasher.next(before, tokens, page, watch.plan.spec().media())));
        }
    }

    private void check(long nowNs) {
        Set<BlockHash> touched = new HashSet<>();
        paths.values().forEach(touched::addAll);
        for (Page gone : evicted) {
            if (touched.contains(gone.place.page())) {
                continue;
            }
            for (Page other : pages.values()) {
                boolean could = other.place.replica() == gone.place.replica()
                        && other.children == 0
                        && other.since < turn
                        && !touched.contains(other.place.page());
                if (could) {
                    compare(gone, other, nowNs);
                }
            }
        }
    }

    private void compare(Page gone, Page other, long nowNs) {
        coverage.see(other.least(plannedNs, nowNs) > gone.most(plannedNs, nowNs), Condition.RETAINED);
        if (gone.least(plannedNs, nowNs) > other.most(plannedNs, nowNs)) {
            found.accept(new Finding(
                    Finding.Kind.WRONG_ORDER,
                    "a page of at least priority " + gone.least(plannedNs, nowNs) + " was evicted on replica "
                            + gone.place.replica() + ", and one of at most " + other.most(plannedNs, nowNs)
                            + " was not: " + gone.place.page() + ", " + other.place.page()));
        }
    }

    /** Tells the pages that a sequence had what it wants, if it may have let go of them. */
    private void letGo(
            SequenceWatch watch, List<BlockHash> path, Set<SequenceId> running, boolean preempted, long nowNs) {
        SequenceId id = watch.id();
        boolean before = id != null && ran.contains(id);
        boolean kept = id != null && !preempted && before == running.contains(id);
        if ((kept && !watch.isOver()) || watch.plan.spec().retentions().isEmpty()) {
            return;
        }
        boolean surely = before && !preempted && watch.hasFinished();
        // The KV of the last token is there too if it was a draft.
        int computed = surely ? (watch.length() - 1) / scenario.pageSize() : 0;
        for (int replica = 0; replica < scenario.dataParallel(); replica++) {
            if (!surely || replica == steps.replica(id)) {
                for (int page = 0; page < path.size(); page++) {
                    retain(watch, page, pages.get(new Place(replica, path.get(page))), page < computed, nowNs);
                }
            }
        }
    }

    private void retain(SequenceWatch watch, int number, @Nullable Page page, boolean surely, long nowNs) {
        long token = (long) number * scenario.pageSize();
        for (Retention range : watch.plan.spec().retentions()) {
            if (page != null && range.from() <= token && token < range.to()) {
                boolean always = range.nanos() == Retention.ALWAYS;
                long soonest = always ? Retention.ALWAYS : plannedNs + range.nanos();
                long latest = always ? Retention.ALWAYS : nowNs + range.nanos();
                page.retain(surely, turn, range.priority(), soonest, latest);
            }
        }
    }
}
