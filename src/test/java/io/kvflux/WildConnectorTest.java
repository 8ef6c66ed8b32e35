package io.kvflux;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvflux.api.SchedulerMetrics;
import io.kvflux.api.SchedulerRecorder;
import io.kvflux.api.SequenceSpec;
import io.kvflux.api.Tier;
import io.kvflux.api.TokenEvent;
import io.kvflux.geometry.AttentionKind;
import io.kvflux.geometry.DType;
import io.kvflux.geometry.KvConnectorType;
import io.kvflux.geometry.MultiKvCacheParams;
import io.kvflux.memory.SlotArena;
import io.kvflux.memory.SlotLayout;
import io.kvflux.memory.chronicle.HostSlots;
import io.kvflux.memory.chronicle.Region;
import io.kvflux.selftest.PagedExecutor;
import io.kvflux.selftest.ReferenceModel;
import io.kvflux.selftest.ReferenceShape;
import io.kvflux.selftest.Sampling;
import io.kvflux.tier.HostPolicy;
import io.kvflux.tier.Transfer;
import io.kvflux.tier.connector.Connector;
import io.kvflux.tier.connector.CopyWorkers;
import io.kvflux.tier.connector.LocalConnector;
import io.kvflux.tier.connector.SharedStoreConnector;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A connector that does not keep its contract costs what it was to carry, and neither a sequence nor the disposal. */
class WildConnectorTest {

    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final ReferenceShape SHAPE = new ReferenceShape(AttentionKind.MHA, 1, 4, 2, 8, 61, DType.FLOAT32);
    private static final MultiKvCacheParams CACHES = MultiKvCacheParams.fromParams(SHAPE.cache(4, 1, 1));
    private static final ReferenceModel MODEL = ReferenceModel.of(SHAPE, 7);

    private enum Habit {
        ENDS_TWICE,
        ENDS_TWICE_WITHIN_BEGIN,
        THROWS_AFTER_TAKING,
        THROWS_AN_ERROR,
        LANDS_TOO_MUCH,
        LANDS_LESS_THAN_NOTHING,
        LANDS_HALF_WITHOUT_A_FAILURE,
        ERASES_TWICE,
        CANNOT_ERASE,
        THROWS_AN_ERROR_AT_ERASING
    }

    /** Carries as a good one does, but for its habit. */
    private record Wild(Connector good, Habit habit) implements Connector {

        @Override
        public KvConnectorType type() {
            return good.type();
        }

        @Override
        public @Nullable SlotArena hostMemory() {
            return good.hostMemory();
        }

        @Override
        public int storeSlots() {
            return good.storeSlots();
        }

        @Override
        public void forEachStored(StoredPages pages) {
            good.forEachStored(pages);
        }

        @Override
        public void begin(Transfer transfer, Listener listener) {
            int size = transfer.size();
            switch (habit) {
                case ENDS_TWICE ->
                    good.begin(transfer, (same, landed, tookNs, failure) -> {
                        listener.ended(same, landed, tookNs, failure);
                        listener.ended(same, 0, tookNs, new IllegalStateException("once more"));
                    });
                case ENDS_TWICE_WITHIN_BEGIN -> {
                    listener.ended(transfer, 0, 0, new IllegalStateException("nothing was done"));
                    listener.ended(transfer, size, 0, null);
                }
                case THROWS_AFTER_TAKING -> {
                    listener.ended(transfer, 0, 0, new IllegalStateException("nothing was done"));
                    throw new IllegalStateException("and yet");
                }
                case THROWS_AN_ERROR -> throw new OutOfMemoryError("unable to create native thread");
                case LANDS_TOO_MUCH -> listener.ended(transfer, size + 1, 0, null);
                case LANDS_LESS_THAN_NOTHING -> listener.ended(transfer, -1, -5, null);
                case LANDS_HALF_WITHOUT_A_FAILURE ->
                    good.begin(
                            transfer,
                            (same, landed, tookNs, failure) -> listener.ended(same, landed / 2, tookNs, failure));
                default -> good.begin(transfer, listener);
            }
        }

