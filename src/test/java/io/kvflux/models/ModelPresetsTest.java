package io.kvflux.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.kvflux.geometry.AttentionKind;
import io.kvflux.geometry.DType;
import io.kvflux.geometry.DeviceRef;
import io.kvflux.geometry.KvCacheParams;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ModelPresetsTest {

    @ParameterizedTest
    @CsvSource({
        "llama-3.1-8b, MHA, 32, 32, 8, 128, 131072, 8030261248",
        "llama-3.1-70b, MHA, 80, 64, 8, 128, 327680, 70553706496",
        "llama-3.2-1b, MHA, 16, 32, 8, 64, 32768, 1235814400",
        "qwen3-0.6b, MHA, 28, 16, 8, 128, 114688, 596049920",
        "qwen3-8b, MHA, 36, 32, 8, 128, 147456, 8190735360",
        "qwen3-32b, MHA, 64, 64, 8, 128, 262144, 32762123264",
        "gemma-2-9b, MHA, 42, 16, 8, 256, 344064, 9241705984",
        "deepseek-v3, MLA, 61, 128, 1, 576, 70272, 671000000000",
        "gpt-oss-120b, MHA, 18, 64, 8, 64, 36864, 116830000000"
    })
    void shapesAreThePublishedOnes(
            String name, AttentionKind attention, int layers, int queries, int kv, int dim, long bytes, long weights) {
        ModelShape shape = ModelPresets.find(name);

        assertThat(shape.attention()).isEqualTo(attention);
        assertThat(shape.layers()).isEqualTo(layers);
        assertThat(shape.queryHeads()).isEqualTo(queries);
        assertThat(shape.kvHeads()).isEqualTo(kv);
        assertThat(shape.headDim()).isEqualTo(dim);
        assertThat(shape.kvBytesPerToken()).isEqualTo(bytes);
        assertThat(shape.parameters()).isEqualTo(weights);
        assertThat(shape.source()).contains("config.json of ");
    }

    /** Counts what the estimate of the reader leaves out too: a norm is one vector of the hidden size. */
    @ParameterizedTest
    @CsvSource({
        "llama-3.1-8b, 4096, 14336, 128256, 2, 2, 0",
        "llama-3.1-70b, 8192, 28672, 128256, 2, 2, 0",
        "llama-3.2-1b, 2048, 8192, 128256, 1, 2, 0",
        "qwen3-0.6b, 1024, 3072, 151936, 1, 2, 2",
        "qwen3-8b, 4096, 12288, 151936, 2, 2, 2",
        "qwen3-32b, 5120, 25600, 151936, 2, 2, 2",
        "gemma-2-9b, 3584, 14336, 256000, 1, 4, 0"
    })
    void parametersOfDenseModelsAreTheSumOfTheirMatrices(
            String name, long hidden, long inner, long vocabulary, int embeddings, int norms, int headNorms) {
        ModelShape shape = ModelPresets.find(name);
        long attention = 2 * hidden * shape.headDim() * (shape.queryHeads() + shape.kvHeads());
        long layer = attention + 3 * hidden * inner + norms * hidden + (long) headNorms * shape.headDim();

        assertThat(shape.parameters()).isEqualTo(embeddings * vocabulary * hidden + shape.layers() * layer + hidden);
    }

    @Test
    void allNamesAreFoundAndListed() {
        assertThat(ModelPresets.names()).hasSize(9).isUnmodifiable().allSatisfy(name -> {
            assertThat(ModelPresets.find(name).name()).isEqualTo(name);
            assertThat(ModelPresets.find(name).cacheParams().build().pageSize()).isEqualTo(128);
        });
        assertThat(ModelPresets.find(" Llama-3.1-8B ").name()).isEqualTo("llama-3.1-8b");
    }

    @Test
    void theDocumentsTableIsTheCode() throws IOException {
        List<String> rows = new ArrayList<>();
        for (String name : ModelPresets.names()) {
            ModelShape shape = ModelPresets.find(name);
            rows.add(String.join(
                    " | ",
                    "| `" + name + "`",
                    shape.attention().name(),
                    "" + shape.layers(),
                    "" + shape.queryHeads(),
                    "" + shape.kvHeads(),
                    "" + shape.headDim(),
                    "" + shape.kvBytesPerToken(),
                    "" + shape.parameters(),
                    shape.source() + " |"));
        }

        assertThat(Files.readAllLines(Path.of("docs", "geometry.md"))).containsSubsequence(rows);
    }

    @Test
    void whatAPresetLeavesOutIsInItsSource() {
        assertThat(ModelPresets.find("gpt-oss-120b").source()).contains("only the 18 full-attention layers of 36");
        assertThat(ModelPresets.find("gemma-2-9b").source()).contains("all 42 layers as full attention");
    }

    @Test
    void weightsTakeTheirPublishedBytes() {
        assertThat(ModelPresets.find("llama-3.1-8b").weightBytes()).isEqualTo(2 * 8_030_261_248L);
        assertThat(ModelPresets.find("deepseek-v3").weightBytes()).isEqualTo(671_000_000_000L);
        assertThat(ModelPresets.find("gpt-oss-120b").weightBytes() / (double) (1L << 30))
                .isBetween(60.79, 60.81);
    }

    @Test
    void latentPresetGivesTheSpecifiedBlock() {
        KvCacheParams params = ModelPresets.find("deepseek-v3")
                .cacheParams()
                .devices(DeviceRef.gpus(8))
                .build();

        assertThat(params.bytesPerBlock()).isEqualTo(71_958_528);
    }

    @ParameterizedTest
    @ValueSource(strings = {"llama-3.1-8", "lama-3.1-8b", "llama3.1-8b"})
    void aSlipOfTheKeyboardGetsASuggestion(String name) {
        assertThatExceptionOfType(ModelConfigException.class)
                .isThrownBy(() -> ModelPresets.find(name))
                .withMessageStartingWith("unknown model '" + name + "', did you mean llama-3.1-8b?");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "gpt-2", "a model that nobody has ever heard of"})
    void unknownNamesGetTheList(String name) {
        assertThatExceptionOfType(ModelConfigException.class)
                .isThrownBy(() -> Models.resolve(name))
                .withMessageStartingWith("unknown model '" + name + "'; known models are llama-3.1-8b, llama-3.1-70b,")
                .withMessageEndingWith("or give the path of a config.json");
    }

    @Test
    void shapesCheckTheirValues() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> shape(0, 1, 1, 2))
                .withMessageContaining("numLayers must be positive");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> shape(1, 1, 2, 2))
                .withMessageContaining("parameters=1, activeParameters=2");
        assertThatIllegalArgumentException().isThrownBy(() -> shape(1, -1, 0, 2));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> shape(1, 1, 1, Double.NaN))
                .withMessageContaining("weightBytesPerParameter=NaN");
    }

    private static ModelShape shape(int layers, long parameters, long active, double bytes) {
        return new ModelShape(
                "x", AttentionKind.MHA, layers, 1, 1, 1, DType.BFLOAT16, parameters, active, bytes, "test");
    }
}
