package io.kvflux.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.kvflux.geometry.AttentionKind;
import io.kvflux.geometry.DType;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class HuggingFaceConfigTest {

    private static final String LLAMA = """
            {"num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8, "hidden_size": 4096,
             "intermediate_size": 14336, "vocab_size": 128256, "tie_word_embeddings": false, "torch_dtype": "bfloat16"}
            """;

    private static final String SMALL = "{\"num_hidden_layers\": 2, \"num_attention_heads\": 4, \"hidden_size\": 64}";

    @TempDir
    Path folder;

    private Path file = Path.of("config.json");

    @BeforeEach
    void placeTheFile() {
        file = folder.resolve("config.json");
    }

    private ModelShape read(String json) throws IOException {
        Files.writeString(file, json);
        return HuggingFaceConfig.read(file);
    }

    private void rejects(String json, String... fragments) throws IOException {
        Files.writeString(file, json);
        rejectsFile(file, fragments);
    }

    private static void rejectsFile(Path path, String... fragments) {
        assertThatExceptionOfType(ModelConfigException.class)
                .isThrownBy(() -> HuggingFaceConfig.read(path))
                .withMessageStartingWith(path.toString())
                .withMessageContainingAll(fragments)
                .satisfies(e -> assertThat(e.getMessage()).doesNotContain("\n"));
    }

    /** {@code SMALL} with one key added or replaced. */
    private static String with(String key, String value) {
        return without(key).replaceFirst("\\{", "{\"" + key + "\": " + value + ", ");
    }

    private static String without(String key) {
        return SMALL.replace("\"" + key + "\"", "\"other\"");
    }

    @Test
    void denseModelIsReadAsItsPreset() throws IOException {
        ModelShape shape = read(LLAMA);
        ModelShape preset = ModelPresets.find("llama-3.1-8b");

        assertThat(shape.name()).isEqualTo(file.toString());
        assertThat(shape.cacheParams().build()).isEqualTo(preset.cacheParams().build());
        assertThat((double) shape.parameters() / preset.parameters()).isBetween(0.999, 1.0);
        assertThat(shape.activeParameters()).isEqualTo(shape.parameters());
        assertThat(shape.source()).isEqualTo("config.json; parameters estimated for a dense gated model");
    }

    @Test
    void headDimAndKvHeadsHaveFallbacks() throws IOException {
        assertThat(read(SMALL).headDim()).isEqualTo(16);
        assertThat(read(SMALL).kvHeads()).isEqualTo(4);
        assertThat(read(with("head_dim", "24")).headDim()).isEqualTo(24);
        assertThat(read(with("head_dim", "null")).headDim()).isEqualTo(16);
        assertThat(read(with("num_key_value_heads", "null")).kvHeads()).isEqualTo(4);
    }

    @Test
    void absentDtypeIsAssumedAndSaid() throws IOException {
        assertThat(read(SMALL).kvDtype()).isEqualTo(DType.BFLOAT16);
        assertThat(read(SMALL).source()).contains("no dtype given, bfloat16 assumed");
    }

    @ParameterizedTest
    @CsvSource({"float16,FLOAT16", "float32,FLOAT32", "float8_e4m3fn,FLOAT8_E4M3FN", "bfloat16,BFLOAT16"})
    void bothNamesOfTheDtypeAreRead(String text, DType dtype) throws IOException {
        assertThat(read(with("dtype", '"' + text + '"')).kvDtype()).isEqualTo(dtype);
        assertThat(read(with("torch_dtype", '"' + text + '"')).kvDtype()).isEqualTo(dtype);
    }

    @Test
    void latentModelIsReadAsItsPreset() throws IOException {
        ModelShape shape = read("""
                {"num_hidden_layers": 61, "num_attention_heads": 128, "num_key_value_heads": 128, "hidden_size": 7168,
                 "kv_lora_rank": 512, "qk_rope_head_dim": 64, "n_routed_experts": 256, "torch_dtype": "bfloat16",
                 "quantization_config": {"quant_method": "fp8"}}
                """);

        assertThat(shape.attention()).isEqualTo(AttentionKind.MLA);
        assertThat(shape.cacheParams().build())
                .isEqualTo(ModelPresets.find("deepseek-v3").cacheParams().build());
        assertThat(shape.parameters()).isZero();
        assertThat(shape.weightBytes()).isZero();
        assertThat(shape.source()).contains("quantization_config is not read");
    }

    @Test
    void textPartOfAMultimodalModelIsRead() throws IOException {
        ModelShape shape = read("{\"torch_dtype\": \"float16\", \"text_config\": " + SMALL + "}");

        assertThat(shape.layers()).isEqualTo(2);
        assertThat(shape.kvDtype()).isEqualTo(DType.FLOAT16);
        rejects("{\"text_config\": " + with("num_hidden_layers", "0") + "}", "text_config.num_hidden_layers=0");
    }

    @Test
    void weightsOfExpertsAreUnknown() throws IOException {
        String experts = LLAMA.replaceFirst("\\{", "{\"num_local_experts\": 8, ");

        assertThat(read(experts).parameters()).isZero();
    }

    @Test
    void tiedEmbeddingsAreCountedOnceAndAssumedWhenAbsent() throws IOException {
        long untied = read(LLAMA).parameters();
        long tied = read(LLAMA.replace("\"tie_word_embeddings\": false,", "")).parameters();

        assertThat(untied - tied).isEqualTo(128_256L * 4096);
    }

    @Test
    void windowsAreCountedAsFullAttentionAndTheSourceSaysSo() throws IOException {
        assertThat(read(with("layer_types", "[\"sliding_attention\", \"full_attention\"]"))
                        .source())
                .contains("all 2 layers counted as full attention, though 1 of them keep only a window");
        assertThat(read(with("sliding_window", "4096")).source())
                .contains("all 2 layers counted as full attention, though sliding_window=4096");
        assertThat(read(with("sliding_window", "null")).source()).doesNotContain("full attention");
        assertThat(read("{\"use_sliding_window\": false, "
                                + with("sliding_window", "9").substring(1))
                        .source())
                .doesNotContain("full attention");
    }

    @Test
    void missingFileAndDirectoryAreNamed() {
        rejectsFile(folder.resolve("nowhere.json"), "does not exist");
        rejectsFile(folder, "is a directory", "config.json");
    }

    @Test
    void malformedJsonIsPlacedByLineAndColumn() throws IOException {
        rejects("{\"a\": 1,\n  \"b\" 2}", "is not valid JSON at line 2, column 7: Unexpected character ('2'");
        rejects(SMALL + " x", "is not valid JSON at line 1");
        rejects("{\"num_hidden_layers\": 2", "is not valid JSON at line 1", "end-of-input");
    }

    @Test
    void emptyFilesAndOtherValuesAreNoObject() throws IOException {
        rejects("", "is empty, expected a JSON object");
        rejects("[1, 2]", "holds no JSON object");
        rejects("null", "holds no JSON object");
    }

    @Test
    void bytesThatAreNoTextAreRejected() throws IOException {
        Files.write(file, "{\"a\": \"\u00e9\"}".getBytes(StandardCharsets.ISO_8859_1));
        rejectsFile(file, "is not valid JSON at line 1", "UTF-8");
    }

    @ParameterizedTest
    @ValueSource(strings = {"num_hidden_layers", "num_attention_heads", "hidden_size"})
    void missingKeysAreNamed(String key) throws IOException {
        rejects(without(key), key + " is absent, expected");
    }

    @ParameterizedTest
    @ValueSource(strings = {"0", "-1", "1.5", "\"32\"", "[32]", "true", "2000000", "99999999999999999999"})
    void numbersMustBeWholeAndSane(String value) throws IOException {
        rejects(with("num_hidden_layers", value), "num_hidden_layers=" + value, "a whole number from 1 to 1000");
        rejects(with("num_attention_heads", value), "num_attention_heads=" + value);
        rejects(with("num_key_value_heads", value), "num_key_value_heads=" + value);
        rejects(with("head_dim", value), "head_dim=" + value);
        rejects(with("hidden_size", value), "hidden_size=" + value);
        rejects(with("kv_lora_rank", value), "kv_lora_rank=" + value);
    }

    @Test
    void contradictionsNameBothValues() throws IOException {
        rejects(with("hidden_size", "65"), "hidden_size=65", "a multiple of num_attention_heads=4");
        rejects(with("num_key_value_heads", "8"), "num_key_value_heads=8", "at most num_attention_heads=4");
        rejects(with("multi_query", "true"), "num_key_value_heads is absent", "multi_query=true");
        rejects(with("kv_lora_rank", "512"), "qk_rope_head_dim is absent");
    }

    @Test
    void unknownDtypesAreRejected() throws IOException {
        rejects(with("torch_dtype", "\"auto\""), "torch_dtype=\"auto\"", "one of bfloat16, float16");
        rejects(with("dtype", "16"), "dtype=16");
    }

    @Test
    void modelsWithoutPlainAttentionAreRejected() throws IOException {
        rejects("{\"num_hidden_layers\": 48, \"state_size\": 16}", "state_size=16", "recurrent state");
        rejects(with("mamba_d_state", "128"), "mamba_d_state=128", "recurrent state");
        rejects(with("layer_types", "[\"linear_attention\", \"full_attention\"]"), "\"linear_attention\"");
        rejects(with("is_encoder_decoder", "true"), "is_encoder_decoder=true", "a decoder-only model");
    }

    @Test
    void namesAreTriedBeforePaths() throws IOException {
        read(SMALL);
        Path noSuffix = Files.copy(file, folder.resolve("model"));

        assertThat(Models.resolve("llama-3.1-8b").layers()).isEqualTo(32);
        assertThat(Models.resolve(file.toString()).layers()).isEqualTo(2);
        assertThat(Models.resolve(noSuffix.toString()).layers()).isEqualTo(2);
        assertThatExceptionOfType(ModelConfigException.class)
                .isThrownBy(() -> Models.resolve("no-such-file.json"))
                .withMessage("no-such-file.json does not exist, expected a model's config.json");
        assertThatExceptionOfType(ModelConfigException.class)
                .isThrownBy(() -> Models.resolve(folder.toString()))
                .withMessageContaining("is a directory");
        assertThatExceptionOfType(ModelConfigException.class)
                .isThrownBy(() -> Models.resolve("nul\0character"))
                .withMessageContaining("unknown model");
    }
}
