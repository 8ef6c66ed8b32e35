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

        private final int ordinal;
        private final CudaKernel score;
        private final CudaKernel weigh;
        private final Room tables = new Room();
        private final Room queries = new Room();
        private final Room scores = new Room();
        private final Room sums = new Room();
        private float[] weights = {};

        Unit(int ordinal) {
            this.ordinal = ordinal;
            String text = text();
            score = device.kernel(ordinal, text, "kvflux_attention_scores");
            weigh = device.kernel(ordinal, text, "kvflux_attention_weigh");
        }

        void attend(Rows rows, int from, int count, float[] asked, float[] attended) {
            ReferenceShape shape = rows.shape();
            int length = from + count;
            int heads = count * rows.heads();
            int[] table = rows.table(length);
            long blocks = tables.write(ordinal, table);
            long of = queries.write(ordinal, asked, heads * shape.headWidth());
            long at = scores.reserve(ordinal, heads * length);
            int grid = Math.min(heads, MOST_ROWS);
            long scale = Float.floatToRawIntBits(shape.scale());
            score.launch(
                    (length + BLOCK - 1) / BLOCK,
                    grid,
                    BLOCK,
                    rows.arguments(0, blocks, from, count, shape.headWidth(), shape.valueWidth(), scale, of, at));
            soften(rows.heads(), from, count);
            long to = sums.reserve(ordinal, heads * shape.valueWidth());
            int width = shape.valueWidth();
            int part = shape.parts() - 1;
            weigh.launch(
                    (width + BLOCK - 1) / BLOCK,
                    grid,
                    BLOCK,
                    rows.arguments(part, blocks, from, count, width, shape.headWidth(), at, to));
            sums.read(attended, heads * width);
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
            scores.write(ordinal, weights, all);
        }

        void close() {
            tables.close();
            queries.close();
            scores.close();
            sums.close();
        }
    }

    /** Memory of a device for 4-byte values, that grows. */
    private final class Room {

        private @Nullable CudaBuffer buffer;
        private int capacity;

        /** Makes room; what is there is lost if there has not been enough. */
        long reserve(int ordinal, int values) {
            if (values > capacity) {
                close();
                buffer = device.buffer(ordinal, 4L * (values + (values >> 1)));
                capacity = values + (values >> 1);
            }
            return buffer().address();
        }

        long write(int ordinal, int[] values) {
            long address = reserve(ordinal, values.length);
            buffer().write(0, values, 0, values.length);
            return address;
        }

        long write(int ordinal, float[] values, int count) {
            long address = reserve(ordinal, count);
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
