package io.kvflux.selftest;

import io.kvflux.api.SequenceSpec;
import io.kvflux.geometry.AttentionKind;
import java.util.Arrays;

/**
 * The arithmetic of a {@link ReferenceModel}, with its scratch memory; for one thread. Every sum runs in one fixed order:
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
    private final float[] attended;
    private final float[] query;
    private final float[] absorbed;
    private float[] x = {};
    private float[] normed = {};
    private float[] rows = {};
    private float[] keys = {};
    private float[] values = {};
    private float[] scores = {};
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
        attended = new float[2 * dim];
        query = new float[2 * dim];
        absorbed = new float[2 * dim];
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
            int width = shape.rowWidth();
            for (int i = 0; i < count; i++) {
                int at = i * width;
                multiply(weights.key, width, 0, width, normed, i * hidden, hidden, rows, at);
                normalise(rows, at, 2 * dim, rows, at);
                rotate(rows, at + 2 * dim, from + i);
            }
            store.write(shard, 0, layer, from, count, rows);
            return;
        }
        int heads = shape.kvHeads() / store.shards();
        int width = heads * dim;
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
        store.read(shard, 0, layer, from + count, keys);
        if (!latent) {
            store.read(shard, 1, layer, from + count, values);
        }
        int heads = shape.heads() / store.shards();
        for (int i = 0; i < count; i++) {
            for (int head = shard * heads; head < (shard + 1) * heads; head++) {
                if (latent) {
                    attendLatent(weights, head, i, from + i);
                } else {
                    attendHead(weights, head, i, from + i, store.shards());
                }
                addOutput(weights, head, i);
            }
        }
    }

    private void attendHead(ReferenceModel.Layer weights, int head, int i, int position, int shards) {
        multiply(weights.query, hidden, head * dim, dim, normed, i * hidden, hidden, query, 0);
        rotate(query, 0, position);
        int kvHead = head * shape.kvHeads() / shape.heads();
        int perShard = shape.kvHeads() / shards;
        int width = perShard * dim;
        int at = kvHead % perShard * dim;
        float scale = (float) (1 / Math.sqrt(dim));
        for (int p = 0; p <= position; p++) {
            scores[p] = dot(query, keys, p * width + at, dim) * scale;
        }
        softmax(position + 1);
        weigh(position + 1, values, width, at, dim);
    }

    /** The head's query is carried over to the latent, and what it attends to back from it: nothing is expanded a token. */
    private void attendLatent(ReferenceModel.Layer weights, int head, int i, int position) {
        multiply(weights.query, 2 * hidden, head * 2 * dim, 2 * dim, normed, i * hidden, hidden, query, 0);
        rotate(query, dim, position);
        int outputs = 2 * hidden;
        int first = head * 2 * dim;
        for (int r = 0; r < 2 * dim; r++) {
            absorbed[r] = dot(query, weights.value, r * outputs + first, dim);
        }
        System.arraycopy(query, dim, query, 0, dim);
        int width = shape.rowWidth();
        float scale = (float) (1 / Math.sqrt(2 * dim));
        for (int p = 0; p <= position; p++) {
            float content = dot(absorbed, keys, p * width, 2 * dim);
            scores[p] = (content + dot(query, keys, p * width + 2 * dim, dim)) * scale;
        }
        softmax(position + 1);
        weigh(position + 1, keys, width, 0, 2 * dim);
        System.arraycopy(attended, 0, absorbed, 0, 2 * dim);
        multiply(weights.value, outputs, first + dim, dim, absorbed, 0, 2 * dim, attended, 0);
    }

    /** Adds a head's part of the output projection to the residual, head after head. */
    private void addOutput(ReferenceModel.Layer weights, int head, int i) {
        for (int j = 0; j < dim; j++) {
            addScaled(weights.output, (head * dim + j) * hidden, attended[j], x, i * hidden, hidden);
        }
    }

    private void softmax(int length) {
        float largest = scores[0];
        for (int p = 1; p < length; p++) {
            largest = Math.max(largest, scores[p]);
        }
        float sum = 0;
        for (int p = 0; p < length; p++) {
            scores[p] = (float) StrictMath.exp(scores[p] - largest);
            sum += scores[p];
        }
        for (int p = 0; p < length; p++) {
            scores[p] /= sum;
        }
    }

    private void weigh(int length, float[] from, int width, int at, int count) {
        Arrays.fill(attended, 0, count, 0);
        for (int p = 0; p < length; p++) {
            addScaled(from, p * width + at, scores[p], attended, 0, count);
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

    private static void addScaled(float[] from, int at, float factor, float[] into, int to, int count) {
        for (int i = 0; i < count; i++) {
            into[to + i] += from[at + i] * factor;
        }
    }

    private static float dot(float[] a, float[] b, int at, int count) {
        float sum = 0;
        for (int i = 0; i < count; i++) {
            sum += a[i] * b[at + i];
        }
        return sum;
    }

    private void grow(int count, int length) {
        if (x.length < count * hidden) {
            x = new float[count * hidden];
            normed = new float[count * hidden];
            rows = new float[count * shape.kvHeads() * shape.rowWidth()];
        }
        if (scores.length < length) {
            int capacity = length + (length >> 1);
            scores = new float[capacity];
            keys = new float[capacity * shape.kvHeads() * shape.rowWidth()];
            values = new float[capacity * shape.kvHeads() * shape.rowWidth()];
            angles(capacity);
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
