package io.kvflux.serve;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Reads prompts: a text, several, the token ids of one, or of several. A token is a byte, and a text its UTF-8. */
final class PromptReader {

    private static final String FORMS =
            "a string, an array of strings, an array of token ids, or an array of arrays of token ids";

    List<int[]> read(JsonNode prompt) {
        if (prompt.isTextual()) {
            return List.of(text(prompt));
        }
        if (!prompt.isArray()) {
            throw RequestReader.wrong("prompt", FORMS, prompt);
        }
        if (prompt.isEmpty()) {
            throw empty();
        }
        return prompt.get(0).isNumber() ? List.of(tokens(prompt)) : several(prompt);
    }

    private static List<int[]> several(JsonNode prompts) {
        if (prompts.size() > RequestReader.MAX_CHOICES) {
            throw ApiException.badRequest(
                    "prompt",
                    "a request may have at most " + RequestReader.MAX_CHOICES + " prompts, found " + prompts.size());
        }
        boolean texts = prompts.get(0).isTextual();
        List<int[]> tokens = new ArrayList<>();
        for (JsonNode prompt : prompts) {
            if (texts ? !prompt.isTextual() : !prompt.isArray()) {
                throw RequestReader.wrong("prompt", FORMS, prompt);
            }
            tokens.add(texts ? text(prompt) : tokens(prompt));
        }
        return tokens;
    }

    private static int[] text(JsonNode prompt) {
        String text = prompt.textValue();
        if (!StandardCharsets.UTF_8.newEncoder().canEncode(text)) {
            throw ApiException.badRequest(
                    "prompt",
                    "a prompt must be well-formed Unicode, found half of a surrogate pair, such as \\ud83d alone");
        }
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        int[] tokens = new int[bytes.length];
        for (int i = 0; i < bytes.length; i++) {
            tokens[i] = Byte.toUnsignedInt(bytes[i]);
        }
        return notEmpty(tokens);
    }

    private static int[] tokens(JsonNode prompt) {
        int[] tokens = new int[prompt.size()];
        for (int i = 0; i < tokens.length; i++) {
            JsonNode token = prompt.get(i);
            if (!token.isIntegralNumber()) {
                throw RequestReader.wrong("prompt", FORMS, token);
            }
            if (!token.canConvertToInt() || token.intValue() < 0 || token.intValue() >= ReferenceEngine.VOCABULARY) {
                throw ApiException.badRequest(
                        "prompt",
                        "a token id is a byte, from 0 to " + (ReferenceEngine.VOCABULARY - 1) + ", found " + token);
            }
            tokens[i] = token.intValue();
        }
        return notEmpty(tokens);
    }

    private static int[] notEmpty(int[] tokens) {
        if (tokens.length == 0) {
            throw empty();
        }
        return tokens;
    }

    private static ApiException empty() {
        return ApiException.badRequest("prompt", "a prompt must have at least one token, found none");
    }
}
