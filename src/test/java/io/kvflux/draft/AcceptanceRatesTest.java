package io.kvflux.draft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AcceptanceRatesTest {

    /** A round in which each draft is accepted at a rate; how many are. */
    static int accepted(SplittableRandom random, double rate, int drafts) {
        int accepted = 0;
        while (accepted < drafts && random.nextDouble() < rate) {
            accepted++;
        }
        return accepted;
    }

    @ParameterizedTest
    @CsvSource({"0.8, 3, 2.952", "0.8, 5, 3.68928", "0.9, 7, 5.6953279", "1, 4, 5", "0, 4, 1", "0.5, 0, 1"})
    void aRoundGivesWhatTheFormulaSays(double rate, int drafts, double tokens) {
        assertThat(AcceptanceRates.expectedTokens(rate, drafts)).isCloseTo(tokens, within(1e-9));
        SplittableRandom random = new SplittableRandom(1);
        long sum = 0;
        for (int i = 0; i < 1_000_000; i++) {
            sum += 1 + accepted(random, rate, drafts);
        }
        assertThat(sum / 1e6).isCloseTo(tokens, within(tokens * 0.005));
    }

    @Test
    void whatFollowsARejectionSaysNothing() {
        AcceptanceRates rates = new AcceptanceRates(4);
        for (int i = 0; i < 1000; i++) {
            rates.examined(4, 1);
        }
        assertThat(rates.rate(0)).isGreaterThan(0.97);
        assertThat(rates.rate(1)).isLessThan(0.05);
        assertThat(rates.rate(2)).isEqualTo(AcceptanceRates.INITIAL);
        assertThat(rates.survival(3)).isLessThan(rates.survival(1)).isPositive();
    }

    /** If a rejection counted against what follows it, the rates would fall with the position. */
    @Test
    void aConstantRateIsFoundAtEveryPosition() {
        AcceptanceRates rates = new AcceptanceRates(6);
        SplittableRandom random = new SplittableRandom(2);
        double[] sum = new double[6];
        for (int i = 0; i < 50_000; i++) {
            rates.examined(6, accepted(random, 0.8, 6));
            for (int j = 0; j < 6; j++) {
                sum[j] += rates.rate(j) / 50_000;
            }
        }
        assertThat(sum).satisfies(means -> {
            for (double mean : means) {
                assertThat(mean).isCloseTo(0.8, within(0.02));
            }
        });
    }

    @Test
    void aSequenceBeginsWithWhatIsKnownOfItsTenantAndGoesItsOwnWay() {
        AcceptanceRates all = new AcceptanceRates(2);
        AcceptanceRates tenant = all.part();
        AcceptanceRates others = all.part();
        AcceptanceRates first = tenant.part();
        for (int i = 0; i < 200; i++) {
            first.examined(2, 2);
        }
        AcceptanceRates next = tenant.part();
        assertThat(next.rate(0)).isGreaterThan(0.9).isEqualTo(tenant.rate(0));
        for (int i = 0; i < 20; i++) {
            next.examined(1, 0);
        }
        assertThat(next.rate(0)).isLessThan(0.2);
        assertThat(tenant.rate(0)).isBetween(0.5, 0.95);
        assertThat(others.rate(0)).isEqualTo(all.rate(0));
    }

    /** Forty sequences, one after another, whose drafts are accepted at these rates in turn. */
    @ParameterizedTest
    @CsvSource({"0.7, 0.7, 0.02", "0.98, 0.3, 0.3"})
    void whatLooksBetterIsLuckWhereAllAreAlike(double one, double other, double apart) {
        AcceptanceRates tenant = new AcceptanceRates(1).part();
        SplittableRandom random = new SplittableRandom(3);
        for (int i = 0; i < 40; i++) {
            AcceptanceRates sequence = tenant.part();
            for (int j = 0; j < 50; j++) {
                sequence.examined(1, random.nextDouble() < (i % 2 == 0 ? one : other) ? 1 : 0);
            }
        }
        AcceptanceRates lucky = tenant.part();
        AcceptanceRates unlucky = tenant.part();
        for (int j = 0; j < 5; j++) {
            lucky.examined(1, 1);
            unlucky.examined(1, 0);
        }
        double difference = lucky.rate(0) - unlucky.rate(0);
        if (one == other) {
            assertThat(difference).isBetween(0.0, apart + 0.01);
        } else {
            assertThat(difference).isGreaterThan(apart);
        }
    }

    @Test
    void aLateDraftSaysNothingOfOthers() {
        AcceptanceRates tenant = new AcceptanceRates(2).part();
        AcceptanceRates slow = tenant.part();
        slow.examined(2, 2);
        double known = tenant.rate(0);
        double before = slow.rate(0);
        slow.late();
        assertThat(slow.rate(0)).isLessThan(before);
        assertThat(tenant.rate(0)).isEqualTo(known);
    }

    @Test
    void itForgets() {
        AcceptanceRates rates = new AcceptanceRates(1);
        for (int i = 0; i < 10_000; i++) {
            rates.examined(1, 1);
        }
        for (int i = 0; i < 200; i++) {
            rates.examined(1, 0);
        }
        assertThat(rates.rate(0)).isLessThan(0.1);
    }

    @Test
    void whatCannotBeIsRefused() {
        AcceptanceRates rates = new AcceptanceRates(2);
        assertThatThrownBy(() -> rates.examined(2, 3)).hasMessageContaining("accepted=3");
        assertThatThrownBy(() -> rates.examined(3, 1)).hasMessageContaining("positions=2");
        assertThatThrownBy(() -> rates.examined(1, -1)).isInstanceOf(IllegalArgumentException.class);
    }
}
