package io.kvflux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvflux.api.SequenceSpec;
import io.kvflux.api.TokenEvent;
import io.kvflux.core.PreemptionMode;
import io.kvflux.geometry.AttentionKind;
import io.kvflux.geometry.DType;
import io.kvflux.geometry.DataSize;
import io.kvflux.geometry.MultiKvCacheParams;
import io.kvflux.memory.DeviceLostException;
import io.kvflux.memory.cuda.CudaDevice;
import io.kvflux.memory.cuda.KernelUse;
import io.kvflux.memory.cuda.StandIn;
import io.kvflux.selftest.PagedExecutor;
import io.kvflux.selftest.ReferenceModel;
import io.kvflux.selftest.ReferenceShape;
import io.kvflux.selftest.Sampling;
import io.kvflux.tier.HostPolicy;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * A scheduler on its own threads whose blocks are on a GPU, on the stand-in of its driver: copies are on streams, late and in
 * any order across them, and some fail, while a model really attends over the pages. Every token is as it would be on host
 * memory, and in the end nothing lives.
 */
@ExtendWith(StandIn.class)
class CudaSchedulerTest {

    private static final Duration PATIENCE = Duration.ofMinutes(2);
    private static final long SEED = Long.getLong("kvflux.seed", System.nanoTime());
    private static final int PAGE_SIZE = 4;
    private static final ReferenceShape SHAPE = new ReferenceShape(AttentionKind.MHA, 1, 4, 2, 8, 61, DType.FLOAT32);
    private static final ReferenceModel MODEL = ReferenceModel.of(SHAPE, 7);
    private static final int CANCELLED = -1;

    @TempDir
    Path folder;

    private final SplittableRandom random = new SplittableRandom(SEED);

    private static MultiKvCacheParams caches(int replicas, int shards) {
        return MultiKvCacheParams.fromParams(SHAPE.cache(PAGE_SIZE, shards, replicas));
    }

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

    private static void compute(BlockScheduler scheduler, MultiKvCacheParams caches) {
        scheduler
                .run(new PagedExecutor(List.of(MODEL), caches, scheduler.memory(), spec -> new Sampling(0, 0, 0, 60)))
                .subscribe();
    }

    private static List<List<Integer>> expected(List<SequenceSpec> specs) {
        MultiKvCacheParams caches = caches(1, 1);
        BlockScheduler plain = BlockScheduler.builder(caches)
                .deviceBlocks(500)
                .scheduling(core -> core.prefixCaching(false))
                .build();
        compute(plain, caches);
        List<List<Integer>> tokens = Objects.requireNonNull(Flux.fromIterable(specs)
                .flatMapSequential(
                        spec -> plain.generate(spec).map(TokenEvent::token).collectList(), 8)
                .collectList()
                .block(PATIENCE));
        plain.disposeLater().block(PATIENCE);
        return tokens;
    }

    /** What every client got, eight at a time; every sixth leaves after two tokens. */
    private static List<List<Integer>> run(BlockScheduler scheduler, List<SequenceSpec> specs) {
        AtomicInteger number = new AtomicInteger();
        return Objects.requireNonNull(Flux.fromIterable(specs)
                .flatMapSequential(
                        spec -> {
                            Flux<Integer> tokens = scheduler.generate(spec).map(TokenEvent::token);
                            return number.incrementAndGet() % 6 == 0
                                    ? tokens.take(2)
                                            .concatWith(Mono.just(CANCELLED))
                                            .collectList()
                                    : tokens.collectList();
                        },
                        8)
                .collectList()
                .block(PATIENCE));
    }

    private static void requireSame(List<List<Integer>> found, List<List<Integer>> expected) {
        assertThat(found).hasSameSizeAs(expected);
        for (int i = 0; i < found.size(); i++) {
            List<Integer> tokens = found.get(i);
            boolean cancelled = tokens.get(tokens.size() - 1) == CANCELLED;
            List<Integer> seen = cancelled ? tokens.subList(0, tokens.size() - 1) : tokens;
            assertThat(seen)
                    .as("sequence %d, seed %d", i, SEED)
                    .isEqualTo(expected.get(i)
                            .subList(
                                    0, cancelled ? seen.size() : expected.get(i).size()));
        }
    }

    private BlockSchedulerBuilder builder(
            CudaDevice device, MultiKvCacheParams caches, HostPolicy policy, boolean poison) {
        return BlockScheduler.builder(caches)
                .device(device)
                .deviceBlocks(40)
                .hostSwapBlocks(30)
                .hostPolicy(policy)
                .poisonOnRelease(poison)
                .maxStepsInFlight(2)
                .preemption(PreemptionMode.OFFLOAD)
                .scheduling(core -> core.verifyInvariants(true).offloadWatermarks(0.05, 0.1));
    }

