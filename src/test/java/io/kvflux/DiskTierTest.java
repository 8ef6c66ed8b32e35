package io.kvflux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvflux.api.SequenceSpec;
import io.kvflux.api.TokenEvent;
import io.kvflux.geometry.AttentionKind;
import io.kvflux.geometry.DType;
import io.kvflux.geometry.DataSize;
import io.kvflux.geometry.MultiKvCacheParams;
import io.kvflux.selftest.PagedExecutor;
import io.kvflux.selftest.ReferenceModel;
import io.kvflux.selftest.ReferenceShape;
import io.kvflux.selftest.Sampling;
import io.kvflux.tier.HostPolicy;
import io.kvflux.tier.disk.DiskRecovery;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import reactor.core.publisher.Flux;

/** Pages that outlive their process, read by a model that really attends over them. */
class DiskTierTest {

    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final int PAGE_SIZE = 4;
    /** In a segment file, after its header and 1024 records. */
    private static final int FIRST_SLOT_AT = 4096 + 1024 * 128;

    private static final ReferenceShape SHAPE = new ReferenceShape(AttentionKind.MHA, 2, 4, 2, 8, 61, DType.FLOAT32);
    private static final int[] PROMPT =
            IntStream.range(0, 42).map(i -> i * 7 % 61).toArray();

    @TempDir
    Path folder;

    private static MultiKvCacheParams caches() {
        return MultiKvCacheParams.fromParams(SHAPE.cache(PAGE_SIZE, 1, 1));
    }

    private BlockSchedulerBuilder builder() {
        return BlockScheduler.builder(caches())
                .deviceBlocks(40)
                .hostSwapBlocks(40)
                .hostPolicy(HostPolicy.WRITE_THROUGH)
                .poisonOnRelease(true)
                .disk(folder.resolve("pages"), DataSize.ofGiB(1));
    }

    private static List<TokenEvent> generate(BlockScheduler scheduler) {
        PagedExecutor executor = new PagedExecutor(
                List.of(ReferenceModel.of(SHAPE, 7)), caches(), scheduler.memory(), spec -> new Sampling(0, 0, 0, 60));
        scheduler.run(executor).subscribe();
        return scheduler
                .generate(SequenceSpec.of(PROMPT).maxTokens(12))
                .collectList()
                .block(PATIENCE);
    }

    private static int[] tokens(List<TokenEvent> events) {
        return events.stream().mapToInt(TokenEvent::token).toArray();
    }

    private static int cached(List<TokenEvent> events) {
        return events.get(events.size() - 1).usage().cachedTokens();
    }

    private static void await(BlockScheduler scheduler) {
        Flux.interval(Duration.ZERO, Duration.ofMillis(2))
                .onBackpressureDrop()
                .filter(tick -> scheduler.metrics().transfersInFlight() == 0)
                .timeout(PATIENCE)
                .blockFirst();
    }

    private List<TokenEvent> firstRun() {
        BlockScheduler scheduler = builder().build();
        List<TokenEvent> events = generate(scheduler);
        assertThat(cached(events)).isZero();
        await(scheduler);
        assertThat(scheduler.metrics().diskStoredBlocks()).isPositive();
        scheduler.disposeLater().block(PATIENCE);
        return events;
    }

    @Test
    void aWarmRestartHitsWhatAnEarlierRunStored() {
        List<TokenEvent> first = firstRun();
        BlockScheduler scheduler = builder().build();
        assertThat(scheduler.match(SequenceSpec.of(PROMPT)).block(PATIENCE)).isEqualTo(40);
        List<TokenEvent> second = generate(scheduler);
        assertThat(tokens(second)).isEqualTo(tokens(first));
        assertThat(cached(second)).isEqualTo(40);
        assertThat(scheduler.metrics().diskFetchedBlocks()).isEqualTo(10);
        assertThat(scheduler.metrics().diskSpoiledBlocks()).isZero();
        assertThat(scheduler.diskRecovery()).map(DiskRecovery::recovered).hasValueSatisfying(recovered -> {
            assertThat(recovered).isBetween(10, 13); // what the disk was too slow for is left out
            assertThat(scheduler.metrics().diskBlocks()).isGreaterThan(recovered);
        });
        scheduler.disposeLater().block(PATIENCE);
    }

    @Test
    void pagesThatWereDamagedAreComputedAgain() throws IOException {
        List<TokenEvent> first = firstRun();
        try (Stream<Path> files = Files.list(folder.resolve("pages"))) {
            for (Path file :
                    files.filter(path -> path.toString().endsWith(".kvflux")).toList()) {
                byte[] bytes = Files.readAllBytes(file);
                Arrays.fill(bytes, FIRST_SLOT_AT, bytes.length, (byte) 0xA5);
                Files.write(file, bytes);
            }
        }
        BlockScheduler scheduler = builder().build();
        List<TokenEvent> second = generate(scheduler);
        assertThat(tokens(second)).isEqualTo(tokens(first));
        assertThat(scheduler.metrics().diskSpoiledBlocks()).isPositive();
        scheduler.disposeLater().block(PATIENCE);
    }

    @Test
    void aClearedCacheIsForgottenByLaterRunsToo() {
        firstRun();
        BlockScheduler scheduler = builder().build();
        assertThat(scheduler.clearCache().block(PATIENCE)).isTrue();
        assertThat(scheduler.match(SequenceSpec.of(PROMPT)).block(PATIENCE)).isZero();
        scheduler.disposeLater().block(PATIENCE);
        scheduler = builder().build();
        assertThat(scheduler.match(SequenceSpec.of(PROMPT)).block(PATIENCE)).isZero();
        scheduler.disposeLater().block(PATIENCE);
    }

    /** The directory may be another scheduler's by then. */
    @Test
    void aCacheClearedAfterTheDisposalLeavesTheDiskAlone() {
        firstRun();
        BlockScheduler scheduler = builder().build();
        scheduler.disposeLater().block(PATIENCE);
        assertThat(scheduler.clearCache().block(PATIENCE)).isTrue();
        scheduler.disposeLater().block(PATIENCE);
        scheduler = builder().build();
        assertThat(scheduler.match(SequenceSpec.of(PROMPT)).block(PATIENCE)).isEqualTo(40);
        scheduler.disposeLater().block(PATIENCE);
    }

    @Test
    void anotherTenantFindsNothing() {
        firstRun();
        BlockScheduler scheduler = builder().build();
        assertThat(scheduler.match(SequenceSpec.of(PROMPT).salt("other")).block(PATIENCE))
                .isZero();
        scheduler.disposeLater().block(PATIENCE);
    }

    @Test
    void aDirectoryHasOneSchedulerAndOneGeometry() {
        BlockScheduler scheduler = builder().build();
        assertThatThrownBy(() -> builder().build()).hasMessageContaining("pages");
        generate(scheduler);
        await(scheduler);
        scheduler.disposeLater().block(PATIENCE);
        MultiKvCacheParams others = MultiKvCacheParams.fromParams(SHAPE.cache(PAGE_SIZE * 2, 1, 1));
        assertThatThrownBy(() -> BlockScheduler.builder(others)
                        .deviceBlocks(10)
                        .hostSwapBlocks(10)
                        .disk(folder.resolve("pages"), DataSize.ofGiB(1))
                        .build())
                .hasMessageContaining("page");
    }

    @Test
    void aDiskNeedsAHostAboveIt() {
        assertThatThrownBy(() -> BlockScheduler.builder(caches())
                        .deviceBlocks(10)
                        .disk(folder, DataSize.ofGiB(1))
                        .build())
                .hasMessageContaining("disk needs hostSwap");
    }
}
