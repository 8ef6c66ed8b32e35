package io.kvflux;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvflux.api.BlockEvent;
import io.kvflux.api.BlockHash;
import io.kvflux.api.RemovalCause;
import io.kvflux.api.SequenceId;
import io.kvflux.api.SequenceSpec;
import io.kvflux.api.Tier;
import io.kvflux.geometry.DataSize;
import io.kvflux.memory.FaultyDeviceMemory.Fault;
import io.kvflux.memory.chronicle.MappedRegion;
import io.kvflux.tier.HostPolicy;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import reactor.test.StepVerifier;

/** Block events of what is below the devices. */
class TierEventsTest {

    private static final Duration PATIENCE = Duration.ofSeconds(60);

    /** Four full pages and a token. */
    private static final SequenceSpec PROMPT =
            Rig.prompt(17).maxTokens(2).salt("tenant").adapter("lora");

    @TempDir
    Path folder;

    private final long mappedBefore = MappedRegion.liveBytes();
    private HostRig host = new HostRig();

    @AfterEach
    void close() {
        host.close();
        assertThat(MappedRegion.liveBytes()).isEqualTo(mappedBefore);
    }

    private void use(UnaryOperator<BlockSchedulerBuilder> settings) {
        host.close();
        host = new HostRig(settings);
    }

    private void useDisk() {
        use(builder ->
                builder.hostPolicy(HostPolicy.WRITE_THROUGH).disk(folder.resolve("pages"), DataSize.parse("64MiB")));
    }

    /** The prompt was computed and is on the host alone. */
    private void store() {
        host.run(PROMPT, 10);
        host.evictAll();
    }

    /** The names of what became findable on a tier, in the order in which it did. */
    private static List<BlockHash> stored(EventReplayer replayer, Tier tier) {
        List<BlockHash> names = new ArrayList<>();
        for (BlockEvent event : replayer.events) {
            if (event instanceof BlockEvent.Stored stored && stored.tier() == tier) {
                names.addAll(stored.hashes());
            }
        }
        return names;
    }

    /** Why pages left a tier, in the order in which they did. */
    private static List<RemovalCause> causes(EventReplayer replayer, Tier tier) {
        List<RemovalCause> causes = new ArrayList<>();
        for (BlockEvent event : replayer.events) {
            if (event instanceof BlockEvent.Removed removed && removed.tier() == tier) {
                causes.add(removed.cause());
            }
        }
        return causes;
    }

    @Test
    void aPageIsFindableOnTheHostWhenItsCopyHasLanded() {
        EventReplayer replayer = EventReplayer.of(host.scheduler);
        host.run(PROMPT, 10);
        List<BlockHash> names = stored(replayer, Tier.DEVICE);
        host.transfers = Fault.DELAY;
        host.evictAll();
        assertThat(replayer.device()).isEmpty();
        assertThat(replayer.host()).isEmpty();
        host.device.releaseNext();
        assertThat(replayer.host()).containsExactlyInAnyOrderElementsOf(names);
        // The tail goes first, and names the page before it, which is nowhere then.
        BlockEvent.Stored tail = (BlockEvent.Stored) replayer.events.get(replayer.events.size() - 4);
        assertThat(tail.replica()).isEqualTo(BlockEvent.ALL_REPLICAS);
        assertThat(tail.parent()).isEqualTo(names.get(2));
        assertThat(tail.hashes()).containsExactly(names.get(3));
        assertThat(tail.tokens()).containsExactly(1012, 1013, 1014, 1015);
        assertThat(tail.salt()).isEqualTo("tenant");
        assertThat(tail.adapter()).isEqualTo("lora");
        BlockEvent.Stored head = (BlockEvent.Stored) replayer.events.get(replayer.events.size() - 1);
        assertThat(head.parent()).isNull();
        assertThat(head.hashes()).containsExactly(names.get(0));
    }

    @Test
    void whatDoesNotLandIsNeverTold() {
        EventReplayer replayer = EventReplayer.of(host.scheduler);
        host.run(PROMPT, 10);
        host.transfers = Fault.HALF_FAIL;
        host.evictAll();
        assertThat(stored(replayer, Tier.HOST)).hasSize(2);
        assertThat(causes(replayer, Tier.HOST)).isEmpty();
    }

    @ParameterizedTest
    @EnumSource(HostPolicy.class)
    void whatIsBroughtBackLeavesTheHostOnlyIfThatIsExclusive(HostPolicy policy) {
        use(builder -> builder.hostPolicy(policy));
        EventReplayer replayer = EventReplayer.of(host.scheduler);
        store();
        host.submit(PROMPT);
        host.rig.stepAll();
        assertThat(replayer.device()).hasSize(4);
        boolean exclusive = policy == HostPolicy.EXCLUSIVE;
        assertThat(replayer.host()).hasSize(exclusive ? 0 : 4);
        assertThat(causes(replayer, Tier.HOST))
                .hasSize(exclusive ? 4 : 0)
                .allMatch(cause -> cause == RemovalCause.MOVED);
    }

    @Test
    void whatCannotBeReadBackIsSpoiled() {
        store();
        EventReplayer replayer = EventReplayer.of(host.scheduler);
        assertThat(replayer.host()).as("a later subscriber is told at first").hasSize(4);
        host.transfers = Fault.HALF_FAIL;
        host.submit(PROMPT);
        assertThat(causes(replayer, Tier.HOST)).containsExactly(RemovalCause.SPOILED);
        assertThat(replayer.host()).hasSize(3);
    }

