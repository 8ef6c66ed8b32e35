package io.kvflux.app;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The files of one replay, all opened before it and all put in place after it. */
final class Outputs implements AutoCloseable {

    private static final String REPORT = "--report";
    private static final String PER_REQUEST = "--per-request";
    private static final String TICKS = "--ticks";

    private final Map<String, OutputFile> files = new LinkedHashMap<>();

    private Outputs() {}

    /**
     * Opens what was asked for, unless that would be one file twice or an input.
     *
     * @param inputs of each replay, by the options that name them
     */
    static Outputs open(OutputOptions options, List<Map<String, Path>> inputs) {
        Map<String, Path> wanted = new LinkedHashMap<>();
        put(wanted, REPORT, options.report);
        put(wanted, PER_REQUEST, options.perRequest);
        put(wanted, TICKS, options.ticks);
        refuseSharedPlaces(wanted, inputs);
        Outputs outputs = new Outputs();
        try {
            wanted.forEach((option, path) -> outputs.files.put(option, OutputFile.open(option, path)));
        } catch (RuntimeException e) {
            outputs.close();
            throw e;
        }
        return outputs;
    }

    private static void put(Map<String, Path> wanted, String option, @Nullable Path path) {
        if (path != null) {
            wanted.put(option, path);
        }
    }

    private static void refuseSharedPlaces(Map<String, Path> wanted, List<Map<String, Path>> inputs) {
        Map<Path, String> taken = new HashMap<>();
        inputs.forEach(each -> each.forEach((option, path) -> {
            if (Files.exists(path)) {
                taken.put(placeOf(path), option);
            }
        }));
        wanted.forEach((option, path) -> {
            Path place = placeOf(path);
            String other = OutputFile.isSpecial(place) ? null : taken.put(place, option);
            if (other != null) {
                throw new UsageException(other + " and " + option + " name the same file " + path);
            }
        });
    }

    private static Path placeOf(Path path) {
        try {
            return path.toRealPath();
        } catch (IOException e) {
            return placeOfNew(path);
        }
    }

    private static Path placeOfNew(Path path) {
        try {
            return OutputFile.place(path);
        } catch (IOException e) {
            // Opening it will say what is wrong.
            return path.toAbsolutePath().normalize();
        }
    }

    @Nullable
    OutputFile report() {
        return files.get(REPORT);
    }

    @Nullable
    OutputFile perRequest() {
        return files.get(PER_REQUEST);
    }

    @Nullable
    OutputFile ticks() {
        return files.get(TICKS);
    }

    /** Puts all files in place; one that cannot be written keeps the others from it. */
    void commit() {
        files.values().forEach(OutputFile::finish);
        files.values().forEach(OutputFile::commit);
    }

    @Override
    public void close() {
        files.values().forEach(OutputFile::close);
    }
}
