package io.kvflux.models;

import com.fasterxml.jackson.databind.JsonNode;
import io.kvflux.geometry.AttentionKind;
import io.kvflux.geometry.DType;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * Reads the shape of a model's cache from the {@code config.json} that Hugging Face repositories carry.
 *
 * <table>
 * <caption>Keys read; those of {@code text_config} are taken when the top level has no num_hidden_layers</caption>
 * <tr><th>shape</th><th>keys</th></tr>
 * <tr><td>layers</td><td>num_hidden_layers</td></tr>
 * <tr><td>queryHeads</td><td>num_attention_heads</td></tr>
 * <tr><td>kvHeads</td><td>num_key_value_heads, else num_attention_heads; 1 for MLA</td></tr>
 * <tr><td>headDim</td><td>head_dim, else hidden_size / num_attention_heads; for MLA kv_lora_rank + qk_rope_head_dim</td></tr>
 * <tr><td>kvDtype</td><td>dtype or torch_dtype; bfloat16 when both are absent, and the source says so</td></tr>
 * <tr><td>parameters</td><td>estimated from hidden_size, intermediate_size and vocab_size for dense models; else unknown</td></tr>
 * </table>
 */
public final class HuggingFaceConfig {

    // Far above any model; below them no product of this class overflows.
    private static final int MOST_LAYERS = 1_000;
    private static final int MOST_HEADS = 1_000;
    private static final int MOST_WIDTH = 1_000_000;

    private static final Map<String, DType> DTYPES = Map.of(
            "bfloat16", DType.BFLOAT16,
            "float16", DType.FLOAT16,
            "half", DType.FLOAT16,
            "float32", DType.FLOAT32,
            "float", DType.FLOAT32,
            "float8_e4m3fn", DType.FLOAT8_E4M3FN,
            "float8_e4m3fnuz", DType.FLOAT8_E4M3FNUZ,
            "int8", DType.INT8);

    /** Keys of models some of whose layers keep a recurrent state in place of keys and values. */
    private static final List<String> RECURRENT_KEYS = List.of(
            "attn_layer_period",
            "attn_layer_indices",
            "hybrid_override_pattern",
            "block_types",
            "mamba_d_state",
            "ssm_cfg",
            "state_size",
            "ssm_state_size",
            "full_attention_interval",
            "linear_num_key_heads");

    private static final Set<String> ATTENTION_LAYERS =
            Set.of("full_attention", "sliding_attention", "chunked_attention");

    /** Keys of models that use only some of their weights for a token. */
    private static final List<String> EXPERT_KEYS = List.of("num_local_experts", "num_experts", "n_routed_experts");

    private HuggingFaceConfig() {}

    /**
     * Reads a file.
     *
     * @param file a {@code config.json}
     * @return the shape, named by the path; its source says what was assumed
     * @throws ModelConfigException in one sentence with file, key and value, when it cannot be used
     */
    public static ModelShape read(Path file) {
        ConfigNode root = ConfigNode.read(file);
        ConfigNode nested = root.has("num_hidden_layers") ? null : root.object("text_config");
        ConfigNode config = nested == null ? root : nested;
        checkPlainAttention(root, config);
        List<String> notes = new ArrayList<>();
        notes.add("config.json");
        DType dtype = dtype(root, config, notes);
        int layers = config.positive("num_hidden_layers", MOST_LAYERS);
        noteLayerKinds(config, layers, notes);
        if (root.has("quantization_config")) {
            notes.add("weight bytes are those of the dtype, quantization_config is not read");
        }
        return config.has("kv_lora_rank")
                ? latent(file, config, layers, dtype, notes)
                : heads(file, root, config, layers, dtype, notes);
    }

    private static ModelShape latent(Path file, ConfigNode config, int layers, DType dtype, List<String> notes) {
        int latent = config.positive("kv_lora_rank", MOST_WIDTH);
        int rotary = config.positive("qk_rope_head_dim", MOST_WIDTH);
        int queryHeads = config.positive("num_attention_heads", MOST_HEADS);
        return new ModelShape(
                file.toString(),
                AttentionKind.MLA,
                layers,
                queryHeads,
                1,
                latent + rotary,
                dtype,
                0,
                0,
                dtype.bytes(),
                String.join("; ", notes));
    }

    private static ModelShape heads(
            Path file, ConfigNode root, ConfigNode config, int layers, DType dtype, List<String> notes) {
        int queryHeads = config.positive("num_attention_heads", MOST_HEADS);
        int kvHeads = kvHeads(config, queryHeads);
        int headDim = headDim(config, queryHeads);
        long parameters = denseParameters(root, config, layers, queryHeads, kvHeads, headDim);
        if (parameters > 0) {
            notes.add("parameters estimated for a dense gated model");
        }
        return new ModelShape(
                file.toString(),
                AttentionKind.MHA,
                layers,
                queryHeads,
                kvHeads,
                headDim,
                dtype,
                parameters,
                parameters,
                dtype.bytes(),
                String.join("; ", notes));
    }

