package io.kvflux.soak;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;

/** What a soak measures with takes bounded memory, and is right. */
class MeasuringTest {

    private static double[] sample(double tokens, double heap) {
        double[] values = new double[Gauge.values().length];
        values[Gauge.TOKENS.ordinal()] = tokens;
        values[Gauge.HEAP_AFTER_GC.ordinal()] = heap;
        return values;
    }

    @Test
    void samplesAreJoinedWhenThereAreTooMany() {
        Samples samples = new Samples();
        int count = 10 * Samples.MAX_POINTS;
        for (int i = 1; i <= count; i++) {
            samples.add(i, sample(7, i));
        }
        assertThat(samples.size()).isBetween(Samples.MAX_POINTS / 2, Samples.MAX_POINTS);
        assertThat(samples.seconds()).isSorted();
        assertThat(samples.seconds()[samples.size() - 1]).isEqualTo(count);
        assertThat(samples.values(Gauge.TOKENS)).containsOnly(7);
        double[] heap = samples.values(Gauge.HEAP_AFTER_GC);
        assertThat(heap).isEqualTo(samples.seconds());
    }

    @Test
    void aRateIsTheMeanOfWhatWasJoined() {
        Samples samples = new Samples();
        for (int i = 0; i < 3 * Samples.MAX_POINTS; i++) {
            samples.add(i, sample(i % 2 * 10, 0));
        }
        assertThat(samples.values(Gauge.TOKENS)[0]).isEqualTo(5);
        assertThat(Arrays.stream(samples.values(Gauge.TOKENS)).max()).hasValue(5);
    }

    @Test
    void quantilesAreWithinAnEighth() {
        Latency latency = new Latency();
        for (int i = 1; i <= 100_000; i++) {
            latency.add(i * 100L);
        }
        assertThat(latency.quantile(0.5)).isCloseTo(5e-3, Percentage.withPercentage(13));
        assertThat(latency.quantile(0.9999)).isCloseTo(1e-2, Percentage.withPercentage(13));
        Latency all = new Latency();
        all.takeAll(latency);
        assertThat(latency.count()).isZero();
        assertThat(latency.quantile(0.5)).isZero();
        assertThat(all.count()).isEqualTo(100_000);
    }

    @Test
    void everyTimeHasACell() {
        Latency latency = new Latency();
        for (long ns : new long[] {-1, 0, 1, 7, 8, 9, 1_000_000_007, Long.MAX_VALUE}) {
            latency.add(ns);
        }
        assertThat(latency.count()).isEqualTo(8);
        assertThat(latency.quantile(1)).isCloseTo(Long.MAX_VALUE / 1e9, Percentage.withPercentage(13));
    }

    @Test
    void whatIsLaterComesInTheOrderOfSteps() {
        Later later = new Later();
        List<String> done = new ArrayList<>();
        later.at(5, () -> done.add("five"));
        later.at(3, () -> {
            done.add("three");
            later.at(4, () -> done.add("four"));
        });
        later.reached(2);
        assertThat(done).isEmpty();
        later.reached(3);
        later.hurry();
        assertThat(done).containsExactly("three", "four");
        later.reached(9);
        assertThat(done).containsExactly("three", "four", "five");
        assertThat(later.isEmpty()).isTrue();
        later.hurry();
    }

    @Test
    void aSoakNeedsTimeAndSequences() {
        assertThatThrownBy(() -> new SoakOptions(1, Duration.ZERO, 1)).hasMessageContaining("duration=PT0S");
        assertThatThrownBy(() -> new SoakOptions(1, Duration.ofSeconds(1), 0)).hasMessageContaining("sequences=0");
    }
}
