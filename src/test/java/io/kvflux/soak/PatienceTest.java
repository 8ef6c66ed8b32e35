package io.kvflux.soak;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class PatienceTest {

    private static final long SECOND = 1_000_000_000;

    private long now = Long.MAX_VALUE - 5 * SECOND;
    private final Patience patience = new Patience(Duration.ofSeconds(30), () -> now);

    private boolean looksEvery(double seconds, int times) {
        boolean over = false;
        for (int i = 0; i < times; i++) {
            now += (long) (seconds * SECOND);
            over = patience.isOver();
        }
        return over;
    }

    @Test
    void isOverWhenTheTimeIs() {
        assertThat(looksEvery(0.5, 60)).isFalse();
        assertThat(looksEvery(0.5, 1)).isTrue();
    }

    @Test
    void whatHasComeBeginsItAnew() {
        assertThat(looksEvery(0.5, 60)).isFalse();
        patience.begin();
        assertThat(looksEvery(0.5, 60)).isFalse();
    }

    @Test
    void aProcessThatWasStoppedForAnHourHasNotWaited() {
        assertThat(looksEvery(3_600, 1)).isFalse();
        assertThat(looksEvery(0.5, 58)).isFalse();
        assertThat(looksEvery(0.5, 1)).isTrue();
    }
}
