package io.kvflux.selftest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import io.kvflux.geometry.AttentionKind;
import io.kvflux.geometry.DType;
import io.kvflux.memory.cuda.ProcessorKernels;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.io.TempDir;

/**
 * The kernels of attention, their own source and the equivalents of the stand-in driver, held bit by bit against {@link
 * RowAttention}: random shapes and values, over pages in any order.
 */
class AttentionKernelsTest {

    private static ProcessorKernels source;
    private static ProcessorKernels standIn;

    private final SplittableRandom random = new SplittableRandom(7);
    private ReferenceShape shape;
    private int pageSize;
    private int from;
    private int count;
    private DenseCache rows;
    private Memory pages;
    private Memory table;
    private long stride;

    @BeforeAll
    static void compile(@TempDir Path folder) throws IOException, InterruptedException {
        Optional<ProcessorKernels> own = ProcessorKernels.ofSource(folder, "selftest/attention.cu");
        Optional<ProcessorKernels> equivalents = ProcessorKernels.ofStandIn(folder);
        assumeTrue(own.isPresent() && equivalents.isPresent());
        source = own.get();
        standIn = equivalents.get();
    }

    private void choose(SplittableRandom dice) {
        AttentionKind attention = dice.nextBoolean() ? AttentionKind.MHA : AttentionKind.MLA;
        int kvHeads = attention == AttentionKind.MLA ? 1 : 1 + dice.nextInt(3);
        int heads = kvHeads * (1 + dice.nextInt(4));
        DType dtype = dice.nextBoolean() ? DType.FLOAT32 : DType.BFLOAT16;
        shape = new ReferenceShape(
                attention, 1 + dice.nextInt(3), heads, kvHeads, 2 * (1 + dice.nextInt(8)), 10, dtype);
        pageSize = 1 + dice.nextInt(20);
        from = dice.nextInt(60);
        count = 1 + dice.nextInt(5);
    }

    private float[] floats(int count) {
        float[] floats = new float[count];
        for (int i = 0; i < count; i++) {
            // Of many sizes, so that the order of a sum shows, and now and then too small for a normal float.
            floats[i] = (float) Math.scalb(random.nextDouble(-1, 1), random.nextInt(-6, 3));
            floats[i] = random.nextInt(50) == 0 ? Math.scalb(floats[i], -140) : floats[i];
        }
        return floats;
    }

    /** Fills the cache, and pages with the same rows: blocks in an order of their own, the rest of them NaN. */
    private void fill() {
        rows = new DenseCache(shape);
        int length = from + count;
        int blocks = (length + pageSize - 1) / pageSize;
        int width = shape.rowWidth(1);
        int bytes = shape.dtype() == DType.BFLOAT16 ? 2 : 4;
        stride = ((long) shape.parts() * shape.layers() * pageSize * width * bytes + 63) / 64 * 64;
        pages = new Memory(stride * (2L * blocks + 1));
        pages.setMemory(0, pages.size(), (byte) 0xFF);
        table = new Memory(4L * blocks);
        for (int i = 0; i < blocks; i++) {
            table.setInt(4L * i, 2 * (blocks - i) - random.nextInt(2));
        }
        for (int part = 0; part < shape.parts(); part++) {
            for (int layer = 0; layer < shape.layers(); layer++) {
                float[] values = floats(length * width);
                rows.write(0, part, layer, 0, length, values);
                for (int i = 0; i < values.length; i++) {
                    int position = i / width;
                    long page = table.getInt(4L * (position / pageSize)) * stride;
                    long at = page + offset(part, layer) + ((long) position % pageSize * width + i % width) * bytes;
                    if (bytes == 2) {
                        pages.setShort(at, Bf16.of(values[i]));
                    } else {
                        pages.setFloat(at, values[i]);
                    }
                }
            }
        }
    }

    private long offset(int part, int layer) {
        int bytes = shape.dtype() == DType.BFLOAT16 ? 2 : 4;
        return ((long) part * shape.layers() + layer) * pageSize * shape.rowWidth(1) * bytes;
    }

    @RepeatedTest(200)
    void givesTheBitsOfTheProcessor(RepetitionInfo repetition) {
        choose(new SplittableRandom(repetition.getCurrentRepetition()));
        fill();
        int layer = shape.layers() - 1;
        int heads = count * shape.heads();
        float[] queries = floats(heads * shape.headWidth());
        float[] expected = new float[heads * shape.valueWidth()];
        new RowAttention(shape).over(rows).attend(0, layer, from, count, queries, expected);

        try (Memory asked = memory(queries);
                Memory scores = new Memory(4L * heads * (from + count));
                Memory attended = new Memory(4L * expected.length)) {
            Object[] own = {shape.headWidth(), shape.valueWidth(), shape.scale(), asked, scores};
            source.launch("kvflux_attention_scores", 2, 2, 3, arguments(0, layer, own));
            soften(scores);
            Object[] to = {shape.valueWidth(), shape.headWidth(), scores, attended};
            source.launch("kvflux_attention_weigh", 1, 3, 2, arguments(shape.parts() - 1, layer, to));
            assertThat(attended.getFloatArray(0, expected.length)).isEqualTo(expected);

            attended.clear();
            scores.clear();
            standIn("attention_scores", 0, layer, own);
            soften(scores);
            standIn("attention_weigh", shape.parts() - 1, layer, to);
            assertThat(attended.getFloatArray(0, expected.length)).isEqualTo(expected);
        }
    }

    private static Memory memory(float[] values) {
        Memory memory = new Memory(4L * values.length);
        memory.write(0, values, 0, values.length);
        return memory;
    }

    private void soften(Memory scores) {
        float[] all = scores.getFloatArray(0, (int) (scores.size() / 4));
        for (int query = 0; query < count * shape.heads(); query++) {
            RowAttention.softmax(all, query * (from + count), from + query / shape.heads() + 1);
        }
        scores.write(0, all, 0, all.length);
    }

    private Object[] arguments(int part, int layer, Object... own) {
        Object[] first = {
            pages,
            stride,
            offset(part, layer),
            table,
            pageSize,
            shape.rowWidth(1),
            shape.dtype() == DType.BFLOAT16 ? 1 : 0,
            shape.heads(),
            shape.group(),
            from,
            count
        };
        return concat(first, own);
    }

    /** The equivalents take pages that have been found, and what belongs together in structures. */
    private void standIn(String function, int part, int layer, Object... own) {
        long blocks = table.size() / 4;
        try (Memory found = new Memory(8 * blocks);
                Memory of = new Memory(24);
                Memory asking = new Memory(16)) {
            for (int i = 0; i < blocks; i++) {
                long page = Pointer.nativeValue(pages) + table.getInt(4L * i) * stride;
                found.setLong(8L * i, page + offset(part, layer));
            }
            of.setPointer(0, found);
            of.write(8, new int[] {pageSize, shape.rowWidth(1), shape.dtype() == DType.BFLOAT16 ? 1 : 0}, 0, 3);
            asking.write(0, new int[] {shape.heads(), shape.group(), from, count}, 0, 4);
            standIn.call(function, concat(new Object[] {of, asking}, own));
        }
    }

    private static Object[] concat(Object[] first, Object... rest) {
        Object[] all = Arrays.copyOf(first, first.length + rest.length);
        System.arraycopy(rest, 0, all, first.length, rest.length);
        return all;
    }
}
