package io.kvflux.serve;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpResponseStatus;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import reactor.netty.http.server.HttpServerRequest;
import reactor.netty.http.server.HttpServerResponse;

/** What is answered to which request. Every publisher given here ends what it began when it is cancelled. */
final class Routes {

    private static final String COMPLETIONS = "/v1/completions";
    private static final String MODELS = "/v1/models";
    private static final String ONE_MODEL = MODELS + "/";
    private static final String HEALTH = "/healthz";
    private static final String RETRY_AFTER_SECONDS = "1";
    /** What a client that takes this server for a proxy writes before the path. */
    private static final Pattern HOST = Pattern.compile("^(?i:http)://[^/?]*");

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
        String path = path(request);
        return switch (path) {
            case COMPLETIONS -> only(HttpMethod.POST, request, response, () -> complete(request, response));
            case MODELS -> only(HttpMethod.GET, request, response, () -> send(response, models()));
            case HEALTH -> only(HttpMethod.GET, request, response, () -> health(response));
            default ->
                path.startsWith(ONE_MODEL)
                        ? only(HttpMethod.GET, request, response, () -> model(path, response))
                        : Mono.error(ApiException.unknownPath(path));
        };
    }

    /** As it was sent, for what is escaped in it is nothing that this server has. */
    private static String path(HttpServerRequest request) {
        String uri = HOST.matcher(request.uri()).replaceFirst("");
        int query = uri.indexOf('?');
        return query < 0 ? uri : uri.substring(0, query);
    }

    /** Who may ask for an answer may ask for its head; the bytes of it are then not sent. */
    private static Mono<Void> only(
            HttpMethod method, HttpServerRequest request, HttpServerResponse response, Supplier<Mono<Void>> answer) {
        boolean head = method.equals(HttpMethod.GET) && request.method().equals(HttpMethod.HEAD);
        if (head || request.method().equals(method)) {
            return answer.get();
        }
        response.header(HttpHeaderNames.ALLOW, method.equals(HttpMethod.GET) ? "GET, HEAD" : method.name());
        return Mono.error(ApiException.wrongMethod(request.method().name(), path(request), method.name()));
    }

    private Mono<Void> complete(HttpServerRequest request, HttpServerResponse response) {
        return Body.receive(request)
                // Megabytes of JSON are not for an event loop.
                .publishOn(Schedulers.parallel())
                .map(body -> new Completion(RequestReader.read(body), engine))
                .flatMap(completion -> answer(completion, response));
    }

    private Mono<Void> answer(Completion completion, HttpServerResponse response) {
        if (!completion.streamed()) {
            return completion.whole().flatMap(body -> send(response, body));
        }
        return new EventStream(completion, response).send();
    }

    private Mono<Void> model(String path, HttpServerResponse response) {
        String name = path.substring(ONE_MODEL.length());
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
