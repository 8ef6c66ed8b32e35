package io.kvflux.soak;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvflux.Leaks;
import io.kvflux.memory.chronicle.HostSlots;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What a soak of full size is for: leaks of one in a hundred thousand sequences. Takes minutes, so it is run by its tag. */
@Tag("soak")
class PlantedLeaksTest {

    private static final long ONE_IN = 100_000;
    private static final long MOST_SEQUENCES = 2_000_000;

    private static void requireFound(Plant harm, String as) {
        Plant rarely = (scheduler, ended, client) -> {
            if (ended % ONE_IN == 0) {
                harm.ended(scheduler, ended, client);
            }
        };
        SoakOptions options = new SoakOptions(1, Duration.ofMinutes(10), MOST_SEQUENCES);
        SoakResult result = Soak.run(options, Scale.FULL, rarely, () -> true, seconds -> {});
        System.out.println("PlantedLeaksTest: sequences=" + result.sequences() + ", found " + result.findings());
        assertThat(result.sequences()).isGreaterThanOrEqualTo(ONE_IN);
        assertThat(result.findings())
                .anySatisfy(found -> assertThat(found.toString()).contains(as));
    }

    @Test
    void aBlockInAHundredThousandSequences() {
        requireFound((scheduler, ended, client) -> Leaks.block(scheduler), "1 blocks are held");
    }

    @Test
    void aSlotOfTheHostInAHundredThousandSequences() {
        requireFound(
                (scheduler, ended, client) -> Leaks.hostSlot(scheduler), "1 slots of the host are being written to");
    }

    @Test
    void aNativeSlotInAHundredThousandSequences() {
        List<HostSlots> leaked = Collections.synchronizedList(new ArrayList<>());
        requireFound(
                (scheduler, ended, client) -> leaked.add(HostSlots.allocate(1, 4_096, HostSlots.Touch.LAZY)),
                "bytes of native regions and mapped files=4096");
        leaked.forEach(HostSlots::close);
    }

    @Test
    void aSubscriberInAHundredThousandSequences() {
        requireFound((scheduler, ended, client) -> SoakTest.subscribeAndForget(scheduler), "tenant=forgotten");
    }
}
