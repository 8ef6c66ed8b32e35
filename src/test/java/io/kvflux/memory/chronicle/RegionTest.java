package io.kvflux.memory.chronicle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

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
