package io.kvflux.soak;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.function.IntToDoubleFunction;
import org.junit.jupiter.api.Test;

/** What grows from quiet point to quiet point is told, with the life in which it grew. */
class TimelineTest {

    private static final double MIB = 1 << 20;

    private static List<TrendLine> growing(Gauge gauge, int points, int perLife, IntToDoubleFunction value) {
        Timeline timeline = new Timeline();
        for (int i = 0; i < points; i++) {
            double[] values = new double[Gauge.values().length];
            values[gauge.ordinal()] = value.applyAsDouble(i);
            timeline.add(i, i / perLife, values);
        }
        assertThat(timeline.count()).isEqualTo(points);
        return timeline.trends().stream().filter(TrendLine::grows).toList();
    }

    @Test
    void heapThatGrowsIsFound() {
        List<TrendLine> lines = growing(Gauge.HEAP_AFTER_GC, 40, 40, i -> (20 + i / 4.0) * MIB);
        assertThat(lines).first().satisfies(line -> {
            assertThat(line.where()).isEqualTo("the run");
            assertThat(line.points()).isEqualTo(30);
            assertThat(Sentences.leak(line)).contains("the run: heap after GC grows, from", "MiB", "30 quiet points");
        });
    }

    @Test
    void heapThatMovesIsNotALeak() {
        assertThat(growing(Gauge.HEAP_AFTER_GC, 40, 10, i -> (20 + i * 7 % 3) * MIB))
                .isEmpty();
    }

    @Test
    void growthWithinALifeIsFoundThoughADisposalEndsIt() {
        List<TrendLine> lines = growing(Gauge.HEAP_AFTER_GC, 80, 40, i -> (20 + i % 40) * MIB);
        assertThat(lines).extracting(TrendLine::where).contains("life 1", "life 2");
    }

    @Test
    void everyNativeByteThatStaysIsFound() {
        List<TrendLine> lines = growing(Gauge.NATIVE, 30, 30, i -> 1_000 + i);
        assertThat(lines).extracting(TrendLine::where).containsExactly("the run", "life 1");
    }

    @Test
    void warmUpIsLeftOut() {
        assertThat(growing(Gauge.THREADS, 40, 40, i -> Math.min(i, 9))).isEmpty();
    }

    @Test
    void aVeryLongRunTakesBoundedMemory() {
        assertThat(growing(Gauge.FILES, 100_000, 100_000, i -> i / 1_000.0)).isNotEmpty();
    }
}
