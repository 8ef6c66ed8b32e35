package io.kvflux.tier;

import static io.kvflux.tier.disk.Pages.hash;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvflux.api.BlockHash;
import org.junit.jupiter.api.Test;

class HashIndexTest {

    private final HashIndex index = new HashIndex(3);

    private int store(long number) {
        int slot = index.reserve(hash(number));
        index.publish(slot);
        return slot;
    }

    @Test
    void aPageIsFoundWhenItIsPublished() {
        int slot = index.reserve(hash(1));
        assertThat(slot).isZero();
        assertThat(index.find(hash(1))).isEqualTo(HashIndex.NONE);
        assertThat(index.reserve(hash(1))).isEqualTo(HashIndex.KNOWN);
        index.publish(slot);
        assertThat(index.find(hash(1))).isEqualTo(slot);
        assertThat(index.reserve(hash(1))).isEqualTo(HashIndex.KNOWN);
        index.verify();
    }

    @Test
    void theLeastRecentPageIsGivenUpAndNamed() {
        store(1);
        store(2);
        store(3);
        assertThat(index.dropped()).isNull();
        index.touch(index.find(hash(1)));
        assertThat(index.reserve(hash(4))).isEqualTo(1);
        assertThat(index.dropped()).isEqualTo(hash(2));
        assertThat(index.find(hash(2))).isEqualTo(HashIndex.NONE);
        assertThat(index.reserve(hash(1))).isEqualTo(HashIndex.KNOWN);
        assertThat(index.dropped()).isNull();
        index.verify();
    }

    @Test
    void whatIsReadOrWrittenIsNotGivenUp() {
        int pinned = store(1);
        index.pin(pinned);
        index.pin(pinned);
        index.reserve(hash(2));
        index.reserve(hash(3));
        assertThat(index.reserve(hash(4))).isEqualTo(HashIndex.NONE);
        assertThat(index.find(hash(1))).isEqualTo(pinned);
        index.unpin(pinned);
        assertThat(index.reserve(hash(4))).isEqualTo(HashIndex.NONE);
        index.unpin(pinned);
        assertThat(index.reserve(hash(4))).isEqualTo(pinned);
        index.verify();
    }

    @Test
    void aPageDroppedWhilePinnedFreesItsSlotWithTheLastPin() {
        int slot = store(1);
        index.pin(slot);
        index.drop(slot);
        assertThat(index.find(hash(1))).isEqualTo(HashIndex.NONE);
        assertThat(index.free()).isEqualTo(2);
        index.verify();
        index.unpin(slot);
        assertThat(index.free()).isEqualTo(3);
        assertThat(index.reserve(hash(1))).isEqualTo(slot);
        index.verify();
    }

    @Test
    void slotsWithoutRoomAreOutOfUseUntilTheyAreReadmitted() {
        index.withdraw(index.reserve(hash(1)));
        int second = store(2);
        int third = store(3);
        assertThat(index.withdrawn()).isEqualTo(1);
        assertThat(index.reserve(hash(4))).isEqualTo(second);
        index.drop(third);
        assertThat(index.readmit()).isEqualTo(1);
        assertThat(index.reserve(hash(5))).isEqualTo(third);
        assertThat(index.reserve(hash(6))).isZero();
        index.verify();
    }

    @Test
    void aRestoredPageTakesThePlaceOfAnOlderOneWithItsName() {
        assertThat(index.restore(2, hash(1))).isEqualTo(HashIndex.NONE);
        assertThat(index.restore(0, hash(2))).isEqualTo(HashIndex.NONE);
        assertThat(index.restore(1, hash(1))).isEqualTo(2);
        index.verify();
        assertThat(index.find(hash(1))).isEqualTo(1);
        assertThat(index.reserve(hash(3))).isEqualTo(2);
        assertThat(index.reserve(hash(4))).isZero();
        assertThat(index.dropped()).isEqualTo(hash(2));
    }

    @Test
    void namesThatDifferInTheirLastByteAreTwoPages() {
        byte[] bytes = hash(1).toBytes();
        bytes[BlockHash.BYTES - 1] ^= 1;
        BlockHash twin = new BlockHash(bytes);
        store(1);
        assertThat(index.find(twin)).isEqualTo(HashIndex.NONE);
        int slot = index.reserve(twin);
        index.publish(slot);
        assertThat(index.find(twin)).isEqualTo(slot);
        assertThat(index.find(hash(1))).isZero();
        index.verify();
    }

    @Test
    void whatAStateDoesNotAllowIsRefused() {
        int slot = index.reserve(hash(1));
        assertThatThrownBy(() -> index.pin(slot))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("only a stored page can be pinned, slot=0, state=RESERVED");
        assertThatThrownBy(() -> index.touch(slot)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> index.restore(slot, hash(2))).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> index.drop(1))
                .hasMessage("only a reserved slot or a stored page can be dropped, slot=1, state=FREE");
        assertThatThrownBy(() -> index.restore(1, hash(1)))
                .hasMessage("pages are restored before any is used, slot=0, state=RESERVED, pins=0");
        index.publish(slot);
        assertThatThrownBy(() -> index.publish(slot)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> index.withdraw(slot)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> index.unpin(slot)).hasMessage("only a pinned page can be unpinned, slot=0, pins=0");
        index.verify();
        assertThatThrownBy(() -> new HashIndex(0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("an index has 1 to 2^28 slots, slots=0");
    }
}
