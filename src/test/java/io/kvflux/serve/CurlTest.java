package io.kvflux.serve;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What docs/serving.md does with curl, as it stands there; where curl is. */
class CurlTest {

    @TempDir
    Path folder;

    private Rig rig;

    @BeforeEach
    void start() {
        Programs.need("curl against the server", "curl");
        rig = Rig.start();
    }

    @AfterEach
    void close() {
        if (rig != null) {
            rig.awaitRest();
            rig.close();
        }
    }

    @Test
    void wholeAnswer() throws Exception {
        JsonNode body = Rig.json(post("-d", "{\"prompt\": \"Hello\", \"max_tokens\": 40, \"seed\": 1}"));
        assertThat(body.at("/choices/0/text").textValue()).matches("[ -~]{40}");
        assertThat(body.at("/usage/total_tokens").intValue()).isEqualTo(45);
    }

    @Test
    void stream() throws Exception {
        String events = post("-N", "-d", "{\"prompt\": \"Hello\", \"max_tokens\": 2, \"seed\": 1, \"stream\": true}");
        assertThat(List.of(events.split("\n\n")))
                .hasSize(3)
                .allMatch(event -> event.startsWith("data: "))
                .last()
                .isEqualTo("data: [DONE]");
    }

    @Test
    void streamOfTheHttpBeforeChunks() throws Exception {
        assertThat(post("--http1.0", "-N", "-d", "{\"prompt\": \"Hello\", \"stream\": true}"))
                .startsWith("data: {")
                .endsWith("}\n\ndata: [DONE]\n\n");
    }

    @Test
    void whatIsWrongIsAnError() throws Exception {
        assertThat(Rig.json(post("-d", "{")).at("/error/type").textValue()).isEqualTo("invalid_request_error");
    }

    @Test
    void headOfTheHealth() throws Exception {
        assertThat(curl("-I", rig.server.url() + "/healthz")).startsWith("HTTP/1.1 200 OK");
    }

    private String post(String... options) throws Exception {
        List<String> arguments = new ArrayList<>(List.of(options));
        arguments.add(rig.server.url() + "/v1/completions");
        return curl(arguments.toArray(String[]::new));
    }

    private String curl(String... arguments) throws Exception {
        // -q and --noproxy: whatever is set up for curl on this machine.
        List<String> command = new ArrayList<>(List.of("curl", "-q", "-sS", "--noproxy", "*"));
        command.addAll(List.of(arguments));
        return Programs.run(folder, 60, command.toArray(String[]::new));
    }
}