    private static int kvHeads(ConfigNode config, int queryHeads) {
        if (!config.has("num_key_value_heads") && config.isTrueOr("multi_query", false)) {
            throw config.error("num_key_value_heads", "the number of KV heads, since multi_query=true");
        }
        int kvHeads = config.positiveOr("num_key_value_heads", MOST_HEADS, queryHeads);
        if (kvHeads > queryHeads) {
            throw config.error("num_key_value_heads", "at most num_attention_heads=" + queryHeads);
        }
        return kvHeads;
    }

    private static int headDim(ConfigNode config, int queryHeads) {
        if (config.has("head_dim")) {
            return config.positive("head_dim", MOST_WIDTH);
        }
        int hidden = config.positive("hidden_size", MOST_WIDTH);
        if (hidden % queryHeads != 0) {
            throw config.error("hidden_size", "a multiple of num_attention_heads=" + queryHeads + ", or head_dim");
        }
        return hidden / queryHeads;
    }

    private static DType dtype(ConfigNode root, ConfigNode config, List<String> notes) {
        for (ConfigNode each : List.of(config, root)) {
            for (String key : List.of("dtype", "torch_dtype")) {
                if (each.has(key)) {
                    return dtype(each, key);
                }
            }
        }
        notes.add("no dtype given, bfloat16 assumed");
        return DType.BFLOAT16;
    }

    private static DType dtype(ConfigNode config, String key) {
        DType dtype = DTYPES.get(config.get(key).asText().toLowerCase(Locale.ROOT));
        if (dtype == null) {
            throw config.error(key, "one of bfloat16, float16, float32, float8_e4m3fn, float8_e4m3fnuz, int8");
        }
        return dtype;
    }

    private static void checkPlainAttention(ConfigNode root, ConfigNode config) {
        for (String key : RECURRENT_KEYS) {
            if (config.has(key)) {
                throw config.error(key, "a model whose layers all keep keys and values, not a recurrent state");
            }
        }
        if (root.isTrueOr("is_encoder_decoder", false)) {
            throw root.error("is_encoder_decoder", "a decoder-only model");
        }
        for (JsonNode kind : config.get("layer_types")) {
            if (!ATTENTION_LAYERS.contains(kind.asText())) {
                throw config.unusable("layer_types holds " + kind + ", expected only attention layers of the kinds "
                        + "full_attention, sliding_attention, chunked_attention");
            }
        }
        if (config.has("num_hidden_layers") && !config.has("num_attention_heads")) {
            throw config.error("num_attention_heads", "the number of query heads: only attention keeps a KV cache");
        }
    }

    private static void noteLayerKinds(ConfigNode config, int layers, List<String> notes) {
        int narrow = 0;
        for (JsonNode kind : config.get("layer_types")) {
            narrow += kind.asText().equals("full_attention") ? 0 : 1;
        }
        boolean window = config.has("sliding_window") && config.isTrueOr("use_sliding_window", true);
        if (narrow > 0) {
            notes.add("all " + layers + " layers counted as full attention, though " + narrow
                    + " of them keep only a window");
        } else if (window) {
            notes.add("all " + layers + " layers counted as full attention, though sliding_window="
                    + config.get("sliding_window"));
        }
    }

    /** Embeddings, attention and a gated feed-forward network; norms and biases are below a thousandth and left out. */
    private static long denseParameters(
            ConfigNode root, ConfigNode config, long layers, long queryHeads, long kvHeads, long headDim) {
        boolean known = config.has("hidden_size") && config.has("intermediate_size") && config.has("vocab_size");
        if (!known || EXPERT_KEYS.stream().anyMatch(config::has)) {
            return 0;
        }
        long hidden = config.positive("hidden_size", MOST_WIDTH);
        long inner = config.positive("intermediate_size", MOST_WIDTH);
        long vocabulary = config.positive("vocab_size", MOST_WIDTH);
        // Absent means tied: the library that writes these files leaves out what is true of its base class.
        boolean tied = config.isTrueOr("tie_word_embeddings", root.isTrueOr("tie_word_embeddings", true));
        long attention = 2 * hidden * headDim * (queryHeads + kvHeads);
        return vocabulary * hidden * (tied ? 1 : 2) + layers * (attention + 3 * hidden * inner);
    }
}
