package io.kvflux.tier.connector;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvflux.api.BlockHash;
import io.kvflux.tier.Transfer.Direction;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What a connector with a store below the host promises as well. */
abstract class StoreConnectorContract extends HostConnectorContract {

    private void scribble(int slot) {
        connector.hostMemory().fill(slot, (byte) 0x5A);
    }

    /** Puts contents into the store, through block 1 and the first slots of the host. */
    void store(int storeSlot, int... contents) {
        for (int i = 0; i < contents.length; i++) {
            fill(0, 1, contents[i]);
            carryOut(transfer(Direction.OFFLOAD, 0, 1, i, 1));
        }
        carryOut(transfer(Direction.STORE, 0, storeSlot, 0, contents.length));
        IntStream.range(0, contents.length).forEach(this::scribble);
    }

    private void fetch(int storeSlot, int firstContent) {
        carryOut(new Blocks(Direction.FETCH, 0, range(storeSlot), range(10), 4));
        IntStream.range(5, 8).forEach(block -> fill(0, block, 999));
        carryOut(transfer(Direction.ONLOAD, 0, 5, 10, 3));
        for (int i = 0; i < 3; i++) {
            assertThat(holds(0, 5 + i, firstContent + i)).isTrue();
            scribble(10 + i);
        }
    }

    private static int[] range(int first) {
        return IntStream.range(first, first + 3).toArray();
    }

    /** 2 and 4: for the next process too, under numbers that it is told. */
    @Test
    void aPageComesBackFromTheStoreAsItWentThere() {
        store(4, 50, 51, 52);
        fetch(4, 50);
        reopen();
        Map<BlockHash, Integer> slots = new HashMap<>();
        connector.forEachStored((slot, name) -> slots.put(name, slot));
        fetch(slots.get(name(4)), 50);
    }

    @Test
    void whatTheStoreHoldsIsListedInTheOrderOfStoring() {
        store(9, 1);
        store(2, 2, 3);
        store(7, 4);
        carryOut(transfer(Direction.STORE, 0, 9, 0, 1)); // once more
        reopen();
        List<BlockHash> found = new ArrayList<>();
        connector.forEachStored((slot, name) -> found.add(name));
        assertThat(found).containsExactly(name(2), name(3), name(7), name(9));
    }

    /** 3 */
    @Test
    void aPageThatIsNotThereEndsTheTransferBeforeIt() {
        store(0, 60, 61);
        End end = begin(transfer(Direction.FETCH, 0, 0, 5, 4)).await();
        assertThat(end.landed).isEqualTo(2);
        assertThat(end.failure).isInstanceOf(StoreException.class).hasMessageContaining("slot=2");
        assertThat(end.times).hasValue(1);
        carryOut(transfer(Direction.ONLOAD, 0, 8, 5, 2));
        assertThat(holds(0, 9, 61)).isTrue();
    }

    /** 3 */
    @Test
    void aPageOfAnotherNameIsNotGiven() {
        store(3, 70);
        End end = begin(new Blocks(Direction.FETCH, 0, new int[] {3}, new int[] {6}, 14))
                .await();
        assertThat(end.landed).isZero();
        assertThat(end.failure).isNotNull();
    }

    /** 4 */
    @Test
    void whatIsErasedIsNotFoundAnyMore() throws InterruptedException {
        store(5, 80, 81);
        CountDownLatch erased = new CountDownLatch(1);
        connector.erase(List.of(5), failure -> {
            if (failure == null) {
                erased.countDown();
            }
        });
        erased.await();
        assertThat(begin(transfer(Direction.FETCH, 0, 5, 0, 1)).await().landed).isZero();
        reopen();
        List<BlockHash> found = new ArrayList<>();
        connector.forEachStored((slot, name) -> found.add(name));
        assertThat(found).containsExactly(name(6));
    }

    /** 4: in the order of their beginning, whoever carries them out. */
    @Test
    void whatIsStoredAfterAnErasureStays() {
        for (int i = 0; i < 50; i++) {
            store(7, 90 + i);
            End first = begin(transfer(Direction.OFFLOAD, 0, 1, 0, 1));
            connector.erase(List.of(7), failure -> {});
            first.await();
            carryOut(transfer(Direction.STORE, 0, 7, 0, 1));
            carryOut(transfer(Direction.FETCH, 0, 7, 3, 1));
            carryOut(transfer(Direction.ONLOAD, 0, 2, 3, 1));
            assertThat(holds(0, 2, 90 + i)).isTrue();
        }
    }

    /** 1: what cannot be emptied is told, and what comes after it goes on. */
    @Test
    void anErasureThatFailsSaysSo() throws InterruptedException {
        CountDownLatch failed = new CountDownLatch(1);
        try {
            connector.erase(List.of(connector.storeSlots()), failure -> {
                if (failure != null) {
                    failed.countDown();
                }
            });
            failed.await();
        } catch (IndexOutOfBoundsException refused) {
            assertThat(failed.getCount()).isEqualTo(1);
        }
        store(1, 5);
        carryOut(transfer(Direction.FETCH, 0, 1, 3, 1));
    }
}
