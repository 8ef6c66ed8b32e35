package io.kvflux.serve;

import io.netty.buffer.ByteBuf;
import io.netty.handler.codec.http.HttpHeaderNames;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import reactor.core.publisher.Mono;
import reactor.netty.http.server.HttpServerRequest;

/** Receives the body of a request, up to a limit. */
final class Body {

    static final int MAX_BYTES = 4 << 20;

    private Body() {}

    static Mono<byte[]> receive(HttpServerRequest request) {
        if (declaredLength(request) > MAX_BYTES) {
            return Mono.error(ApiException.tooLarge(MAX_BYTES));
        }
        return request.receive().collect(ByteArrayOutputStream::new, Body::add).map(ByteArrayOutputStream::toByteArray);
    }

    private static long declaredLength(HttpServerRequest request) {
        String length = request.requestHeaders().get(HttpHeaderNames.CONTENT_LENGTH);
        return length == null ? 0 : Long.parseLong(length);
    }

    private static void add(ByteArrayOutputStream body, ByteBuf part) {
        if (body.size() + part.readableBytes() > MAX_BYTES) {
            throw ApiException.tooLarge(MAX_BYTES);
        }
        try {
            part.getBytes(part.readerIndex(), body, part.readableBytes());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
