package io.kvflux.core;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvflux.api.BlockHash;
import io.kvflux.api.SequenceId;
import io.kvflux.api.SequenceSpec;
import io.kvflux.block.PrefixHasher;
import io.kvflux.block.PrefixScope;
import io.kvflux.tier.HashIndex;
import io.kvflux.tier.HostPolicy;
import io.kvflux.tier.Transfer;
import io.kvflux.tier.Transfer.Direction;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What goes to the disk and comes from it when there is not enough of something. */
class DiskInCoreTest {

    private static final int PAGE = 4;
    /** Six full pages and a token. */
    private static final int[] PROMPT = Driver.tokens(1000, 25);

    private static List<BlockHash> names() {
        PrefixHasher hasher =
                new PrefixHasher(PAGE, Configs.caches(PAGE, 1).hashSeed().bytes());
        List<BlockHash> names = new ArrayList<>();
        byte[] before = hasher.root(PrefixScope.NONE);
        for (int page = 0; page < 6; page++) {
            before = hasher.next(before, PROMPT, page, List.of());
            names.add(new BlockHash(before));
        }
        return names;
    }

    private static Driver driver(int hostBlocks, HashIndex disk) {
        return new Driver(Driver.config(PAGE, 20)
                .hostBlocks(hostBlocks)
                .hostPolicy(HostPolicy.WRITE_THROUGH)
                .disk(disk));
    }

    private static List<BlockHash> names(Transfer transfer) {
        List<BlockHash> names = new ArrayList<>();
        for (int i = 0; i < transfer.size(); i++) {
            names.add(transfer.name(i));
        }
        return names;
    }

    /** A quarter of the host's blocks may be on their way to the disk. */
    @Test
    void tailsAreLeftOutWhenTheDiskIsBehind() {
        Driver driver = driver(8, new HashIndex(100));
        driver.submit(SequenceSpec.of(PROMPT).maxTokens(1));
        driver.step();
        driver.plan();
        assertThat(driver.transfers.element().direction()).isEqualTo(Direction.OFFLOAD);
        assertThat(driver.transfers.element().size()).isEqualTo(6);
        driver.land();
        driver.plan();
        assertThat(driver.transfers.element().direction()).isEqualTo(Direction.STORE);
        assertThat(names(driver.transfers.element()))
                .as("as everywhere, a tail is older than its head")
                .containsExactly(names().get(1), names().get(0));
    }

    @Test
    void pagesThatTheHostHasNoRoomForAreNotToldAsHits() {
        HashIndex disk = new HashIndex(100);
        List<BlockHash> names = names();
        for (int page = 0; page < 6; page++) {
            disk.restore(page, names.get(page));
        }
        Driver driver = driver(2, disk);
        SequenceId id = driver.submit(SequenceSpec.of(PROMPT).maxTokens(1));
        driver.plan();
        assertThat(driver.hits).containsEntry(id, 2 * PAGE);
        assertThat(driver.transfers.element().direction()).isEqualTo(Direction.FETCH);
        assertThat(names(driver.transfers.element())).isEqualTo(names.subList(0, 2));
    }
}
