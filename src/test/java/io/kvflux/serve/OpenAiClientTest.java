package io.kvflux.serve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The openai package from npm, unchanged, against this server; where node is. */
class OpenAiClientTest {

    private static final String PACKAGE = "openai";
    private static final String VERSION = "6.9.1";
    private static final Path FOLDER = Path.of("target", PACKAGE).toAbsolutePath();

    @Test
    void talksToTheServer() throws Exception {
        need(isOnPath("node") && isOnPath("npm"), "there is no node and npm here");
        install();
        Path script = FOLDER.resolve("client.mjs");
        try (InputStream resource = OpenAiClientTest.class.getResourceAsStream("client.mjs")) {
            Files.copy(resource, script, StandardCopyOption.REPLACE_EXISTING);
        }
        try (Rig rig = Rig.start()) {
            String said = run(60, "node", script.toString(), rig.server.url());
            assertThat(said.strip()).isEqualTo("done");
            rig.awaitRest();
            assertThat(rig.metrics().cancelled()).as("the stream that was left").isEqualTo(1);
        }
    }

    /** Once; a later run finds it. */
    private static void install() throws Exception {
        Path installed = FOLDER.resolve(Path.of("node_modules", PACKAGE, "package.json"));
        if (Files.exists(installed) && Files.readString(installed).contains("\"version\": \"" + VERSION + "\"")) {
            return;
        }
        Files.createDirectories(FOLDER);
        String said;
        try {
            said = run(
                    180,
                    "npm",
                    "install",
                    "--no-package-lock",
                    "--no-audit",
                    "--no-fund",
                    "--prefix",
                    FOLDER.toString(),
                    PACKAGE + "@" + VERSION);
        } catch (AssertionError failed) {
            said = failed.getMessage();
        }
        need(Files.exists(installed), "npm could not install " + PACKAGE + "@" + VERSION + ": " + said.strip());
    }

    private static void need(boolean holds, String otherwise) {
        String sentence = "Skipped: the openai package is not tried, because " + otherwise;
        if (!holds) {
            System.out.println(sentence);
        }
        assumeTrue(holds, sentence);
    }

    private static boolean isOnPath(String program) {
        return Stream.of(System.getenv("PATH").split(File.pathSeparator))
                .anyMatch(folder -> Files.isExecutable(Path.of(folder, program)));
    }

    /** What a program printed; its failure is a failure here. */
    private static String run(int seconds, String... command) throws IOException, InterruptedException {
        Path output = Files.createTempFile("kvflux", ".out");
        Process process = new ProcessBuilder(List.of(command))
                .directory(FOLDER.toFile())
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        try {
            boolean ended = process.waitFor(seconds, TimeUnit.SECONDS);
            String said = Files.readString(output);
            assertThat(ended)
                    .as("%s ends within %d s: %s", command[0], seconds, said)
                    .isTrue();
            assertThat(process.exitValue()).as(said).isZero();
            return said;
        } finally {
            process.destroyForcibly();
            Files.delete(output);
        }
    }
}
