package io.kvflux.selftest;

import io.kvflux.api.SequenceSpec;
import io.kvflux.geometry.AttentionKind;
import java.util.Arrays;

/**
 * The arithmetic of a {@link ReferenceModel}, with its scratch memory; for one thread. Attention is that of the store, where
 * it has one of its own, and else {@link RowAttention}. Every sum runs in one fixed order:
 * over inputs from the first on, over positions from the first on, over heads from the first on, whatever the shards. So
 * chunks, shards and ways of keeping KV change no bit of the result.
 */
final class ForwardPass {

    private static final float EPSILON = 1e-5f;
    private static final double ROPE_BASE = 10_000;

    private final ReferenceModel model;
    private final ReferenceShape shape;
    private final int hidden;
    private final int dim;
    private final float[] logits;
    private final float[] inner;
    private final float[] gate;
    private final float[] query;
    private final float[] output;
    private final RowAttention rowAttention;
    private float[] x = {};
    private float[] normed = {};
    private float[] rows = {};
    private float[] queries = {};
    private float[] attended = {};
    private float[] cos = {};
    private float[] sin = {};

    ForwardPass(ReferenceModel model) {
        this.model = model;
        shape = model.shape();
        hidden = shape.hidden();
        dim = shape.headDim();
        logits = new float[shape.vocabulary()];
        inner = new float[2 * hidden];
        gate = new float[2 * hidden];
        query = new float[2 * dim];
        output = new float[dim];
        rowAttention = new RowAttention(shape);
    }

    ReferenceShape shape() {
        return shape;
    }

    /**
     * Computes consecutive tokens of a sequence whose earlier tokens are in the store.
     *
     * @param tokens the tokens to compute, {@code count} from the start of the array
     * @param from position of the first
     * @return the logits after the last one, valid until the next call
     */
    float[] run(SequenceSpec spec, int[] tokens, int from, int count, KvStore store) {
        grow(count, from + count);
        for (int i = 0; i < count; i++) {
            model.embed(spec, from + i, tokens[i], x, i * hidden);
        }
        for (int layer = 0; layer < shape.layers(); layer++) {
            for (int i = 0; i < count; i++) {
                normalise(x, i * hidden, hidden, normed, i * hidden);
            }
            for (int shard = 0; shard < store.shards(); shard++) {
                store(layer, from, count, store, shard);
            }
            for (int shard = 0; shard < store.shards(); shard++) {
                attend(layer, from, count, store, shard);
            }
            for (int i = 0; i < count; i++) {
                feedForward(model.layers[layer], i * hidden);
            }
        }
        return logitsAfter(count - 1);
    }

    /** Of the latest run, the logits after one of its tokens; valid until the next call. */
    float[] logitsAfter(int token) {
        normalise(x, token * hidden, hidden, normed, 0);
        multiply(model.head, shape.vocabulary(), 0, shape.vocabulary(), normed, 0, hidden, logits, 0);
        return logits;
    }

    private void store(int layer, int from, int count, KvStore store, int shard) {
        ReferenceModel.Layer weights = model.layers[layer];
        if (shape.attention() == AttentionKind.MLA) {
            int width = shape.headWidth();
            for (int i = 0; i < count; i++) {
                int at = i * width;
                multiply(weights.key, width, 0, width, normed, i * hidden, hidden, rows, at);
                normalise(rows, at, 2 * dim, rows, at);
                rotate(rows, at + 2 * dim, from + i);
            }
            store.write(shard, 0, layer, from, count, rows);
            return;
        }
        int width = shape.rowWidth(store.shards());
        int heads = width / dim;
        int all = shape.kvHeads() * dim;
        for (int i = 0; i < count; i++) {
            multiply(weights.key, all, shard * width, width, normed, i * hidden, hidden, rows, i * width);
            for (int head = 0; head < heads; head++) {
                rotate(rows, i * width + head * dim, from + i);
            }
        }
        store.write(shard, 0, layer, from, count, rows);
        for (int i = 0; i < count; i++) {
            multiply(weights.value, all, shard * width, width, normed, i * hidden, hidden, rows, i * width);
        }
        store.write(shard, 1, layer, from, count, rows);
    }

    private void attend(int layer, int from, int count, KvStore store, int shard) {
        boolean latent = shape.attention() == AttentionKind.MLA;
        ReferenceModel.Layer weights = model.layers[layer];
        int heads = shape.heads() / store.shards();
        for (int i = 0; i < count; i++) {
            for (int head = 0; head < heads; head++) {
                int to = (i * heads + head) * shape.headWidth();
                if (latent) {
                    queryLatent(weights, shard * heads + head, i, from + i, to);
                } else {
                    queryHead(weights, shard * heads + head, i, from + i, to);
                }
            }
        }
        Attention elsewhere = store.attention();
        Attention attention = elsewhere == null ? rowAttention.over(store) : elsewhere;
        attention.attend(shard, layer, from, count, queries, attended);
        for (int i = 0; i < count; i++) {
            for (int head = 0; head < heads; head++) {
                int at = (i * heads + head) * shape.valueWidth();
                if (latent) {
                    int first = (shard * heads + head) * 2 * dim + dim;
                    multiply(weights.value, 2 * hidden, first, dim, attended, at, 2 * dim, output, 0);
                } else {
                    System.arraycopy(attended, at, output, 0, dim);
                }
                addOutput(weights, shard * heads + head, i);
            }
        }
    }

