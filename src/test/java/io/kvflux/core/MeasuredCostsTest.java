package io.kvflux.core;

import static io.kvflux.tier.Transfer.Direction.FETCH;
import static io.kvflux.tier.Transfer.Direction.OFFLOAD;
import static io.kvflux.tier.Transfer.Direction.ONLOAD;
import static io.kvflux.tier.Transfer.Direction.STORE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class MeasuredCostsTest {

    private final MeasuredCosts costs = new MeasuredCosts();

    @Test
    void copiesCountAsFreeUntilBothSidesWereMeasured() {
        assertThat(costs.tokensPerBlockCopied()).isZero();
        costs.copied(OFFLOAD, 1, 1);
        assertThat(costs.tokensPerBlockCopied()).isZero();
        costs.computed(10, 1);
        assertThat(costs.tokensPerBlockCopied()).isCloseTo(20, within(1e-9));
    }

    /** Both ways, each by its own rate; prefill is what a step takes beyond a decode. */
    @Test
    void bytesOverBandwidthAgainstTokensOverRate() {
        costs.copied(OFFLOAD, 4, 0.008);
        costs.copied(ONLOAD, 4, 0.004);
        costs.computed(0, 0.010);
        costs.computed(1000, 0.110);
        assertThat(costs.tokensPerBlockCopied()).isCloseTo(0.003 / 0.0001, within(1e-6));
    }

    @Test
    void fromTheDiskTheWayUpCountsToo() {
        costs.copied(STORE, 1, 7);
        costs.copied(FETCH, 2, 0.02);
        costs.computed(1000, 1);
        assertThat(costs.tokensPerBlockFetched()).as("not all is known").isZero();
        costs.copied(ONLOAD, 1, 0.001);
        assertThat(costs.tokensPerBlockFetched()).isCloseTo(11, within(1e-9));
        assertThat(costs.tokensPerBlockCopied()).isCloseTo(2, within(1e-9));
    }

    @Test
    void theFirstTenCountAlikeAndThenTheAverageMoves() {
        costs.computed(1, 1);
        for (int i = 1; i <= 10; i++) {
            costs.copied(OFFLOAD, 1, i);
        }
        assertThat(costs.tokensPerBlockCopied()).isCloseTo(2 * 5.5, within(1e-9));
        costs.copied(OFFLOAD, 1, 105.5);
        assertThat(costs.tokensPerBlockCopied()).isCloseTo(2 * 15.5, within(1e-9));
        for (int i = 0; i < 200; i++) {
            costs.copied(OFFLOAD, 1, 1);
        }
        assertThat(costs.tokensPerBlockCopied()).isCloseTo(2, within(0.01));
    }
}
