package io.kvflux;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvflux.api.FinishReason;
import io.kvflux.api.SequenceId;
import io.kvflux.api.SequenceSpec;
import io.kvflux.api.Step;
import io.kvflux.api.StepResult;
import io.kvflux.core.SchedulerConfig;
import io.kvflux.core.SchedulerCore;
import io.kvflux.core.SchedulerListener;
import io.kvflux.geometry.MultiKvCacheParams;
import io.kvflux.models.ModelPresets;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** The example of the README runs; links in the documents lead somewhere, and the tests they name exist. */
class ReadmeTest {

    private static final int EOS = 2;

    private interface Model {
        void run(Step step, StepResult result);
    }

    @Test
    void theExampleRuns() throws IOException {
        List<Integer> tokens = new ArrayList<>();
        List<FinishReason> endings = new ArrayList<>();
        SchedulerListener listener = new SchedulerListener() {
            @Override
            public void token(SequenceId id, int index, int token) {
                tokens.add(token);
            }

            @Override
            public void finished(SequenceId id, FinishReason reason, @Nullable Throwable cause) {
                endings.add(reason);
            }
        };
        Model model = (step, result) -> result.token(0, tokens.size() == 3 ? EOS : 7);
        example(listener, model, new int[] {5, 6, 7});
        assertThat(tokens).containsExactly(7, 7, 7, EOS);
        assertThat(endings).containsExactly(FinishReason.STOP);

        String readme = Files.readString(Path.of("README.md"));
        String source = Files.readString(Path.of("src/test/java/io/kvflux/ReadmeTest.java"));
        String example = source.substring(source.indexOf("// README"), source.indexOf("// end"));
        example.lines()
                .map(String::strip)
                .skip(1)
                .forEach(line -> assertThat(readme).contains(line));
    }

    private static void example(SchedulerListener listener, Model model, int[] prompt) {
        // README
        MultiKvCacheParams caches = MultiKvCacheParams.fromParams(
                ModelPresets.find("llama-3.1-8b").cacheParams().pageSize(16).build());
        SchedulerConfig config =
                SchedulerConfig.builder(caches, 4096).maxBatchTokens(2048).build();
        SchedulerCore core = new SchedulerCore(config, listener);
        core.submit(SequenceSpec.of(prompt).maxTokens(256).stopTokens(EOS), Long.MAX_VALUE);

        StepResult result = new StepResult();
        for (Step step = core.plan(); step != null; step = core.plan()) {
            model.run(step, result.reset(step));
            core.complete(result);
        }
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
