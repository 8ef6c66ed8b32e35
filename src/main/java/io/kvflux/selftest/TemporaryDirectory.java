package io.kvflux.selftest;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A directory that is gone with all that is in it when it is closed, or when the process ends, if whoever uses it may hang or
 * be broken off.
 */
public final class TemporaryDirectory implements AutoCloseable {

    final Path path;
    private final @Nullable Thread atExit;

    private TemporaryDirectory(String forWhom, boolean deletesAtExit) {
        try {
            path = Files.createTempDirectory("kvflux-" + forWhom + "-");
        } catch (IOException e) {
            throw new TemporaryDirectoryException(
                    "a temporary directory cannot be made in " + System.getProperty("java.io.tmpdir") + " (" + e
                            + "): name another place with KVFLUX_JAVA_OPTS=-Djava.io.tmpdir=DIRECTORY",
                    e);
        }
        atExit = deletesAtExit ? new Thread(this::delete, "directory-cleaner") : null;
        try {
            if (atExit != null) {
                Runtime.getRuntime().addShutdownHook(atExit);
            }
        } catch (IllegalStateException exiting) {
            // Then the exit waits for whoever closes it.
        }
    }

    /**
     * Makes one.
     *
     * @param forWhom who uses it, as a part of its name
     * @return the directory, which is empty
     * @throws TemporaryDirectoryException if there is no place for it
     */
    public static TemporaryDirectory make(String forWhom) {
        return new TemporaryDirectory(forWhom, true);
    }

    /**
     * Makes one for somebody who goes on to the end when the process is to end, and closes it then.
     *
     * @param forWhom who uses it, as a part of its name
     * @return the directory, which is empty, and stays until it is closed
     */
    public static TemporaryDirectory makeUntilClosed(String forWhom) {
        return new TemporaryDirectory(forWhom, false);
    }

    /** {@return where it is} */
    public Path path() {
        return path;
    }

    private void delete() {
        try (Stream<Path> entries = Files.walk(path)) {
            List<Path> deepestFirst = entries.sorted(Comparator.reverseOrder()).toList();
            for (Path entry : deepestFirst) {
                Files.deleteIfExists(entry);
            }
        } catch (NoSuchFileException gone) {
            // Somebody else has deleted it.
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        delete();
        try {
            if (atExit != null) {
                Runtime.getRuntime().removeShutdownHook(atExit);
            }
        } catch (IllegalStateException exiting) {
            // Then it runs, and finds nothing.
        }
    }
}
