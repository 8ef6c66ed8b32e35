package io.kvflux;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvflux.api.BlockEvent;
import io.kvflux.api.BlockHash;
import io.kvflux.api.MediaItem;
import io.kvflux.api.SequenceSpec;
import io.kvflux.block.PrefixHasher;
import io.kvflux.block.PrefixScope;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.test.StepVerifier;

/** The stream of block events, replayed. */
class BlockEventsTest {

    @Test
    void pagesAreNamedByTheSpecifiedChain() {
        Rig rig = new Rig(20);
        EventReplayer replayer = EventReplayer.of(rig.scheduler);
        Client.of(rig.scheduler.generate(
                        SequenceSpec.of(0, 1, 2, 3, 4, 5, 6, 7, 8).maxTokens(1)))
                .asks(1);
        rig.stepAll();
        assertThat(replayer.events).hasSize(2);
        BlockEvent.Stored stored = (BlockEvent.Stored) replayer.events.get(1);
        assertThat(stored.number()).isEqualTo(1);
        assertThat(stored.parent()).isNull();
        assertThat(stored.hashes())
                .extracting(BlockHash::toString)
                .containsExactly(
                        "2f992a90f78712acc96e8423a9ec3b381d05f792abe80ec50e83766b8fa82fe7",
                        "ed97c8644d2db353b02899e4a5e4d23d9295b9183d94269fc6a63e79cf82bd95");
        assertThat(stored.tokens()).containsExactly(0, 1, 2, 3, 4, 5, 6, 7);
        assertThat(stored.hashes().get(0).toLong()).isEqualTo(0x2f992a90f78712acL);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void replayingFromAnySnapshotGivesExactlyTheFindableSet(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        Rig rig = new Rig(24);
        List<SequenceSpec> asked = new ArrayList<>();
        List<EventReplayer> replayers = new ArrayList<>(List.of(EventReplayer.of(rig.scheduler)));
        for (int round = 0; round < 120; round++) {
            SequenceSpec spec = spec(random);
            asked.add(spec);
            Client client = Client.of(rig.scheduler.generate(spec)).asks(1 + random.nextInt(6));
            for (int steps = random.nextInt(4); steps > 0; steps--) {
                rig.step();
            }
            if (random.nextInt(3) == 0) {
                client.cancel();
            } else {
                client.asks(Long.MAX_VALUE);
            }
            if (random.nextInt(10) == 0) {
                rig.stepAll();
                rig.scheduler.clearCache().block();
            }
            if (random.nextInt(6) == 0) {
                replayers.add(EventReplayer.of(rig.scheduler));
            }
            if (random.nextInt(6) == 0) {
                replayers.remove(random.nextInt(replayers.size())).cancel();
                if (replayers.isEmpty()) {
                    replayers.add(EventReplayer.of(rig.scheduler));
                }
            }
        }
        rig.stepAll();
        Set<BlockHash> findable = replayers.get(0).device();
        assertThat(replayers)
                .allSatisfy(replayer -> assertThat(replayer.device()).isEqualTo(findable));
        assertThat((long) findable.size()).isEqualTo(rig.scheduler.metrics().cachedBlocks());
        for (SequenceSpec spec : asked) {
            assertThat(matchedPages(rig, spec)).isEqualTo(pagesIn(findable, Set.of(), spec));
        }
    }

    /** Prompts that share heads; some salted, some of an adapter, some with media. */
    static SequenceSpec spec(SplittableRandom random) {
        int length = 2 + random.nextInt(40);
        int[] tokens = new int[length];
        int bend = random.nextInt(length);
        int family = random.nextInt(3);
        for (int i = 0; i < length; i++) {
            tokens[i] = i < bend ? i : 1000 * (1 + family) + i;
        }
        SequenceSpec spec = SequenceSpec.of(tokens).maxTokens(1 + random.nextInt(9));
        if (random.nextInt(4) == 0) {
            spec = spec.salt("salt" + random.nextInt(2));
        }
        if (random.nextInt(4) == 0) {
            spec = spec.adapter("adapter" + random.nextInt(2));
        }
        if (random.nextInt(4) == 0 && length > 5) {
            byte[] content = new byte[32];
            content[0] = (byte) random.nextInt(2);
            spec = spec.media(List.of(new MediaItem(2, 3, content)));
        }
        return spec;
    }

    static int matchedPages(Rig rig, SequenceSpec spec) {
        return Objects.requireNonNull(rig.scheduler.match(spec).block()) / Rig.PAGE;
    }

    /**
     * How many pages of a prompt are on a device, and from there on below it, by names computed from its tokens; all but the
     * last token count.
     */
    static int pagesIn(Set<BlockHash> device, Set<BlockHash> below, SequenceSpec spec) {
        PrefixHasher hasher = new PrefixHasher(Rig.PAGE, null);
        byte[] hash = hasher.root(new PrefixScope(spec.salt(), spec.adapter()));
        boolean onDevice = true;
        int pages = 0;
        while (pages < (spec.promptLength() - 1) / Rig.PAGE) {
            hash = hasher.next(hash, spec.promptTokens(0), pages, spec.media());
            onDevice &= device.contains(new BlockHash(hash));
            if (!onDevice && !below.contains(new BlockHash(hash))) {
                return pages;
            }
            pages++;
        }
        return pages;
    }

    @Test
    void aSlowSubscriberIsToldOfItsLossBeforeTheEnd() {
        Rig rig = new Rig(100, builder -> builder.blockEventBuffer(8));
        EventReplayer slow = new EventReplayer(0);
        rig.scheduler.blockEvents().subscribe(slow);
        for (int i = 0; i < 20; i++) {
            Client.of(rig.scheduler.generate(Rig.prompt(13, 100 * i).maxTokens(1)))
                    .asks(1);
            rig.stepAll();
        }
        rig.scheduler.disposeLater().subscribe();
        slow.request(8);
        assertThat(slow.events).hasSize(8);
        assertThat(slow.isDisposed()).isFalse();
        slow.request(1);
        assertThat(slow.events).element(8).isInstanceOf(BlockEvent.Dropped.class);
        assertThat(slow.isDisposed()).isTrue();
    }

    @Test
    void aSlowSubscriberIsToldHowManyEventsItLostAndSlowsNobodyDown() {
        Rig rig = new Rig(8, builder -> builder.blockEventBuffer(8));
        EventReplayer slow = new EventReplayer(0);
        rig.scheduler.blockEvents().subscribe(slow);
        EventReplayer quick = EventReplayer.of(rig.scheduler);
        for (int i = 0; i < 20; i++) {
            Client.of(rig.scheduler.generate(Rig.prompt(13, 100 * i).maxTokens(1)))
                    .asks(1);
            rig.stepAll();
        }
        assertThat(quick.events).hasSizeGreaterThan(20);
        assertThat(slow.events).isEmpty();
        slow.request(Long.MAX_VALUE);
        assertThat(slow.events).hasSize(9);
        BlockEvent.Dropped dropped = (BlockEvent.Dropped) slow.events.get(8);
        assertThat(dropped.number())
                .isEqualTo(quick.events.get(quick.events.size() - 1).number());
        Client.of(rig.scheduler.generate(Rig.prompt(13, 7).maxTokens(1))).asks(1);
        rig.stepAll();
        assertThat(slow.events).hasSizeGreaterThan(9);
        EventReplayer again = EventReplayer.of(rig.scheduler);
        assertThat(again.device()).isEqualTo(quick.device());
    }

    @Test
    void replicasTellTheirOwnEvents() {
        Rig rig = new Rig(8, builder -> builder, 2);
        Map<Integer, Integer> byReplica = new HashMap<>();
        rig.scheduler.blockEvents().subscribe(event -> {
            if (event instanceof BlockEvent.Stored stored) {
                byReplica.merge(stored.replica(), stored.hashes().size(), Integer::sum);
            }
        });
        for (int i = 0; i < 2; i++) {
            Client.of(rig.scheduler.generate(Rig.prompt(9, 100 * i).maxTokens(5)))
                    .asks(5);
        }
        rig.stepAll();
        assertThat(byReplica).isEqualTo(Map.of(0, 3, 1, 3));
    }

    @Test
    void theStreamCompletesWithTheScheduler() {
        Rig rig = new Rig(8);
        EventReplayer replayer = EventReplayer.of(rig.scheduler);
        rig.scheduler.disposeLater().block();
        assertThat(replayer.completed).isTrue();
        StepVerifier.create(rig.scheduler.blockEvents()).verifyComplete();
    }

    @Test
    void aRequestOfNothingEndsTheStreamWithAnError() {
        Rig rig = new Rig(8);
        List<Throwable> errors = new ArrayList<>();
        rig.scheduler.blockEvents().subscribe(new Client.Raw<>(0, errors::add));
        assertThat(errors).singleElement().isInstanceOf(IllegalArgumentException.class);
    }
}
