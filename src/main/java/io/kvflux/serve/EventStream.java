package io.kvflux.serve;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.netty.buffer.ByteBuf;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpVersion;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.netty.http.server.HttpServerResponse;

/**
 * Sends a completion as server-sent events. The next event is asked for when the last has gone to the kernel, so what a
 * client that does not read gets computed ahead of it is what the kernel's buffers take, one event that waits for them, one
 * piece a choice, and the scheduler's buffer. (Sending all events as one publisher would ask for 128 at once.)
 */
final class EventStream {

    private static final String DONE = "[DONE]";

    private final Completion completion;
    private final HttpServerResponse response;
    private final Begun begun;
    private final Usages usages;
    private boolean failed;

    EventStream(Completion completion, HttpServerResponse response) {
        this.completion = completion;
        this.response = response;
        begun = new Begun(completion.size());
        usages = completion.usages();
    }

    /** At subscription submits the sequences; cancelling cancels them. Fails only while the status can still say so. */
    Mono<Void> send() {
        return completion
                .pieces(begun)
                .concatMap(piece -> begun.all().then(Mono.defer(() -> write(event(piece)))), 0)
                .thenMany(Flux.defer(this::ending).concatMap(this::write, 0))
                .then();
    }

    private ByteBuf event(Piece piece) {
        if (piece.failure() != null) {
            failed = true;
            return Json.event(Json.error(piece.failure()));
        }
        usages.add(piece);
        return Json.event(completion.chunk(piece));
    }

    private Flux<ByteBuf> ending() {
        if (failed) {
            return Flux.empty();
        }
        ObjectNode usage = completion.usageChunk(usages);
        ByteBuf done = Json.event(DONE);
        return usage == null ? Flux.just(done) : Flux.just(Json.event(usage), done);
    }

    private Mono<Void> write(ByteBuf event) {
        // Wrapped, because bare bytes are taken for a whole response, and dropped when the headers have gone.
        return headers()
                .then(Mono.defer(
                        () -> response.sendObject(new DefaultHttpContent(event)).then()));
    }

    private Mono<Void> headers() {
        if (response.hasSentHeaders()) {
            return Mono.empty();
        }
        if (response.version().equals(HttpVersion.HTTP_1_0)) {
            // It knows no chunks: there the stream ends with the connection.
            response.chunkedTransfer(false).keepAlive(false);
        }
        return response.sse()
                .header(HttpHeaderNames.CACHE_CONTROL, "no-cache")
                .sendHeaders()
                .then();
    }
}
