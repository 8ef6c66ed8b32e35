package io.kvflux;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvflux.api.SequenceSpec;
import io.kvflux.api.TokenEvent;
import io.kvflux.geometry.AttentionKind;
import io.kvflux.geometry.DType;
import io.kvflux.geometry.DataSize;
import io.kvflux.geometry.KvCacheParams;
import io.kvflux.geometry.MultiKvCacheParams;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;

/** The example of the README runs; links in the documents lead somewhere, and the tests they name exist. */
class ReadmeTest {

    private static final int EOS = 996;

    private interface Client {
        void write(int token);
    }

    @Test
    void theExampleRuns() throws IOException {
        List<Integer> tokens = new ArrayList<>();
        KvCacheParams cache = KvCacheParams.builder()
                .attention(AttentionKind.MLA)
                .dtype(DType.FLOAT32)
                .numQueryHeads(1)
                .headDim(1)
                .numLayers(1)
                .pageSize(16)
                .build();
        example(cache, tokens::add, new int[] {5, 6, 7});
        // 18, then each token doubles the sum
        assertThat(tokens).containsExactly(18, 36, 72, 144, 288, 576, 152, 304, 608, 216, 432, 864, 728, 456);
        assertShown("README.md", "ReadmeTest");
        assertShown("docs/embedding.md", "ExampleExecutor");
        assertShown("docs/embedding.md", "HostTierExampleTest");
    }

    /** Every line between the markers of a source stands in a document, in one piece. */
    private static void assertShown(String document, String source) throws IOException {
        String text = Files.readString(Path.of("src/test/java/io/kvflux/" + source + ".java"));
        String example = text.substring(text.indexOf("// README"), text.indexOf("// end"))
                .lines()
                .skip(1)
                .map(String::strip)
                .filter(line -> !line.isEmpty())
                .collect(Collectors.joining("\n"));
        String shown = Files.readString(Path.of(document))
                .lines()
                .map(String::strip)
                .filter(line -> !line.isEmpty())
                .collect(Collectors.joining("\n"));
        assertThat(shown).contains(example);
    }

    private static void example(KvCacheParams cache, Client client, int[] prompt) {
        // README
        BlockScheduler scheduler = BlockScheduler.builder(MultiKvCacheParams.fromParams(cache))
                .deviceMemory(DataSize.parse("64MiB"))
                .maxBatchTokens(2048)
                .build();
        scheduler.run(new ExampleExecutor(scheduler.memory(), 16)).subscribe();

        Flux<TokenEvent> tokens =
                scheduler.generate(SequenceSpec.of(prompt).maxTokens(14).stopTokens(EOS));
        tokens.doOnNext(event -> client.write(event.token())).blockLast();

        scheduler.disposeGracefully(Duration.ofSeconds(10)).block();
        // end
    }

    @Test
    void linksLeadSomewhere() throws IOException {
        for (Path document : documents()) {
            Matcher links = Pattern.compile("\\]\\(([^)#:]+)(#[^)]*)?\\)").matcher(Files.readString(document));
            while (links.find()) {
                assertThat(document.resolveSibling(links.group(1)))
                        .as("link in " + document)
                        .exists();
            }
        }
    }

    @Test
    void testsNamedInDocumentsExist() throws IOException {
        Set<String> tests;
        try (Stream<Path> files = Files.walk(Path.of("src/test/java"))) {
            tests = files.map(file -> file.getFileName().toString().replace(".java", ""))
                    .collect(Collectors.toSet());
        }
        for (Path document : documents()) {
            Matcher names = Pattern.compile("`([A-Z]\\w+Test)\\b").matcher(Files.readString(document));
            while (names.find()) {
                assertThat(tests).as("tests named in " + document).contains(names.group(1));
            }
        }
    }

    private static List<Path> documents() throws IOException {
        List<Path> documents = new ArrayList<>(List.of(Path.of("README.md"), Path.of("CONTRIBUTING.md")));
        try (Stream<Path> docs = Files.walk(Path.of("docs"))) {
            docs.filter(file -> file.toString().endsWith(".md")).forEach(documents::add);
        }
        return documents;
    }
}
