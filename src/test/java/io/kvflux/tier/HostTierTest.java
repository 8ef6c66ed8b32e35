package io.kvflux.tier;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvflux.api.RemovalCause;
import io.kvflux.block.PrefixScope;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Stores, loads and touches in a host of four slots; the names of scenarios are those of the field's suites. */
class HostTierTest {

    private final ContentIndex contents = new ContentIndex(1);
    private final HostTier host = new HostTier(contents, 4);
    private final int[] pages = new int[10];

    HostTierTest() {
        int root = contents.root(PrefixScope.NONE);
        for (int i = 1; i < pages.length; i++) {
            pages[i] = contents.enter(root, new int[] {i}, 0, null);
            contents.retain(pages[i]);
        }
    }

    @AfterEach
    void everythingFitsTogether() {
        contents.verify();
        host.verify();
    }

    private int[] store(int... ids) {
        return IntStream.of(ids)
                .filter(id -> !host.has(pages[id]))
                .map(id -> host.reserve(pages[id]))
                .toArray();
    }

    private void land(int... slots) {
        IntStream.of(slots).forEach(slot -> host.written(slot, true));
    }

    private boolean holds(int id) {
        return host.find(pages[id]) != HostTier.NONE;
    }

    @Test
    void aPageIsFoundWhenItsCopyHasLanded() {
        int[] slots = store(1, 2);
        assertThat(holds(1)).isFalse();
        assertThat(host.writing()).isEqualTo(2);
        land(slots);
        assertThat(holds(1) && holds(2)).isTrue();
        assertThat(holds(3)).isFalse();
        assertThat(host.stored()).isEqualTo(2);
    }

    @Test
    void whatIsThereIsNotStoredAgainAndTheLeastRecentGoes() {
        land(store(1, 2));
        int[] slots = store(2, 3, 4, 5);
        assertThat(slots).hasSize(3);
        assertThat(holds(1)).as("dropped for 5").isFalse();
        assertThat(holds(2)).isTrue();
        assertThat(host.dropped()).isEqualTo(1);
        land(slots);
        assertThatThrownBy(() -> host.reserve(pages[2])).hasMessageStartingWith("a page is stored once, page=");
    }

    @Test
    void slotsThatAreWrittenOrReadAreNotGivenAway() {
        land(store(1));
        int[] slots = store(2, 3, 4);
        host.beginRead(host.find(pages[1]));
        assertThat(host.reserve(pages[5])).as("every slot is in use").isEqualTo(HostTier.NONE);
        assertThat(holds(1)).isTrue();
        host.endRead(host.find(pages[1]));
        assertThat(host.reserve(pages[5])).isNotEqualTo(HostTier.NONE);
        assertThat(holds(1)).isFalse();
        land(slots);
    }

    @Test
    void whatWasReadOrTouchedIsTheMostRecent() {
        land(store(5, 6, 7, 8));
        for (int id : new int[] {5, 6, 7}) {
            host.touch(host.find(pages[id]));
        }
        land(store(9));
        assertThat(holds(8)).isFalse();
        host.beginRead(host.find(pages[5]));
        host.endRead(host.find(pages[5]));
        land(store(8));
        assertThat(holds(6)).isFalse();
        assertThat(holds(5)).isTrue();
    }

    @Test
    void aCopyThatFailsLeavesTheSlotFree() {
        land(store(7));
        int slot = host.reserve(pages[9]);
        host.written(slot, false);
        assertThat(holds(7)).isTrue();
        assertThat(holds(9)).isFalse();
        assertThat(host.resident()).isEqualTo(1);
        assertThat(host.stored()).isEqualTo(1);
        assertThat(host.reserve(pages[9])).isEqualTo(slot);
        host.written(slot, true);
    }

    @Test
    void twoReadersHoldASlotUntilTheSecondHasRead() {
        land(store(1));
        int slot = host.find(pages[1]);
        host.beginRead(slot);
        host.beginRead(slot);
        assertThat(host.endRead(slot)).isFalse();
        assertThatThrownBy(() -> host.remove(slot, RemovalCause.EVICTED))
                .hasMessageStartingWith("a slot that is read is not given away");
        assertThat(host.endRead(slot)).isTrue();
        assertThatThrownBy(() -> host.endRead(slot)).hasMessageStartingWith("a slot that nobody reads");
        assertThatThrownBy(() -> host.written(slot, true)).hasMessageContaining("slot=" + slot);
    }

    @Test
    void pagesThatNobodyRefersToAreForgotten() {
        land(store(1, 2));
        int known = contents.size();
        contents.release(pages[1]);
        assertThat(contents.size()).as("the host holds it").isEqualTo(known);
        host.remove(host.find(pages[1]), RemovalCause.EVICTED);
        assertThat(contents.size()).isEqualTo(known - 1);
        host.clear();
        assertThat(host.resident()).isZero();
    }
}
