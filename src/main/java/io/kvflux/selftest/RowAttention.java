package io.kvflux.selftest;

import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Attention on the processor, over rows that are read from a store a layer at a time. For one thread. */
final class RowAttention implements Attention {

    private final ReferenceShape shape;
    private final float scale;
    private @Nullable KvStore store;
    private float[] keys = {};
    private float[] values = {};
    private float[] scores = {};

    RowAttention(ReferenceShape shape) {
        this.shape = shape;
        scale = shape.scale();
    }

    /** Turns to a store. */
    Attention over(KvStore of) {
        store = of;
        return this;
    }

    @Override
    public void attend(int shard, int layer, int from, int count, float[] queries, float[] attended) {
        KvStore rows = Objects.requireNonNull(store);
        int width = shape.rowWidth(rows.shards());
        grow(from + count);
        rows.read(shard, 0, layer, from + count, keys);
        if (shape.parts() > 1) {
            rows.read(shard, 1, layer, from + count, values);
        }
        int heads = shape.heads() / rows.shards();
        for (int query = 0; query < count * heads; query++) {
            int length = from + query / heads + 1;
            int at = query % heads / shape.group() * shape.headWidth();
            score(queries, query * shape.headWidth(), width, at, length);
            softmax(scores, 0, length);
            weigh(shape.parts() > 1 ? values : keys, width, at, length, attended, query * shape.valueWidth());
        }
    }

    private void score(float[] queries, int query, int width, int at, int length) {
        int content = shape.valueWidth();
        int rotated = shape.headWidth() - content; // under MLA, and a sum of its own
        for (int p = 0; p < length; p++) {
            float sum = ForwardPass.dot(queries, query, keys, p * width + at, content);
            if (rotated > 0) {
                sum += ForwardPass.dot(queries, query + content, keys, p * width + at + content, rotated);
            }
            scores[p] = sum * scale;
        }
    }

    /** Makes weights of a query's scores. */
    static void softmax(float[] scores, int from, int length) {
        float largest = scores[from];
        for (int p = from + 1; p < from + length; p++) {
            largest = Math.max(largest, scores[p]);
        }
        float sum = 0;
        for (int p = from; p < from + length; p++) {
            scores[p] = (float) StrictMath.exp(scores[p] - largest);
            sum += scores[p];
        }
        for (int p = from; p < from + length; p++) {
            scores[p] /= sum;
        }
    }

    private void weigh(float[] rows, int width, int at, int length, float[] attended, int to) {
        int count = shape.valueWidth();
        Arrays.fill(attended, to, to + count, 0);
        for (int p = 0; p < length; p++) {
            ForwardPass.addScaled(rows, p * width + at, scores[p], attended, to, count);
        }
    }

    private void grow(int length) {
        if (scores.length < length) {
            int capacity = length + (length >> 1);
            scores = new float[capacity];
            keys = new float[capacity * shape.rowWidth(1)];
            values = new float[capacity * shape.rowWidth(1)];
        }
    }
}
