package io.kvflux.draft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class DraftLedgerTest {

    @Test
    void noBoundIsPassed() {
        DraftLedger ledger = new DraftLedger(4, 10);
        DraftCredits one = new DraftCredits();
        assertThat(ledger.grant(one, 7)).isEqualTo(4);
        assertThat(ledger.grant(one, 3)).isEqualTo(3);
        assertThat(ledger.grant(new DraftCredits(), 4)).isEqualTo(3);
        assertThat(ledger.grant(new DraftCredits(), 4)).isZero();
        assertThat(ledger.inFlight()).isEqualTo(10).isEqualTo(ledger.mostInFlight());
        assertThat(one.inFlight()).isEqualTo(7);
    }

    @Test
    void aCreditComesBackOnce() {
        DraftLedger ledger = new DraftLedger(4, 10);
        DraftCredits one = new DraftCredits();
        ledger.grant(one, 4);
        ledger.verified(one, 1, 2);
        assertThatThrownBy(() -> ledger.aborted(one, 2))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("a credit comes back once, inFlight of the sequence=1, given back=2 + 0");
        ledger.aborted(one, 1);
        ledger.verify();
        assertThat(ledger)
                .hasToString("drafts[granted=4, accepted=1, rejected=2, aborted=1, inFlight=0, maxInFlight=10]");
        assertThatThrownBy(() -> ledger.verified(one, 0, -1)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> ledger.grant(one, -1)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new DraftLedger(-1, 0)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void roundsWithoutDraftsAreCounted() {
        DraftLedger ledger = new DraftLedger(4, 2);
        DraftCredits one = new DraftCredits();
        ledger.grant(one, 0);
        ledger.grant(one, 0);
        assertThat(one.roundsSinceDraft()).isEqualTo(2);
        ledger.grant(one, 1);
        assertThat(one.roundsSinceDraft()).isZero();
    }

    @Test
    void theIdentityHoldsThroughAMillionOperations() {
        long seed = System.nanoTime();
        System.out.println("DraftLedgerTest seed " + seed);
        SplittableRandom random = new SplittableRandom(seed);
        DraftLedger ledger = new DraftLedger(5, 40);
        List<DraftCredits> sequences = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            sequences.add(new DraftCredits());
        }
        for (int i = 0; i < 1_000_000; i++) {
            DraftCredits one = sequences.get(random.nextInt(sequences.size()));
            int some = random.nextInt(one.inFlight() + 1);
            switch (random.nextInt(4)) {
                case 0, 1 -> ledger.grant(one, random.nextInt(8));
                case 2 -> ledger.verified(one, some, random.nextInt(one.inFlight() - some + 1));
                default -> ledger.aborted(one, some);
            }
            ledger.verify();
            assertThat(sequences.stream().mapToInt(DraftCredits::inFlight).sum())
                    .as("seed %s", seed)
                    .isEqualTo(ledger.inFlight());
        }
        assertThat(ledger.mostInFlight()).isEqualTo(40);
    }
}
