package io.kvflux.app;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.kvflux.RealTraces;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

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
        assertThat(lines).hasSize(6);
        assertThat(lines.get(0).strip().split(" {2,}")).containsExactly("mean to", "mean to", "p99 to");
        assertThat(lines.get(1).split(" {2,}"))
                .startsWith("variant", "completed", "makespan", "ratio", "first token", "ratio", "last token", "ratio")
                .contains("recomputed");
        assertThat(lines.get(2)).startsWith("default ").contains("36 of 40", "1.000");
        assertThat(lines.get(5)).startsWith("--policy fair ");
    }

    @Test
    void timesOfOtherRequestsHaveNoRatio(@TempDir Path folder) throws Exception {
        Path page = folder.resolve("page.html");
        Cli.Outcome outcome = compare("--variants", "default,--device-blocks 1", "--report", page.toString());
        assertThat(outcome.code()).isZero();
        List<String> lines = outcome.out().lines().toList();
        assertThat(lines).hasSize(5);
        assertThat(lines.get(2)).contains("36 of 40", "1.000");
        assertThat(lines.get(3)).contains("0 of 40").doesNotContain("0.000");
        assertThat(lines.get(4))
                .isEqualTo("Ratios are missing where another number of requests was completed than by the first.");
        assertThat(Files.readString(page)).contains("<td>0 of 40</td>", "<p>Ratios are missing");
    }

    @Test
    void whereNothingFitsNothingFailed() {
        Cli.Outcome outcome = compare("--variants", "--device-blocks 1,--device-blocks 2");
        assertThat(outcome.code())
                .isEqualTo(Cli.run("replay", "--device-blocks", "1").code());
        assertThat(outcome.out()).contains("0 of 40").doesNotContain("Ratios");
    }

    @Test
    void aSmallRatioKeepsItsDigits() {
        assertThat(CompareTable.ratio(0)).isEqualTo("0.000");
        assertThat(CompareTable.ratio(0.000234567)).isEqualTo("0.000235");
        assertThat(CompareTable.ratio(0.0000123)).isEqualTo("1.23e-05");
        assertThat(CompareTable.ratio(0.0005)).isEqualTo("0.001");
        assertThat(CompareTable.ratio(12.3456)).isEqualTo("12.346");
    }

    @Test
    void anInterruptionWhileALaterTraceIsOpenedStopsItsReplay() throws Exception {
        Interruption interruption = new Interruption() {
            private int replays;

            @Override
            synchronized void onStop(Runnable stop) {
                replays++;
                if (replays == 2) {
                    ended();
                    stopAndAwaitEnd();
                }
                super.onStop(stop);
            }
        };
        StringWriter out = new StringWriter();
        String[] line = {"compare", "--limit", "40", "--variants", "default,vllm,in-order", "--json"};
        int code = Main.run(new PrintWriter(out), new PrintWriter(new StringWriter()), interruption, line);
        assertThat(code).isEqualTo(130);
        JsonNode variants = new ObjectMapper().readTree(out.toString()).get("variants");
        assertThat(variants).hasSize(2);
        assertThat(variants.get(0).has("partial")).isFalse();
        assertThat(variants.get(1).get("partial").asBoolean()).isTrue();
        assertThat(variants.get(1).get("summary").get("completed").asInt()).isZero();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "--trace x",
                "--trace x --format azure",
                "--limit=7",
                "--seed 1",
                "--report x.html",
                "--json",
                "--quiet",
                "--help",
                "--version"
            })
    void whatIsReplayedAndWrittenIsTheSameForAll(String options) {
        for (String variant : new String[] {options, "vllm --max-batch-size 8 " + options}) {
            Cli.Outcome outcome = compare("--variants", "default," + variant);
            assertThat(outcome.code()).isEqualTo(2);
            assertThat(outcome.out()).isEmpty();
            assertThat(outcome.err().lines())
                    .singleElement()
                    .asString()
                    .startsWith("kvflux: variant " + variant + ": --")
                    .contains(" may not differ between variants: give it for all of them, outside --variants (see");
        }
    }

    @Test
    void aFileThatALaterVariantReadsIsNotWritten(@TempDir Path folder) throws Exception {
        Path rates = Files.writeString(folder.resolve("rates"), "by-position\n.8\n");
        Cli.Outcome outcome = compare(
                "--variants", "default,--speculation fixed:2 --acceptance " + rates, "--report", rates.toString());
        assertThat(outcome.code()).isEqualTo(2);
        assertThat(outcome.err()).contains("--acceptance and --report name the same file " + rates);
        assertThat(rates).content().startsWith("by-position");
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
    void aSwitchForAllThatAVariantGivesTooHasNoValue() {
        assertThat(Variant.of("--cache-only", List.of("--cache-only", "--page-size", "32"))
                        .args())
                .containsExactly("--page-size", "32", "--cache-only");
    }

    @Test
    void ofNamesThatGiveOneOptionTheLastCounts() {
        String shortest = "--policy shortest --levelling --victim most-work";
        assertThat(String.join(
                        " ", Variant.of("in-order+short-first", List.of()).args()))
                .isEqualTo(shortest + " --growth-margin 1.75 --ageing 3500");
        assertThat(String.join(
                        " ",
                        Variant.of("short-first+in-order --ageing 900", List.of())
                                .args()))
                .isEqualTo(shortest + " --growth-margin 0.75 --ageing 900");
        assertThat(compare("--variants", "in-order+short-first").code()).isZero();
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

    /** What docs/benchmarks.md says of traces that were not used to find the rules. */
    @Test
    void onOtherTracesTheRulesAreNotWorseThanTheEngine() throws Exception {
        assertThat(meanOfShortFirst("azure-2023-conv.csv", "rtx-4090", 2_587, "--limit=4000"))
                .isLessThanOrEqualTo(0.82);
        assertThat(meanOfShortFirst("mooncake-conversation.jsonl", "h100-sxm", 29_205, "--max-batch-tokens=1024"))
                .isLessThanOrEqualTo(0.78);
    }

    /** Relative to the engine's rules, than which nothing takes more than a hundredth longer. */
    private static double meanOfShortFirst(String trace, String device, int blocks, String option) throws Exception {
        Cli.Outcome outcome = Cli.run(
                "compare",
                "--trace",
                RealTraces.find(trace).toString(),
                option,
                "--model=llama-3.1-8b",
                "--device-profile=" + device,
                "--device-blocks=" + blocks,
                "--host-memory=32GiB",
                "--host-bandwidth=20GiB/s",
                "--variants=vllm,no-host,no-host+in-order,no-host+short-first,default,in-order,short-first",
                "--json");
        JsonNode variants = new ObjectMapper().readTree(outcome.out()).get("variants");
        assertThat(variants).hasSize(7);
        JsonNode engine = variants.get(0).get("summary");
        for (JsonNode variant : variants) {
            JsonNode summary = variant.get("summary");
            for (String time : List.of("/makespanSeconds", "/latencySeconds/mean", "/latencySeconds/p99")) {
                assertThat(summary.at(time).asDouble() / engine.at(time).asDouble())
                        .as("%s of %s on %s", time, variant.get("name"), trace)
                        .isLessThanOrEqualTo(1.01);
            }
        }
        return variants.get(6).get("summary").at("/latencySeconds/mean").asDouble()
                / engine.at("/latencySeconds/mean").asDouble();
    }

    @Test
    void whatIsWrongIsOneSentence() {
        assertThat(compare("--variants", "default,fast").err())
                .isEqualTo(
                        "kvflux: a variant is one of default, vllm, no-host, in-order, short-first, adaptive-eviction,"
                                + " several of them joined by +, options of replay, or such names and then options,"
                                + " variant='fast' (see kvflux compare --help)\n");
        for (String missing : new String[] {",", "default,", ",default", ""}) {
            assertThat(compare("--variants", missing)).satisfies(outcome -> {
                assertThat(outcome.code()).isEqualTo(2);
                assertThat(outcome.err())
                        .startsWith("kvflux: a variant is one of ")
                        .contains(" variant='' (see ");
            });
        }
        assertThat(compare("--variants", "default,--ageing \"3").err())
                .isEqualTo("kvflux: variant --ageing \"3: Invalid value for option '--ageing': expected a whole number"
                        + " from 1 to 2147483647, found '\"3' (see kvflux compare --help)\n");
        assertThat(compare("--variants", "default,--levelling").err())
                .isEqualTo(
                        "kvflux: variant --levelling: --levelling changes the order of --policy shortest, so it needs"
                                + " that (see kvflux compare --help)\n");
        assertThat(compare("--variants", "default -hV").err()).contains("variant default -hV: --help may not differ");
        assertThat(compare("--variants", "default", "--bogus").err()).contains("variant default", "--bogus");
        assertThat(compare("--variants", "default", "--realtime").err()).contains("leave out --realtime");
        assertThat(compare("--variants", "default", "--ticks", "x.csv").err()).contains("leave them out");
        assertThat(Cli.run("compare").err()).contains("--variants");
    }
}
