package io.kvflux;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvflux.api.SequenceSpec;
import io.kvflux.api.TokenEvent;
import io.kvflux.core.PreemptionMode;
import io.kvflux.geometry.AttentionKind;
import io.kvflux.geometry.DType;
import io.kvflux.geometry.DataSize;
import io.kvflux.geometry.MultiKvCacheParams;
import io.kvflux.memory.BlockArenas;
import io.kvflux.memory.SlotLayout;
import io.kvflux.memory.chronicle.HostSlots;
import io.kvflux.selftest.PagedExecutor;
import io.kvflux.selftest.ReferenceModel;
import io.kvflux.selftest.ReferenceShape;
import io.kvflux.selftest.Sampling;
import io.kvflux.tier.HostPolicy;
import io.kvflux.tier.Transfer;
import io.kvflux.tier.connector.Connector;
import io.kvflux.tier.connector.CopyWorkers;
import io.kvflux.tier.connector.FaultyConnector;
import io.kvflux.tier.connector.FaultyConnector.Fault;
import io.kvflux.tier.connector.LocalConnector;
import io.kvflux.tier.connector.SharedStoreConnector;
import io.kvflux.tier.connector.TieredConnector;
import io.kvflux.tier.disk.DiskLayout;
import io.kvflux.tier.disk.DiskStore;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import reactor.core.publisher.Flux;
import reactor.core.scheduler.Schedulers;

/**
 * A connector that refuses, fails, is late and runs out of room, under a scheduler on its own threads whose model really
 * attends over its pages: every token is as it would be without, nothing that is on its way is touched, and at the end
 * everything has ended.
 */
class ConnectorFaultsTest {

    private static final Duration PATIENCE = Duration.ofMinutes(2);
    private static final long SEED = Long.getLong("kvflux.seed", System.nanoTime());
    private static final int PAGE_SIZE = 4;
    private static final ReferenceShape SHAPE = new ReferenceShape(AttentionKind.MHA, 1, 4, 2, 8, 61, DType.FLOAT32);
    private static final MultiKvCacheParams CACHES = MultiKvCacheParams.fromParams(SHAPE.cache(PAGE_SIZE, 1, 1));
    private static final ReferenceModel MODEL = ReferenceModel.of(SHAPE, 7);

    @TempDir
    Path folder;

    private final SplittableRandom random = new SplittableRandom(SEED);
    private final AtomicInteger injected = new AtomicInteger();
    private FaultyConnector connector;

    /** Prompts that share their beginnings, of five families. */
    private List<SequenceSpec> specs(int count) {
        List<SequenceSpec> specs = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            int family = random.nextInt(5);
            int[] tokens = IntStream.range(0, 9 + random.nextInt(40))
                    .map(at -> (at * 7 + family * 13) % 61)
                    .toArray();
            specs.add(SequenceSpec.of(tokens).maxTokens(1 + random.nextInt(20)));
        }
        return specs;
    }

    private static List<List<Integer>> run(BlockScheduler scheduler, List<SequenceSpec> specs) {
        scheduler
                .run(new PagedExecutor(List.of(MODEL), CACHES, scheduler.memory(), spec -> new Sampling(0, 0, 0, 60)))
                .subscribe();
        return Objects.requireNonNull(Flux.fromIterable(specs)
                .flatMapSequential(
                        spec -> scheduler.generate(spec).map(TokenEvent::token).collectList(), 8)
                .collectList()
                .block(PATIENCE));
    }

    private static List<List<Integer>> expected(List<SequenceSpec> specs) {
        BlockScheduler plain = BlockScheduler.builder(CACHES)
                .deviceBlocks(500)
                .scheduling(core -> core.prefixCaching(false))
                .build();
        List<List<Integer>> tokens = run(plain, specs);
        plain.disposeLater().block(PATIENCE);
        return tokens;
    }

    private BlockScheduler scheduler(HostPolicy policy, Function<LocalConnector, Connector> below) {
        return BlockScheduler.builder(CACHES)
                .deviceBlocks(40)
                .poisonOnRelease(true)
                .maxStepsInFlight(2)
                .hostPolicy(policy)
                .preemption(PreemptionMode.OFFLOAD)
                .scheduling(core -> core.verifyInvariants(true).offloadWatermarks(0.05, 0.1))
                .connector(arenas -> faulty(arenas, below))
                .build();
    }

    private Connector faulty(BlockArenas arenas, Function<LocalConnector, Connector> below) {
        SlotLayout layout = SlotLayout.of(CACHES);
        HostSlots slots = HostSlots.allocate(30, layout.bytes(), HostSlots.Touch.LAZY);
        LocalConnector local = new LocalConnector(arenas, slots, layout, CopyWorkers.own(), System::nanoTime);
        connector = new FaultyConnector(below.apply(local), arenas, this::fault);
        return connector;
    }

    /** A third of all, CORRUPT apart, which nobody could survive. What is late is let go on another thread. */
    private Fault fault(int number, Transfer transfer) {
        Fault[] some = {
            Fault.REFUSE, Fault.FAIL, Fault.HALF_FAIL, Fault.DELAY, Fault.DELAY, Fault.DELAY_FAIL, Fault.NO_ROOM
        };
        Fault fault = random.nextInt(3) == 0 ? some[random.nextInt(some.length)] : Fault.NONE;
        if (fault != Fault.NONE) {
            injected.incrementAndGet();
            FaultyConnector late = connector;
            Schedulers.parallel().schedule(late::releaseNext);
        }
        return fault;
    }

    private void survives(HostPolicy policy, Function<LocalConnector, Connector> below) {
        System.out.println("ConnectorFaultsTest " + policy + " seed " + SEED + " (-Dkvflux.seed)");
        for (int life = 0; life < 3; life++) {
            List<SequenceSpec> specs = specs(120);
            List<List<Integer>> expected = expected(specs);
            BlockScheduler scheduler = scheduler(policy, below);
            assertThat(run(scheduler, specs)).as("seed %s, life %s", SEED, life).isEqualTo(expected);
            scheduler.disposeLater().block(PATIENCE);
            assertThat(connector.clashes()).as("seed %s, life %s", SEED, life).isEmpty();
            assertThat(connector.leaks()).as("seed %s, life %s", SEED, life).isEmpty();
            assertThat(scheduler.metrics().onloadedBlocks()).isPositive();
            assertThat(scheduler.metrics().transfersFailed()).isPositive();
        }
        assertThat(injected).hasPositiveValue();
    }

    @ParameterizedTest
    @EnumSource(HostPolicy.class)
    void tokensAreWhatTheyWouldBeWithADisk(HostPolicy policy) {
        survives(policy, this::tiered);
    }

    private Connector tiered(LocalConnector local) {
        return new TieredConnector(
                local, DiskStore.open(folder.resolve("pages"), DiskLayout.of(CACHES), DataSize.parse("512KiB")));
    }

    @Test
    void tokensAreWhatTheyWouldBeWithASharedStore() {
        SharedStoreConnector.Store store = new SharedStoreConnector.Store();
        survives(HostPolicy.WRITE_THROUGH, local -> new SharedStoreConnector(local, store, 100));
        assertThat(store.size()).isPositive();
    }
}
