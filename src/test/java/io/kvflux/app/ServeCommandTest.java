package io.kvflux.app;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvflux.app.Cli.Outcome;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

class ServeCommandTest {

    private static final Pattern READY =
            Pattern.compile("Serving on (http://127\\.0\\.0\\.1:[0-9]+) until Ctrl-C\\..*");

    @Test
    void helpNamesTheCommandAndItsDefaults() {
        assertThat(Cli.run("--help").out())
                .contains("(doctor | replay | compare | plan | selftest | soak | serve | bench)");
        Outcome outcome = Cli.run("serve", "--help");
        assertThat(outcome.code()).isZero();
        assertThat(outcome.out()).contains("Default: 8080", "Default: 127.0.0.1", "Default: 16 MiB");
    }

    @Test
    void portThatIsTakenIsOneSentence() throws IOException {
        try (ServerSocket taken = new ServerSocket(0)) {
            Outcome outcome = Cli.run("serve", "--host", "0.0.0.0", "--port", Integer.toString(taken.getLocalPort()));
            assertThat(outcome.code()).isEqualTo(1);
            assertThat(outcome.out()).isEmpty();
            assertThat(outcome.err())
                    .isEqualTo("kvflux: cannot listen on 0.0.0.0:" + taken.getLocalPort()
                            + ": address already in use; choose where with --host and --port\n");
        }
    }

    @Test
    void hostThatIsNotKnownIsOneSentence() {
        Outcome outcome = Cli.run("serve", "--host", "no-such-host.invalid", "--port", "0");
        assertThat(outcome.code()).isEqualTo(1);
        assertThat(outcome.err())
                .isEqualTo("kvflux: cannot listen on no-such-host.invalid:0: the host name is not known; choose where"
                        + " with --host and --port\n");
    }

    @Test
    void moreBlocksThanMemoryIsOneSentence() {
        Outcome outcome = Cli.run("serve", "--port", "0", "--page-size", "100000", "--device-blocks", "2000000000");
        assertThat(outcome.code()).isEqualTo(1);
        assertThat(outcome.err())
                .isEqualTo("kvflux: there is not the memory for so many blocks: give less with --device-memory or"
                        + " --device-blocks\n");
    }

    @Test
    void stackTraceIsShownToWhoAsks() {
        assertThat(Cli.run("serve", "--host", "no-such-host.invalid", "--port", "0", "--stacktrace")
                        .err())
                .contains("CannotListenException", "\tat ");
    }

    @Test
    @Timeout(120)
    @EnabledOnOs(OS.LINUX)
    void interruptedServerEndsItsStreams() throws Exception {
        Process server = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        Main.class.getName(),
                        "serve",
                        "--port=0")
                .start();
        try {
            InterruptionTest.assumeInterruptible(server);
            BufferedReader out = server.inputReader(StandardCharsets.UTF_8);
            Matcher ready = READY.matcher(String.valueOf(out.readLine()));
            assertThat(ready.matches()).isTrue();
            String stream = streamAndInterrupt(ready.group(1), server);
            assertThat(server.waitFor()).isEqualTo(130);
            assertThat(stream).contains("\"choices\"").endsWith("\"code\":\"service_unavailable\"}}\n\n");
            assertThat(server.getErrorStream().readAllBytes()).asString().isEmpty();
        } finally {
            server.destroyForcibly();
        }
    }

    private static String streamAndInterrupt(String url, Process server) throws Exception {
        String body = "{\"prompt\": \"Hello\", \"max_tokens\": 20000, \"stream\": true}";
        HttpRequest request = HttpRequest.newBuilder(URI.create(url + "/v1/completions"))
                .POST(BodyPublishers.ofString(body))
                .build();
        try (InputStream stream = HttpClient.newHttpClient()
                .send(request, BodyHandlers.ofInputStream())
                .body()) {
            String begun = new String(stream.readNBytes(1000), StandardCharsets.UTF_8);
            new ProcessBuilder("kill", "-INT", Long.toString(server.pid()))
                    .start()
                    .waitFor();
            return begun + new String(stream.readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
