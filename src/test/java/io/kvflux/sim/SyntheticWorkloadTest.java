package io.kvflux.sim;

import static io.kvflux.sim.TraceFiles.readAll;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class SyntheticWorkloadTest {

    private static final List<SimRequest> THOUSAND = readAll(SyntheticWorkload.of(0, 1000));

    @Test
    void sameSeedGivesTheSameRequests() {
        List<SimRequest> again = readAll(SyntheticWorkload.of(0, 1000));

        assertThat(again).usingRecursiveComparison().isEqualTo(THOUSAND);
    }

    /** A change of any number or draw changes what published results were made with: it should be meant. */
    @Test
    void trafficOfSeedZeroStaysWhatItIs() {
        int hash = 0;
        for (SimRequest request : THOUSAND) {
            hash = 31 * hash + Arrays.hashCode(request.promptTokens());
            hash = 31 * hash + request.outputLength();
            hash = 31 * hash + Long.hashCode(request.arrivalNanos());
        }
        assertThat(hash).isEqualTo(1_871_714_460);
    }

    @Test
    void fewerRequestsAreTheFirstOfMore() {
        List<SimRequest> fewer = readAll(SyntheticWorkload.of(0, 100));

        assertThat(fewer).usingRecursiveComparison().isEqualTo(THOUSAND.subList(0, 100));
    }

    @Test
    void anotherSeedGivesOtherRequests() {
        assertThat(readAll(SyntheticWorkload.of(1, 100)))
                .extracting(SimRequest::inputLength)
                .isNotEqualTo(THOUSAND.subList(0, 100).stream()
                        .map(SimRequest::inputLength)
                        .toList());
    }

    @Test
    void requestsComeInOrderOfArrivalAndAreNumbered() {
        assertThat(THOUSAND.stream().map(SimRequest::arrivalNanos).toList()).isSorted();
        assertThat(THOUSAND)
                .extracting(SimRequest::index)
                .startsWith(0L, 1L, 2L)
                .endsWith(999L);
    }

    @Test
    void aThousandRequestsAreAFewMillionPromptTokens() {
        assertThat(THOUSAND.stream().mapToLong(SimRequest::inputLength).sum()).isBetween(1_500_000L, 3_500_000L);
        assertThat(THOUSAND).allMatch(request -> request.inputLength() <= SyntheticSession.MAX_PROMPT_TOKENS);
    }

    @Test
    void outputsAreLikeThoseOfTheTraceTheyAreFittedTo() {
        Random random = new Random(1);
        double[] outputs = IntStream.range(0, 20_000)
                .mapToDouble(i -> new LogNormal(151, 0.86).tokens(random))
                .sorted()
                .toArray();

        // Azure 2023 conversation: mean 211, p10 54, p90 424.
        assertThat(Arrays.stream(outputs).average().orElseThrow()).isBetween(200.0, 240.0);
        assertThat(outputs[2_000]).isBetween(45.0, 60.0);
        assertThat(outputs[18_000]).isBetween(400.0, 500.0);
    }

    @Test
    void nextTurnRepeatsPromptAndOutputWithoutTheStopToken() {
        SyntheticSession session = new SyntheticSession(3, 5, 0);
        SimRequest turn = session.next(0);
        SimRequest next = session.next(1);
        int spoken = turn.inputLength() + turn.outputLength() - 1;

        int[] expected = Arrays.copyOf(turn.promptTokens(), spoken);
        for (int i = 0; i < turn.outputLength() - 1; i++) {
            expected[turn.inputLength() + i] = turn.outputToken(i);
        }
        assertThat(next.inputLength()).isGreaterThan(spoken);
        assertThat(Arrays.copyOf(next.promptTokens(), spoken)).isEqualTo(expected);
        assertThat(next.promptTokens()).doesNotContain(SimRequest.STOP_TOKEN);
        assertThat(turn.outputToken(turn.outputLength() - 1)).isEqualTo(SimRequest.STOP_TOKEN);
    }

    @Test
    void nextTurnArrivesAfterTheAssumedServiceOfTheLast() {
        SyntheticSession session = new SyntheticSession(3, 5, 0);
        SimRequest turn = session.next(0);

        long assumed = 1_000_000_000L + 40_000_000L * turn.outputLength();
        assertThat(session.next(1).arrivalNanos() - turn.arrivalNanos()).isGreaterThan(assumed);
    }

    @Test
    void sessionsShareTheirSystemPrompts() {
        long starts = THOUSAND.stream()
                .map(request -> Arrays.hashCode(Arrays.copyOf(request.promptTokens(), 32)))
                .distinct()
                .count();

        assertThat(starts).isEqualTo(8);
    }

    @Test
    void everySessionEnds() {
        SyntheticSession session = new SyntheticSession(0, 0, 0);
        int turns = 0;
        while (!session.isOver()) {
            session.next(turns++);
        }
        assertThat(turns).isBetween(1, 1_000);
    }

    @Test
    void rateChangesTimesOnly() {
        List<SimRequest> slow = readAll(SyntheticWorkload.of(0, 100, 0.01));

        assertThat(slow.get(99).arrivalNanos()).isGreaterThan(THOUSAND.get(99).arrivalNanos());
    }

    @Test
    void nameHoldsTheSeed() {
        try (Workload workload = SyntheticWorkload.of(7, 10)) {
            assertThat(workload.name()).isEqualTo("synthetic (seed 7)");
            assertThat(workload.size()).isEqualTo(10);
            assertThat(workload.notices()).isEmpty();
        }
    }

    @Test
    void noRequestsAndNoRateAreRefused() {
        assertThatThrownBy(() -> SyntheticWorkload.of(0, 0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("synthetic workload needs requests >= 1 and a finite sessionsPerSecond >= 0.001,"
                        + " requests=0, sessionsPerSecond=0.8");
        assertThatThrownBy(() -> SyntheticWorkload.of(0, 1, Double.NaN))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("sessionsPerSecond=NaN");
    }
}
