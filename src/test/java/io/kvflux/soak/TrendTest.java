package io.kvflux.soak;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.SplittableRandom;
import java.util.function.IntToDoubleFunction;
import org.junit.jupiter.api.Test;

/** Growth is told from noise. */
class TrendTest {

    private static final double LEVEL = 1_000;
    private static final double NOISE = 50;

    private static Trend of(int points, IntToDoubleFunction value) {
        double[] times = new double[points];
        double[] values = new double[points];
        for (int i = 0; i < points; i++) {
            times[i] = 2 * i;
            values[i] = value.applyAsDouble(i);
        }
        return Trend.of(times, values);
    }

    @Test
    void aLineGrowsByItsSlope() {
        Trend trend = of(101, i -> LEVEL + 3 * i);
        assertThat(trend.growth()).isEqualTo(300);
        assertThat(trend.grows(299)).isTrue();
        assertThat(trend.grows(300)).isFalse();
    }

    @Test
    void whatIsLevelOrFallsDoesNotGrow() {
        assertThat(of(100, i -> LEVEL)).isEqualTo(new Trend(0, 0, 100));
        assertThat(of(100, i -> LEVEL - i).grows(0)).isFalse();
        assertThat(of(1, i -> LEVEL).grows(0)).isFalse();
        assertThat(of(0, i -> LEVEL).grows(0)).isFalse();
    }

    @Test
    void tooFewPointsAreNeverSure() {
        assertThat(of(7, i -> i).grows(0)).isFalse();
        assertThat(of(8, i -> i).grows(0)).isTrue();
    }

    @Test
    void noiseIsRarelySureAndDoesNotExceedWhatIsAllowed() {
        SplittableRandom random = new SplittableRandom(1);
        int sure = 0;
        for (int run = 0; run < 2_000; run++) {
            Trend trend = of(40, i -> LEVEL + NOISE * random.nextDouble());
            sure += trend.sureness() >= Trend.SURE ? 1 : 0;
            assertThat(trend.grows(NOISE)).isFalse();
        }
        assertThat(sure).isLessThan(8);
    }

    @Test
    void aLeakIsSeenThroughNoiseThatIsTwiceAsLarge() {
        SplittableRandom random = new SplittableRandom(2);
        for (int run = 0; run < 200; run++) {
            Trend trend = of(60, i -> LEVEL + NOISE * i / 60 + 2 * NOISE * random.nextDouble());
            assertThat(trend.growth()).isBetween(-NOISE, 3 * NOISE);
            assertThat(of(240, i -> LEVEL + NOISE * i / 60 + 2 * NOISE * random.nextDouble())
                            .grows(2 * NOISE))
                    .isTrue();
        }
    }

    @Test
    void oneOutlierIsNoLeak() {
        assertThat(of(40, i -> i == 39 ? 1_000_000 : LEVEL).grows(0)).isFalse();
        assertThat(of(40, i -> i % 7 == 0 ? 1_000_000 : LEVEL).grows(0)).isFalse();
    }

    @Test
    void aSawtoothThatComesDownAgainIsNoLeak() {
        assertThat(of(80, i -> LEVEL + i % 10).grows(5)).isFalse();
    }

    @Test
    void longSeriesAreThinned() {
        Trend trend = of(5_000, i -> LEVEL + i);
        assertThat(trend.points()).isLessThanOrEqualTo(600);
        assertThat(trend.grows(4_900)).isTrue();
    }
}
