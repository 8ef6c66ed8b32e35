package io.kvflux.serve;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.kvflux.api.SchedulerMetrics;
import io.kvflux.api.SchedulerSnapshot;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.List;
import java.util.function.BooleanSupplier;
import reactor.core.publisher.Flux;

/** A server on a free port, whose blocks are poisoned when they are emptied, and clients of it. */
final class Rig implements AutoCloseable {

    static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final ObjectMapper JSON = new ObjectMapper();

    final Gate gate = new Gate();
    final CompletionServer server;
    private final HttpClient client = HttpClient.newHttpClient();

    Rig(ServerOptions options) {
        server = CompletionServer.start(options.port(0).poisonOnRelease(true), gate);
    }

    static Rig start() {
        return new Rig(ServerOptions.defaults().pageSize(4).deviceBlocks(400));
    }

    HttpResponse<String> post(String body) {
        return send(request("/v1/completions").POST(BodyPublishers.ofString(body)));
    }

    HttpResponse<String> get(String path) {
        return send(request(path));
    }

    HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(URI.create(server.url() + path)).timeout(PATIENCE);
    }

    HttpResponse<String> send(HttpRequest.Builder request) {
        try {
            return client.send(request.build(), BodyHandlers.ofString());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** The answer to a request that is a success. */
    JsonNode complete(String body) {
        HttpResponse<String> response = post(body);
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        return json(response.body());
    }

    /** What a whole answer's only choice says. */
    String text(String body) {
        return complete(body).at("/choices/0/text").textValue();
    }

    /** The data of a stream's events. */
    List<String> stream(String body) {
        HttpResponse<String> response = post(body);
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        assertThat(response.headers().firstValue("content-type")).hasValue("text/event-stream");
        return List.of(response.body().split("\n\n")).stream()
                .peek(event -> assertThat(event).startsWith("data: "))
                .map(event -> event.substring("data: ".length()))
                .toList();
    }

    static JsonNode json(String text) {
        try {
            return JSON.readTree(text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static String quote(String text) {
        return JSON.getNodeFactory().textNode(text).toString();
    }

    SchedulerMetrics metrics() {
        return server.scheduler().metrics();
    }

    SchedulerSnapshot snapshot() {
        return server.scheduler().snapshot().block(PATIENCE);
    }

    static void await(String what, BooleanSupplier condition) {
        Flux.interval(Duration.ZERO, Duration.ofMillis(2))
                .onBackpressureDrop()
                .filter(tick -> condition.getAsBoolean())
                .timeout(PATIENCE)
                .onErrorMap(failure -> new AssertionError("never came true: " + what, failure))
                .blockFirst();
    }

    void awaitHeld(int steps) {
        await("a step is held", () -> gate.held() >= steps);
    }

    /** Nobody holds a block, nobody waits, and nothing is remembered of anybody. */
    void awaitRest() {
        await(
                "everything is given back: " + metrics(),
                () -> metrics().heldBlocks()
                                        + metrics().withheldBlocks()
                                        + metrics().stepsInFlight()
                                == 0
                        && metrics().running() + metrics().waiting() == 0
                        && server.samplings() == 0);
        assertThat(metrics().freeBlocks() + metrics().cachedBlocks())
                .isEqualTo(metrics().usableBlocks());
        assertThat(snapshot().sequences()).isEmpty();
    }

    @Override
    public void close() {
        server.disposeLater().block(PATIENCE);
    }
}
