package io.kvflux.serve;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import org.junit.jupiter.api.Test;

/** The openai package from npm, unchanged, against this server; where node is. */
class OpenAiClientTest {

    private static final String PACKAGE = "openai";
    private static final String VERSION = "6.9.1";
    private static final Path FOLDER = Path.of("target", PACKAGE).toAbsolutePath();

    @Test
    void talksToTheServer() throws Exception {
        Programs.need("the openai package", "node", "npm");
        install();
        Path script = FOLDER.resolve("client.mjs");
        try (InputStream resource = OpenAiClientTest.class.getResourceAsStream("client.mjs")) {
            Files.copy(resource, script, StandardCopyOption.REPLACE_EXISTING);
        }
        try (Rig rig = Rig.start()) {
            String said = Programs.run(FOLDER, 60, "node", script.toString(), rig.server.url());
            assertThat(said.strip()).isEqualTo("done");
            rig.awaitRest();
            assertThat(rig.metrics().cancelled()).as("the stream that was left").isEqualTo(1);
        }
    }

    /** Once; a later run finds it. */
    private static void install() throws Exception {
        if (isInstalled()) {
            return;
        }
        Files.createDirectories(FOLDER);
        String said;
        try {
            said = Programs.run(
                    FOLDER,
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
        Programs.need(
                isInstalled(),
                "the openai package is not tried, because npm could not install " + PACKAGE + "@" + VERSION + ": "
                        + said.strip());
    }

    private static boolean isInstalled() throws IOException {
        Path installed = FOLDER.resolve(Path.of("node_modules", PACKAGE, "package.json"));
        return Files.exists(installed) && Files.readString(installed).contains("\"version\": \"" + VERSION + "\"");
    }
}
