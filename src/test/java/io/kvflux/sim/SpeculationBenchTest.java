package io.kvflux.sim;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvflux.sim.SpeculationBench.Table;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The tables of {@code kvflux bench speculation}: what is claimed of drafts comes out. */
class SpeculationBenchTest {

    static Stream<Named<Supplier<Table>>> tables() {
        return Stream.of(
                Named.of("closed form", SpeculationBench::closedForm),
                Named.of("best fixed number by batch", SpeculationBench::bestFixed),
                Named.of("gap to brute force", SpeculationBench::gap),
                Named.of("loads, a = 0.5", () -> SpeculationBench.loads(0.5)),
                Named.of("loads, a = 0.7", () -> SpeculationBench.loads(0.7)),
                Named.of("loads, a = 0.9", () -> SpeculationBench.loads(0.9)),
                Named.of("swinging load", SpeculationBench::swinging),
                Named.of("small bursts", SpeculationBench::smallBursts),
                Named.of("device nearly full", SpeculationBench::nearlyFull));
    }

    @ParameterizedTest
    @MethodSource("tables")
    void everyClaimHolds(Supplier<Table> make) {
        Table table = make.get();
        assertThat(table.claims())
                .isNotEmpty()
                .allSatisfy(claim -> assertThat(claim.holds())
                        .as(claim.text() + table.rows())
                        .isTrue());
        assertThat(table.rows()).allSatisfy(row -> assertThat(row).hasSameSizeAs(table.header()));
    }
}