    private static CudaDevice device(KernelUse kernels, int... ordinals) {
        return CudaDevice.builder()
                .devices(ordinals)
                .memory(new DataSize(16 << 20))
                .kernels(kernels)
                .open();
    }

    @ParameterizedTest
    @EnumSource(HostPolicy.class)
    void everyTokenIsRightWhileCopiesAreLateAndSomeFail(HostPolicy policy) {
        System.out.println("CudaSchedulerTest " + policy + " seed " + SEED + " (-Dkvflux.seed)");
        List<SequenceSpec> specs = specs(120);
        List<List<Integer>> expected = expected(specs);
        for (KernelUse kernels : new KernelUse[] {KernelUse.ALWAYS, KernelUse.OFF}) {
            StandIn.lenient("strict; late 10; shuffle " + (SEED & 0xFFFF));
            CudaDevice device = device(kernels, 0);
            BlockScheduler scheduler = builder(device, caches(1, 1), policy, kernels == KernelUse.OFF)
                    .build();
            compute(scheduler, caches(1, 1));
            // Copies between device and host fail, which ends nobody; with kernels that fill, filling would fail too.
            String begins = kernels == KernelUse.OFF ? "cuMemcpyBatchAsync_v2" : "cuLaunchKernel";
            for (int call = 3; call < 60; call += 4) {
                StandIn.script("fail " + begins + " " + call + " 1");
            }
            requireSame(run(scheduler, specs), expected);
            assertThat(scheduler.metrics().preemptions()).isNotNegative();
            assertThat(scheduler.metrics().offloadedBlocks()).isPositive();
            assertThat(scheduler.metrics().onloadedBlocks()).isPositive();
            scheduler.disposeLater().block(PATIENCE);
            assertThat(device.allocatedBytes()).isZero();
            device.close();
        }
    }

    @Test
    void shardsOnSeveralGpusAndADiskBelow() {
        List<SequenceSpec> specs = specs(80);
        List<List<Integer>> expected = expected(specs);
        MultiKvCacheParams caches = caches(1, 2);
        CudaDevice device = device(KernelUse.MEASURED, 0, 1);
        BlockScheduler scheduler = builder(device, caches, HostPolicy.WRITE_THROUGH, true)
                .disk(folder.resolve("pages"), DataSize.ofGiB(1))
                .build();
        compute(scheduler, caches);
        requireSame(run(scheduler, specs), expected);
        scheduler.disposeLater().block(PATIENCE);
        device.close();
    }

    @Test
    void aGpuThatIsLostInMidStepFailsItsSequencesAndTheOthersGoOn() {
        List<SequenceSpec> specs = specs(60);
        List<List<Integer>> expected = expected(specs);
        MultiKvCacheParams caches = caches(2, 1);
        CudaDevice device = device(KernelUse.OFF, 0, 1);
        BlockScheduler scheduler =
                builder(device, caches, HostPolicy.INCLUSIVE, true).build();
        compute(scheduler, caches);
        AtomicInteger tokens = new AtomicInteger();
        AtomicInteger lost = new AtomicInteger();
        List<List<Integer>> found = Objects.requireNonNull(Flux.fromIterable(specs)
                .flatMapSequential(
                        spec -> scheduler
                                .generate(spec)
                                .map(TokenEvent::token)
                                .doOnNext(token -> {
                                    if (tokens.incrementAndGet() == 100) {
                                        StandIn.script("lose 0");
                                    }
                                })
                                .collectList()
                                .onErrorResume(DeviceLostException.class, loss -> {
                                    assertThat(loss).hasMessageContaining("restart this process");
                                    lost.incrementAndGet();
                                    return Mono.just(List.of());
                                }),
                        8)
                .collectList()
                .block(PATIENCE));
        assertThat(lost.get()).as("those that ran there, eight at most").isBetween(1, 8);
        for (int i = 0; i < found.size(); i++) {
            assertThat(found.get(i)).isIn(List.of(), expected.get(i));
        }
        assertThat(scheduler.metrics().replicasLost()).isEqualTo(1);
        scheduler.disposeLater().block(PATIENCE);
        device.close();
        assertThat(device.allocatedBytes()).isZero();
    }

    @Test
    void aGpuWithoutRoomForABlockIsToldWithWhatIsNeededAndWhatIsFree() {
        StandIn.script("memory 1MiB");
        CudaDevice device = CudaDevice.builder()
                .memory(new DataSize(300))
                .reserve(new DataSize(0))
                .kernels(KernelUse.OFF)
                .open();
        assertThatThrownBy(() ->
                        BlockScheduler.builder(caches(1, 1)).device(device).build())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(
                        "deviceMemory must hold the null block and one more of each replica, deviceMemory=300,"
                                + " bytesPerBlock=512 over all replicas, device=cuda:0 (KvFlux stand-in GPU)")
                .hasMessageContaining("freeBytes=[1048576] when it was opened");
        device.close();
    }
}
