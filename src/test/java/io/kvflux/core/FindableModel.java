package io.kvflux.core;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvflux.api.BlockEvent;
import io.kvflux.api.BlockHash;
import io.kvflux.api.SequenceSpec;
import io.kvflux.api.Tier;
import io.kvflux.block.PrefixHasher;
import io.kvflux.block.PrefixScope;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;

/**
 * What block events say is findable, held against what the tiers have: page by page, by their counts, and by what prompts
 * find. Pages that a prompt should find are named here from its tokens.
 */
final class FindableModel {

    private record Place(Tier tier, int replica) {}

    private final SchedulerConfig config;
    private final SchedulerCore core;
    private final Consumer<String> saw;
    private final PrefixHasher hasher;
    private final Map<Place, Set<BlockHash>> findable = new HashMap<>();
    private boolean listening;
    private long number;

    FindableModel(SchedulerConfig config, SchedulerCore core, Consumer<String> saw) {
        this.config = config;
        this.core = core;
        this.saw = saw;
        hasher = new PrefixHasher(config.pageSize(), config.caches().hashSeed().bytes());
    }

    /** Begins to listen, or stops and forgets. */
    void turn() {
        listening = !listening;
        findable.clear();
        if (listening) {
            content().forEach(stored -> {
                assertThat(stored.number()).isEqualTo(number);
                store(findable, stored);
                saw.accept("told at first on " + stored.tier());
            });
        } else {
            core.stopBlockEvents();
        }
    }

    private List<BlockEvent.Stored> content() {
        return core.startBlockEvents(number, () -> ++number, this::hear);
    }

    private void hear(BlockEvent event) {
        assertThat(listening).isTrue();
        assertThat(event.number()).isEqualTo(number);
        if (event instanceof BlockEvent.Stored stored) {
            store(findable, stored);
        } else if (event instanceof BlockEvent.Removed removed) {
            saw.accept(removed.cause() + " on " + removed.tier());
            assertThat(at(findable, removed.tier(), removed.replica()).remove(removed.hash()))
                    .as("%s was there", removed)
                    .isTrue();
        } else {
            BlockEvent.Cleared cleared = (BlockEvent.Cleared) event;
            saw.accept("cleared on " + cleared.tier());
            assertThat(at(findable, cleared.tier(), cleared.replica())).isNotEmpty();
            at(findable, cleared.tier(), cleared.replica()).clear();
        }
    }

    private static Set<BlockHash> at(Map<Place, Set<BlockHash>> pages, Tier tier, int replica) {
        return pages.computeIfAbsent(new Place(tier, replica), none -> new HashSet<>());
    }

    private void store(Map<Place, Set<BlockHash>> pages, BlockEvent.Stored stored) {
        assertThat(stored.replica() == BlockEvent.ALL_REPLICAS).isEqualTo(stored.tier() != Tier.DEVICE);
        Set<BlockHash> here = at(pages, stored.tier(), stored.replica());
        if (stored.tier() == Tier.DISK) {
            assertThat(stored.parent()).isNull();
            assertThat(stored.tokens()).isEmpty();
        } else {
            assertThat(stored.hashes()).isEqualTo(names(stored));
            assertThat(stored.tier() == Tier.HOST || stored.parent() == null || here.contains(stored.parent()))
                    .isTrue();
        }
        stored.hashes()
                .forEach(hash ->
                        assertThat(here.add(hash)).as("%s is new", stored).isTrue());
    }

    /** What pages are called according to the parent and the tokens that an event gives; these prompts have no media. */
    private List<BlockHash> names(BlockEvent.Stored stored) {
        byte[] before = stored.parent() == null
                ? hasher.root(new PrefixScope(stored.salt(), stored.adapter()))
                : stored.parent().toBytes();
        List<BlockHash> names = new ArrayList<>();
        for (int page = 0; page < stored.tokens().length / config.pageSize(); page++) {
            before = hasher.next(before, stored.tokens(), page, List.of());
            names.add(new BlockHash(before));
        }
        return names;
    }

    /** Compares what was heard with what there is; so many pages of the host may be some sequence's own. */
    void check(int mostTails) {
        if (!listening) {
            return;
        }
        Map<Place, Set<BlockHash>> there = new HashMap<>();
        content().forEach(stored -> store(there, stored));
        findable.values().removeIf(Set::isEmpty);
        assertThat(findable).as("the replayed events: %s", core).isEqualTo(there);
        for (int replica = 0; replica < config.replicas(); replica++) {
            assertThat((long) at(findable, Tier.DEVICE, replica).size())
                    .isEqualTo(core.pool(replica).insertedPages()
                            - core.pool(replica).evictedPages());
        }
        if (core.tiers() != null) {
            int told = at(findable, Tier.HOST, BlockEvent.ALL_REPLICAS).size();
            assertThat(core.tiers().residentBlocks())
                    .as("all but tails is told")
                    .isBetween(told, told + mostTails);
        }
    }

    /** With nothing in flight, a prompt finds what the events say it should. */
    void checkMatch(SequenceSpec spec) {
        if (!listening) {
            return;
        }
        saw.accept("matched");
        int most = 0;
        for (int replica = 0; config.prefixCaching() && replica < config.replicas(); replica++) {
            most = Math.max(most, pagesIn(at(findable, Tier.DEVICE, replica), spec));
        }
        assertThat(core.match(spec)).isEqualTo(most * config.pageSize());
    }

    private int pagesIn(Set<BlockHash> device, SequenceSpec spec) {
        Set<BlockHash> host = at(findable, Tier.HOST, BlockEvent.ALL_REPLICAS);
        Set<BlockHash> disk = at(findable, Tier.DISK, BlockEvent.ALL_REPLICAS);
        int[] tokens = spec.promptTokens(0);
        byte[] before = hasher.root(new PrefixScope(spec.salt(), spec.adapter()));
        boolean onDevice = true;
        int pages = 0;
        while (pages < (tokens.length - 1) / config.pageSize()) {
            before = hasher.next(before, tokens, pages, List.of());
            BlockHash name = new BlockHash(before);
            onDevice &= device.contains(name);
            if (!onDevice && !host.contains(name) && !disk.contains(name)) {
                return pages;
            }
            pages++;
        }
        return pages;
    }
}
