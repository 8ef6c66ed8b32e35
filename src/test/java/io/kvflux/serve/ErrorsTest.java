package io.kvflux.serve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Whatever goes wrong has its status, and an error object in the shape of the API. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ErrorsTest {

    private Rig rig;

    @BeforeAll
    void start() {
        rig = new Rig(ServerOptions.defaults().pageSize(4).deviceBlocks(100).maxPending(2));
    }

    @AfterEach
    void everythingIsGivenBack() {
        rig.awaitRest();
    }

    @AfterAll
    void close() {
        rig.close();
    }

    static Stream<Arguments> badRequests() {
        return Stream.of(
                arguments("", null, null, "must be a JSON object, but it is nothing"),
                arguments("[]", null, null, "must be a JSON object, but it is an array of 0"),
                arguments("{\"prompt\": \"x", null, null, "not valid JSON"),
                arguments(
                        "{",
                        null,
                        null,
                        "is not valid JSON: Unexpected end-of-input: expected close marker for Object (line 1, column 2)"),
                arguments("{\"prompt\": \"x\"} {}", null, null, "Trailing token (line 1, column 17)"),
                arguments(
                        "{\"prompt\": \"x\", /* */ \"n\": 1}", null, null, "maybe a (non-standard) comment? (line 1,"),
                arguments("{\"prompt\": \"x\", \"n\": NaN}", null, null, "Non-standard token 'NaN' (line 1,"),
                arguments("{\"prompt\": \"x\", \"n\": +1}", null, null, "plus signs (line 1,"),
                arguments("{\"prompt\": \"x\", \"n\": " + "1".repeat(1001) + "}", null, null, "maximum allowed (1000)"),
                arguments("[".repeat(1001), null, null, "nesting depth (1001) exceeds the maximum allowed (1000)"),
                arguments("{\"prompt\": \"x\", \"prompt\": \"y\"}", null, null, "Duplicate"),
                arguments("{\"prompt\": \"\\ud83d\"}", "prompt", null, "half of a surrogate pair"),
                arguments("{\"prompt\": [\"a\", \"\\ude00\\ud83d\"]}", "prompt", null, "half of a surrogate pair"),
                arguments("{}", "prompt", null, "found nothing"),
                arguments("{\"prompt\": null}", "prompt", null, "found nothing"),
                arguments("{\"prompt\": 5}", "prompt", null, "an array of arrays of token ids, found 5"),
                arguments("{\"prompt\": \"\"}", "prompt", null, "at least one token"),
                arguments("{\"prompt\": []}", "prompt", null, "at least one token"),
                arguments("{\"prompt\": [[]]}", "prompt", null, "at least one token"),
                arguments("{\"prompt\": [\"a\", \"\"]}", "prompt", null, "at least one token"),
                arguments("{\"prompt\": [\"a\", 1]}", "prompt", null, "found 1"),
                arguments("{\"prompt\": [1, \"a\"]}", "prompt", null, "found a string of 1 characters"),
                arguments("{\"prompt\": [[1], 2]}", "prompt", null, "found 2"),
                arguments("{\"prompt\": [1.5]}", "prompt", null, "found 1.5"),
                arguments("{\"prompt\": [256]}", "prompt", null, "from 0 to 255, found 256"),
                arguments("{\"prompt\": [-1]}", "prompt", null, "from 0 to 255, found -1"),
                arguments("{\"prompt\": [9999999999]}", "prompt", null, "found 9999999999"),
                arguments("{\"prompt\": [" + "[1],".repeat(128) + "[1]]}", "prompt", null, "at most 128 prompts"),
                arguments(
                        "{\"prompt\": \"x\", \"max_tokens\": 0}", "max_tokens", null, "from 1 to 2147483647, found 0"),
                arguments("{\"prompt\": \"x\", \"max_tokens\": 1.5}", "max_tokens", null, "found 1.5"),
                arguments("{\"prompt\": \"x\", \"max_tokens\": \"9\"}", "max_tokens", null, "a string of 1 characters"),
                arguments("{\"prompt\": \"x\", \"n\": 129}", "n", null, "from 1 to 128, found 129"),
                arguments("{\"prompt\": [\"x\", \"y\"], \"n\": 65}", "n", null, "n is 65 and 2 prompts"),
                arguments("{\"prompt\": \"x\", \"stream\": 1}", "stream", null, "true or false, found 1"),
                arguments(
                        "{\"prompt\": \"x\", \"temperature\": 2.5}", "temperature", null, "from 0.0 to 2.0, found 2.5"),
                arguments(
                        "{\"prompt\": \"x\", \"temperature\": 1e400}",
                        "temperature",
                        null,
                        "from 0.0 to 2.0, found a number too large to read"),
                arguments("{\"prompt\": \"x\", \"max_tokens\": 1e3000000000}", "max_tokens", null, "too large to read"),
                arguments("{\"prompt\": \"x\", \"temperature\": -1}", "temperature", null, "found -1"),
                arguments("{\"prompt\": \"x\", \"seed\": 1.5}", "seed", null, "an integer of 64 bits, found 1.5"),
                arguments("{\"prompt\": \"x\", \"user\": 1}", "user", null, "a string, found 1"),
                arguments("{\"prompt\": \"x\", \"stop\": \"\"}", "stop", null, "none empty"),
                arguments("{\"prompt\": \"x\", \"stop\": [1]}", "stop", null, "found an array of 1"),
                arguments(
                        "{\"prompt\": \"x\", \"stop\": [\"a\",\"b\",\"c\",\"d\",\"e\"]}",
                        "stop",
                        null,
                        "up to 4 strings"),
                arguments("{\"prompt\": \"x\", \"stream_options\": {}}", "stream_options", null, "'stream' is true"),
                arguments(
                        "{\"prompt\": \"x\", \"stream\": true, \"stream_options\": 1}",
                        "stream_options",
                        null,
                        "an object, found 1"),
                arguments("{\"prompt\": \"x\", \"logit_bias\": 5}", "logit_bias", null, "an object, found 5"),
                arguments("{\"prompt\": \"x\", \"best_of\": 1, \"n\": 2}", "best_of", null, "best_of=1, n=2"),
                unsupported("best_of", "2"),
                unsupported("logprobs", "0"),
                unsupported("echo", "true"),
                unsupported("suffix", "\"s\"", "a string of 1 characters"),
                unsupported("logit_bias", "{\"50\": 1}", "an object"),
                unsupported("presence_penalty", "0.5"),
                unsupported("frequency_penalty", "-0.5"),
                unsupported("top_p", "0.9"),
                arguments(
                        "{\"prompt\": \"abc\", \"max_tokens\": 399}",
                        "prompt",
                        "context_length_exceeded",
                        "maximum context length is 400 tokens, but 402 were asked for (3 in the prompt, 399"));
    }

    private static Arguments unsupported(String name, String value) {
        return unsupported(name, value, value);
    }

    private static Arguments unsupported(String name, String value, String found) {
        return arguments(
                "{\"prompt\": \"x\", \"" + name + "\": " + value + "}",
                name,
                "unsupported_parameter",
                "'" + name + "' is not supported by this server: leave it out, found " + found);
    }

    @ParameterizedTest
    @MethodSource
    void badRequests(String body, String param, String code, String sentence) {
        JsonNode error = assertError(rig.post(body), 400, "invalid_request_error", code);
        assertThat(error.get("param").textValue()).isEqualTo(param);
        assertThat(error.get("message").textValue()).contains(sentence).doesNotContain("Source", "`", "Feature");
    }

    @Test
    void whatIsQuotedIsShort() {
        String model = "m".repeat(1 << 20);
        HttpResponse<String> response = rig.post("{\"prompt\": \"x\", \"model\": \"" + model + "\"}");
        assertThat(assertError(response, 404, "invalid_request_error", "model_not_found")
                        .get("message")
                        .textValue())
                .startsWith("The model 'mmm")
                .contains("mmm...' does not exist")
                .hasSizeLessThan(400);
    }

    @Test
    void valuesThatChangeNothingAreTakenAndUnknownFieldsIgnored() {
        rig.complete("{\"prompt\": \"x\", \"model\": null, \"logprobs\": null, \"echo\": false, \"suffix\": null,"
                + " \"best_of\": 2, \"n\": 2, \"logit_bias\": {}, \"presence_penalty\": 0, \"frequency_penalty\": 0.0,"
                + " \"top_p\": 1, \"stop\": null, \"new_in_2027\": [1]}");
    }

    @Test
    void aSequenceMayFillTheContextToTheLastToken() {
        rig.complete("{\"prompt\": \"abc\", \"max_tokens\": 398}");
    }

    @Test
    void unknownModel() {
        JsonNode error = assertError(
                rig.post("{\"prompt\": \"x\", \"model\": \"gpt-9\"}"), 404, "invalid_request_error", "model_not_found");
        assertThat(error.get("param").textValue()).isEqualTo("model");
        assertError(rig.get("/v1/models/gpt-9"), 404, "invalid_request_error", "model_not_found");
    }

    @Test
    void unknownPath() throws IOException {
        JsonNode error = assertError(rig.get("/v1/chat/completions"), 404, "invalid_request_error", "unknown_url");
        assertThat(error.get("message").textValue()).contains("'/v1/chat/completions'", "POST /v1/completions");
        try (SocketClient client = new SocketClient(rig)) {
            client.send("GET /%zz HTTP/1.1\r\nHost: localhost\r\n\r\n");
            assertThat(client.line()).isEqualTo("HTTP/1.1 404 Not Found");
        }
    }

    @Test
    void wrongMethodSaysWhichIsRight() {
        HttpResponse<String> response = rig.get("/v1/completions");
        assertError(response, 405, "invalid_request_error", "method_not_allowed");
        assertThat(response.headers().firstValue("allow")).hasValue("POST");
        for (String path : new String[] {"/v1/models", "/v1/models/x", "/healthz"}) {
            response = rig.send(rig.request(path).DELETE());
            assertError(response, 405, "invalid_request_error", "method_not_allowed");
            assertThat(response.headers().firstValue("allow")).hasValue("GET, HEAD");
        }
    }

    static Stream<BodyPublisher> bodiesThatAreTooLarge() {
        byte[] body = new byte[Body.MAX_BYTES + 1];
        // The second does not say beforehand how long it is.
        return Stream.of(
                BodyPublishers.ofByteArray(body), BodyPublishers.fromPublisher(BodyPublishers.ofByteArray(body)));
    }

    @ParameterizedTest
    @MethodSource
    void bodiesThatAreTooLarge(BodyPublisher body) {
        HttpResponse<String> response = rig.send(rig.request("/v1/completions").POST(body));
        assertError(response, 413, "invalid_request_error", "request_too_large");
    }

    @ParameterizedTest
    @MethodSource
    void fullQueue(boolean stream) throws IOException {
        rig.gate.close();
        String waiting = "{\"prompt\": \"x\", \"stream\": true}";
        try (SocketClient first = new SocketClient(rig).post(waiting)) {
            Rig.await("the first is in a step", () -> rig.metrics().stepsInFlight() == 1);
            try (SocketClient second = new SocketClient(rig).post(waiting);
                    SocketClient third = new SocketClient(rig).post(waiting)) {
                Rig.await("two wait", () -> rig.metrics().pending() == 2);
                HttpResponse<String> response = rig.post("{\"prompt\": \"x\", \"n\": 2, \"stream\": " + stream + "}");
                assertError(response, 429, "rate_limit_error", "rate_limit_exceeded");
                assertThat(response.headers().firstValue("retry-after")).hasValue("1");
                rig.gate.open();
                assertThat(first.rest()).hasSize(16);
                assertThat(second.rest()).hasSize(16);
                assertThat(third.rest()).hasSize(16);
            }
        }
    }

    static Stream<Boolean> fullQueue() {
        return Stream.of(true, false);
    }

    @ParameterizedTest
    @MethodSource("fullQueue")
    void aStepThatFailsBeforeTheFirstToken(boolean stream) {
        rig.gate.fail(new IllegalStateException("out of ideas"));
        HttpResponse<String> response = rig.post("{\"prompt\": \"x\", \"n\": 2, \"stream\": " + stream + "}");
        rig.gate.fail(null);
        JsonNode error = assertError(response, 500, "server_error", null);
        assertThat(error.get("message").textValue()).isEqualTo("The model failed: out of ideas");
        rig.complete("{\"prompt\": \"x\"}");
    }

    @Test
    void aStepThatFailsLaterIsAnEventAndTheEndOfTheStream() throws IOException {
        try (SocketClient client =
                new SocketClient(rig).post("{\"prompt\": \"x\", \"max_tokens\": 300, \"stream\": true, \"n\": 2}")) {
            client.event();
            rig.gate.fail(new IllegalStateException("out of ideas"));
            JsonNode event = Rig.json(client.event());
            while (event.has("choices")) {
                event = Rig.json(client.event());
            }
            rig.gate.fail(null);
            assertThat(event.at("/error/message").textValue()).isEqualTo("The model failed: out of ideas");
            assertThat(client.line()).isEmpty();
            assertThat(client.line()).isEmpty();
            assertThat(client.line()).as("last chunk").isEqualTo("0");
        }
        rig.complete("{\"prompt\": \"x\"}");
    }

    private static JsonNode assertError(HttpResponse<String> response, int status, String type, String code) {
        assertThat(response.statusCode()).as(response.body()).isEqualTo(status);
        assertThat(response.headers().firstValue("content-type")).hasValue("application/json");
        JsonNode body = Rig.json(response.body());
        assertThat(body.fieldNames()).toIterable().containsExactly("error");
        JsonNode error = body.get("error");
        assertThat(error.fieldNames()).toIterable().containsExactly("message", "type", "param", "code");
        assertThat(error.get("type").textValue()).isEqualTo(type);
        assertThat(error.get("code").textValue()).isEqualTo(code);
        return error;
    }
}
