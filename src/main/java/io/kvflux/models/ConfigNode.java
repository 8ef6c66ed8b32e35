package io.kvflux.models;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** A JSON object of a file, whose errors name the file, the key and the value found. A null value is an absent one. */
final class ConfigNode {

    private static final JsonMapper MAPPER = JsonMapper.builder()
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private final Path file;
    private final String prefix;
    private final JsonNode node;

    private ConfigNode(Path file, String prefix, JsonNode node) {
        this.file = file;
        this.prefix = prefix;
        this.node = node;
    }

    static ConfigNode read(Path file) {
        if (Files.isDirectory(file)) {
            throw new ModelConfigException(
                    file + " is a directory, expected a config.json such as " + file.resolve("config.json"));
        }
        if (!Files.exists(file)) {
            throw new ModelConfigException(file + " does not exist, expected a model's config.json");
        }
        JsonNode node = parse(file);
        if (!node.isObject()) {
            throw new ModelConfigException(
                    file + (node.isMissingNode() ? " is empty" : " holds no JSON object") + ", expected a JSON object");
        }
        return new ConfigNode(file, "", node);
    }

    private static JsonNode parse(Path file) {
        try (InputStream in = Files.newInputStream(file)) {
            return MAPPER.readTree(in);
        } catch (JsonProcessingException e) {
            String where = e.getLocation() == null
                    ? ""
                    : " at line " + e.getLocation().getLineNr() + ", column "
                            + e.getLocation().getColumnNr();
            throw new ModelConfigException(file + " is not valid JSON" + where + ": " + firstLine(e), e);
        } catch (IOException e) {
            throw new ModelConfigException(file + " cannot be read: " + e, e);
        }
    }

    private static String firstLine(JsonProcessingException e) {
        // Jackson ends some reasons with where the parser began, which says nothing to a person.
        String reason =
                String.valueOf(e.getOriginalMessage()).lines().findFirst().orElse("no reason given");
        return reason.replaceFirst(" \\(start marker at .*", "");
    }

    boolean has(String key) {
        return node.hasNonNull(key);
    }

    boolean isTrueOr(String key, boolean absent) {
        return node.path(key).asBoolean(absent);
    }

    /** The object under the key, or null when there is no object. */
    @Nullable
    ConfigNode object(String key) {
        JsonNode child = node.path(key);
        return child.isObject() ? new ConfigNode(file, prefix + key + ".", child) : null;
    }

    JsonNode get(String key) {
        return node.path(key);
    }

    /** A whole number from 1 to {@code most}. */
    int positive(String key, int most) {
        JsonNode value = node.path(key);
        boolean whole = value.isIntegralNumber() && value.canConvertToInt();
        if (!whole || value.intValue() < 1 || value.intValue() > most) {
            throw error(key, "a whole number from 1 to " + most);
        }
        return value.intValue();
    }

    int positiveOr(String key, int most, int absent) {
        return has(key) ? positive(key, most) : absent;
    }

    ModelConfigException error(String key, String expected) {
        String found = has(key) ? prefix + key + "=" + shown(node.get(key)) : prefix + key + " is absent";
        return new ModelConfigException(file + ": " + found + ", expected " + expected);
    }

    ModelConfigException unusable(String reason) {
        return new ModelConfigException(file + ": " + reason);
    }

    private static String shown(JsonNode value) {
        String text = value.toString();
        return text.length() <= 80 ? text : text.substring(0, 77) + "...";
    }
}
