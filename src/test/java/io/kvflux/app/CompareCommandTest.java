package io.kvflux.app;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CompareCommandTest {

    private static final String[] SMALL = {"--limit", "40", "--device-blocks", "200", "--max-batch-size", "16"};

    private static Cli.Outcome compare(String... more) {
        String[] args = new String[1 + SMALL.length + more.length];
        args[0] = "compare";
        System.arraycopy(SMALL, 0, args, 1, SMALL.length);
        System.arraycopy(more, 0, args, 1 + SMALL.length, more.length);
        return Cli.run(args);
    }

    @Test
    void eachVariantHasARowWithRatiosToTheFirst() {
        Cli.Outcome outcome = compare("--variants", "default,vllm,short-first,--policy fair", "--quiet");
        assertThat(outcome.err()).isEmpty();
        assertThat(outcome.code()).isZero();
        List<String> lines = outcome.out().lines().toList();
        assertThat(lines).hasSize(5);
        assertThat(lines.get(0)).startsWith("variant").contains("makespan", "p99", "recomputed");
        assertThat(lines.get(1)).startsWith("default ").contains("1.000");
        assertThat(lines.get(4)).startsWith("--policy fair ");
    }

    @Test
    void jsonHasOptionsAndSummaryOfEach() throws Exception {
        Cli.Outcome outcome = compare("--variants", "no-host+in-order,in-order", "--json", "--host-blocks", "100");
        JsonNode json = new ObjectMapper().readTree(outcome.out());
        JsonNode first = json.get("variants").get(0);
        JsonNode second = json.get("variants").get(1);
        assertThat(first.get("name").asText()).isEqualTo("no-host+in-order");
        assertThat(first.get("options").toString()).contains("--growth-margin").doesNotContain("--host-blocks");
        assertThat(first.get("summary").get("tiers").isNull()).isTrue();
        assertThat(second.get("options").toString()).contains("cheapest-room", "--host-blocks");
        assertThat(second.get("summary").get("tiers").get("host").isObject()).isTrue();
    }

    @Test
    void adaptiveEvictionJoinsOthers() {
        assertThat(Variant.of("adaptive-eviction", List.of("--host-blocks", "9", "--eviction=lru"))
                        .args())
                .containsExactly("--host-blocks", "9", "--eviction", "adaptive");
        assertThat(Variant.of("vllm+adaptive-eviction", List.of("--host-blocks", "9"))
                        .args())
                .containsExactly("--engine", "vllm", "--eviction", "adaptive");
        assertThat(compare("--variants", "default,no-host+adaptive-eviction", "--quiet")
                        .out())
                .contains("no-host+adaptive-eviction ");
    }

    @Test
    void thePageHasEverythingInIt(@TempDir Path folder) throws Exception {
        Path page = folder.resolve("page.html");
        assertThat(compare("--variants", "default,vllm", "--quiet", "--report", page.toString())
                        .code())
                .isZero();
        assertThat(Files.readString(page))
                .contains("<td>vllm</td>", "--engine vllm", "Time to last token")
                .doesNotContain("://", "{{");
    }

    @Test
    void aVariantGivesAnOptionInPlaceOfTheCommonOne() {
        Variant variant =
                Variant.of("--max-batch-size 8", List.of("--max-batch-size=16", "--levelling", "--seed", "1"));
        assertThat(variant.args()).containsExactly("--levelling", "--seed", "1", "--max-batch-size", "8");
    }

    @Test
    void optionsBehindANameChangeWhatItStandsFor() {
        Variant variant =
                Variant.of("no-host+short-first --ageing 900 --growth-margin 1", List.of("--host-blocks", "5"));
        assertThat(variant.args())
                .containsSequence("--policy", "shortest")
                .endsWith("--ageing", "900", "--growth-margin", "1")
                .doesNotContain("--host-blocks", "0.75");
    }

    @Test
    void aCommaWithinNumbersDividesNoVariants() throws Exception {
        Cli.Outcome outcome = compare("--variants", "--step-cost 0.01,1e-5,.1e-7,default", "--json");
        JsonNode variants = new ObjectMapper().readTree(outcome.out()).get("variants");
        assertThat(variants)
                .extracting(each -> each.get("name").asText())
                .containsExactly("--step-cost 0.01,1e-5,.1e-7", "default");
    }

    @Test
    void whatIsWrongIsOneSentence() {
        assertThat(compare("--variants", "default,fast").err())
                .isEqualTo(
                        "kvflux: a variant is one of default, vllm, no-host, in-order, short-first, adaptive-eviction,"
                                + " several of them joined by +, options of replay, or such names and then options,"
                                + " variant='fast' (see kvflux compare --help)\n");
        assertThat(compare("--variants", "default,--levelling").err())
                .isEqualTo(
                        "kvflux: variant --levelling: --levelling changes the order of --policy shortest, so it needs"
                                + " that (see kvflux compare --help)\n");
        assertThat(compare("--variants", "default", "--bogus").err()).contains("variant default", "--bogus");
        assertThat(compare("--variants", "default", "--realtime").err()).contains("leave out --realtime");
        assertThat(compare("--variants", "default", "--ticks", "x.csv").err()).contains("leave them out");
        assertThat(Cli.run("compare").err()).contains("--variants");
    }
}
