package io.kvflux.memory.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Memory that grows and shrinks does not move, and keeps what it holds. */
@ExtendWith(StandIn.class)
class VirtualMemoryTest {

    private static final long PIECE = 2 << 20; // the granularity of the stand-in, and of GPUs

    private Gpu gpu;
    private VirtualMemory memory;

    @BeforeEach
    void reserve() {
        CudaDriver driver = CudaDriver.load();
        gpu = Gpu.open(driver, 0);
        gpu.enter();
        memory = VirtualMemory.reserve(gpu, List.of(gpu), 10 * PIECE);
    }

    @AfterEach
    void free() {
        memory.free();
        gpu.leave();
        gpu.close();
    }

    @Test
    void growsAndShrinksInPlace() {
        long address = memory.address();
        memory.resize(1);
        assertThat(memory.mappedBytes()).isEqualTo(PIECE);
        gpu.staging().write(() -> address, new byte[] {1, 2, 3});
        memory.resize(PIECE + 1);
        memory.resize(5 * PIECE);
        assertThat(memory.mappedBytes()).isEqualTo(5 * PIECE);
        gpu.staging().write(() -> address + 2 * PIECE - 1, new byte[] {4, 5});
        assertThat(read(address, 3)).containsExactly(1, 2, 3);
        assertThat(StandIn.live("mappings")).isEqualTo(3);

        memory.resize(2 * PIECE); // the last piece goes
        assertThat(memory.mappedBytes()).isEqualTo(2 * PIECE);
        assertThat(StandIn.live("mappings")).isEqualTo(2);
        assertThat(read(address, 3)).containsExactly(1, 2, 3);
        assertThat(read(address + 2 * PIECE - 1, 1)).containsExactly(4);
        memory.resize(2 * PIECE - 1);
        assertThat(memory.mappedBytes()).as("a piece goes as a whole, or stays").isEqualTo(2 * PIECE);
        memory.resize(0);
        assertThat(memory.mappedBytes()).isZero();
        memory.resize(10 * PIECE);
        assertThat(memory.address()).isEqualTo(address);
    }

    @Test
    void growsAsFarAsItWasReserved() {
        assertThatThrownBy(() -> memory.resize(10 * PIECE + 1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("bytes=20971521, reservedBytes=20971520");
        assertThatThrownBy(() -> memory.resize(-1)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void whatDoesNotComeChangesNothing() {
        memory.resize(PIECE);
        for (String function : new String[] {"cuMemCreate", "cuMemMap", "cuMemSetAccess"}) {
            StandIn.script("fail " + function + " 1 2");
            assertThatThrownBy(() -> memory.resize(4 * PIECE)).isInstanceOf(CudaException.class);
            assertThat(memory.mappedBytes()).isEqualTo(PIECE);
            assertThat(StandIn.live("mappings")).isEqualTo(1);
            assertThat(StandIn.live("handles")).isLessThanOrEqualTo(1);
        }
    }

    private byte[] read(long address, int count) {
        byte[] bytes = new byte[count];
        gpu.staging().read(() -> address, bytes);
        return bytes;
    }
}
