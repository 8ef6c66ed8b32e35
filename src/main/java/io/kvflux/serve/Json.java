package io.kvflux.serve;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/** Bodies in the shapes of the API, as bytes to send. */
final class Json {

    private static final ObjectMapper MAPPER = JsonMapper.builder().build();
    private static final String DATA = "data: ";
    private static final String END = "\n\n";

    private Json() {}

    static ObjectNode object() {
        return MAPPER.createObjectNode();
    }

    static ObjectNode error(ApiException failure) {
        ObjectNode body = object();
        body.putObject("error")
                .put("message", failure.getMessage())
                .put("type", failure.type())
                .put("param", failure.param())
                .put("code", failure.code());
        return body;
    }

    static ByteBuf body(JsonNode json) {
        return text(print(json) + "\n");
    }

    /** A server-sent event. */
    static ByteBuf event(JsonNode json) {
        return event(print(json));
    }

    static ByteBuf event(String data) {
        return text(DATA + data + END);
    }

    static ByteBuf text(String text) {
        return Unpooled.copiedBuffer(text, StandardCharsets.UTF_8);
    }

    private static String print(JsonNode json) {
        try {
            return MAPPER.writeValueAsString(json);
        } catch (JsonProcessingException e) {
            throw new UncheckedIOException(e);
        }
    }
}
