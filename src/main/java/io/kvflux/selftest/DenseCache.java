package io.kvflux.selftest;

import io.kvflux.geometry.DType;
import java.util.Arrays;

/** KV of one sequence as engines without pages keep it: one contiguous buffer a layer, on one device. */
final class DenseCache implements KvStore {

    private final int rowWidth;
    private final boolean rounds;
    private final float[][][] buffers;

    DenseCache(ReferenceShape shape) {
        rowWidth = shape.rowWidth(1);
        rounds = shape.dtype() == DType.BFLOAT16;
        buffers = new float[shape.parts()][shape.layers()][64 * rowWidth];
    }

    @Override
    public int shards() {
        return 1;
    }

    @Override
    public void write(int shard, int part, int layer, int from, int count, float[] rows) {
        int end = (from + count) * rowWidth;
        float[] buffer = buffers[part][layer];
        if (buffer.length < end) {
            buffer = Arrays.copyOf(buffer, 2 * end);
            buffers[part][layer] = buffer;
        }
        for (int i = 0; i < count * rowWidth; i++) {
            buffer[from * rowWidth + i] = rounds ? Bf16.round(rows[i]) : rows[i];
        }
    }

    @Override
    public void read(int shard, int part, int layer, int length, float[] into) {
        System.arraycopy(buffers[part][layer], 0, into, 0, length * rowWidth);
    }
}
