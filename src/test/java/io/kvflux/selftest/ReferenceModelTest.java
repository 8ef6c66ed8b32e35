package io.kvflux.selftest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvflux.BlockScheduler;
import io.kvflux.api.SchedulerMetrics;
import io.kvflux.api.SequenceSpec;
import io.kvflux.api.TokenEvent;
import io.kvflux.draft.DraftPolicy;
import io.kvflux.geometry.AttentionKind;
import io.kvflux.geometry.DType;
import io.kvflux.geometry.KvCacheParams;
import io.kvflux.geometry.MultiKvCacheParams;
import io.kvflux.geometry.SpeculativeMethod;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** The reference model itself, and its two forms over one page table without any adversary. */
class ReferenceModelTest {

    private static final int VOCABULARY = 97;
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private static ReferenceShape shape(AttentionKind attention, DType dtype) {
        return new ReferenceShape(attention, 2, 8, attention == AttentionKind.MLA ? 1 : 4, 8, VOCABULARY, dtype);
    }

    private static int[] prompt(int length) {
        int[] tokens = new int[length];
        for (int i = 0; i < length; i++) {
            tokens[i] = i * i % VOCABULARY;
        }
        return tokens;
    }

    private static DenseSequence dense(ReferenceShape shape, int[] prompt, Sampling sampling) {
        ForwardPass[] passes = {new ForwardPass(ReferenceModel.of(shape, 1))};
        return new DenseSequence(passes, SequenceSpec.of(prompt), prompt, sampling);
    }

    @ParameterizedTest
    @CsvSource({
        "MHA, FLOAT32, 1, 1", "MHA, FLOAT32, 4, 1", "MHA, BFLOAT16, 2, 2",
        "MLA, FLOAT32, 1, 1", "MLA, BFLOAT16, 4, 1", "MLA, FLOAT32, 2, 2"
    })
    void pagedOutputIsDenseOutput(AttentionKind attention, DType dtype, int tensorParallel, int dataParallel) {
        ReferenceShape shape = shape(attention, dtype);
        MultiKvCacheParams caches = MultiKvCacheParams.fromParams(shape.cache(4, tensorParallel, dataParallel));
        Sampling sampling = new Sampling(1, 7, 0, VOCABULARY - 1);
        BlockScheduler scheduler = BlockScheduler.builder(caches)
                .deviceBlocks(40)
                .poisonOnRelease(true)
                .scheduling(core -> core.maxBatchSize(4).maxBatchTokens(5).minChunkTokens(1))
                .build();
        scheduler
                .run(new PagedExecutor(
                        List.of(ReferenceModel.of(shape, 1)), caches, scheduler.memory(), spec -> sampling))
                .subscribe();
        for (int length : new int[] {1, 4, 23, 23}) {
            int[] prompt = prompt(length);
            DenseSequence dense = dense(shape, prompt, sampling);
            List<Integer> tokens = scheduler
                    .generate(SequenceSpec.of(prompt).maxTokens(30))
                    .map(TokenEvent::token)
                    .collectList()
                    .block(PATIENCE);
            for (int i = 0; i < 30; i++) {
                assertThat(tokens.get(i)).isEqualTo(dense.token(length + i));
            }
        }
        scheduler.disposeLater().block(PATIENCE);
    }

    /** A draft model with the target's weights is always right, one with others hardly ever; the tokens are the same. */
    @ParameterizedTest
    @CsvSource({"MHA, 0, 3", "MLA, 0, 1", "MHA, 0.01, 5", "MLA, 8, 2"})
    void draftsChangeNoToken(AttentionKind attention, double distance, int drafts) {
        ReferenceShape shape = shape(attention, DType.FLOAT32);
        KvCacheParams cache = shape.cache(4, 1, 1).toBuilder()
                .speculativeMethod(SpeculativeMethod.EAGLE)
                .numDraftTokens(drafts)
                .build();
        MultiKvCacheParams caches = MultiKvCacheParams.fromParams(cache, cache);
        Sampling sampling = new Sampling(1, 7, 0, VOCABULARY - 1);
        ReferenceModel target = ReferenceModel.of(shape, 1);
        BlockScheduler scheduler = BlockScheduler.builder(caches)
                .deviceBlocks(40)
                .poisonOnRelease(true)
                .draftPolicy(() -> DraftPolicy.fixed(drafts))
                .build();
        scheduler
                .run(new PagedExecutor(
                        List.of(target, ReferenceModel.near(target, distance, 2)),
                        caches,
                        scheduler.memory(),
                        spec -> sampling))
                .subscribe();
        int[] prompt = prompt(23);
        List<Integer> tokens = scheduler
                .generate(SequenceSpec.of(prompt).maxTokens(30))
                .map(TokenEvent::token)
                .collectList()
                .block(PATIENCE);
        scheduler.disposeLater().block(PATIENCE);
        assertThat(tokens)
                .isEqualTo(Arrays.stream(dense(shape, prompt, sampling).tokens(53))
                        .skip(23)
                        .boxed()
                        .toList());
        SchedulerMetrics metrics = scheduler.metrics();
        assertThat(metrics.draftsGranted()).isPositive();
        assertThat(metrics.draftsRejected() == 0).isEqualTo(distance == 0);
        assertThat(metrics.draftsAccepted() > metrics.draftsRejected()).isEqualTo(distance < 1);
    }

