package io.kvflux.tier.connector;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvflux.memory.FaultyDeviceMemory.Fault;
import io.kvflux.tier.Transfer;
import io.kvflux.tier.Transfer.Direction;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What a connector with host memory promises as well. */
abstract class HostConnectorContract extends ConnectorContract {

    /** 2: in every cache, on every shard, of any replica. */
    @Test
    void aBlockComesBackAsItWentDown() {
        for (int i = 0; i < 5; i++) {
            fill(1, 3 + i, 100 + i);
        }
        carryOut(transfer(Direction.OFFLOAD, 1, 3, 7, 5));
        for (int i = 0; i < 5; i++) {
            fill(1, 3 + i, 999);
        }
        carryOut(transfer(Direction.ONLOAD, 1, 11, 7, 5));
        for (int i = 0; i < 5; i++) {
            assertThat(holds(1, 11 + i, 100 + i)).isTrue();
            assertThat(holds(1, 3 + i, 999)).isTrue();
        }
    }

    /** 2: and what went to the host from one replica may come back to another. */
    @Test
    void aSlotIsOfNoReplica() {
        fill(0, 1, 5);
        carryOut(transfer(Direction.OFFLOAD, 0, 1, 0, 1));
        carryOut(transfer(Direction.ONLOAD, 1, 2, 0, 1));
        assertThat(holds(1, 2, 5)).isTrue();
    }

    /** 5: many at once, in both directions, and each ends once. */
    @Test
    void transfersThatShareNothingDoNotDisturbEachOther() {
        for (int round = 0; round < 50; round++) {
            List<End> ends = new ArrayList<>();
            for (int block = 1; block <= 6; block++) {
                fill(0, block, 1000 * round + block);
                ends.add(begin(transfer(Direction.OFFLOAD, 0, block, block, 1)));
            }
            ends.forEach(End::await);
            for (int block = 1; block <= 6; block++) {
                ends.add(begin(transfer(Direction.ONLOAD, 1, 7 + block, block, 1)));
                ends.add(begin(transfer(Direction.OFFLOAD, 0, block, 10 + block, 1)));
                if (hasStore()) {
                    ends.add(begin(transfer(Direction.STORE, 0, block, block, 1)));
                }
            }
            ends.forEach(End::await);
            for (End end : ends) {
                assertThat(end.failure).isNull();
                assertThat(end.times).hasValue(1);
            }
            for (int block = 1; block <= 6; block++) {
                assertThat(holds(1, 7 + block, 1000 * round + block)).isTrue();
            }
        }
    }

    /** 1: what a device knows of a failure is told. */
    @Test
    void aCopyThatFailsHalfWayTellsWhatLanded() {
        copies = Fault.HALF_FAIL;
        End end = begin(transfer(Direction.OFFLOAD, 0, 1, 0, 4)).await();
        assertThat(end.landed).isEqualTo(2);
        assertThat(end.failure).isNotNull();
        copies = Fault.FAIL;
        assertThat(begin(transfer(Direction.ONLOAD, 0, 1, 0, 4)).await().landed).isZero();
    }

    /** 1: a refusal that comes from the device is an end like another. */
    @Test
    void aCopyThatTheDeviceRefusesEnds() {
        copies = Fault.REFUSE;
        End end = begin(transfer(Direction.OFFLOAD, 0, 1, 0, 4)).await();
        assertThat(end.landed).isZero();
        assertThat(end.failure).isNotNull();
        assertThat(end.times).hasValue(1);
        copies = Fault.NONE;
        carryOut(transfer(Direction.OFFLOAD, 0, 1, 0, 4));
    }

    /** 1: a block or slot that does not exist is a refusal or an end, and nothing is left behind. */
    @Test
    void whatDoesNotExistIsNotCopied() {
        for (Transfer wrong : List.of(
                transfer(Direction.OFFLOAD, 0, BLOCKS + 1, 0, 1),
                transfer(Direction.ONLOAD, 2, 1, 0, 1),
                transfer(Direction.OFFLOAD, 0, 1, SLOTS, 1),
                transfer(Direction.STORE, 0, connector.storeSlots(), 0, 1),
                transfer(Direction.FETCH, 0, 1, SLOTS, 1))) {
            if (wrong.direction().isOfStore() && !hasStore()) {
                continue;
            }
            End end = new End();
            try {
                connector.begin(wrong, end);
            } catch (RuntimeException refused) {
                assertThat(end.times).hasValue(0);
                continue;
            }
            assertThat(end.await().failure).isNotNull();
            assertThat(end.landed).isZero();
        }
    }

    /** 6 */
    @Test
    void itIsNotClosedWhileATransferIsOnItsWay() throws InterruptedException {
        copies = Fault.DELAY;
        End end = begin(transfer(Direction.OFFLOAD, 0, 1, 0, 1));
        assertThatThrownBy(connector::close)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("closed when its transfers have ended");
        copies = Fault.NONE;
        while (end.over.getCount() > 0) {
            device.releaseNext(); // which may come before the worker does
            Thread.onSpinWait();
        }
        carryOut(transfer(Direction.ONLOAD, 0, 2, 0, 1));
    }
}
