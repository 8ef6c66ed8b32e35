package io.kvflux.memory.chronicle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvflux.memory.OutOfDeviceMemoryException;
import io.kvflux.memory.chronicle.HostSlots.Touch;
import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class HostSlotsTest {

    private static final long MIB = 1L << 20;
    private static final MachineMemory LARGE = new MachineMemory(Long.MAX_VALUE);

    private final long before = Region.liveBytes();

    @AfterEach
    void nothingLeaks() {
        assertThat(Region.liveBytes()).isEqualTo(before);
    }

    @Test
    void aSlotBeginsAtASmallPageOrAtALargeOneWhereThatCostsLittle() {
        assertThat(HostSlots.strideBytes(1)).isEqualTo(4096);
        assertThat(HostSlots.strideBytes(4096)).isEqualTo(4096);
        assertThat(HostSlots.strideBytes(4097)).isEqualTo(8192);
        assertThat(HostSlots.strideBytes(MIB)).isEqualTo(MIB);
        assertThat(HostSlots.strideBytes(2 * MIB)).isEqualTo(2 * MIB);
        assertThat(HostSlots.strideBytes(2 * MIB - 1)).isEqualTo(2 * MIB);
        assertThat(HostSlots.strideBytes(2 * MIB + 1)).as("not twice as much").isEqualTo(2 * MIB + 4096);
        assertThat(HostSlots.strideBytes(16 * MIB - 5)).isEqualTo(16 * MIB);
        assertThatThrownBy(() -> HostSlots.strideBytes(0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("slotBytes=0");
        assertThat(HostSlots.slotsThatFit(10 * 4096, 100)).isEqualTo(10);
        assertThat(HostSlots.slotsThatFit(10 * 4096 - 1, 100)).isEqualTo(9);
        assertThat(HostSlots.slotsThatFit(0, 100)).isZero();
        assertThat(HostSlots.slotsThatFit(Long.MAX_VALUE, 100)).isEqualTo(Integer.MAX_VALUE);
    }

    @Test
    void slotsAreAlignedAndApart() {
        for (long slotBytes : new long[] {1, 100, 4096, 5000, 2 * MIB, 2 * MIB + 1}) {
            try (HostSlots slots = HostSlots.allocate(3, slotBytes, Touch.LAZY)) {
                assertThat(Region.liveBytes() - before).isEqualTo(3 * slots.strideBytes());
                assertThat(slots.address(0) % (slotBytes < 2 * MIB ? 4096 : 2 * MIB))
                        .isZero();
                assertThat(slots.address(2)).isEqualTo(slots.address(0) + 2 * slots.strideBytes());
                for (int slot = 0; slot < 3; slot++) {
                    slots.fill(slot, (byte) (slot + 1));
                }
                byte[] last = new byte[1];
                for (int slot = 0; slot < 3; slot++) {
                    slots.read(slot, slotBytes - 1, last);
                    assertThat(last[0]).isEqualTo((byte) (slot + 1));
                }
            }
        }
    }

    @Test
    void whatIsWrittenIsReadFromAndToAPartOfAnArray() {
        try (HostSlots slots = HostSlots.allocate(2, 10, Touch.LAZY)) {
            slots.fill(1, (byte) 7);
            slots.write(1, 4, new byte[] {1, 2, 3, 4}, 1, 2);
            byte[] read = new byte[6];
            slots.read(1, 3, read, 1, 4);
            assertThat(read).containsExactly(0, 7, 2, 3, 7, 0);
            slots.write(1, 8, new byte[] {8, 9});
            byte[] end = new byte[2];
            slots.read(1, 8, end);
            assertThat(end).containsExactly(8, 9);
        }
    }

    @Test
    void everyAccessIsChecked() {
        try (HostSlots slots = HostSlots.allocate(3, 100, Touch.LAZY)) {
            byte[] one = new byte[1];
            assertThatThrownBy(() -> slots.read(3, 0, one))
                    .isInstanceOf(IndexOutOfBoundsException.class)
                    .hasMessage("an access must stay in its slot, slot=3, slots=3, offset=0, length=1, slotBytes=100");
            assertThatThrownBy(() -> slots.read(-1, 0, one)).isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> slots.read(0, -1, one)).isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> slots.write(0, 100, one)).isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> slots.write(0, Long.MAX_VALUE, one)).isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> slots.read(0, 0, one, 1, 1)).isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> slots.write(0, 0, one, 0, -1)).isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> slots.fill(3, (byte) 0)).isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> slots.address(3)).isInstanceOf(IndexOutOfBoundsException.class);
        }
    }

    @Test
    void theyAreGivenBackOnceAndNotUsedAfterwards() {
        HostSlots slots = HostSlots.allocate(3, 100, Touch.LAZY);
        slots.close();
        assertThat(Region.liveBytes()).isEqualTo(before);
        slots.close();
        assertThat(Region.liveBytes()).isEqualTo(before);
        assertThatThrownBy(() -> slots.read(0, 0, new byte[1])).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> slots.write(0, 0, new byte[1]))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("closed");
        assertThatThrownBy(() -> slots.fill(0, (byte) 0)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> slots.address(0)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(slots::hold)
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("the slots are closed, host slots[slots=3, slotBytes=100, strideBytes=4096]");
    }

    @Test
    void whoHoldsThemKeepsThemOpen() {
        HostSlots slots = HostSlots.allocate(3, 100, Touch.LAZY);
        slots.hold();
        slots.hold();
        slots.letGo();
        assertThatThrownBy(slots::close)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("inFlight=1");
        slots.fill(2, (byte) 1);
        slots.letGo();
        assertThatThrownBy(slots::letGo).isInstanceOf(IllegalStateException.class);
        slots.close();
    }

    @Test
    void fiveGiBCostOnlyWhatIsTouched() {
        int count = 2560;
        try (HostSlots slots = HostSlots.allocate(count, 2 * MIB, Touch.LAZY, LARGE)) {
            assertThat(slots.bytes()).isEqualTo(5L << 30);
            slots.write(0, 0, new byte[] {1});
            slots.write(count - 1, 2 * MIB - 1, new byte[] {2});
            byte[] read = new byte[1];
            slots.read(0, 0, read);
            assertThat(read).containsExactly(1);
            slots.read(count - 1, 2 * MIB - 1, read);
            assertThat(read).containsExactly(2);
            assertThat(slots.address(count - 1) - slots.address(0)).isEqualTo((count - 1) * slots.strideBytes());
        }
    }

    @Test
    void moreThanTheMachineHasIsRefusedInOneSentence() {
        MachineMemory small = new MachineMemory(8191);
        assertThatThrownBy(() -> HostSlots.allocate(2, 100, Touch.LAZY, small))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("host slots must fit the memory of the machine, budgetBytes=8192, machineBytes=8191; give a"
                        + " smaller budget");
        HostSlots.allocate(2, 100, Touch.LAZY, new MachineMemory(8192)).close();
        assertThat(MachineMemory.ofThisMachine().bytes())
                .isGreaterThan(Runtime.getRuntime().totalMemory());
        assertThatThrownBy(() -> HostSlots.allocate(1 << 30, 1 << 20, Touch.BACKGROUND))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new MachineMemory(0)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void saysWhenTheSystemRefusesWhatTheMachineShouldHave() {
        assertThatThrownBy(() -> HostSlots.allocate(1 << 30, 1 << 30, Touch.BACKGROUND, LARGE))
                .isInstanceOf(OutOfDeviceMemoryException.class)
                .hasMessageContaining("for=1073741824 slots of 1073741824 bytes")
                .hasCauseInstanceOf(OutOfMemoryError.class);
        assertThatThrownBy(() -> HostSlots.allocate(Integer.MAX_VALUE, 1L << 40, Touch.LAZY, LARGE))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("slots=2147483647, slotBytes=1099511627776");
        assertThatThrownBy(() -> HostSlots.allocate(0, 1, Touch.LAZY, LARGE))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void touchingInTheBackgroundReachesTheEndAndKeepsWhatIsWritten() throws InterruptedException {
        CountDownLatch written = new CountDownLatch(1);
        try (HostSlots slots = HostSlots.allocate(9, MIB, Touch.BACKGROUND, LARGE, () -> await(written))) {
            byte[] content = new byte[(int) MIB];
            for (int slot = 0; slot < 9; slot++) {
                Arrays.fill(content, (byte) slot);
                slots.write(slot, 0, content);
            }
            assertThat(slots.touchedBytes()).isZero();
            written.countDown();
            slots.awaitTouched();
            assertThat(slots.touchedBytes()).isEqualTo(slots.bytes());
            byte[] read = new byte[(int) MIB];
            for (int slot = 0; slot < 9; slot++) {
                Arrays.fill(content, (byte) slot);
                slots.read(slot, 0, read);
                assertThat(read).isEqualTo(content);
            }
        }
    }

    @Test
    void closingEndsTheTouchingFirst() throws InterruptedException {
        CountDownLatch begun = new CountDownLatch(2);
        CountDownLatch goOn = new CountDownLatch(1);
        Runnable secondWaits = () -> {
            begun.countDown();
            if (begun.getCount() == 0) {
                await(goOn);
            }
        };
        HostSlots slots = HostSlots.allocate(20, MIB, Touch.BACKGROUND, LARGE, secondWaits);
        await(begun);
        Thread closer = new Thread(slots::close);
        closer.start();
        closer.interrupt();
        while (closer.getState() != Thread.State.WAITING) {
            Thread.onSpinWait();
        }
        assertThat(Region.liveBytes() - before)
                .as("given back only when nobody touches it")
                .isEqualTo(slots.bytes());
        goOn.countDown();
        closer.join();
        slots.awaitTouched();
        assertThat(slots.touchedBytes()).isEqualTo(Pretoucher.CHUNK_BYTES);
    }

    @Test
    void lazySlotsAreNotTouched() throws InterruptedException {
        try (HostSlots slots = HostSlots.allocate(2, 100, Touch.LAZY)) {
            slots.awaitTouched();
            assertThat(slots.touchedBytes()).isZero();
        }
    }

    private static void await(CountDownLatch latch) {
        try {
            assertThat(latch.await(30, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
