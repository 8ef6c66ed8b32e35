package io.kvflux.app;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvflux.sim.Tick;
import java.util.List;
import org.junit.jupiter.api.Test;

class TickSeriesTest {

    @Test
    void shortRunKeepsEveryTick() {
        assertThat(series(TickSeries.MAX_POINTS)).hasSize(TickSeries.MAX_POINTS);
    }

    @Test
    void joiningLosesNoTokensAndNoPeaks() {
        for (int ticks : new int[] {TickSeries.MAX_POINTS + 1, 12_345, 100_000}) {
            List<Tick> points = series(ticks);
            assertThat(points).hasSizeBetween(TickSeries.MAX_POINTS / 2, TickSeries.MAX_POINTS);
            assertThat(points.stream().mapToLong(Tick::outputTokens).sum()).isEqualTo(ticks);
            assertThat(points.stream().mapToInt(Tick::running).max()).hasValue(99);
            assertThat(points.get(points.size() - 1).seconds()).isEqualTo(ticks - 1);
            assertThat(points.get(points.size() - 1).hitBlocks()).isEqualTo(ticks - 1);
        }
    }

    @Test
    void heldAndCachedOfAPointAreOfOneMoment() {
        assertThat(series(100_000)).allMatch(point -> point.heldBlocks() + point.cachedBlocks() == 100);
    }

    private static List<Tick> series(int ticks) {
        TickSeries series = new TickSeries();
        for (int i = 0; i < ticks; i++) {
            int held = i % 100;
            series.add(new Tick(i, held, 0, held, 100 - held, 100, 0, 1, 0, i, 0, 0, 2, 1, 1));
        }
        return series.points();
    }
}
