package io.kvflux.selftest;

import io.kvflux.geometry.DType;
import io.kvflux.memory.PageArena;
import io.kvflux.memory.cuda.CudaBuffer;
import io.kvflux.memory.cuda.CudaDevice;
import io.kvflux.memory.cuda.CudaKernel;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Attention by the kernels of {@code attention.cu}, which read keys and values from the pages through the lookup table. The
 * softmax is the processor's, so scores come here and go back as weights: what the devices compute is rounded alike
 * everywhere, an exponential is not.
 */
final class DeviceAttention extends AttentionPlace {

    private static final int BLOCK = 128;
    private static final int MOST_ROWS = 65_535;

    private final CudaDevice device;
    private final Map<Integer, Unit> units = new HashMap<>();

    DeviceAttention(CudaDevice device) {
        super("attention on the device");
        this.device = device;
    }

    @Override
    Attention over(PagedCache pages, ReferenceShape shape) {
        return (shard, layer, from, count, queries, attended) -> units.computeIfAbsent(
                        device.ordinal(pages.pages(shard)), Unit::new)
                .attend(new Rows(pages, shape, shard, layer), from, count, queries, attended);
    }

    @Override
    public void close() {
        units.values().forEach(Unit::close);
        units.clear();
    }

    private static String text() {
        try (InputStream text = DeviceAttention.class.getResourceAsStream("attention.ptx")) {
            return new String(Objects.requireNonNull(text).readAllBytes(), StandardCharsets.US_ASCII);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The rows of an entry in one layer on one shard. */
    private record Rows(PagedCache pages, ReferenceShape shape, int shard, int layer) {

        int heads() {
            return shape.heads() / pages.shards();
        }

        int[] table(int length) {
            int[] table = new int[(length + pages.pageSize() - 1) / pages.pageSize()];
            for (int i = 0; i < table.length; i++) {
                table[i] = pages.block(i);
            }
            return table;
        }

        /** The arguments that both kernels begin with, and then their own. */
        long[] arguments(int part, long table, int from, int count, long... own) {
            PageArena arena = pages.pages(shard);
            long[] first = {
                arena.address(),
                arena.strideBytes(),
                pages.offset(part, layer, 0),
                table,
                pages.pageSize(),
                shape.rowWidth(pages.shards()),
                shape.dtype() == DType.BFLOAT16 ? 1 : 0,
                heads(),
                shape.group(),
                from,
                count
            };
            long[] all = Arrays.copyOf(first, first.length + own.length);
            System.arraycopy(own, 0, all, first.length, own.length);
            return all;
        }
    }

    /** The kernels on one device, and the memory that they work in. */
    private final class Unit {

        private final CudaKernel score;
        private final CudaKernel weigh;
        private final Room tables;
        private final Room queries;
        private final Room scores;
        private final Room sums;
        private float[] weights = {};

        Unit(int ordinal) {
            String text = text();
            score = device.kernel(ordinal, text, "kvflux_attention_scores");
            weigh = device.kernel(ordinal, text, "kvflux_attention_weigh");
            tables = new Room(ordinal);
            queries = new Room(ordinal);
            scores = new Room(ordinal);
            sums = new Room(ordinal);
        }

        void attend(Rows rows, int from, int count, float[] asked, float[] attended) {
            ReferenceShape shape = rows.shape();
            int length = from + count;
            int heads = count * rows.heads();
            int dim = shape.headWidth();
            int width = shape.valueWidth();
            long table = tables.write(rows.table(length));
            long query = queries.write(asked, heads * dim);
            long weight = scores.reserve(heads * length);
            long sum = sums.reserve(heads * width);
            long scale = Float.floatToRawIntBits(shape.scale());
            launch(score, length, heads, rows.arguments(0, table, from, count, dim, width, scale, query, weight));
            soften(rows.heads(), from, count);
            int part = shape.parts() - 1;
            launch(weigh, width, heads, rows.arguments(part, table, from, count, width, dim, weight, sum));
            sums.read(attended, heads * width);
        }

        private void launch(CudaKernel kernel, int threads, int rows, long... arguments) {
            kernel.launch((threads + BLOCK - 1) / BLOCK, Math.min(rows, MOST_ROWS), BLOCK, arguments);
        }

        /** Makes weights of the scores. */
        private void soften(int heads, int from, int count) {
            int length = from + count;
            int all = count * heads * length;
            if (weights.length < all) {
                weights = new float[all + (all >> 1)];
            }
            scores.read(weights, all);
            for (int query = 0; query < count * heads; query++) {
                RowAttention.softmax(weights, query * length, from + query / heads + 1);
            }
            scores.write(weights, all);
        }

        void close() {
            score.close();
            weigh.close();
            tables.close();
            queries.close();
            scores.close();
            sums.close();
        }
    }

    /** Memory of a device for values of 4 bytes, that grows. */
    private final class Room {

        private final int ordinal;
        private @Nullable CudaBuffer buffer;
        private int capacity;

        Room(int ordinal) {
            this.ordinal = ordinal;
        }

        /** Makes room; what was there is lost if there was not enough. */
        long reserve(int values) {
            if (values > capacity) {
                close();
                int larger = values + (values >> 1);
                buffer = device.buffer(ordinal, 4L * larger);
                capacity = larger;
            }
            return buffer().address();
        }

        long write(int[] values) {
            long address = reserve(values.length);
            buffer().write(0, values, 0, values.length);
            return address;
        }

        long write(float[] values, int count) {
            long address = reserve(count);
            buffer().write(0, values, 0, count);
            return address;
        }

        void read(float[] into, int count) {
            buffer().read(0, into, 0, count);
        }

        private CudaBuffer buffer() {
            return Objects.requireNonNull(buffer);
        }

        void close() {
            if (buffer != null) {
                buffer.close();
                buffer = null;
                capacity = 0;
            }
        }
    }
}
