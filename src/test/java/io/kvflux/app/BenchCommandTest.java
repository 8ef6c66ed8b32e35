package io.kvflux.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
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

    @Test
    void evictionHasARowForEachPolicyAndAColumnForEachSize() {
        Cli.Outcome outcome = Cli.run("bench", "eviction", "--limit", "60", "--device-blocks", "100,2000");
        assertThat(outcome.err()).isEmpty();
        assertThat(outcome.code()).isZero();
        List<String> lines = outcome.out().lines().toList();
        assertThat(lines.get(0)).startsWith("**Hits of synthetic").endsWith(" prompt blocks**");
        assertThat(lines.get(2)).isEqualTo("| policy | 100 blocks | 2,000 blocks |");
        assertThat(lines.subList(4, lines.size()))
                .hasSize(7)
                .allMatch(line -> line.matches("\\| [a-z, ]+ \\| [0-9.]+ % \\| [0-9.]+ % \\|"), "two percentages");
    }

    @Test
    void evictionAsJsonHasCounts() throws Exception {
        Cli.Outcome outcome =
                Cli.run("bench", "eviction", "--limit", "60", "--device-blocks", "100", "--page-size", "32", "--json");
        JsonNode json = new ObjectMapper().readTree(outcome.out());
        assertThat(json.get("requests").asInt()).isEqualTo(60);
        assertThat(json.get("partial").asBoolean()).isFalse();
        assertThat(json.get("deviceBlocks").toString()).isEqualTo("[100]");
        assertThat(json.get("policies")).hasSize(7).allSatisfy(row -> {
            assertThat(row.get("policy").asText()).isNotBlank();
            assertThat(row.get("hitBlocks")).hasSize(1);
        });
    }
}
