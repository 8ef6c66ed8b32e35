package io.kvflux.serve;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpResponseStatus;
import java.util.function.BooleanSupplier;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import reactor.netty.http.server.HttpServerRequest;
import reactor.netty.http.server.HttpServerResponse;

/** What is answered to which request. Every publisher given here ends what it began when it is cancelled. */
final class Routes {

    private static final String COMPLETIONS = "/v1/completions";
    private static final String MODELS = "/v1/models";
    private static final String HEALTH = "/healthz";
    private static final String RETRY_AFTER_SECONDS = "1";

    private final ReferenceEngine engine;
    private final BooleanSupplier serving;
    private final long created = System.currentTimeMillis() / 1000;

    Routes(ReferenceEngine engine, BooleanSupplier serving) {
        this.engine = engine;
        this.serving = serving;
    }

    Publisher<Void> handle(HttpServerRequest request, HttpServerResponse response) {
        return Mono.defer(() -> route(request, response))
                .onErrorResume(
                        failure -> !response.hasSentHeaders(), failure -> refuse(response, ApiException.of(failure)));
    }

    private Mono<Void> route(HttpServerRequest request, HttpServerResponse response) {
        String path = request.fullPath();
        return switch (path) {
            case COMPLETIONS ->
                onlyFor(HttpMethod.POST, request, response).then(Mono.defer(() -> complete(request, response)));
            case MODELS -> onlyFor(HttpMethod.GET, request, response).then(Mono.defer(() -> send(response, models())));
            case HEALTH -> onlyFor(HttpMethod.GET, request, response).then(Mono.defer(() -> health(response)));
            default -> {
                if (path.startsWith(MODELS + "/")) {
                    yield onlyFor(HttpMethod.GET, request, response)
                            .then(Mono.defer(() -> model(path.substring(MODELS.length() + 1), response)));
                }
                yield Mono.error(ApiException.unknownPath(path));
            }
        };
    }

    private static Mono<Void> onlyFor(HttpMethod method, HttpServerRequest request, HttpServerResponse response) {
        if (request.method().equals(method)) {
            return Mono.empty();
        }
        response.header(HttpHeaderNames.ALLOW, method.name());
        return Mono.error(ApiException.wrongMethod(request.method().name(), request.fullPath(), method.name()));
    }

    private Mono<Void> complete(HttpServerRequest request, HttpServerResponse response) {
        return Body.receive(request)
                // Megabytes of JSON are not for an event loop.
                .publishOn(Schedulers.parallel())
                .map(body -> new Completion(RequestReader.read(body), engine))
                .flatMap(completion -> answer(completion, request, response));
    }

    private Mono<Void> answer(Completion completion, HttpServerRequest request, HttpServerResponse response) {
        // Nothing of the request is left to read, and without a read under way nobody would see its client leave.
        request.withConnection(connection -> connection.channel().read());
        if (!completion.streamed()) {
            return completion.whole().flatMap(body -> send(response, body));
        }
        return new EventStream(completion, response).send();
    }

    private Mono<Void> model(String name, HttpServerResponse response) {
        return name.equals(Completion.MODEL) ? send(response, model()) : Mono.error(ApiException.unknownModel(name));
    }

    private ObjectNode models() {
        ObjectNode body = Json.object().put("object", "list");
        body.putArray("data").add(model());
        return body;
    }

    private ObjectNode model() {
        return Json.object()
                .put("id", Completion.MODEL)
                .put("object", "model")
                .put("created", created)
                .put("owned_by", "kvflux");
    }

    private Mono<Void> health(HttpServerResponse response) {
        return serving.getAsBoolean()
                ? response.header(HttpHeaderNames.CONTENT_TYPE, "text/plain; charset=utf-8")
                        .sendObject(Json.text("ok\n"))
                        .then()
                : Mono.error(ApiException.unavailable("The server is stopping", null));
    }

    private static Mono<Void> refuse(HttpServerResponse response, ApiException failure) {
        response.status(failure.status());
        if (failure.status() == HttpResponseStatus.TOO_MANY_REQUESTS.code()) {
            response.header(HttpHeaderNames.RETRY_AFTER, RETRY_AFTER_SECONDS);
        }
        return send(response, Json.error(failure));
    }

    private static Mono<Void> send(HttpServerResponse response, JsonNode body) {
        return response.header(HttpHeaderNames.CONTENT_TYPE, HttpHeaderValues.APPLICATION_JSON)
                .sendObject(Json.body(body))
                .then();
    }
}
