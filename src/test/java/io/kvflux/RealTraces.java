package io.kvflux;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;

/**
 * Real traces, which are not part of the repository: in the folder that the environment variable KVFLUX_TRACES names, else
 * in ../shared/traces. A test that needs one says so and is skipped where it is not.
 */
public final class RealTraces {

    private static final Path FOLDER =
            Path.of(Objects.requireNonNullElse(System.getenv("KVFLUX_TRACES"), "../shared/traces"));

    private RealTraces() {}

    public static Path find(String name) {
        Path file = FOLDER.resolve(name);
        boolean there = Files.exists(file);
        if (!there) {
            System.out.println("Skipped a test: the trace " + file + " is not there (KVFLUX_TRACES names its folder).");
        }
        assumeTrue(there, () -> "the trace " + file + " is not there");
        return file;
    }
}