        @Override
        public void erase(List<Integer> storeSlots, Consumer<@Nullable Throwable> erased) {
            switch (habit) {
                case ERASES_TWICE ->
                    good.erase(storeSlots, failure -> {
                        erased.accept(failure);
                        erased.accept(failure);
                    });
                case CANNOT_ERASE -> throw new IllegalStateException("not today");
                case THROWS_AN_ERROR_AT_ERASING -> throw new OutOfMemoryError("unable to create native thread");
                default -> good.erase(storeSlots, erased);
            }
        }

        @Override
        public void close() {
            good.close();
        }
    }

    private static BlockScheduler scheduler(Habit habit, Queue<String> failures) {
        SlotLayout layout = SlotLayout.of(CACHES);
        return BlockScheduler.builder(CACHES)
                .deviceBlocks(12)
                .hostPolicy(HostPolicy.WRITE_THROUGH)
                .recorder(new SchedulerRecorder() {
                    @Override
                    public void transferFailed(Tier from, Tier to, Throwable cause) {
                        failures.add(from + " to " + to + ": " + cause.getMessage());
                    }
                })
                .connector(arenas -> new Wild(
                        new SharedStoreConnector(
                                new LocalConnector(
                                        arenas,
                                        HostSlots.allocate(40, layout.bytes(), HostSlots.Touch.LAZY),
                                        layout,
                                        CopyWorkers.own(),
                                        System::nanoTime),
                                new SharedStoreConnector.Store(),
                                30),
                        habit))
                .build();
    }

    private static List<Integer> generate(BlockScheduler scheduler, int family) {
        int[] prompt =
                IntStream.range(0, 26).map(i -> (i * 7 + family * 13) % 61).toArray();
        return Objects.requireNonNull(scheduler
                .generate(SequenceSpec.of(prompt).maxTokens(6))
                .map(TokenEvent::token)
                .collectList()
                .block(PATIENCE));
    }

    @ParameterizedTest
    @EnumSource(Habit.class)
    void itCostsNeitherASequenceNorTheDisposal(Habit habit) {
        long before = Region.liveBytes();
        Queue<String> failures = new ConcurrentLinkedQueue<>();
        BlockScheduler scheduler = scheduler(habit, failures);
        scheduler
                .run(new PagedExecutor(List.of(MODEL), CACHES, scheduler.memory(), spec -> new Sampling(0, 0, 0, 60)))
                .subscribe();
        List<List<Integer>> first =
                IntStream.range(0, 6).mapToObj(i -> generate(scheduler, i)).toList();
        List<List<Integer>> again =
                IntStream.range(0, 6).mapToObj(i -> generate(scheduler, i)).toList();
        assertThat(again).isEqualTo(first);
        SchedulerMetrics metrics = scheduler.metrics();
        while (metrics.transfersInFlight() > 0) {
            Thread.onSpinWait();
        }
        assertThat(scheduler.clearCache().block(PATIENCE)).isTrue();
        scheduler.disposeLater().block(PATIENCE);
        assertThat(metrics.failed()).isZero();
        assertThat(Region.liveBytes()).isLessThanOrEqualTo(before);
        switch (habit) {
            case ENDS_TWICE, ERASES_TWICE -> assertThat(failures).isEmpty();
            case CANNOT_ERASE -> assertThat(failures).containsExactly("DISK to DISK: not today");
            case LANDS_TOO_MUCH ->
                assertThat(failures.peek())
                        .startsWith("DEVICE to HOST: a connector ends a transfer with all of its blocks, or with fewer"
                                + " and a failure, landed=");
            default -> assertThat(failures).isNotEmpty();
        }
        assertThat(metrics.transfersFailed()).isEqualTo(failures.size());
    }
}
