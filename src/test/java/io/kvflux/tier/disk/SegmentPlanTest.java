package io.kvflux.tier.disk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvflux.geometry.DataSize;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class SegmentPlanTest {

    @Test
    void pagesOfTwoMebibytesFillSegmentsOfLittleMoreThan256() {
        SegmentPlan plan = SegmentPlan.of(Pages.layout(2 << 20), DataSize.ofGiB(1), SegmentPlan.SEGMENT_BYTES);
        assertThat(plan.slotsPerSegment()).isEqualTo(127);
        assertThat(plan.slotsAt()).isEqualTo(4096 + 16_384);
        assertThat(plan.bytesOfSegment(0)).isEqualTo(20_480 + 127L * (2 << 20));
        assertThat(plan.slots()).isEqualTo(511);
        assertThat(plan.segments()).isEqualTo(5);
        assertThat(plan.slotsIn(4)).isEqualTo(3);
        assertThat(plan.segmentOf(127)).isEqualTo(1);
    }

    @Test
    void aSlotThatIsLongerThanASegmentHasOneOfItsOwn() {
        SegmentPlan plan = SegmentPlan.of(Pages.layout(1L << 30), DataSize.ofGiB(5), SegmentPlan.SEGMENT_BYTES);
        assertThat(plan.slotsPerSegment()).isEqualTo(1);
        assertThat(plan.slots()).isEqualTo(4);
        assertThat(plan.segments()).isEqualTo(4);
    }

    @Test
    void smallPagesHaveSmallSegments() {
        SegmentPlan plan = SegmentPlan.of(Pages.layout(100), new DataSize(8 << 20), SegmentPlan.SEGMENT_BYTES);
        assertThat(plan.slotsPerSegment()).isEqualTo(1024);
        assertThat(plan.slotsAt()).isEqualTo(4096 + (128 << 10));
        assertThat(plan.slots()).isEqualTo(1024 + 958);
    }

    @Test
    void filesNeverTakeMoreThanTheSizeAndLeaveLessThanASlot() {
        SplittableRandom random = new SplittableRandom(7);
        for (int i = 0; i < 20_000; i++) {
            long payload = 1 + random.nextLong(1L << random.nextInt(1, 22));
            long segment = random.nextLong(1 << 18, 64 << 20);
            long size = 139_264 + payload + random.nextLong(1L << random.nextInt(1, 31));
            SegmentPlan plan = SegmentPlan.of(Pages.layout(payload), new DataSize(size), segment);
            long bytes = 0;
            int slots = 0;
            for (int each = 0; each < plan.segments(); each++) {
                assertThat(plan.slotsIn(each)).isBetween(1, plan.slotsPerSegment());
                bytes += plan.bytesOfSegment(each);
                slots += plan.slotsIn(each);
            }
            assertThat(slots).isEqualTo(plan.slots());
            assertThat(bytes).isLessThanOrEqualTo(size);
            long more = plan.slots() % plan.slotsPerSegment() == 0 ? plan.slotsAt() : 0;
            assertThat(bytes + more + plan.slotBytes()).isGreaterThan(size);
            assertThat(plan.slotsPerSegment() == 1 || plan.bytesOfSegment(0) <= segment)
                    .isTrue();
        }
    }

    @Test
    void theSizeOfSoManySlotsHasRoomForThemAndNotForOneMore() {
        for (int slots : new int[] {1, 2, 1023, 1024, 1025, 3000}) {
            for (long payload : new long[] {1, 4096, 5000, 1 << 20, 300 << 20}) {
                DiskLayout layout = Pages.layout(payload);
                DataSize size = DiskStore.sizeOf(layout, slots);
                assertThat(SegmentPlan.of(layout, size, SegmentPlan.SEGMENT_BYTES)
                                .slots())
                        .as("%d slots of %d bytes", slots, payload)
                        .isEqualTo(slots);
                DataSize less = new DataSize(size.bytes() - 1);
                if (slots > 1) {
                    assertThat(SegmentPlan.of(layout, less, SegmentPlan.SEGMENT_BYTES)
                                    .slots())
                            .isLessThan(slots);
                }
            }
        }
        assertThatThrownBy(() -> DiskStore.sizeOf(Pages.layout(1), 0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a disk store has at least 1 slot, slots=0");
    }

    @Test
    void aSizeWithoutRoomForASlotOrForTooManyIsRefused() {
        assertThatThrownBy(() -> SegmentPlan.of(Pages.layout(5000), new DataSize(16_383), 20_000))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a disk store must have room for a slot, size=16383, needed=16384: raise the size");
        assertThatThrownBy(() -> SegmentPlan.of(Pages.layout(1 << 20), DataSize.ofGiB(1 << 20), 64 << 20))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("a disk store has less than 32768 whole segments, size=")
                .hasMessageEndingWith(": lower the size");
    }
}
