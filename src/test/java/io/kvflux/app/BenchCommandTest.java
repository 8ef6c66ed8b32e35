package io.kvflux.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvflux.sim.SpeculationBench.Claim;
import io.kvflux.sim.SpeculationBench.Table;
import java.util.List;
import org.junit.jupiter.api.Test;

class BenchCommandTest {

    private static Table table(boolean holds) {
        return new Table(
                "t", List.of("x"), List.of(List.of(1)), List.of(new Claim("one is one", true), new Claim("x", holds)));
    }

    @Test
    void aBrokenClaimIsNamed() {
        assertThat(BenchCommand.verdict(List.of(table(true), table(true)))).isZero();
        assertThatThrownBy(() -> BenchCommand.verdict(List.of(table(true), table(false))))
                .isInstanceOf(FailureException.class)
                .hasMessage("this does not hold: x");
    }

    @Test
    void tablesAreMarkdown() {
        assertThat(BenchCommand.markdown(table(true))).isEqualTo("**t**\n\n| x |\n| --- |\n| 1 |\n");
    }

    @Test
    void aBenchNeedsNoMoreThanItsName() {
        Cli.Outcome help = Cli.run("bench");
        assertThat(help.code()).isZero();
        assertThat(help.out()).contains("speculation");
        Cli.Outcome wrong = Cli.run("bench", "speculation", "--quick");
        assertThat(wrong.code()).isEqualTo(2);
        assertThat(wrong.err()).contains("unknown option '--quick'");
    }
}