    @Test
    void theLeastRecentPageIsEvictedFromAFullHost() {
        use(builder -> builder.hostSwapBlocks(6));
        EventReplayer replayer = EventReplayer.of(host.scheduler);
        store();
        host.run(Rig.prompt(17, 7000).maxTokens(2), 20);
        host.evictAll();
        assertThat(causes(replayer, Tier.HOST)).containsExactly(RemovalCause.EVICTED, RemovalCause.EVICTED);
        assertThat(replayer.host()).hasSize(6);
        assertThat(EventReplayer.of(host.scheduler).host()).isEqualTo(replayer.host());
    }

    @Test
    void theOpenPageOfASequenceIsNobodysToFind() {
        EventReplayer replayer = EventReplayer.of(host.scheduler);
        Client client = host.submit(Rig.prompt(9).maxTokens(6));
        host.rig.step();
        SequenceId id = Objects.requireNonNull(client.events.get(0).sequence());
        host.scheduler.pause(id);
        host.rig.step();
        assertThat(host.scheduler.metrics().hostResidentBlocks()).isEqualTo(1);
        host.evictAll();
        assertThat(host.scheduler.metrics().hostResidentBlocks()).isEqualTo(3);
        assertThat(replayer.host()).hasSize(2);
        assertThat(EventReplayer.of(host.scheduler).host()).isEqualTo(replayer.host());
        host.scheduler.resume(id);
        host.rig.stepAll();
        assertThat(client.completed).isTrue();
        assertThat(replayer.host()).hasSize(2);
        assertThat(causes(replayer, Tier.HOST)).isEmpty();
    }

    @ParameterizedTest
    @EnumSource(HostPolicy.class)
    void whatAPromptHitsIsWhatTheEventsTell(HostPolicy policy) {
        use(builder -> builder.hostPolicy(policy));
        SplittableRandom random = new SplittableRandom(policy.ordinal());
        List<SequenceSpec> asked = new ArrayList<>();
        EventReplayer replayer = EventReplayer.of(host.scheduler);
        for (int round = 0; round < 200; round++) {
            SequenceSpec spec = BlockEventsTest.spec(random);
            asked.add(spec);
            Client client = host.submit(spec);
            if (random.nextInt(4) == 0) {
                client.cancel();
            }
            host.rig.stepAll();
        }
        EventReplayer late = EventReplayer.of(host.scheduler);
        assertThat(late.device()).isEqualTo(replayer.device());
        assertThat(late.host()).isEqualTo(replayer.host()).hasSizeGreaterThan(HostRig.SLOTS / 2);
        for (SequenceSpec spec : asked) {
            assertThat(BlockEventsTest.matchedPages(host.rig, spec))
                    .isEqualTo(BlockEventsTest.pagesIn(replayer.device(), replayer.host(), spec));
        }
    }

    @Test
    void everyTierIsCleared() {
        useDisk();
        StepVerifier.create(host.scheduler.blockEvents().ofType(BlockEvent.Cleared.class))
                .then(() -> host.run(PROMPT, 10))
                .then(() -> host.scheduler.clearCache().subscribe())
                .assertNext(cleared ->
                        assertThat(cleared).isEqualTo(new BlockEvent.Cleared(cleared.number(), 0, Tier.DEVICE)))
                .assertNext(cleared -> assertThat(cleared)
                        .isEqualTo(new BlockEvent.Cleared(cleared.number(), BlockEvent.ALL_REPLICAS, Tier.HOST)))
                .assertNext(cleared -> assertThat(cleared)
                        .isEqualTo(new BlockEvent.Cleared(cleared.number(), BlockEvent.ALL_REPLICAS, Tier.DISK)))
                .thenCancel()
                .verify(PATIENCE);
        StepVerifier.create(host.scheduler.blockEvents())
                .expectNextMatches(
                        event -> ((BlockEvent.Snapshot) event).stored().isEmpty())
                .thenCancel()
                .verify(PATIENCE);
    }

    @Test
    void whatAnEarlierRunLeftOnTheDiskIsKnownByName() {
        useDisk();
        EventReplayer before = EventReplayer.of(host.scheduler);
        host.run(PROMPT, 10);
        assertThat(stored(before, Tier.DISK))
                .containsExactlyInAnyOrderElementsOf(stored(before, Tier.DEVICE))
                .hasSize(4);
        host.scheduler.disposeLater().block(PATIENCE);

        useDisk();
        EventReplayer after = EventReplayer.of(host.scheduler);
        BlockEvent.Snapshot snapshot = (BlockEvent.Snapshot) after.events.get(0);
        assertThat(snapshot.stored()).singleElement().satisfies(stored -> {
            assertThat(stored.tier()).isEqualTo(Tier.DISK);
            assertThat(stored.parent()).isNull();
            assertThat(stored.tokens()).isEmpty();
            assertThat(stored.salt()).isNull();
        });
        assertThat(after.disk()).isEqualTo(before.disk());
        host.submit(PROMPT);
        host.rig.stepAll();
        assertThat(after.host()).as("it came through the host").isEqualTo(before.disk());
        assertThat(after.device()).isEqualTo(before.disk());
        assertThat(after.disk()).as("and stayed").isEqualTo(before.disk());
        host.scheduler.disposeLater().block(PATIENCE);
    }
}