    private void queryHead(ReferenceModel.Layer weights, int head, int i, int position, int to) {
        multiply(weights.query, hidden, head * dim, dim, normed, i * hidden, hidden, queries, to);
        rotate(queries, to, position);
    }

    /** The head's query is carried over to the latent, and what it attends to back from it: nothing is expanded a token. */
    private void queryLatent(ReferenceModel.Layer weights, int head, int i, int position, int to) {
        multiply(weights.query, 2 * hidden, head * 2 * dim, 2 * dim, normed, i * hidden, hidden, query, 0);
        rotate(query, dim, position);
        int outputs = 2 * hidden;
        int first = head * 2 * dim;
        for (int r = 0; r < 2 * dim; r++) {
            queries[to + r] = dot(query, 0, weights.value, r * outputs + first, dim);
        }
        System.arraycopy(query, dim, queries, to + 2 * dim, dim);
    }

    /** Adds a head's part of the output projection to the residual, head after head. */
    private void addOutput(ReferenceModel.Layer weights, int head, int i) {
        for (int j = 0; j < dim; j++) {
            addScaled(weights.output, (head * dim + j) * hidden, output[j], x, i * hidden, hidden);
        }
    }

    private void feedForward(ReferenceModel.Layer weights, int at) {
        normalise(x, at, hidden, normed, at);
        multiply(weights.gate, 2 * hidden, 0, 2 * hidden, normed, at, hidden, gate, 0);
        multiply(weights.up, 2 * hidden, 0, 2 * hidden, normed, at, hidden, inner, 0);
        for (int i = 0; i < 2 * hidden; i++) {
            inner[i] *= gate[i] / (1 + (float) StrictMath.exp(-gate[i]));
        }
        for (int j = 0; j < 2 * hidden; j++) {
            addScaled(weights.down, j * hidden, inner[j], x, at, hidden);
        }
    }

    /** RMSNorm, arXiv 1910.07467. */
    private static void normalise(float[] from, int at, int count, float[] into, int to) {
        float squares = 0;
        for (int i = 0; i < count; i++) {
            squares += from[at + i] * from[at + i];
        }
        float scale = (float) (1 / Math.sqrt(squares / count + EPSILON));
        for (int i = 0; i < count; i++) {
            into[to + i] = from[at + i] * scale;
        }
    }

    /** Turns pairs of values by angles that grow with the position (RoPE, arXiv 2104.09864). */
    private void rotate(float[] of, int at, int position) {
        int half = dim / 2;
        for (int i = 0; i < half; i++) {
            float c = cos[position * half + i];
            float s = sin[position * half + i];
            float even = of[at + 2 * i];
            float odd = of[at + 2 * i + 1];
            of[at + 2 * i] = even * c - odd * s;
            of[at + 2 * i + 1] = even * s + odd * c;
        }
    }

    /** Outputs [first, first + count) of a matrix. */
    private static void multiply(
            float[] matrix, int outputs, int first, int count, float[] from, int at, int inputs, float[] into, int to) {
        Arrays.fill(into, to, to + count, 0);
        for (int j = 0; j < inputs; j++) {
            addScaled(matrix, j * outputs + first, from[at + j], into, to, count);
        }
    }

    static void addScaled(float[] from, int at, float factor, float[] into, int to, int count) {
        for (int i = 0; i < count; i++) {
            into[to + i] += from[at + i] * factor;
        }
    }

    static float dot(float[] a, int from, float[] b, int at, int count) {
        float sum = 0;
        for (int i = 0; i < count; i++) {
            sum += a[from + i] * b[at + i];
        }
        return sum;
    }

    private void grow(int count, int length) {
        if (x.length < count * hidden) {
            x = new float[count * hidden];
            normed = new float[count * hidden];
            rows = new float[count * shape.rowWidth(1)];
            queries = new float[count * shape.heads() * shape.headWidth()];
            attended = new float[count * shape.heads() * shape.valueWidth()];
        }
        if (cos.length < length * dim / 2) {
            angles(length + (length >> 1));
        }
    }

    private void angles(int positions) {
        int half = dim / 2;
        cos = new float[positions * half];
        sin = new float[positions * half];
        for (int i = 0; i < half; i++) {
            double frequency = StrictMath.pow(ROPE_BASE, -2.0 * i / dim);
            for (int p = 0; p < positions; p++) {
                cos[p * half + i] = (float) StrictMath.cos(p * frequency);
                sin[p * half + i] = (float) StrictMath.sin(p * frequency);
            }
        }
    }
}
