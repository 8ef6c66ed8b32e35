package io.kvflux.serve;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What a client gets that asks for what there is. */
class CompletionsTest {

    private final Rig rig = Rig.start();

    @AfterEach
    void close() {
        rig.awaitRest();
        rig.close();
    }

    @Test
    void wholeAnswer() {
        JsonNode body = rig.complete("{\"model\": \"kvflux-reference\", \"prompt\": \"Hello\", \"max_tokens\": 7}");
        assertHead(body);
        assertThat(body.fieldNames())
                .toIterable()
                .containsExactly("id", "object", "created", "model", "choices", "usage");
        assertThat(body.get("choices")).hasSize(1);
        JsonNode choice = body.at("/choices/0");
        assertThat(choice.fieldNames()).toIterable().containsExactly("text", "index", "logprobs", "finish_reason");
        assertThat(choice.get("text").textValue()).matches("[ -~]{7}");
        assertThat(choice.get("index").intValue()).isZero();
        assertThat(choice.get("logprobs").isNull()).isTrue();
        assertThat(choice.get("finish_reason").textValue()).isEqualTo("length");
        assertThat(body.get("usage")).isEqualTo(usage(5, 7, 0));
    }

    private static JsonNode usage(int prompt, int completion, int cached) {
        return Rig.json("{\"prompt_tokens\": %d, \"completion_tokens\": %d, \"total_tokens\": %d,"
                        .formatted(prompt, completion, prompt + completion)
                + " \"prompt_tokens_details\": {\"cached_tokens\": " + cached + "}}");
    }

    private static void assertHead(JsonNode body) {
        assertThat(body.get("id").textValue()).matches("cmpl-[0-9a-f]{32}");
        assertThat(body.get("object").textValue()).isEqualTo("text_completion");
        assertThat(body.get("created").longValue()).isPositive();
        assertThat(body.get("model").textValue()).isEqualTo("kvflux-reference");
    }

