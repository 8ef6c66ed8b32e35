package io.kvflux.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.kvflux.api.SequenceId;
import io.kvflux.api.SequenceSpec;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class OutputLengthsTest {

    private final OutputLengths lengths = new OutputLengths();
    private long ids;
    private long step;

    private Sequence begin(String tenant) {
        Sequence sequence =
                new Sequence(new SequenceId(++ids), SequenceSpec.of(1, 2, 3).tenant(tenant), 16, Long.MAX_VALUE);
        lengths.enter(sequence);
        return sequence;
    }

    private void generate(Sequence sequence, int tokens) {
        for (int i = 0; i < tokens; i++) {
            sequence.append(1);
            lengths.generated(sequence);
        }
        step += 16;
        lengths.begin(step);
    }

    private void whole(String tenant, int tokens) {
        Sequence sequence = begin(tenant);
        generate(sequence, tokens);
        lengths.ended(sequence);
    }

    @Test
    void rangesFollowEachOtherWithoutAGap() {
        for (int tokens = 0; tokens < 100_000; tokens++) {
            int range = OutputLengths.range(tokens);
            assertThat(OutputLengths.from(range)).isLessThanOrEqualTo(tokens);
            assertThat(OutputLengths.from(range + 1)).isGreaterThan(tokens);
        }
        assertThat(OutputLengths.from(OutputLengths.range(1 << 20))).isEqualTo(1 << 20);
    }

    @Test
    void beforeAnythingIsKnownAnOutputHasSomeHundredTokensAndThenMayDouble() {
        Sequence sequence = begin("a");
        assertThat(sequence.remaining()).isBetween(500, 800);
        generate(sequence, 2000);
        assertThat(sequence.remaining()).isBetween(1000, 3000);
    }

    @Test
    void whatIsStillToComeIsLearnedFromOutputsThatEnded() {
        SplittableRandom random = new SplittableRandom(1);
        for (int i = 0; i < 200; i++) {
            whole("a", 100 + random.nextInt(100));
        }
        Sequence sequence = begin("a");
        assertThat(sequence.remaining()).isCloseTo(150, within(8));
        generate(sequence, 160);
        assertThat(sequence.remaining()).as("half of 40").isCloseTo(20, within(8));
        assertThat(sequence.lengths.survival(90)).isGreaterThan(0.9);
        assertThat(sequence.lengths.survival(210)).isLessThan(0.05);
    }

    @Test
    void thoseThatStillRunCountForWhatTheyHaveShown() {
        for (int i = 0; i < 30; i++) {
            generate(begin("a"), 400);
        }
        for (int i = 0; i < 3; i++) {
            whole("a", 100);
        }
        assertThat(begin("a").remaining()).as("three of 33 ended").isGreaterThan(400);
    }

    @Test
    void aTenantBeginsWithWhatIsKnownOfAllAndThenHasItsOwn() {
        for (int i = 0; i < 200; i++) {
            whole("short", 50);
        }
        assertThat(begin("new").remaining()).isCloseTo(50, within(5));
        for (int i = 0; i < 200; i++) {
            whole("long", 1000);
        }
        assertThat(begin("long").remaining()).isCloseTo(1000, within(70));
        assertThat(begin("short").remaining()).isCloseTo(50, within(5));
    }

    @Test
    void whatOthersDoIsNoReasonToForgetATenant() {
        for (int round = 0; round < 60; round++) {
            for (int tenant = 0; tenant < 100; tenant++) {
                whole("tenant " + tenant, tenant % 5 == 0 ? 1000 : 50);
            }
        }
        assertThat(begin("tenant 5").remaining()).isCloseTo(1000, within(70));
        assertThat(begin("tenant 6").remaining()).isCloseTo(50, within(5));
    }

    @Test
    void oldOutputsAreForgotten() {
        for (int i = 0; i < 300; i++) {
            whole("a", 50);
        }
        for (int i = 0; i < 3000; i++) {
            whole("a", 300);
        }
        assertThat(begin("a").remaining()).isCloseTo(300, within(25));
        for (int i = 0; i < 10_000; i++) {
            whole("a", 20);
        }
        assertThat(begin("a").remaining()).as("after the weights were scaled").isCloseTo(20, within(3));
    }

    @Test
    void nobodyIsExpectedToPassItsLimit() {
        Sequence sequence =
                new Sequence(new SequenceId(9), SequenceSpec.of(1, 2, 3).maxTokens(10), 16, Long.MAX_VALUE);
        lengths.enter(sequence);
        assertThat(sequence.remaining()).isEqualTo(10);
        assertThat(sequence.work()).isEqualTo(10 * (3 + 5.0));
    }

    @Test
    void moreTenantsThanAreKeptAreTakenTogether() {
        for (int i = 0; i < 256; i++) {
            begin("tenant-" + i);
        }
        assertThat(begin("one more").lengths).isSameAs(lengths.all());
        assertThat(begin("tenant-7").lengths).isNotSameAs(lengths.all());
    }
}
