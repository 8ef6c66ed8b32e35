package io.kvflux.serve;

import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Reads the body of POST /v1/completions. What this server cannot do is refused; what it does not know is ignored. */
final class RequestReader {

    /** Choices of one request over all its prompts; each is a sequence. */
    static final int MAX_CHOICES = 128;

    private static final int DEFAULT_MAX_TOKENS = 16;
    private static final int MAX_STOPS = 4;
    private static final double MAX_TEMPERATURE = 2;
    /** Fields of the API whose every value would change the answer. */
    private static final Set<String> UNSUPPORTED = Set.of("logprobs", "suffix");

    /** What the parser says of its own settings and memory, which are nothing to a client. */
    private static final Pattern ASIDES = Pattern.compile(
            " \\((?:start marker|not recognized|of type) .*|, from `[^`]*`|: enable `.*", Pattern.DOTALL);

    private static final ObjectReader JSON = JsonMapper.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build()
            .reader();

    private final JsonNode body;

    private RequestReader(JsonNode body) {
        this.body = body;
    }

    static CompletionRequest read(byte[] json) {
        return new RequestReader(parse(json)).read();
    }

    private static JsonNode parse(byte[] json) {
        try {
            JsonNode body = JSON.readTree(json);
            if (!body.isObject()) {
                throw ApiException.badRequest(null, "The body must be a JSON object, but it is " + kind(body));
            }
            return body;
        } catch (JsonProcessingException e) {
            throw ApiException.badRequest(null, "The body is not valid JSON: " + what(e) + where(e.getLocation()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String what(JsonProcessingException e) {
        return ASIDES.matcher(e.getOriginalMessage()).replaceAll("");
    }

    private static String where(@Nullable JsonLocation at) {
        return at == null ? "" : " (line " + at.getLineNr() + ", column " + at.getColumnNr() + ")";
    }

    private CompletionRequest read() {
        refuseUnsupported();
        requireModel();
        int choices = integer("n", 1, 1, MAX_CHOICES);
        List<int[]> prompts = new PromptReader().read(field("prompt"));
        if (choices > MAX_CHOICES / prompts.size()) {
            throw ApiException.badRequest(
                    "n",
                    "n choices of every prompt must be at most " + MAX_CHOICES + " together, but n is " + choices
                            + " and " + prompts.size() + " prompts were given");
        }
        requireBestOf(choices);
        return new CompletionRequest(
                prompts,
                integer("max_tokens", DEFAULT_MAX_TOKENS, 1, Integer.MAX_VALUE),
                choices,
                flag("stream"),
                includeUsage(),
                number("temperature", 1, 0, MAX_TEMPERATURE),
                seed(),
                stops(),
                text("user", ""));
    }

    private void requireModel() {
        String model = text("model", Completion.MODEL);
        if (!model.equals(Completion.MODEL)) {
            throw ApiException.unknownModel(model);
        }
    }

    private void refuseUnsupported() {
        for (String name : UNSUPPORTED) {
            refuse(name, !field(name).isMissingNode());
        }
        refuse("echo", flag("echo"));
        refuse("logit_bias", !object("logit_bias").isEmpty());
        refuse("presence_penalty", number("presence_penalty", 0, -2, 2) != 0);
        refuse("frequency_penalty", number("frequency_penalty", 0, -2, 2) != 0);
        refuse("top_p", number("top_p", 1, 0, 1) != 1);
    }

    private void refuse(String name, boolean asked) {
        if (asked) {
            throw ApiException.unsupported(
                    name, "'" + name + "' is not supported by this server: leave it out, found " + kind(field(name)));
        }
    }

    private void requireBestOf(int choices) {
        int bestOf = integer("best_of", choices, 1, MAX_CHOICES);
        if (bestOf < choices) {
            throw ApiException.badRequest(
                    "best_of", "best_of must be at least n, best_of=" + bestOf + ", n=" + choices);
        }
        refuse("best_of", bestOf > choices);
    }

    private boolean includeUsage() {
        JsonNode options = object("stream_options");
        if (options.isMissingNode()) {
            return false;
        }
        if (!flag("stream")) {
            throw ApiException.badRequest(
                    "stream_options", "'stream_options' has a meaning only when 'stream' is true");
        }
        return new RequestReader(options).flag("include_usage");
    }

    private @Nullable Long seed() {
        JsonNode seed = field("seed");
        if (seed.isMissingNode()) {
            return null;
        }
        if (!seed.isIntegralNumber() || !seed.canConvertToLong()) {
            throw wrong("seed", "an integer of 64 bits", seed);
        }
        return seed.longValue();
    }

    private List<String> stops() {
        JsonNode stop = field("stop");
        List<JsonNode> given = new ArrayList<>();
        if (stop.isArray()) {
            stop.forEach(given::add);
        } else if (!stop.isMissingNode()) {
            given.add(stop);
        }
        if (given.size() > MAX_STOPS
                || !given.stream()
                        .allMatch(text -> text.isTextual() && !text.textValue().isEmpty())) {
            throw wrong("stop", "a string or up to " + MAX_STOPS + " strings, none empty", stop);
        }
        return given.stream().map(JsonNode::textValue).toList();
    }

    /** A field; missing too if it is null, as clients write what they do not set. */
    private JsonNode field(String name) {
        JsonNode value = body.path(name);
        return value.isNull() ? MissingNode.getInstance() : value;
    }

    private JsonNode object(String name) {
        JsonNode value = field(name);
        if (!value.isMissingNode() && !value.isObject()) {
            throw wrong(name, "an object", value);
        }
        return value;
    }

    private int integer(String name, int otherwise, int least, int most) {
        JsonNode value = field(name);
        if (value.isMissingNode()) {
            return otherwise;
        }
        if (!value.isIntegralNumber()
                || !value.canConvertToInt()
                || value.intValue() < least
                || value.intValue() > most) {
            throw wrong(name, "an integer from " + least + " to " + most, value);
        }
        return value.intValue();
    }

    private double number(String name, double otherwise, double least, double most) {
        JsonNode value = field(name);
        if (value.isMissingNode()) {
            return otherwise;
        }
        if (!value.isNumber() || !(value.doubleValue() >= least && value.doubleValue() <= most)) {
            throw wrong(name, "a number from " + least + " to " + most, value);
        }
        return value.doubleValue();
    }

    private boolean flag(String name) {
        JsonNode value = field(name);
        if (!value.isMissingNode() && !value.isBoolean()) {
            throw wrong(name, "true or false", value);
        }
        return value.booleanValue();
    }

    private String text(String name, String otherwise) {
        JsonNode value = field(name);
        if (!value.isMissingNode() && !value.isTextual()) {
            throw wrong(name, "a string", value);
        }
        return value.asText(otherwise);
    }

    /** A field that has not got the value it must have. */
    static ApiException wrong(String name, String expected, JsonNode found) {
        return ApiException.badRequest(name, "'" + name + "' must be " + expected + ", found " + kind(found));
    }

    private static String kind(JsonNode node) {
        return switch (node.getNodeType()) {
            case ARRAY -> "an array of " + node.size();
            case OBJECT -> "an object";
            case STRING -> "a string of " + node.textValue().length() + " characters";
            case MISSING, NULL -> "nothing";
            case NUMBER -> Double.isInfinite(node.doubleValue()) ? "a number too large to read" : node.toString();
            default -> node.toString();
        };
    }
}
