package io.kvflux.models;

import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;

/** Where a model's shape is found, given what a user typed. */
public final class Models {

    private Models() {}

    /**
     * Finds a model's shape.
     *
     * @param nameOrPath a preset's name; else the path of a {@code config.json}, when it ends in {@code .json} or exists
     * @return its shape
     * @throws ModelConfigException when no preset has the name, or the file cannot be used
     */
    public static ModelShape resolve(String nameOrPath) {
        if (!ModelPresets.has(nameOrPath) && isPath(nameOrPath)) {
            return HuggingFaceConfig.read(Path.of(nameOrPath));
        }
        return ModelPresets.find(nameOrPath);
    }

    private static boolean isPath(String text) {
        try {
            return !text.isBlank() && (text.endsWith(".json") || Files.exists(Path.of(text)));
        } catch (InvalidPathException e) {
            return false;
        }
    }
}