    @Test
    void streamSaysThatItEnds() {
        List<String> events = rig.stream("{\"prompt\": \"Hello\", \"max_tokens\": 5, \"seed\": 3, \"stream\": true}");
        assertThat(events).hasSize(6);
        assertThat(events.get(5)).isEqualTo("[DONE]");
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < 5; i++) {
            JsonNode chunk = Rig.json(events.get(i));
            assertHead(chunk);
            assertThat(chunk.fieldNames()).toIterable().containsExactly("id", "object", "created", "model", "choices");
            assertThat(chunk.get("id")).isEqualTo(Rig.json(events.get(0)).get("id"));
            assertThat(chunk.at("/choices/0/index").intValue()).isZero();
            assertThat(chunk.at("/choices/0/logprobs").isNull()).isTrue();
            assertThat(chunk.at("/choices/0/finish_reason").textValue()).isEqualTo(i < 4 ? null : "length");
            text.append(chunk.at("/choices/0/text").textValue());
        }
        assertThat(text).asString().isEqualTo(rig.text("{\"prompt\": \"Hello\", \"max_tokens\": 5, \"seed\": 3}"));
    }

    @Test
    void streamTellsTheUsageToWhoAsks() {
        List<String> events = rig.stream("{\"prompt\": \"Hello\", \"max_tokens\": 2, \"n\": 2, \"stream\": true,"
                + " \"stream_options\": {\"include_usage\": true}}");
        assertThat(events).hasSize(6);
        assertThat(events.subList(0, 4))
                .allMatch(event -> Rig.json(event).get("usage").isNull());
        JsonNode last = Rig.json(events.get(4));
        assertThat(last.get("choices")).isEmpty();
        assertThat(last.get("usage")).isEqualTo(usage(5, 4, 0));
        assertThat(events.get(5)).isEqualTo("[DONE]");
    }

    @Test
    void promptsComeInFourForms() {
        String asked = "\"max_tokens\": 6, \"seed\": 1}";
        String text = rig.text("{\"prompt\": \"Hi\u00fc\", " + asked);
        assertThat(rig.text("{\"prompt\": [72, 105, 195, 188], " + asked)).isEqualTo(text);
        JsonNode texts = rig.complete("{\"prompt\": [\"Hi\u00fc\", \"Ho\"], " + asked);
        JsonNode tokens = rig.complete("{\"prompt\": [[72, 105, 195, 188], [72, 111]], " + asked);
        assertThat(texts.at("/choices/0/text").textValue()).isEqualTo(text);
        assertThat(tokens.get("choices")).isEqualTo(texts.get("choices"));
        assertThat(texts.at("/usage/prompt_tokens").intValue()).isEqualTo(6);
    }

    @Test
    void anyByteMayStandInAPrompt() {
        String all =
                IntStream.range(0, 256).mapToObj(Integer::toString).toList().toString();
        assertThat(rig.text("{\"prompt\": " + all + ", \"max_tokens\": 30}")).matches("[ -~]{30}");
    }

    @Test
    void choicesOfSeveralPromptsAreNumberedPromptByPrompt() {
        String asked = "\"max_tokens\": 12, \"n\": 3, \"seed\": 5}";
        JsonNode both =
                rig.complete("{\"prompt\": [\"Hello\", \"Bye\"], " + asked).get("choices");
        assertThat(both).hasSize(6);
        JsonNode hello = rig.complete("{\"prompt\": \"Hello\", " + asked).get("choices");
        JsonNode bye = rig.complete("{\"prompt\": \"Bye\", " + asked).get("choices");
        for (int i = 0; i < 6; i++) {
            assertThat(both.get(i).get("index").intValue()).isEqualTo(i);
            assertThat(both.get(i).get("text")).isEqualTo((i < 3 ? hello.get(i) : bye.get(i - 3)).get("text"));
        }
        assertThat(new HashSet<>(hello.findValuesAsText("text"))).hasSize(3);
    }

    @Test
    void choicesOfAStreamAreToldApartByTheirIndex() {
        String asked = "{\"prompt\": \"Hello\", \"max_tokens\": 9, \"n\": 3, \"seed\": 5";
        StringBuilder[] texts = {new StringBuilder(), new StringBuilder(), new StringBuilder()};
        List<String> events = rig.stream(asked + ", \"stream\": true}");
        for (String event : events.subList(0, events.size() - 1)) {
            JsonNode choice = Rig.json(event).at("/choices/0");
            texts[choice.get("index").intValue()].append(choice.get("text").textValue());
        }
        List<String> whole = rig.complete(asked + "}").get("choices").findValuesAsText("text");
        assertThat(texts).extracting(StringBuilder::toString).containsExactlyElementsOf(whole);
    }

    @Test
    void temperatureZeroTakesTheMostLikelyWhateverTheSeed() {
        String greedy = "{\"prompt\": \"Hello\", \"max_tokens\": 20, \"temperature\": 0";
        assertThat(rig.text(greedy + ", \"seed\": 1}")).isEqualTo(rig.text(greedy + ", \"seed\": 2}"));
        String drawn = "{\"prompt\": \"Hello\", \"max_tokens\": 20";
        assertThat(rig.text(drawn + "}")).isNotEqualTo(rig.text(drawn + "}"));
    }

    @Test
    void whatWasComputedOnceIsFoundAgain() {
        String asked = "{\"prompt\": \"a prompt of twenty-six chars\", \"max_tokens\": 3}";
        assertThat(rig.complete(asked)
                        .at("/usage/prompt_tokens_details/cached_tokens")
                        .intValue())
                .isZero();
        assertThat(rig.complete(asked)
                        .at("/usage/prompt_tokens_details/cached_tokens")
                        .intValue())
                .isEqualTo(24);
    }

    @Test
    void stopStringEndsTheTextAndTheSequence() {
        String asked = "{\"prompt\": \"Hello\", \"max_tokens\": 60, \"seed\": 5";
        String text = rig.text(asked + "}");
        String stop = text.substring(20, 23);
        String expected = text.substring(0, text.indexOf(stop));
        String stopping = asked + ", \"stop\": " + Rig.quote(stop);
        JsonNode whole = rig.complete(stopping + "}");
        assertThat(whole.at("/choices/0/text").textValue()).isEqualTo(expected);
        assertThat(whole.at("/choices/0/finish_reason").textValue()).isEqualTo("stop");
        assertThat(whole.at("/usage/completion_tokens").intValue()).isEqualTo(expected.length() + 3);
        List<String> events = rig.stream(stopping + ", \"stream\": true}");
        StringBuilder streamed = new StringBuilder();
        events.subList(0, events.size() - 1)
                .forEach(event ->
                        streamed.append(Rig.json(event).at("/choices/0/text").textValue()));
        assertThat(streamed.toString()).isEqualTo(expected);
        assertThat(rig.text(asked + ", \"stop\": [\"\u00fc\", \"no such text\"]}"))
                .isEqualTo(text);
    }

    @Test
    void choicesThatDoNotFitTogetherTakeTurns() {
        // 128 sequences of 51 blocks each, in 400.
        JsonNode body = rig.complete("{\"prompt\": \"Hello\", \"n\": 128, \"max_tokens\": 200}");
        assertThat(body.get("choices")).hasSize(128);
        assertThat(rig.metrics().preemptions()).isPositive();
        int events = rig.stream("{\"prompt\": \"Hello\", \"n\": 128, \"max_tokens\": 20, \"stream\": true}")
                .size();
        assertThat(events).isEqualTo(128 * 20 + 1);
    }

    @Test
    void manyClientsAtOnceGetWhatTheyWouldGetAlone() throws Exception {
        List<String> bodies = new ArrayList<>();
        for (int i = 0; i < 60; i++) {
            bodies.add("{\"prompt\": \"client %d\", \"max_tokens\": %d, \"seed\": %d, \"user\": \"%d\"}"
                    .formatted(i, 20 + i, i, i % 3));
        }
        List<String> alone = bodies.stream().map(rig::text).toList();
        ExecutorService threads = Executors.newFixedThreadPool(30);
        List<CompletableFuture<String>> texts = bodies.stream()
                .map(body -> CompletableFuture.supplyAsync(() -> rig.text(body), threads))
                .toList();
        for (int i = 0; i < texts.size(); i++) {
            assertThat(texts.get(i).get()).isEqualTo(alone.get(i));
        }
        threads.shutdown();
    }

    @Test
    void modelsAndHealth() {
        HttpResponse<String> models = rig.get("/v1/models");
        assertThat(models.headers().firstValue("content-type")).hasValue("application/json");
        JsonNode body = Rig.json(models.body());
        assertThat(body.get("object").textValue()).isEqualTo("list");
        assertThat(body.get("data")).hasSize(1);
        JsonNode model = body.at("/data/0");
        assertThat(model.fieldNames()).toIterable().containsExactly("id", "object", "created", "owned_by");
        assertThat(model.get("id").textValue()).isEqualTo("kvflux-reference");
        assertThat(model.get("object").textValue()).isEqualTo("model");
        assertThat(Rig.json(rig.get("/v1/models/kvflux-reference").body())).isEqualTo(model);
        HttpResponse<String> health = rig.get("/healthz?verbose");
        assertThat(health.statusCode()).isEqualTo(200);
        assertThat(health.body()).isEqualTo("ok\n");
    }

    @Test
    void headOfWhatMayBeRead() {
        for (String path : new String[] {"/v1/models", "/v1/models/kvflux-reference", "/healthz"}) {
            HttpResponse<String> head = rig.send(rig.request(path).method("HEAD", BodyPublishers.noBody()));
            assertThat(head.statusCode()).isEqualTo(200);
            assertThat(head.body()).isEmpty();
        }
    }

    @Test
    void pathMayNameTheHost() throws Exception {
        try (SocketClient client = new SocketClient(rig)) {
            client.send("GET http://localhost/healthz?verbose HTTP/1.1\r\nHost: localhost\r\n\r\n");
            assertThat(client.line()).isEqualTo("HTTP/1.1 200 OK");
        }
    }

    @Test
    void beforeHttp11AStreamEndsWithTheConnection() throws Exception {
        String body = "{\"prompt\": \"Hello\", \"max_tokens\": 2, \"stream\": true}";
        try (SocketClient client = new SocketClient(rig)) {
            client.send("POST /v1/completions HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: " + body.length()
                    + "\r\n\r\n" + body);
            List<String> lines = client.lines();
            assertThat(lines.get(0)).endsWith("200 OK");
            assertThat(lines).noneMatch(line -> line.toLowerCase(Locale.ROOT).startsWith("transfer-encoding"));
            List<String> events = lines.subList(lines.indexOf("") + 1, lines.size());
            assertThat(events).hasSize(6);
            assertThat(events.get(0)).startsWith("data: {");
            assertThat(events.subList(3, 6)).containsExactly("", "data: [DONE]", "");
        }
    }

    @Test
    void connectionsAreKeptForTheNextRequest() throws Exception {
        String request = "{\"prompt\": \"Hello\", \"max_tokens\": 4, \"seed\": 1, \"stream\": true}";
        try (SocketClient client = new SocketClient(rig)) {
            String first = client.post(request).rest();
            assertThat(first.getBytes(StandardCharsets.US_ASCII)).hasSize(4);
            assertThat(client.post(request).rest()).isEqualTo(first);
        }
    }
}
