package io.kvflux.sim;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Comparator;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TraceIndexTest {

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 7, 64, 1000, 1025})
    void orderIsThatOfAStableSort(int rows) {
        Random random = new Random(rows);
        long[] times = random.longs(rows, 0, 20).toArray();
        TraceIndex index = new TraceIndex(rows);
        for (int row = 0; row < rows; row++) {
            index.set(row, times[row], 10L * row);
        }

        index.sort();

        assertThat(IntStream.range(0, rows).mapToObj(index::rowAt))
                .containsExactlyElementsOf(IntStream.range(0, rows)
                        .boxed()
                        .sorted(Comparator.comparingLong(row -> times[row]))
                        .toList());
        assertThat(index.offset(rows - 1)).isEqualTo(10L * (rows - 1));
    }
}
