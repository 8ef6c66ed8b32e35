package io.kvflux.memory.chronicle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class RegionTest {

    @Test
    void copiesWithinTheRegionAndZeroes() {
        try (Region region = Region.allocate(64, 64)) {
            region.fill(0, 64, (byte) 0);
            region.write(0, new byte[] {1, 2, 3, 4});
            region.copy(0, 60, 4);
            byte[] read = new byte[4];
            region.read(60, read);
            assertThat(read).containsExactly(1, 2, 3, 4);
            assertThat(region.address() % 64).isZero();
        }
    }

    @Test
    void anAccessStaysInTheRegion() {
        try (Region region = Region.allocate(64, 1)) {
            assertThatThrownBy(() -> region.fill(60, 5, (byte) 0))
                    .isInstanceOf(IndexOutOfBoundsException.class)
                    .hasMessage("an access must stay in the region, offset=60, length=5, bytes=64");
            assertThatThrownBy(() -> region.copy(0, 61, 4)).isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> region.copy(-1, 40, 4)).isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> region.copy(0, 2, 4))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("must not overlap");
        }
    }

    @Test
    void copiesBetweenRegionsStayInTheirs() {
        try (Region from = Region.allocate(64, 64);
                Region to = Region.allocate(64, 64)) {
            from.write(8, new byte[] {1, 2, 3, 4}, 1, 3);
            from.copyTo(8, to.address() + 61, 3);
            byte[] read = new byte[3];
            to.read(61, read);
            assertThat(read).containsExactly(2, 3, 4);
            to.copyFrom(0, from.address() + 9, 2);
            to.read(0, read, 1, 2);
            assertThat(read).containsExactly(2, 3, 4);
            assertThatThrownBy(() -> from.copyTo(62, to.address(), 3)).isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> to.copyFrom(-1, from.address(), 3)).isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> to.read(0, read, 2, 2)).isInstanceOf(IndexOutOfBoundsException.class);
        }
    }

    @Test
    void touchingChangesNothing() {
        try (Region region = Region.allocate(3 * 4096 + 100, 4096)) {
            byte[] content = new byte[3 * 4096 + 100];
            new SplittableRandom(1).nextBytes(content);
            region.write(0, content);
            region.touch(0, content.length);
            region.touch(4097, 7);
            byte[] read = new byte[content.length];
            region.read(0, read);
            assertThat(read).isEqualTo(content);
            assertThatThrownBy(() -> region.touch(1, content.length)).isInstanceOf(IndexOutOfBoundsException.class);
        }
    }

    @Test
    void everyByteIsAccountedForUntilItIsGivenBack() {
        long bytes = Region.liveBytes();
        long regions = Region.liveRegions();
        Region region = Region.allocate(1000, 4096);
        assertThat(Region.liveBytes() - bytes).isEqualTo(1000);
        assertThat(Region.liveRegions() - regions).isEqualTo(1);
        region.close();
        region.close();
        assertThat(Region.liveBytes() - bytes).isZero();
        assertThat(Region.liveRegions() - regions).isZero();
        assertThatThrownBy(() -> region.read(0, new byte[1]))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("the region is closed, bytes=1000");
    }

    @Test
    void impossibleSizesAreRefused() {
        for (long bytes : new long[] {0, -1, Long.MAX_VALUE}) {
            assertThatThrownBy(() -> Region.allocate(bytes, 64)).isInstanceOf(IllegalArgumentException.class);
        }
        assertThatThrownBy(() -> Region.allocate(1, 3))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("alignment=3");
    }
}
