package io.kvflux.tier.connector;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvflux.memory.BlockArenas;
import io.kvflux.tier.Transfer;
import io.kvflux.tier.Transfer.Direction;
import io.kvflux.tier.connector.FaultyConnector.Fault;
import io.kvflux.tier.connector.FaultyConnector.InjectedFaultException;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A wrapper that does nothing keeps the contract; and one that does something does just that, and names what leaked. */
class FaultyConnectorTest extends StoreConnectorContract {

    private Fault fault = Fault.NONE;
    private FaultyConnector faulty;

    @Override
    Connector open(BlockArenas over) {
        faulty = new FaultyConnector(tiered(over), over, (number, transfer) -> fault);
        return faulty;
    }

    @AfterEach
    void nothingIsLeft() {
        assertThat(faulty.leaks()).isEmpty();
    }

    /** Contents 10 to 13 in blocks 1 to 4 of the first replica. */
    private void fillFour() {
        for (int i = 0; i < 4; i++) {
            fill(0, 1 + i, 10 + i);
        }
    }

    private int good(int firstBlock) {
        int good = 0;
        while (good < 4 && holds(0, firstBlock + good, 10 + good)) {
            good++;
        }
        return good;
    }

    @Test
    void aRefusedTransferIsNotHeardOf() {
        fault = Fault.REFUSE;
        End end = new End();
        assertThatThrownBy(() -> connector.begin(transfer(Direction.OFFLOAD, 0, 1, 0, 4), end))
                .isInstanceOf(InjectedFaultException.class)
                .hasMessage("injected fault, fault=REFUSE, transfer=0");
        assertThat(end.times).hasValue(0);
    }

    @ParameterizedTest
    @EnumSource(
            value = Fault.class,
            names = {"FAIL", "HALF_FAIL", "DELAY_FAIL", "NO_ROOM"})
    void whatFailsTellsHowFarItCame(Fault some) {
        fillFour();
        carryOut(transfer(Direction.OFFLOAD, 0, 1, 0, 4));
        fault = some;
        End end = begin(transfer(Direction.STORE, 0, 0, 0, 4));
        faulty.releaseNext();
        end.await();
        int landed = some == Fault.FAIL || some == Fault.NO_ROOM ? 0 : 2;
        assertThat(end.landed).isEqualTo(landed);
        assertThat(end.failure).hasMessageContaining(some == Fault.NO_ROOM ? "no room" : some.toString());
        fault = Fault.NONE;
        End back = begin(transfer(Direction.FETCH, 0, 0, 8, 4)).await();
        assertThat(back.landed).isEqualTo(landed);
    }

    @Test
    void onlyTheStoreRunsOutOfRoom() {
        fillFour();
        fault = Fault.NO_ROOM;
        carryOut(transfer(Direction.OFFLOAD, 0, 1, 0, 4));
    }

    @Test
    void aDelayedTransferIsNotCarriedOutBeforeItIsReleased() {
        fault = Fault.DELAY;
        End end = begin(transfer(Direction.OFFLOAD, 0, 1, 0, 4));
        fillFour();
        assertThat(faulty.delayed()).isEqualTo(1);
        assertThat(end.times).hasValue(0);
        faulty.releaseAll(new SplittableRandom(1));
        assertThat(end.await().landed).isEqualTo(4);
        fault = Fault.NONE;
        carryOut(transfer(Direction.ONLOAD, 0, 9, 0, 4));
        assertThat(good(9)).isEqualTo(4);
    }

    @ParameterizedTest
    @EnumSource(Direction.class)
    void aByteIsAnotherAndNobodyIsTold(Direction which) {
        fillFour();
        for (Direction direction : new Direction[] {Direction.OFFLOAD, Direction.STORE, Direction.FETCH}) {
            fault = direction == which ? Fault.CORRUPT : Fault.NONE;
            carryOut(transfer(direction, 0, direction.isOfStore() ? 3 : 1, direction == Direction.FETCH ? 8 : 0, 4));
        }
        fault = which == Direction.ONLOAD ? Fault.CORRUPT : Fault.NONE;
        carryOut(transfer(Direction.ONLOAD, 0, 9, 8, 4));
        assertThat(good(9)).isEqualTo(3);
        if (which == Direction.STORE) { // the host's copy is as it was
            fault = Fault.NONE;
            carryOut(transfer(Direction.ONLOAD, 0, 14, 0, 4));
            assertThat(good(14)).isEqualTo(4);
        }
    }

    @Test
    void whatHasNotEndedIsNamed() {
        fault = Fault.DELAY;
        begin(transfer(Direction.OFFLOAD, 0, 1, 7, 2));
        begin(transfer(Direction.FETCH, 0, 5, 3, 1));
        assertThat(faulty.leaks())
                .containsExactly(
                        "transfer 0, OFFLOAD of replica 0, blocks [1, 2], host slots [7, 8] has not ended",
                        "transfer 1, FETCH of replica 0, store slots [5], host slots [3] has not ended");
        assertThatThrownBy(connector::close)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("transfer 0, OFFLOAD");
        while (!faulty.leaks().isEmpty()) {
            faulty.releaseNext();
            Thread.onSpinWait();
        }
    }

    /** Whether two transfers that are on their way at once are named. */
    private boolean clash(Transfer first, Transfer second) {
        fault = Fault.DELAY;
        int before = faulty.clashes().size();
        End one = begin(first);
        End other = begin(second);
        faulty.releaseNext();
        one.await();
        faulty.releaseNext();
        other.await();
        return faulty.clashes().size() > before;
    }

    @Test
    void anEndThatWasNotFencedIsNamed() {
        Transfer down = transfer(Direction.OFFLOAD, 0, 4, 4, 2);
        assertThat(clash(down, transfer(Direction.OFFLOAD, 0, 8, 5, 1))).isTrue();
        assertThat(clash(down, transfer(Direction.ONLOAD, 1, 8, 5, 1))).isTrue();
        assertThat(clash(down, transfer(Direction.STORE, 0, 8, 4, 1))).isTrue();
        assertThat(clash(down, transfer(Direction.ONLOAD, 0, 5, 9, 1))).isTrue();
        assertThat(clash(transfer(Direction.STORE, 0, 3, 9, 1), transfer(Direction.FETCH, 0, 3, 8, 1)))
                .isTrue();
        assertThat(faulty.clashes().get(0))
                .isEqualTo("transfer 1, OFFLOAD of replica 0, blocks [8], host slots [5] began before the end of"
                        + " transfer 0, OFFLOAD of replica 0, blocks [4, 5], host slots [4, 5]");
    }

    @Test
    void whatOnlyReadsMayMeet() {
        Transfer down = transfer(Direction.OFFLOAD, 0, 4, 4, 2);
        assertThat(clash(down, transfer(Direction.OFFLOAD, 0, 4, 9, 2))).isFalse();
        assertThat(clash(down, transfer(Direction.ONLOAD, 1, 4, 9, 2))).isFalse();
        assertThat(clash(down, transfer(Direction.STORE, 0, 4, 9, 2))).isFalse();
        assertThat(clash(transfer(Direction.STORE, 0, 1, 2, 1), transfer(Direction.ONLOAD, 0, 1, 2, 1)))
                .isFalse();
    }
}
