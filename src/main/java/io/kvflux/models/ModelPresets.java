package io.kvflux.models;

import io.kvflux.geometry.AttentionKind;
import io.kvflux.geometry.DType;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Shapes of well-known models, for planning without a file.
 *
 * <p>Sources: layers, heads and head dimensions are those of the {@code config.json} that each publisher put on Hugging
 * Face (the repository is in {@link ModelShape#source()}). Parameters of the dense models are counted from the same
 * files, tied embeddings once. DeepSeek-V3: arXiv 2412.19437, 671 B in all and 37 B active, FP8 weights. gpt-oss-120b:
 * model card, arXiv 2508.10925, table 1: 116.83 B in all, 5.13 B active, a checkpoint of 60.8 GiB.
 */
public final class ModelPresets {

    private static final Map<String, ModelShape> PRESETS = new LinkedHashMap<>();

    static {
        dense("llama-3.1-8b", 32, 32, 8, 128, 8_030_261_248L, "meta-llama/Llama-3.1-8B");
        dense("llama-3.1-70b", 80, 64, 8, 128, 70_553_706_496L, "meta-llama/Llama-3.1-70B");
        dense("llama-3.2-1b", 16, 32, 8, 64, 1_235_814_400L, "meta-llama/Llama-3.2-1B");
        dense("qwen3-0.6b", 28, 16, 8, 128, 596_049_920L, "Qwen/Qwen3-0.6B");
        dense("qwen3-8b", 36, 32, 8, 128, 8_190_735_360L, "Qwen/Qwen3-8B");
        dense("qwen3-32b", 64, 64, 8, 128, 32_762_123_264L, "Qwen/Qwen3-32B");
        dense(
                "gemma-2-9b",
                42,
                16,
                8,
                256,
                9_241_705_984L,
                "google/gemma-2-9b, all 42 layers as full attention (every second one has a window of 4096 tokens)");
        add(new ModelShape(
                "deepseek-v3",
                AttentionKind.MLA,
                61,
                128,
                1,
                512 + 64,
                DType.BFLOAT16,
                671_000_000_000L,
                37_000_000_000L,
                1,
                "config.json of deepseek-ai/DeepSeek-V3, without its multi-token prediction layer; arXiv 2412.19437"));
        add(new ModelShape(
                "gpt-oss-120b",
                AttentionKind.MHA,
                18,
                64,
                8,
                64,
                DType.BFLOAT16,
                116_830_000_000L,
                5_130_000_000L,
                60.8 * (1L << 30) / 116.83e9,
                "config.json of openai/gpt-oss-120b, only the 18 full-attention layers of 36 (the others have a window"
                        + " of 128 tokens); arXiv 2508.10925"));
    }

    private ModelPresets() {}

    private static void dense(
            String name, int layers, int queryHeads, int kvHeads, int headDim, long parameters, String repository) {
        add(new ModelShape(
                name,
                AttentionKind.MHA,
                layers,
                queryHeads,
                kvHeads,
                headDim,
                DType.BFLOAT16,
                parameters,
                parameters,
                DType.BFLOAT16.bytes(),
                "config.json of " + repository));
    }

    private static void add(ModelShape shape) {
        PRESETS.put(shape.name(), shape);
    }

    /** {@return the names of all presets, in a fixed order} */
    public static List<String> names() {
        return List.copyOf(PRESETS.keySet());
    }

    /**
     * Finds a preset.
     *
     * @param name one of {@link #names()}, in any case
     * @return its shape
     * @throws ModelConfigException when there is none; the message names the nearest and lists all
     */
    public static ModelShape find(String name) {
        String wanted = name.strip().toLowerCase(Locale.ROOT);
        ModelShape found = PRESETS.get(wanted);
        if (found == null) {
            throw new ModelConfigException("unknown model '" + name + "'" + suggestion(wanted) + "; known models are "
                    + String.join(", ", names()) + ", or give the path of a config.json");
        }
        return found;
    }

    static boolean has(String name) {
        return PRESETS.containsKey(name.strip().toLowerCase(Locale.ROOT));
    }

    private static String suggestion(String wanted) {
        String nearest = names().stream()
                .min(Comparator.comparingInt(name -> editDistance(wanted, name)))
                .orElseThrow();
        return editDistance(wanted, nearest) <= nearest.length() / 3 ? ", did you mean " + nearest + "?" : "";
    }

    /** Levenshtein's distance, one row at a time. */
    private static int editDistance(String a, String b) {
        int[] row = IntStream.rangeClosed(0, b.length()).toArray();
        for (int i = 1; i <= a.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int replaced = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.min(replaced, 1 + Math.min(row[j], row[j - 1]));
            }
        }
        return row[b.length()];
    }
}