    /** So a difference anywhere shows: on another machine, on another JDK, after a change to the arithmetic. */
    @ParameterizedTest
    @CsvSource({
        "MHA, FLOAT32, 1 93 93 93 93 92 87 67 14 64 15 7, -6977549260109248602",
        "MHA, BFLOAT16, 1 93 93 93 93 92 87 67 14 60 48 7, 1877205314933246331",
        "MLA, FLOAT32, 24 92 69 69 69 40 79 59 96 32 72 14, 3426851847827713935",
        "MLA, BFLOAT16, 24 92 69 69 69 40 79 59 96 32 72 14, -2312279076074240659"
    })
    void theSameSeedGivesTheSameTokensEverywhere(
            AttentionKind attention, DType dtype, String tokens, long fingerprint) {
        DenseSequence dense = dense(shape(attention, dtype), prompt(10), new Sampling(1, 7, 0, 96));
        assertThat(Arrays.stream(dense.tokens(22)).skip(10).mapToObj(String::valueOf))
                .containsExactly(tokens.split(" ", -1));
        assertThat(dense.fingerprint(0, 21)).isEqualTo(fingerprint);
    }

    @ParameterizedTest
    @EnumSource(AttentionKind.class)
    void everyTokenOfTheContextCounts(AttentionKind attention) {
        ReferenceShape shape = shape(attention, DType.FLOAT32);
        int[] prompt = prompt(40);
        Set<Long> fingerprints = new HashSet<>();
        fingerprints.add(dense(shape, prompt, Sampling.greedy(VOCABULARY)).fingerprint(0, 40));
        for (int i = 0; i < prompt.length; i++) {
            int[] other = prompt.clone();
            other[i] = (other[i] + 1) % VOCABULARY;
            fingerprints.add(dense(shape, other, Sampling.greedy(VOCABULARY)).fingerprint(0, 40));
        }
        assertThat(fingerprints).hasSize(41);
    }

    @Test
    void drawsFollowTheirProbabilitiesAndGreedyTakesTheLargest() {
        float[] logits = {0, 1, 2, 2};
        assertThat(Sampling.greedy(4).choose(logits, 5)).isEqualTo(2);
        int[] counts = new int[4];
        for (int position = 0; position < 100_000; position++) {
            counts[new Sampling(1, 3, 0, 3).choose(logits, position)]++;
        }
        double total = 1 + Math.exp(1) + 2 * Math.exp(2);
        for (int token = 0; token < 4; token++) {
            assertThat(counts[token] / 100_000.0)
                    .isCloseTo(Math.exp(logits[token]) / total, org.assertj.core.data.Offset.offset(0.01));
        }
        assertThat(new Sampling(0, 0, 0, 1).choose(logits, 5)).isEqualTo(1);
    }

    @Test
    void bfloat16RoundsToNearestEvenAndKeepsNaN() {
        assertThat(Bf16.round(1.0f)).isEqualTo(1.0f);
        assertThat(Bf16.round(Float.intBitsToFloat(0x3F808000))).isEqualTo(1.0f);
        assertThat(Bf16.round(Float.intBitsToFloat(0x3F818000))).isEqualTo(Float.intBitsToFloat(0x3F820000));
        assertThat(Bf16.round(Float.intBitsToFloat(0x3F808001))).isEqualTo(Float.intBitsToFloat(0x3F810000));
        assertThat(Bf16.round(Float.MAX_VALUE)).isEqualTo(Float.POSITIVE_INFINITY);
        assertThat(Bf16.round(Float.intBitsToFloat(0x7F800001))).isNaN();
        assertThat(Bf16.toFloat((short) 0xFFFF)).as("the poison").isNaN();
    }

    @Test
    void impossibleShapesAndSamplingsAreRefusedWithTheirNumbers() {
        assertThatThrownBy(() -> new ReferenceShape(AttentionKind.MHA, 1, 4, 3, 8, 10, DType.FLOAT32))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("kvHeads that divide heads")
                .hasMessageContaining("heads=4, kvHeads=3");
        assertThatThrownBy(() -> new ReferenceShape(AttentionKind.MHA, 1, 4, 4, 8, 10, DType.FLOAT16))
                .hasMessageContaining("dtype=FLOAT16");
        assertThatThrownBy(() -> new ReferenceShape(AttentionKind.MLA, 1, 4, 4, 8, 10, DType.FLOAT32))
                .hasMessageContaining("1 under MLA");
        assertThatThrownBy(() -> new Sampling(-1, 0, 0, 1)).hasMessageContaining("temperature=-1");
        assertThatThrownBy(() -> new Sampling(Double.NaN, 0, 0, 1)).hasMessageContaining("temperature=NaN");
    }
}
